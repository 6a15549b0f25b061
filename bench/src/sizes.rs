//! How many bytes Salamander's messages have, counted on their way, so that raw TCP can send as many.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use salamander::multiprocessing::Options as Connections;
use salamander::{Blob, Codec, Proxy, Uri};
use salamander_bench_harness::{Failure, SUM};

use crate::options::Options;
use crate::process::{Process, Program, Spec};

/// The sizes of the messages of a call, and of the handshake before it.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    hello: usize,
    welcome: usize,
    request: usize,
    reply: usize,
}

impl Sizes {
    /// Of `add` by a codec.
    pub fn of_add(codec: Codec, options: &Options) -> Result<Self, Failure> {
        count(codec, options, async |proxy| {
            let _: i64 = proxy.call("add", (SUM.0, SUM.1)).await?;
            Ok(())
        })
    }

    /// Of `size` of so many bytes by a codec.
    pub fn of_bytes(codec: Codec, bytes: usize, options: &Options) -> Result<Self, Failure> {
        count(codec, options, async |proxy| {
            let _: usize = proxy.call("size", (Blob::from(vec![0; bytes]),)).await?;
            Ok(())
        })
    }

    /// Of `add` over a multiprocessing connection, where nothing comes before the first call.
    pub fn of_multiprocessing(options: &Options) -> Result<Self, Failure> {
        let server = crate::sections::door("multiprocessing", "ct");
        let (_server, location) = Process::start("server", &server, options)?;
        let (port, counters) = tap(location.rsplit(':').next().unwrap_or_default().parse()?)?;
        let proxy = Connections::new().proxy(&format!("127.0.0.1:{port}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let _: i64 = proxy.call("add", (SUM.0, SUM.1)).await?;
            let [request, reply] = [0, 1].map(|way| counters[way].load(Ordering::SeqCst));
            Ok(Self { hello: 0, welcome: 0, request, reply })
        })
    }

    /// The same bytes over raw TCP.
    pub fn raw(self) -> Spec {
        Spec::new(Program::Bench)
            .with("system", "raw")
            .with("hello", self.hello)
            .with("welcome", self.welcome)
            .with("request", self.request)
            .with("reply", self.reply)
    }
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} B there, {} B back", self.request, self.reply)
    }
}

fn count(
    codec: Codec,
    options: &Options,
    call: impl AsyncFnOnce(&Proxy) -> salamander::Result<()>,
) -> Result<Sizes, Failure> {
    let server = Spec::new(Program::Bench).with("system", "salamander").with("runtime", "ct");
    let (_server, uri) = Process::start("server", &server, options)?;
    let target = uri.parse::<Uri>()?.port().ok_or("the server has no port")?;
    let (port, counters) = tap(target)?;
    let proxy = Proxy::new(format!("PYRO:bench@127.0.0.1:{port}"))?.with_serializer(codec);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let counted = || (counters[0].load(Ordering::SeqCst), counters[1].load(Ordering::SeqCst));
    runtime.block_on(async {
        proxy.bind().await?;
        let (hello, welcome) = counted();
        call(&proxy).await?;
        let (request, reply) = counted();
        Ok(Sizes { hello, welcome, request: request - hello, reply: reply - welcome })
    })
}

/// Passes one connection on to a port of this machine; counts the bytes there and back.
fn tap(target: u16) -> io::Result<(u16, Arc<[AtomicUsize; 2]>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let counters: Arc<[AtomicUsize; 2]> = Arc::default();
    let counting = counters.clone();
    std::thread::spawn(move || {
        let client = listener.accept()?.0;
        let server = TcpStream::connect(("127.0.0.1", target))?;
        let (client2, server2, counting2) = (client.try_clone()?, server.try_clone()?, counting.clone());
        std::thread::spawn(move || pass_on(&server2, &client2, &counting2[1]));
        pass_on(&client, &server, &counting[0])
    });
    Ok((port, counters))
}

fn pass_on(mut from: &TcpStream, mut to: &TcpStream, counter: &AtomicUsize) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return to.shutdown(Shutdown::Write),
            count => {
                // Before it is passed on, so that whoever has it all finds it counted.
                counter.fetch_add(count, Ordering::SeqCst);
                to.write_all(&buffer[..count])?;
            }
        }
    }
}
