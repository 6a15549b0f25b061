//! Celery's side: its worker, and what its client gets.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use interop::python;
use serde_json::{Value as Json, json};

use crate::rows::Row;

/// Celery's worker, until this is dropped.
pub(crate) struct Worker(Child);

impl Worker {
    /// Starts it, and waits until it is ready.
    pub(crate) fn start(url: &str) -> Self {
        let mut command = python::script("celery_workflows.py");
        command.args(["worker", url]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (mut said, mut line) = (String::new(), String::new());
        while !line.contains(" ready.") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the worker has ended: {said}");
            said += &line;
        }
        // What it says is read, so that it does not wait for that.
        std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(drop));
        Self(child)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What Celery's client gets for each row, and for the tasks that are watched.
pub(crate) fn results(url: &str, rows: &[Row]) -> Vec<(Json, Vec<Json>)> {
    let mut command = python::script("celery_workflows.py");
    let mut client = command.args(["client", url]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let asked: Vec<Json> = rows
        .iter()
        .map(|row| json!({"recipe": row.recipe, "watch": row.watched.iter().map(|(id, _)| id).collect::<Vec<_>>()}))
        .collect();
    writeln!(client.stdin.take().unwrap(), "{}", Json::from(asked)).unwrap();
    let mut line = String::new();
    BufReader::new(client.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _ = client.wait();
    serde_json::from_str(&line).unwrap()
}
