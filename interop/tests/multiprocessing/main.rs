//! Connections of Python's `multiprocessing.connection`, and calls over them, with every Python from 3.8 on that is found as the other end;
//! and the same calls over ZeroMQ, with pyzmq.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod calls;
mod connections;
mod keys;
mod limits;
mod malicious;
mod program;
#[path = "../programs/mod.rs"]
mod programs;
mod proxies;
mod zeromq;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use interop::python::{Version, versions};
use salamander::multiprocessing::Options;
use salamander::prelude::*;
use salamander::{BigInt, DaemonHandle};

/// How long a Python may take for all that it does.
const RUN: Duration = Duration::from_secs(90);

/// The key of most tests.
const KEY: &str = "a secret";

/// All Pythons that are found. Those up to 3.11 show keys in another way than those after it.
fn pythons() -> &'static [Version] {
    versions()
}

/// Runs `connections.py` to its end, and gives what it printed.
async fn run(python: &Version, arguments: &[&str]) -> String {
    printed(python.script("connections.py"), arguments).await
}

/// Runs a script to its end, and gives what it printed.
async fn printed(script: Command, arguments: &[&str]) -> String {
    let mut command = tokio::process::Command::from(script);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = tokio::time::timeout(RUN, command.output()).await.expect("it is done in time").expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// `connections.py`, or another script, as a server, which ends with this.
struct Server {
    child: Child,
    /// Where it is.
    location: String,
    lines: mpsc::Receiver<String>,
}

impl Server {
    fn start(python: &Version, arguments: &[&str]) -> Self {
        Self::of(python.script("connections.py"), arguments)
    }

    fn of(mut command: Command, arguments: &[&str]) -> Self {
        let mut child =
            command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("Python starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let location = lines.recv_timeout(RUN).expect("it says where it is");
        Self { child, location: if location.contains('/') { format!("./u:{location}") } else { location }, lines }
    }

    /// The next line that it prints.
    fn line(&self) -> String {
        self.lines.recv_timeout(RUN).expect("it says something")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A path for a socket, in a directory that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("salamander-mp-{}", salamander::Uuid::new_v4().simple()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> String {
        self.0.join("socket").display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Python's `+`, as far as these tests go.
#[expose]
fn add(x: Value, y: Value) -> Result<Value, Exception> {
    match (&x, &y) {
        (Value::Str(x), Value::Str(y)) => Ok(format!("{x}{y}").into()),
        _ => arithmetic(&x, &y, |x, y| x + y, "+"),
    }
}

/// Python's `-`.
#[expose]
fn sub(x: Value, y: Value) -> Result<Value, Exception> {
    arithmetic(&x, &y, |x, y| x - y, "-")
}

fn arithmetic(x: &Value, y: &Value, op: fn(BigInt, BigInt) -> BigInt, sign: &str) -> Result<Value, Exception> {
    let number = |value: &Value| salamander::from_value::<i128>(value).ok().map(BigInt::from);
    match (number(x), number(y)) {
        (Some(x), Some(y)) => Ok(op(x, y).into()),
        _ => Err(Exception::type_error(format!(
            "unsupported operand type(s) for {sign}: '{}' and '{}'",
            x.type_name(),
            y.type_name()
        ))),
    }
}

#[expose]
fn echo(value: Value) -> Value {
    value
}

/// Raises what it is given.
#[expose]
fn fail(value: Value) -> Result<(), Exception> {
    match value {
        Value::Exception(exception) => Err(*exception),
        other => Err(Exception::type_error(format!("no exception: {other}"))),
    }
}

#[expose]
fn fail_as(class: String) -> Result<(), Exception> {
    Err(Exception::new(&class, "what is wrong"))
}

#[expose]
async fn later(milliseconds: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    milliseconds
}

#[expose]
fn long(len: usize) -> String {
    "x".repeat(len)
}

#[expose]
fn count(up_to: u32) -> impl Iterator<Item = u32> + use<> {
    0..up_to
}

struct Calculator;

#[expose]
impl Calculator {
    fn add(&self, x: Value, y: Value) -> Result<Value, Exception> {
        add(x, y)
    }
}

/// A daemon that serves calls, until this is dropped.
struct Ours {
    daemon: DaemonHandle,
    location: String,
}

impl Ours {
    async fn with(options: Options, location: &str) -> Self {
        let daemon = Self::daemon().await;
        let calls = options.serve(&daemon, location).await.unwrap();
        let location = calls.location().to_owned();
        calls.spawn();
        Self { daemon: daemon.spawn(), location }
    }

    /// The daemon alone.
    async fn daemon() -> Daemon {
        let daemon = Daemon::bind("127.0.0.1:0").await.unwrap();
        daemon.register_fn("add", add).unwrap();
        daemon.register_fn("sub", sub).unwrap();
        daemon.register_fn("echo", echo).unwrap();
        daemon.register_fn("fail", fail).unwrap();
        daemon.register_fn("fail_as", fail_as).unwrap();
        daemon.register_fn("long", long).unwrap();
        daemon.register_fn("later", later).unwrap();
        daemon.register_fn("count", count).unwrap();
        daemon.register("example.calculator", Calculator).unwrap();
        daemon
    }

    async fn start() -> Self {
        Self::with(Options::new().authkey(KEY), "127.0.0.1:0").await
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.daemon.shutdown();
    }
}
