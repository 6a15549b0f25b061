//! `salamander tasks worker`, Celery's worker and `salamander up`, as tests of tasks use them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use interop::python;

use super::{Server, salamander};

/// How long something may take on a machine that is busy.
pub const LONG: Duration = Duration::from_secs(60);

/// `salamander tasks worker` or Celery's, until this is dropped.
pub struct Worker {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Worker {
    /// Starts it, and waits until it is ready.
    #[track_caller]
    pub fn start(broker: &str, backend: &str, arguments: &[&str]) -> Self {
        let always = ["tasks", "worker", "-l", "INFO", "-b", broker, "--result-backend", backend];
        Self::spawn(salamander(&[&always[..], arguments].concat()))
    }

    /// Starts Celery's own with the tasks of `celery_tasks.py`, and waits until it is ready.
    #[track_caller]
    pub fn celery(broker: &str, backend: &str, arguments: &[&str]) -> Self {
        let mut command =
            celery(broker, backend, &["worker", "-l", "INFO", "--without-gossip", "--without-heartbeat"]);
        command.args(arguments);
        Self::spawn(command)
    }

    #[track_caller]
    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let (sender, lines) = channel();
        // What it says is read, so that it does not wait for that.
        std::thread::spawn(move || log.for_each(|line| _ = sender.send(line)));
        let mut worker = Self { child, lines, said: String::new() };
        worker.until(" ready.");
        worker
    }

    /// Waits until it has said this.
    #[track_caller]
    pub fn until(&mut self, words: &str) {
        while !self.said.contains(words) {
            match self.lines.recv_timeout(LONG) {
                Ok(line) => self.said = format!("{}{line}\n", self.said),
                Err(_) => panic!("the worker does not say {words:?}: {}", self.said),
            }
        }
    }

    /// Its child processes, in no order.
    pub fn children(&self) -> Vec<u32> {
        let mut found = Vec::new();
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // It may have gone meanwhile.
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            // PID (NAME) STATE PARENT ...
            let mut told = stat.rsplit(") ").next().unwrap_or_default().split(' ');
            let (state, parent) = (told.next(), told.next());
            if state != Some("Z") && parent == Some(&*self.child.id().to_string()) {
                found.push(pid);
            }
        }
        found
    }

    /// Looks until its children are so.
    #[track_caller]
    pub fn until_children(&self, what: &str, are: impl Fn(&[u32]) -> bool) -> Vec<u32> {
        let start = Instant::now();
        loop {
            let children = self.children();
            if are(&children) {
                return children;
            }
            assert!(start.elapsed() < LONG, "{what}: {children:?}");
            // Between two looks; it tells nobody of it.
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to end, and waits until it has; whether it ended well.
    pub fn terminate(self) -> bool {
        signal(self.child.id(), "TERM");
        self.ended()
    }

    /// Asks it to end, and gives all that it has said.
    #[track_caller]
    pub fn log(self) -> String {
        signal(self.child.id(), "TERM");
        let mut said = self.said.clone();
        loop {
            match self.lines.recv_timeout(LONG) {
                Ok(line) => said = format!("{said}{line}\n"),
                Err(RecvTimeoutError::Disconnected) => return said,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {said}"),
            }
        }
    }

    /// Waits until it has ended, which somebody else has asked for; whether it ended well.
    #[track_caller]
    pub fn ended(mut self) -> bool {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(start.elapsed() < LONG, "it does not end: {}", self.said);
            // Between two looks; it tells nobody of it.
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // Celery's children go with their parent only if it has a say in it.
        for child in self.children() {
            _ = Command::new("kill").args(["-KILL", &child.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command of Celery's command line, for the application `celery_tasks.py`.
pub fn celery(broker: &str, backend: &str, arguments: &[&str]) -> Command {
    let folder = python::workspace().join("interop/python");
    let mut command = python::module("celery");
    command.args(["-A", "celery_tasks"]).args(arguments).current_dir(&folder).env("PYTHONPATH", &folder);
    command.env("BROKER", broker).env("BACKEND", backend).env("C_FORCE_ROOT", "1").env("NO_COLOR", "1");
    command
}

/// Sends a signal to a process.
pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// `salamander up` with a data directory of its own, and its port.
pub fn up(name: &str, further: &[&str]) -> (Server, String) {
    let data = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&data);
    let args = [&["up", "--port", "0", "--data", data.to_str().unwrap()], further].concat();
    let server = Server::start(&mut salamander(&args), "Ctrl-C stops it.");
    let port = server.port().to_owned();
    (server, port)
}
