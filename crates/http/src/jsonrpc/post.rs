//! JSON-RPC by HTTP: a POST is a message, its answer the answer. What asks for a WebSocket gets one.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::dispatch::Caller;
use super::options::{Inner, JsonRpc};
use super::websocket;
use crate::Body;
use crate::reading::Unread;
use crate::site::{Part, Responding, Sample, Visitor, busy, plain};

/// What may be posted. A page of another place can post neither without asking first, which it is not allowed.
const JSON: [&str; 3] = ["application/json", "application/json-rpc", "application/jsonrequest"];

impl Part for JsonRpc {
    fn name(&self) -> &'static str {
        "JSON-RPC"
    }

    fn path(&self) -> &'static str {
        "/jsonrpc"
    }

    fn samples(&self, base: &str) -> Vec<Sample> {
        let url = format!("{base}/jsonrpc");
        let call = r#"{"jsonrpc": "2.0", "method": "rpc.discover", "id": 1}"#;
        let typed = "{'Content-Type': 'application/json'}";
        vec![
            Sample::new(
                "Python",
                format!(
                    "import urllib.request as r; print(r.urlopen(r.Request('{url}', b'{call}', {typed})).read())"
                ),
            ),
            Sample::new(
                "Rust",
                format!("let described: Value = jsonrpc::Client::new(\"{url}\")?.call(\"rpc.discover\", ()).await?;"),
            ),
            Sample::new("curl", format!("curl -H 'Content-Type: application/json' -d '{call}' '{url}'")),
            Sample::new(
                "JavaScript",
                format!("await (await fetch('{url}', {{method: 'POST', headers: {typed}, body: '{call}'}})).json()"),
            ),
        ]
    }

    fn takes(&self, _method: &Method, path: &str) -> bool {
        path == "/jsonrpc"
    }

    fn respond(&self, request: Request<Incoming>, visitor: &Arc<Visitor>) -> Responding {
        let (rpc, visitor) = (self.0.clone(), visitor.clone());
        Box::pin(async move {
            if request.method() == Method::GET && has_token(request.headers(), &UPGRADE, "websocket") {
                return websocket::accept(rpc, request, &visitor);
            }
            answer(rpc, request, &visitor).await
        })
    }
}

async fn answer(rpc: Arc<Inner>, request: Request<Incoming>, visitor: &Visitor) -> Response<Body> {
    if request.method() != Method::POST {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "JSON-RPC is posted, or spoken over a WebSocket");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return answer;
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !JSON.iter().any(|json| kind.eq_ignore_ascii_case(json)) {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the Content-Type should be application/json");
    }
    let message = match body(&rpc, request).await {
        Ok(message) => message,
        Err(Unread::Busy) => return busy(),
        Err(unread) => {
            let (status, why) = unread.told();
            return refused(status, why);
        }
    };
    let caller = Caller::of(visitor, rpc, None);
    match caller.respond(message).await.message {
        Some(message) => {
            let mut answer = Response::new(Body::from(message));
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            answer
        }
        // Not 204, which some clients take for a failure.
        None => Response::new(Body::from(Bytes::new())),
    }
}

async fn body(rpc: &Inner, request: Request<Incoming>) -> Result<Bytes, Unread> {
    let (head, body) = request.into_parts();
    let _place = rpc.reading.place().await?;
    rpc.reading.read(&head.headers, body).await
}

/// An answer to a request whose body is not read, after which the connection ends.
pub(super) fn refused(status: StatusCode, why: &'static str) -> Response<Body> {
    let mut answer = plain(status, why);
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Whether a header that is a list has this word.
pub(super) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}
