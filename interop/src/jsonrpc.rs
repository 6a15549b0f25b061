//! Our server of JSON-RPC for tests, with the functions of the specification's examples and some more.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use salamander::http::{JsonRpc, Site};
use salamander::{Builder, CallContext, Daemon, DaemonHandle, Exception, Int, Value, expose};
use tokio::sync::Semaphore;

/// A server that runs until this is dropped.
pub struct Ours {
    /// Its daemon.
    pub handle: DaemonHandle,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// The gate behind which calls wait.
    pub gate: Gate,
}

/// An object whose method waits until it is let through.
#[derive(Clone)]
pub struct Gate {
    entered: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    /// Waits until so many calls wait at the gate.
    ///
    /// # Panics
    /// Where none come.
    pub async fn reached(&self, calls: u32) {
        let entered = self.entered.acquire_many(calls);
        tokio::time::timeout(Duration::from_secs(60), entered).await.expect("calls").expect("a gate").forget();
    }

    /// Lets so many calls through.
    pub fn open(&self, calls: usize) {
        self.open.add_permits(calls);
    }
}

#[expose]
impl Gate {
    /// A stream that gives nothing until the gate opens.
    fn hold(&self) -> impl futures_core::Stream<Item = u64> + use<> {
        let open = self.open.clone();
        stream::once(async move {
            if let Ok(permit) = open.acquire().await {
                permit.forget();
            }
            0
        })
    }

    async fn pass(&self, value: u64) -> u64 {
        self.entered.add_permits(1);
        if let Ok(permit) = self.open.acquire().await {
            permit.forget();
        }
        value
    }
}

impl Ours {
    /// Starts it with all of its doors.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub async fn start() -> Self {
        let rpc = JsonRpc::new();
        Self::with(|builder| builder.door(Site::new().jsonrpc(rpc.clone())).door(rpc)).await
    }

    /// The same with doors and layers of one's own.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub async fn with(set_up: impl FnOnce(Builder) -> Builder) -> Self {
        let daemon = set_up(Daemon::builder()).bind("127.0.0.1:0").await.expect("a free port");
        let handle = daemon.handle();
        let port = daemon.local_addr().expect("an address").port();
        register(&handle).expect("free names");
        let gate = Gate { entered: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) };
        handle.register("gate", gate.clone()).expect("a free name");
        tokio::spawn(daemon.serve());
        Self { handle, port, gate }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn register(handle: &DaemonHandle) -> salamander::Result<()> {
    handle.register_fn("subtract", subtract)?;
    handle.register_fn("sum", sum)?;
    handle.register_fn("update", ignored)?;
    handle.register_fn("notify_hello", ignored)?;
    handle.register_fn("notify_sum", ignored)?;
    handle.register_fn("get_data", get_data)?;
    handle.register_fn("echo", echo)?;
    handle.register_fn("fail", fail)?;
    handle.register_fn("type_error", type_error)?;
    handle.register_fn("factorial", factorial)?;
    handle.register_fn("slow", slow)?;
    handle.register_fn("count", count)?;
    handle.register_fn("endless", endless)?;
    handle.register_fn("breaks", breaks)?;
    handle.register_fn("opaque", opaque)?;
    handle.register_fn("who", who)?;
    handle.register("some.thing", Thing)?;
    Ok(())
}

/// The difference of two numbers.
///
/// Both may be negative.
#[expose]
fn subtract(minuend: i64, subtrahend: i64) -> i64 {
    minuend - subtrahend
}

#[expose]
fn sum(#[args] numbers: Vec<i64>) -> i64 {
    numbers.into_iter().sum()
}

#[expose]
fn ignored(#[args] _anything: Vec<Value>) {}

#[expose]
fn get_data() -> (&'static str, u8) {
    ("hello", 5)
}

#[expose]
fn echo(value: Value) -> Value {
    value
}

#[expose]
fn fail(message: String) -> Result<(), Exception> {
    Err(Exception::with_args("ValueError", vec![message.into(), 7.into()]).with_attribute("code", 3))
}

/// A method of its own accord raises what wrong arguments raise too.
#[expose]
fn type_error() -> Result<(), Exception> {
    Err(Exception::type_error("of the method itself"))
}

#[expose]
fn factorial(n: u32) -> Int {
    (1..=n).product()
}

#[expose]
async fn slow(milliseconds: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    milliseconds
}

/// Numbers up to a bound.
#[expose]
fn count(up_to: u32) -> impl Iterator<Item = u32> + use<> {
    0..up_to
}

#[expose]
fn endless(text: String) -> impl Iterator<Item = String> + use<> {
    std::iter::repeat(text)
}

#[expose]
fn breaks() -> impl futures_core::Stream<Item = Result<u32, Exception>> + use<> {
    stream::iter([Ok(1), Err(Exception::value_error("broken")), Ok(2)])
}

/// Something for which JSON has no words.
#[expose]
fn opaque() -> Value {
    let mut dict = salamander::Dict::new();
    let _ = dict.insert_value(Value::Tuple(vec![1.into()]), 1.into());
    dict.into()
}

/// The address of the client.
#[expose]
fn who(context: &CallContext) -> Option<String> {
    context.client_addr().map(|address| address.ip().to_string())
}

struct Thing;

#[expose]
impl Thing {
    fn twice(&self, text: String) -> String {
        text.repeat(2)
    }
}
