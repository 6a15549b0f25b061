//! Our program as a worker: for Python's client, over each broker, and with child processes.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod brokers;
mod prefork;
#[path = "../programs/mod.rs"]
mod programs;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use programs::{Server, salamander};

/// How long something may take on a machine that is busy.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// `salamander tasks worker`, until this is dropped.
pub(crate) struct Worker {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Worker {
    /// Starts it, and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(broker: &str, backend: &str, arguments: &[&str]) -> Self {
        let always = ["tasks", "worker", "-l", "INFO", "-b", broker, "--result-backend", backend];
        let mut command = salamander(&[&always[..], arguments].concat());
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
    pub(crate) fn until(&mut self, words: &str) {
        while !self.said.contains(words) {
            match self.lines.recv_timeout(LONG) {
                Ok(line) => self.said = format!("{}{line}\n", self.said),
                Err(_) => panic!("the worker does not say {words:?}: {}", self.said),
            }
        }
    }

    /// Its child processes, in no order.
    pub(crate) fn children(&self) -> Vec<u32> {
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
    pub(crate) fn until_children(&self, what: &str, are: impl Fn(&[u32]) -> bool) -> Vec<u32> {
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
    pub(crate) fn terminate(mut self) -> bool {
        signal(self.child.id(), "TERM");
        self.child.wait().unwrap().success()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// `salamander up` with a data directory of its own, and its port.
pub(crate) fn up(name: &str, further: &[&str]) -> (Server, String) {
    let data = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&data);
    let args = [&["up", "--port", "0", "--data", data.to_str().unwrap()], further].concat();
    let server = Server::start(&mut salamander(&args), "Ctrl-C stops it.");
    let port = server.port().to_owned();
    (server, port)
}
