//! Servers of XML-RPC for tests: Python's, in a process of its own, and ours, with the same functions.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Stdio};

use salamander::http::{Site, XmlRpc};
use salamander::{Builder, Daemon, DaemonHandle, Exception, Value, expose};

use crate::python;

/// Python's server, which runs until this is dropped.
pub struct Theirs {
    child: Child,
    _stdin: Option<ChildStdin>,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Theirs {
    /// Starts it with arguments of `python/xmlrpc_server.py`.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = python::script("xmlrpc_server.py");
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("the server tells its port");
        let port = line.trim().parse().unwrap_or_else(|_| panic!("no port, but {line:?}"));
        Self { _stdin: child.stdin.take(), child, port }
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Our server, which runs until this is dropped.
pub struct Ours {
    /// Its daemon.
    pub handle: DaemonHandle,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Ours {
    /// Starts it with the functions that Python's has.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub async fn start(xmlrpc: XmlRpc) -> Self {
        Self::with(|builder| builder.door(Site::new().xmlrpc(xmlrpc))).await
    }

    /// The same with doors and layers of one's own.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub async fn with(set_up: impl FnOnce(Builder) -> Builder) -> Self {
        let daemon = set_up(Daemon::builder()).bind("127.0.0.1:0").await.expect("a free port");
        let handle = daemon.handle();
        let port = daemon.local_addr().expect("an address").port();
        let register = || {
            handle.register_fn("echo", echo)?;
            handle.register_fn("add", add)?;
            handle.register_fn("sub", sub)?;
            handle.register_fn("count", count)?;
            handle.register_fn("fail", fail)?;
            handle.register_fn("fault", fault)?;
            handle.register_fn("nothing", nothing)?;
            handle.register_fn("letters", letters)?;
            handle.register_fn("long", long)?;
            handle.register_fn("slow", slow)?;
            handle.register("some.thing", Thing)
        };
        register().expect("free names");
        tokio::spawn(daemon.serve());
        Self { handle, port }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// Compresses data.
///
/// # Panics
/// Where that fails.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, data).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

/// Gives its argument back.
#[expose]
fn echo(value: Value) -> Value {
    value
}

#[expose]
fn add(x: Value, y: Value) -> Result<Value, Exception> {
    match (&x, &y) {
        (Value::Int(one), Value::Int(other)) => Ok((one + other).into()),
        (Value::Str(one), Value::Str(other)) => Ok(format!("{one}{other}").into()),
        (Value::List(one), Value::List(other)) => Ok(Value::List([&one[..], &other[..]].concat())),
        _ => Err(unsupported("+", &x, &y)),
    }
}

/// `x - y`
#[expose]
fn sub(x: Value, y: Value) -> Result<Value, Exception> {
    match (&x, &y) {
        (Value::Int(one), Value::Int(other)) => Ok((one - other).into()),
        _ => Err(unsupported("-", &x, &y)),
    }
}

fn unsupported(operator: &str, x: &Value, y: &Value) -> Exception {
    let (x, y) = (x.type_name(), y.type_name());
    Exception::type_error(format!("unsupported operand type(s) for {operator}: '{x}' and '{y}'"))
}

#[expose]
fn count(#[args] values: Vec<Value>) -> usize {
    values.len()
}

#[expose]
fn fail(kind: &str, text: &str) -> Result<(), Exception> {
    Err(Exception::new(kind, text))
}

#[expose]
fn fault(code: i64, text: &str) -> Result<(), Exception> {
    Err(salamander::http::xmlrpc::Fault::new(code, text).exception())
}

#[expose]
fn nothing() {}

#[expose]
fn letters(length: usize) -> String {
    "x".repeat(length)
}

#[expose]
fn long() -> i64 {
    1 << 31
}

#[expose]
async fn slow() {
    std::future::pending::<()>().await;
}

/// An object with a method.
struct Thing;

#[expose]
impl Thing {
    /// Gives its argument back.
    fn echo(&self, value: Value) -> Value {
        value
    }
}
