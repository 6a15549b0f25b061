//! Nodes: daemons in processes of their own, to be killed and restarted.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::python;

/// A process that serves the object `node` until this is dropped.
pub struct Node {
    child: Child,
    /// The URI of its object.
    pub uri: String,
}

impl Node {
    /// Starts a node of ours.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn ours(arguments: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(arguments);
        Self::start(command)
    }

    /// Starts a node in Python.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn theirs(name: &str) -> Self {
        let mut command = python::script("node.py");
        command.arg(name);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the node starts");
        let mut uri = String::new();
        let output = child.stdout.take().expect("its output");
        let read = BufReader::new(output).read_line(&mut uri).expect("a line");
        assert!(read > 0, "the node has ended before it said where it is");
        Self { child, uri: uri.trim().to_owned() }
    }

    /// The port that it listens on.
    pub fn port(&self) -> &str {
        self.uri.rsplit(':').next().unwrap_or_default()
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program, beside the test that runs.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let folder = test.parent().and_then(Path::parent).expect("the folder of programs");
    folder.join("node")
}
