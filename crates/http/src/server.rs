//! [`HttpServer`]: sockets on which a gateway answers.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use salamander_net::{Config, Encryption};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::heads::Heads;
use crate::taken::{Taken, Watched};
use crate::{Body, Gateway};

/// How long a client may take for the head of a request, from the end of the one before on; and for the handshake of TLS.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// How much of a head, or of an answer that the client does not take, is kept.
const BUFFER: usize = 64 * 1024;

/// How many clients are connected at once; more wait.
const MOST_CONNECTIONS: usize = 1024;

/// How long calls under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// How long to wait when the system has no more file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// A server of a [`Gateway`], with sockets of its own.
pub struct HttpServer {
    listeners: Vec<TcpListener>,
    gateway: Gateway,
    host: String,
    address: SocketAddr,
    encryption: Option<Encryption>,
    handle: HttpHandle,
}

/// Stops an [`HttpServer`], from anywhere. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpHandle {
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl HttpServer {
    /// Binds to a host and port; port 0 lets the system choose one, `localhost` is both 127.0.0.1 and ::1, where there is one.
    ///
    /// # Errors
    /// Where the address is none, or taken.
    pub async fn bind(host: &str, port: u16, gateway: Gateway) -> io::Result<Self> {
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
        let handle = HttpHandle { stopping: gateway.stopping().clone(), tasks: TaskTracker::new() };
        let host = host.to_owned();
        Ok(Self { listeners, gateway, host, address, encryption: None, handle })
    }

    /// The same server with connections that are encrypted as the settings say; as they are, where `SSL` is off.
    ///
    /// # Errors
    /// Where a file that the settings name is missing or is not what it should be.
    pub fn encrypted(mut self, config: &Config) -> salamander_net::Result<Self> {
        self.encryption = Encryption::of(config)?;
        Ok(self)
    }

    /// Where its page is: a URL.
    pub fn url(&self) -> String {
        match (&self.encryption, self.host.parse::<IpAddr>()) {
            (None, _) => format!("http://{}/pyro/", self.address),
            (Some(_), Ok(_)) => format!("https://{}/pyro/", self.address),
            // Certificates are for names.
            (Some(_), Err(_)) => format!("https://{}:{}/pyro/", self.host, self.address.port()),
        }
    }

    /// The address that it is bound to.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// A handle that stays usable while it serves.
    pub fn handle(&self) -> HttpHandle {
        self.handle.clone()
    }

    /// Serves until it is stopped, and returns when the last request is answered.
    pub async fn serve(self) {
        let HttpHandle { stopping, tasks } = self.handle;
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let accepting = TaskTracker::new();
        for listener in self.listeners {
            let front = Front { gateway: self.gateway.clone(), encryption: self.encryption.clone() };
            let serving = accept(listener, front, places.clone(), tasks.clone());
            let stopping = stopping.clone();
            accepting.spawn(async move {
                tokio::select! {
                    () = stopping.cancelled() => {}
                    () = serving => {}
                }
            });
        }
        accepting.close();
        accepting.wait().await;
        tasks.close();
        tasks.wait().await;
    }
}

impl HttpHandle {
    /// Stops the server: no more clients, streams end, calls under way have ten seconds. Returns at once.
    pub fn shutdown(&self) {
        self.stopping.cancel();
    }

    /// Waits until the server has been stopped and the last request is answered.
    pub async fn stopped(&self) {
        self.stopping.cancelled().await;
        self.tasks.wait().await;
    }
}

/// What a client meets.
#[derive(Clone)]
struct Front {
    gateway: Gateway,
    encryption: Option<Encryption>,
}

impl Front {
    /// Answers a client until it leaves.
    async fn serve(self, stream: TcpStream) -> io::Result<()> {
        let Self { gateway, encryption } = self;
        let Some(encryption) = encryption else { return serve_connection(stream, gateway).await };
        let stream = tokio::select! {
            () = gateway.stopping().cancelled() => None,
            stream = encryption.accept(stream, HEAD_TIME) => stream,
        };
        match stream {
            Some(stream) => serve_connection(stream, gateway).await,
            None => Ok(()),
        }
    }
}

async fn accept(listener: TcpListener, front: Front, places: Arc<Semaphore>, tasks: TaskTracker) {
    loop {
        // A place first: clients beyond the limit wait in the system's queue.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let front = front.clone();
                tasks.spawn(async move {
                    let _ = stream.set_nodelay(true);
                    if let Err(error) = front.serve(stream).await {
                        tracing::debug!("{peer}: {error}");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("accepting a client failed: {error}");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// Answers the requests of one connection, until the client leaves or the gateway is stopped.
///
/// # Errors
/// Where what comes is no HTTP, or the connection breaks.
///
/// # Wire
/// HTTP/1.1 and HTTP/1.0
pub async fn serve_connection<S>(stream: S, gateway: Gateway) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let serving = Serving::until(gateway.stopping().clone());
    let stopping = gateway.stopping().cancelled();
    serve(stream, &serving, stopping, |mut request| {
        request.extensions_mut().insert(serving.clone());
        gateway.respond(request)
    })
    .await
}

/// What requests know of their connection, those of the gateway as an extension.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    /// What the client has taken.
    pub(crate) taken: Taken,
    /// Its server stops.
    pub(crate) stopping: CancellationToken,
}

impl Serving {
    /// Of a connection that is served until this is cancelled.
    pub(crate) fn until(stopping: CancellationToken) -> Self {
        Self { taken: Taken::default(), stopping }
    }
}

/// Answers the requests of one connection in some way, until the client leaves or the server stops.
pub(crate) async fn serve<S, F>(
    stream: S,
    serving: &Serving,
    stopping: impl Future<Output = ()>,
    respond: impl Fn(Request<Incoming>) -> F,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<Body>>,
{
    let stream = Watched::new(stream, serving.taken.clone());
    let heads = Heads::begin();
    let service = hyper::service::service_fn(|request: Request<Incoming>| {
        let answering = heads.came();
        let answer = respond(request);
        async move { Ok::<_, Infallible>(answer.await.map(|body| answering.with(body))) }
    });
    let connection =
        http1::Builder::new().max_buf_size(BUFFER).serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let failed = |error: hyper::Error| io::Error::other(error);
    tokio::select! {
        biased;
        done = connection.as_mut() => return done.map_err(failed),
        () = heads.late(HEAD_TIME) => return Err(io::ErrorKind::TimedOut.into()),
        () = stopping => connection.as_mut().graceful_shutdown(),
    }
    serving.stopping.cancel();
    match tokio::time::timeout(GRACE, connection).await {
        Ok(done) => done.map_err(failed),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<HttpServer on {}>", self.address)
    }
}
