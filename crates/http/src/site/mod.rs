//! [`Site`]: all that answers HTTP on a daemon's own port, by path.

mod start;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use salamander_net::{Client, CorrelationIds, DaemonHandle, Door, Recognised, Session};
use tokio_util::sync::CancellationToken;

use crate::jsonrpc::JsonRpc;
use crate::origin::{is_own, is_reached_by};
use crate::server::{Serving, serve};
use crate::xmlrpc::XmlRpc;
use crate::{Body, Gateway};

/// How requests begin: with a method and a space.
const METHODS: [&str; 9] = ["GET ", "POST ", "OPTIONS ", "HEAD ", "PUT ", "DELETE ", "PATCH ", "TRACE ", "CONNECT "];

/// All that answers HTTP on a daemon's own port: give it to [`Builder::door`](salamander_net::Builder::door).
///
/// | path | |
/// |---|---|
/// | `/` | a page that lists what there is |
/// | `/RPC2`, and `/` for POST | XML-RPC, with [`Site::xmlrpc`] |
/// | `/jsonrpc` | JSON-RPC, by POST and as a WebSocket, with [`Site::jsonrpc`] |
/// | `/pyro/` | the gateway, with [`Site::gateway`] |
///
/// Nothing is on by itself.
///
/// ```no_run
/// use salamander_http::{Site, XmlRpc};
/// use salamander_net::Daemon;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let daemon = Daemon::builder().door(Site::new().xmlrpc(XmlRpc::new())).bind("localhost:0").await?;
/// daemon.serve().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Site {
    parts: Vec<Arc<dyn Part>>,
    /// The names under which pages of its own reach it; none: any page may.
    own_pages: Option<Arc<[String]>>,
}

/// What answers some of the paths of a [`Site`].
pub(crate) trait Part: Send + Sync + 'static {
    /// What it is, for people.
    fn name(&self) -> &'static str;

    /// Where it is, for people.
    fn path(&self) -> &'static str;

    /// Lines of code that call it, for people to copy; `base` is what its URL begins with.
    fn samples(&self, base: &str) -> Vec<Sample>;

    /// Whether it answers this.
    fn takes(&self, method: &Method, path: &str) -> bool;

    /// Whether it looks itself for which pages browsers ask.
    fn knows_its_pages(&self) -> bool {
        false
    }

    /// Answers a request that it takes.
    fn respond(&self, request: Request<Incoming>, visitor: &Arc<Visitor>) -> Responding;
}

/// A line of code in a language.
pub(crate) struct Sample {
    pub(crate) language: &'static str,
    pub(crate) code: String,
}

impl Sample {
    pub(crate) fn new(language: &'static str, code: String) -> Self {
        Self { language, code }
    }
}

/// An answer that is being made.
pub(crate) type Responding = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// What is known of a client.
pub(crate) struct Visitor {
    /// What calls of this client have in common; its address and certificate are known to it.
    pub(crate) session: Arc<Session>,
    /// For calls, which have none by HTTP.
    pub(crate) ids: Arc<CorrelationIds>,
    /// The daemon that it came to.
    pub(crate) daemon: DaemonHandle,
    /// Its connection, for streams of events.
    serving: Serving,
    /// What becomes of the connection when it speaks HTTP no more.
    afterwards: Mutex<Option<Afterwards>>,
}

type Afterwards = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Visitor {
    /// Goes on with something else on the same connection, when the answer has been sent that says so.
    pub(crate) fn afterwards(&self, what: Afterwards) {
        *self.afterwards.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }
}

impl Site {
    /// A site of nothing but its start page.
    pub fn new() -> Self {
        Self::default()
    }

    /// With XML-RPC, on `/RPC2` and for POST on `/`.
    #[must_use]
    pub fn xmlrpc(self, xmlrpc: XmlRpc) -> Self {
        self.part(xmlrpc)
    }

    /// With JSON-RPC, on `/jsonrpc`. Where any page may reach the site, any page may open a WebSocket to it: see
    /// [`Site::own_pages_only`].
    #[must_use]
    pub fn jsonrpc(self, jsonrpc: JsonRpc) -> Self {
        self.part(jsonrpc)
    }

    /// With the gateway, on `/pyro/`.
    #[must_use]
    pub fn gateway(self, gateway: Gateway) -> Self {
        self.part(gateway)
    }

    /// Of what browsers ask, only what pages of the site itself ask is answered, which reach it by an address, as `localhost` or under
    /// one of these names. Other programs are not concerned. The gateway has an option of its own for this.
    #[must_use]
    pub fn own_pages_only(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.own_pages = Some(names.into_iter().collect());
        self
    }

    fn part(mut self, part: impl Part) -> Self {
        self.parts.push(Arc::new(part));
        self
    }

    /// Whether it is reached under a name of its own.
    fn is_known_as(&self, headers: &HeaderMap) -> bool {
        self.own_pages.as_ref().is_none_or(|names| is_reached_by(headers, names))
    }

    async fn respond(&self, request: Request<Incoming>, visitor: &Arc<Visitor>) -> Response<Body> {
        let (method, path) = (request.method(), request.uri().path());
        let is_foreign = self.own_pages.as_ref().is_some_and(|names| !is_own(request.headers(), names));
        let foreign = || plain(StatusCode::FORBIDDEN, "only pages of this server may call it from a browser");
        let Some(part) = self.parts.iter().find(|part| part.takes(method, path)) else {
            return match (method, path) {
                // A link may lead here from anywhere; a page under a strange name of this place may not read it.
                (&Method::GET | &Method::HEAD, "/") if !self.is_known_as(request.headers()) => foreign(),
                (&Method::GET | &Method::HEAD, "/") => start::page(&self.parts, &visitor.daemon, request.headers()),
                (_, "/") => not_allowed("GET, HEAD"),
                // As Python's server of XML-RPC has it.
                _ => plain(StatusCode::NOT_FOUND, "No such page"),
            };
        };
        if is_foreign && !part.knows_its_pages() {
            return foreign();
        }
        part.respond(request, visitor).await
    }
}

impl Part for Gateway {
    fn name(&self) -> &'static str {
        "HTTP and JSON"
    }

    fn path(&self) -> &'static str {
        "/pyro/"
    }

    fn samples(&self, base: &str) -> Vec<Sample> {
        let url = format!("{base}/pyro/$names");
        vec![
            Sample::new("curl", format!("curl '{url}'")),
            Sample::new("Python", format!("import urllib.request; print(urllib.request.urlopen('{url}').read())")),
            Sample::new("JavaScript", format!("await (await fetch('{url}')).json()")),
        ]
    }

    fn takes(&self, _method: &Method, path: &str) -> bool {
        path == "/pyro" || path.starts_with("/pyro/")
    }

    fn knows_its_pages(&self) -> bool {
        true
    }

    fn respond(&self, mut request: Request<Incoming>, visitor: &Arc<Visitor>) -> Responding {
        let gateway = self.clone();
        request.extensions_mut().insert(visitor.serving.clone());
        Box::pin(async move { Gateway::respond(&gateway, request).await })
    }
}

impl Door for Site {
    fn name(&self) -> &'static str {
        "HTTP"
    }

    fn recognise(&self, first: &[u8]) -> Recognised {
        let mut recognised = Recognised::No;
        for method in METHODS {
            match Recognised::prefix(first, method.as_bytes()) {
                Recognised::No => {}
                found => recognised = found,
            }
        }
        recognised
    }

    fn serve(&self, client: Client) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let site = self.clone();
        let visitor = Arc::new(Visitor {
            session: client.session().clone(),
            ids: Arc::default(),
            daemon: client.daemon().clone(),
            serving: Serving::until(CancellationToken::new()),
            afterwards: Mutex::default(),
        });
        Box::pin(async move {
            let (refused, stopping) = (client.is_refused(), visitor.daemon.stopping());
            let served = serve(client, &visitor.serving, stopping, async |request| {
                if refused { busy() } else { site.respond(request, &visitor).await }
            });
            if let Err(error) = served.await {
                tracing::debug!("an HTTP client: {error}");
                return;
            }
            let next = visitor.afterwards.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(next) = next {
                next.await;
            }
        })
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts.iter().map(|part| part.name())).finish()
    }
}

/// An answer that is a line of text.
pub(crate) fn plain(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Response<Body> {
    let mut answer = Response::new(Body::from(text.into().into_owned()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

fn not_allowed(methods: &'static str) -> Response<Body> {
    let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "there is nothing here for this method");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

/// What is said where there is too much to do.
pub(crate) const BUSY: &str = "too much to do; try again later";

pub(crate) fn busy() -> Response<Body> {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, BUSY);
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}
