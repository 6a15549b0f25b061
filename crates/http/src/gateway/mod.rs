//! [`Gateway`]: requests become calls of remote objects.

mod answer;
mod arguments;
mod call;
mod listing;
mod objects;
mod openapi;
mod options;
mod page;
mod request;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use http::{Request, Response};
use salamander_net::Config;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::body::Body;
use answer::Answers;
use call::Call;
use objects::Objects;
pub use options::{GatewayOptions, WrongOption};
use request::{Asked, Refused};

/// Lets HTTP clients call remote objects: `GET /pyro/OBJECT/METHOD?name=value` calls a method with keyword arguments that are
/// text, a POST of JSON with any.
///
/// | path | |
/// |---|---|
/// | `/pyro/` | a page on which a person finds objects and calls them |
/// | `/pyro/OBJECT/METHOD` | calls the method, or reads the attribute |
/// | `/pyro/OBJECT/$meta` | the names of methods and attributes |
/// | `/pyro/OBJECT/$interface` | with documentation, parameters and types, where they are known |
/// | `/pyro/OBJECT/$openapi.json`, `/pyro/$openapi.json` | the same as an OpenAPI 3.1 document |
/// | `/pyro/$names?search=TEXT` | the names of objects |
///
/// In a JSON body a list is the positional arguments, an object the keyword arguments; under the name `$args` it can hold the
/// positional ones too: `{"$args": [1, 2], "scale": 3}`. The header `X-Pyro-Options: oneway` does not wait for a result,
/// `X-Pyro-Correlation-Id` is passed on and comes back, `X-Pyro-Gateway-Key` (or `?$key=`) is the key.
///
/// Results are JSON, status 200. An exception is JSON with the status 500: its class under `__class__`, its arguments under
/// `args`. A stream of items comes as server-sent events where the client takes `text/event-stream`: the JSON of an item is
/// the data of an event, at last comes an event `end`, or `exception` with the JSON of one; an `EventSource` is to be closed then.
/// Each item is asked for when the one before was taken. What Pyro's JSON serializer does not write (bytes, say) is an exception, as there.
///
/// Other than Pyro's gateway it keeps its connections: an object with an instance for each session is the same for several
/// requests. A name is looked up again after a second.
///
/// It is a `tower` service, and cheap to clone.
///
/// # Wire
/// The paths, headers, statuses and bodies of Pyro 5.17's `pyro5-httpgateway`; POST with a body, events and the paths with `$`
/// are our own, but for `$meta`.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    options: GatewayOptions,
    answers: Answers,
    objects: Objects,
    /// The requests that are worked on, and the streams that are open.
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    stopping: CancellationToken,
}

impl Gateway {
    /// A gateway in front of the objects of a name server. Connects when the first request comes.
    ///
    /// # Errors
    /// Where an option is wrong.
    pub fn new(options: GatewayOptions, config: &Config) -> Result<Self, WrongOption> {
        let answers = options.check()?;
        Ok(Self(Arc::new(Inner {
            answers,
            objects: Objects::new(&options, config),
            requests: Arc::new(Semaphore::new(options.max_requests)),
            streams: Arc::new(Semaphore::new(options.max_streams)),
            stopping: CancellationToken::new(),
            options,
        })))
    }

    /// The URI of the name server, if one answers.
    ///
    /// # Errors
    /// Where none does.
    pub async fn name_server(&self) -> Result<salamander_net::Uri, salamander_net::Error> {
        self.0.objects.name_server().await.map(|names| names.proxy().uri().clone())
    }

    /// Goes to the objects of this name server from now on.
    pub fn use_name_server(&self, uri: &salamander_net::Uri) {
        self.0.objects.use_name_server(uri);
    }

    /// Answers a request.
    pub async fn respond<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data: Buf> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let inner = &self.0;
        let asked = match Asked::of(request.method(), request.uri().path()) {
            Ok(asked) => asked,
            Err(refused) => return inner.answers.refused(refused),
        };
        match asked {
            Asked::Redirect => inner.answers.redirect(),
            Asked::Options => inner.answers.options(),
            Asked::Asset(asset) => inner.answers.asset(asset),
            Asked::Page => {
                let query = arguments::of_query(request.uri().query());
                let key_fits = inner.key_fits(&request, &query);
                self.work(self.place().await, |inner| async move { page::page(&inner, key_fits).await }).await
            }
            _ if inner.options.own_pages_only && !crate::origin::is_own(request.headers(), &inner.options.hosts) => {
                inner.answers.refused(Refused::Origin)
            }
            Asked::Names | Asked::OpenApi => {
                let query = arguments::of_query(request.uri().query());
                if !inner.key_fits(&request, &query) {
                    return inner.answers.refused(Refused::Key);
                }
                let search = query.get("search").and_then(|text| text.as_str()).unwrap_or_default().to_owned();
                let names = matches!(asked, Asked::Names);
                self.work(self.place().await, |inner| async move {
                    if names { listing::names(&inner, &search).await } else { openapi::of_all(&inner).await }
                })
                .await
            }
            Asked::Member { object, member } => {
                let mut query = arguments::of_query(request.uri().query());
                if !inner.key_fits(&request, &query) {
                    return inner.answers.refused(Refused::Key);
                }
                if inner.options.has_key() {
                    query.remove("$key");
                }
                if !inner.is_exposed(&object) {
                    return inner.answers.refused(Refused::Object);
                }
                // A place first: what is read of bodies is limited by it too.
                let Some(place) = self.place().await else { return inner.answers.refused(Refused::Busy) };
                match Call::of(inner, object, member, query, request).await {
                    Ok(call) => self.work(Some(place), |inner| async move { call.make(&inner).await }).await,
                    Err(answer) => answer,
                }
            }
        }
    }

    /// Told when the server stops.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// A place among the requests that are worked on at once; none, where there is none for a while.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(self.0.options.patience, self.0.requests.clone().acquire_owned()).await.ok()?.ok()
    }

    /// Does what a request asks for, where it has a place. It is done to its end, even if the client leaves: what has
    /// been called cannot be taken back, and nobody else can use its connection meanwhile.
    async fn work<F>(&self, place: Option<OwnedSemaphorePermit>, work: impl FnOnce(Arc<Inner>) -> F) -> Response<Body>
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let Some(place) = place else { return self.0.answers.refused(Refused::Busy) };
        let work = work(self.0.clone());
        let done = tokio::spawn(async move {
            let answer = work.await;
            drop(place);
            answer
        });
        done.await.unwrap_or_else(|error| {
            tracing::error!("a request could not be answered: {error}");
            self.0.answers.refused(Refused::Failed)
        })
    }
}

impl Inner {
    /// Whether a request has the key, or needs none.
    fn key_fits<B>(&self, request: &Request<B>, query: &salamander_value::Dict) -> bool {
        let header = request.headers().get("x-pyro-gateway-key").map(|key| key.as_bytes());
        let given = header.filter(|key| !key.is_empty()).or_else(|| query.get("$key")?.as_str().map(str::as_bytes));
        self.options.key_fits(given.unwrap_or_default())
    }

    /// Whether the name of an object is one of those that are exposed.
    fn is_exposed(&self, object: &str) -> bool {
        // What is known has been looked at when it was first called.
        self.objects.is_known(object) || self.options.exposes(object)
    }
}

impl<B> tower_service::Service<Request<B>> for Gateway
where
    B: http_body::Body<Data: Buf + Send> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let gateway = self.clone();
        Box::pin(async move { Ok(gateway.respond(request).await) })
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Gateway to {:?}>", self.0.options.expose)
    }
}
