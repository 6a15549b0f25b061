//! Our queues in processes of their own, to be killed and started again.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A process that serves `kombu.broker` and a name server, until this is dropped.
pub struct Queues {
    child: Option<Child>,
    directory: Directory,
    port: u16,
}

/// A directory of its own, which is gone afterwards.
pub struct Directory(PathBuf);

impl Directory {
    /// A new one.
    ///
    /// # Panics
    /// Where it cannot be made.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("salamander-tests-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Queues {
    /// Starts the process on a free port.
    ///
    /// # Panics
    /// Where it does not start.
    #[allow(clippy::new_without_default)]
    pub fn start() -> Self {
        let mut queues = Self { child: None, directory: Directory::new(), port: 0 };
        queues.restart();
        queues
    }

    /// The port of its name server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL that a broker of ours takes.
    pub fn url(&self) -> String {
        format!("pyro://127.0.0.1:{}/kombu.broker", self.port)
    }

    /// Ends it as a crash does: `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again with the same file, on the same port.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn restart(&mut self) {
        let file = self.directory.file("tasks");
        let mut command = Command::new(program());
        command.arg(file).arg("--port").arg(self.port.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the queues start");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        self.child = Some(child);
        self.port = line.trim().parse().expect("the queues say their port");
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program, beside the test that runs.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let folder = test.parent().and_then(Path::parent).expect("the folder of programs");
    folder.join("queues")
}
