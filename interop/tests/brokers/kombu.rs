//! kombu in a process of its own, which does what it is told.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

/// A kombu that is connected to a broker. It ends with this.
pub(crate) struct Kombu {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Kombu {
    /// One with these transport options.
    pub(crate) fn connect(url: &str, options: &Value) -> Self {
        let mut command = interop::python::script("kombu_peer.py");
        command.arg(url).arg(options.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, input, output }
    }

    /// Does something, and says what came of it.
    pub(crate) fn ask(&mut self, what: &str, mut told: Value) -> Value {
        self.tell(what, &mut told);
        self.answer()
    }

    /// Begins to do something.
    pub(crate) fn tell(&mut self, what: &str, told: &mut Value) {
        told["do"] = what.into();
        writeln!(self.input, "{told}").unwrap();
    }

    /// What came of what was begun.
    pub(crate) fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("kombu says {line:?}"));
        assert!(answer.get("error").is_none(), "{answer}");
        answer["answer"].take()
    }

    /// Publishes bodies to an exchange that is there.
    pub(crate) fn publish(&mut self, exchange: &str, key: &str, bodies: &[&str]) {
        self.ask("publish", json!({"exchange": exchange, "key": key, "bodies": bodies}));
    }

    /// Waits for so many messages.
    pub(crate) fn receive(&mut self, count: usize) -> Vec<Value> {
        self.ask("receive", json!({"count": count})).as_array().unwrap().clone()
    }

    /// Settles a message: `ack`, `reject` or `requeue`.
    pub(crate) fn settle(&mut self, message: &Value, how: &str) {
        self.ask("settle", json!({"tag": message["tag"], "how": how}));
    }

    /// Ends as by `kill -9`.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Kombu {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
