//! Celery in processes of its own: a worker, and somebody who looks at results.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::beside::Peers;

fn command(mut command: Command, peers: &Peers) -> Command {
    let folder: PathBuf = interop::python::workspace().join("interop/python");
    command.current_dir(&folder).env("PYTHONPATH", &folder);
    command.env("BROKER", &peers.broker).env("BACKEND", &peers.backend).env("C_FORCE_ROOT", "1");
    command.env("SERIALIZER", peers.serializer.name()).env("COMPRESSION", peers.compression);
    command.envs(peers.others.iter().map(|(name, value)| (name, value)));
    command
}

/// Celery's own worker. It ends with this.
pub(crate) struct Worker(Child);

impl Worker {
    pub(crate) fn start(peers: &Peers) -> Self {
        let mut command = command(interop::python::module("celery"), peers);
        command.args(["-A", "celery_tasks", "worker", "--pool", "solo", "-l", "WARNING"]);
        command.args(["--without-gossip", "--without-mingle", "--without-heartbeat"]);
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Celery's side of results. It ends with this.
pub(crate) struct Results {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Results {
    pub(crate) fn start(peers: &Peers) -> Self {
        let mut command = command(interop::python::script("celery_results.py"), peers);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, input, output }
    }

    /// Does something, and says what came of it.
    pub(crate) fn ask(&mut self, what: &str, told: Value) -> Value {
        self.tell(what, told);
        self.answer()
    }

    /// Begins to do something.
    pub(crate) fn tell(&mut self, what: &str, mut told: Value) {
        told["do"] = what.into();
        writeln!(self.input, "{told}").unwrap();
    }

    /// What came of what was begun.
    pub(crate) fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("Celery says {line:?}"));
        assert!(answer.get("error").is_none(), "{answer}");
        answer["answer"].take()
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
