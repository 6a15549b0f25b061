//! Celery's side: its worker, and what its client gets.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use interop::python;
use serde_json::{Value as Json, json};

use crate::place::Place;
use crate::rows::Row;

/// Celery's worker, until this is dropped.
pub(crate) struct Worker(Child);

impl Worker {
    /// Starts it, and waits until it is ready.
    pub(crate) fn start(place: &Place) -> Self {
        let mut command = python::script("celery_workflows.py");
        command
            .args(["worker", &place.broker, &place.backend])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
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
pub(crate) fn results(place: &Place, rows: &[&Row]) -> Vec<(Json, Vec<Json>)> {
    let mut command = python::script("celery_workflows.py");
    let mut client = command
        .args(["client", &place.broker, &place.backend])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (client.stdin.take().unwrap(), BufReader::new(client.stdout.take().unwrap()));
    let mut results = Vec::new();
    for few in rows.chunks(place.at_once.min(rows.len().max(1))) {
        let asked = few.iter().map(|row| {
            let watched: Vec<&String> = row.watched.iter().map(|(id, _)| id).collect();
            json!({"recipe": row.recipe, "how": row.how, "watch": watched})
        });
        writeln!(stdin, "{}", asked.collect::<Json>()).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        results.extend(serde_json::from_str::<Vec<(Json, Vec<Json>)>>(&line).unwrap());
    }
    drop(stdin);
    let _ = client.wait();
    results
}

/// Celery's client that keeps groups and finds them.
pub(crate) struct Groups {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Groups {
    pub(crate) fn start(place: &Place) -> Self {
        let mut command = python::script("celery_workflows.py");
        command.args(["groups", &place.broker, &place.backend]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    pub(crate) fn ask(&mut self, question: &Json) -> Json {
        writeln!(self.stdin, "{question}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
