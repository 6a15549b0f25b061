//! Servers and clients of bare sockets, which speak no protocol of remote objects: the time of day as a line of text, over connections
//! or datagrams, and the bytes of a file.
//!
//! They are what first lessons on sockets show, so that programs of such lessons find a peer here. A server that speaks first, as the time
//! server does, has a port of its own: nothing could be told from the first bytes of its clients.

mod datagrams;
mod file;
mod time;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use datagrams::{TimeDatagrams, ask_time_by_datagram};
pub use file::{GREETING, fetch_file};
pub use time::{ask_time, time_line};

/// The port of time servers, by custom.
pub const TIME_PORT: u16 = 9999;
/// The port of servers of one file, by custom.
pub const FILE_PORT: u16 = 60000;

/// How many clients are served at once; more wait.
const MOST: usize = 256;
/// How long a client may be silent, or not take what it is sent.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// A server on a port of its own, for clients that know nothing but sockets.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use salamander_net::plain::{PlainServer, TIME_PORT};
///
/// PlainServer::time("localhost", TIME_PORT).await?.serve().await;
/// # Ok(()) }
/// ```
pub struct PlainServer {
    listeners: Vec<TcpListener>,
    address: SocketAddr,
    service: Service,
    most: usize,
    patience: Duration,
    handle: PlainHandle,
}

/// What clients get.
#[derive(Clone, Debug)]
enum Service {
    Time,
    File(Arc<PathBuf>),
}

/// Stops a [`PlainServer`] or [`TimeDatagrams`], from anywhere. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PlainHandle(CancellationToken);

impl PlainHandle {
    /// Stops the server: no more clients. Returns at once; who is being served is served to the end.
    pub fn shutdown(&self) {
        self.0.cancel();
    }
}

impl PlainServer {
    /// A server that tells each client the time, as Python's `time.ctime()` does, and the end of a line; then it closes the connection.
    /// Port 0 is a free one; `localhost` is both 127.0.0.1 and ::1, where there is one.
    ///
    /// # Errors
    /// Where the address is none, or taken.
    pub async fn time(host: &str, port: u16) -> io::Result<Self> {
        Self::bind(host, port, Service::Time).await
    }

    /// A server that sends each client the bytes of a file once it has said something ([`GREETING`] by custom), and closes the
    /// connection. The file is opened anew for each.
    ///
    /// # Errors
    /// As [`PlainServer::time`], and where there is no such file.
    pub async fn file(host: &str, port: u16, path: impl Into<PathBuf>) -> io::Result<Self> {
        // From here on it does not matter where the program is.
        let path = std::fs::canonicalize(path.into())?;
        file::open(&path)?;
        Self::bind(host, port, Service::File(Arc::new(path))).await
    }

    async fn bind(host: &str, port: u16, service: Service) -> io::Result<Self> {
        let first = if host == "localhost" { "127.0.0.1" } else { host };
        let first = TcpListener::bind((first, port)).await?;
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        if host == "localhost" {
            // Where there is no IPv6, 127.0.0.1 is all of localhost.
            match TcpListener::bind(("::1", address.port())).await {
                Ok(second) => listeners.push(second),
                Err(error) => tracing::debug!("not listening on [::1]:{}: {error}", address.port()),
            }
        }
        Ok(Self { listeners, address, service, most: MOST, patience: PATIENCE, handle: PlainHandle::default() })
    }

    /// How many clients are served at once, 256 by default; more wait.
    #[must_use]
    pub fn most_clients(self, most: usize) -> Self {
        Self { most: most.max(1), ..self }
    }

    /// How long a client may say nothing, or not take what it is sent, before its connection is closed; ten seconds by default.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The address that it is bound to.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// A handle that stays usable while it serves.
    pub fn handle(&self) -> PlainHandle {
        self.handle.clone()
    }

    /// Serves until it is stopped, and returns when the last client is served.
    pub async fn serve(self) {
        let Self { listeners, service, most, patience, handle, .. } = self;
        let (places, clients, accepting) = (Arc::new(Semaphore::new(most)), TaskTracker::new(), TaskTracker::new());
        for listener in listeners {
            let serving = accept(listener, service.clone(), patience, places.clone(), clients.clone());
            let stopping = handle.0.clone();
            accepting.spawn(async move {
                tokio::select! {
                    () = stopping.cancelled() => {}
                    () = serving => {}
                }
            });
        }
        accepting.close();
        accepting.wait().await;
        clients.close();
        clients.wait().await;
    }
}

impl fmt::Debug for PlainServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<PlainServer of {:?} on {}>", self.service, self.address)
    }
}

async fn accept(
    listener: TcpListener,
    service: Service,
    patience: Duration,
    places: Arc<Semaphore>,
    clients: TaskTracker,
) {
    loop {
        // A place first: clients beyond the limit wait in the system's queue.
        let place = places.clone().acquire_owned().await.ok();
        let (stream, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("accepting a client failed: {error}");
                tokio::time::sleep(EXHAUSTED).await;
                continue;
            }
        };
        let service = service.clone();
        clients.spawn(async move {
            if let Err(error) = service.serve(stream, patience).await {
                tracing::debug!("serving {client} has ended: {error}");
            }
            drop(place);
        });
    }
}

impl Service {
    async fn serve(&self, stream: TcpStream, patience: Duration) -> io::Result<()> {
        match self {
            Self::Time => time::serve(stream, patience).await,
            Self::File(path) => file::serve(stream, path, patience).await,
        }
    }
}

/// The same, if it is done in time.
async fn in_time<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(patience, work).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "nothing is heard of the other side")),
    }
}

/// Says that no more comes, and waits until the other side has all of it: a socket that is closed with something unread takes back
/// what was sent.
async fn hang_up(mut stream: TcpStream, patience: Duration) -> io::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// More than anybody has to say who is only to listen.
    const MOST_UNREAD: u64 = 64 * 1024;
    in_time(patience, async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(MOST_UNREAD), &mut tokio::io::sink()).await.map(drop)
    })
    .await
}
