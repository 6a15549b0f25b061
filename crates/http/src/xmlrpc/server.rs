//! Requests of XML-RPC: what is around a call.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER,
    TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::coding::{gunzip, gzip, takes_gzip};
use super::dispatch;
use super::options::{Inner, XmlRpc};
use crate::Body;
use crate::reading::Unread;
use crate::site::{Part, Responding, Sample, Visitor, plain};

/// From this size on, responses are compressed for those who take it: what a common packet holds, as in Python.
const COMPRESS_BEYOND: usize = 1400;

impl Part for XmlRpc {
    fn name(&self) -> &'static str {
        "XML-RPC"
    }

    fn path(&self) -> &'static str {
        "/RPC2"
    }

    fn samples(&self, base: &str) -> Vec<Sample> {
        let url = format!("{base}/RPC2");
        let call = "<methodCall><methodName>system.listMethods</methodName></methodCall>";
        vec![
            Sample::new(
                "Python",
                format!("import xmlrpc.client; print(xmlrpc.client.ServerProxy('{url}').system.listMethods())"),
            ),
            Sample::new(
                "Rust",
                format!(
                    "let names: Vec<String> = xmlrpc::Client::new(\"{url}\")?.call(\"system.listMethods\", ()).await?;"
                ),
            ),
            Sample::new("curl", format!("curl -H 'Content-Type: text/xml' -d '{call}' '{url}'")),
            Sample::new(
                "JavaScript",
                format!(
                    "await (await fetch('{url}', {{method: 'POST', headers: {{'Content-Type': 'text/xml'}}, \
                     body: '{call}'}})).text()"
                ),
            ),
        ]
    }

    fn takes(&self, method: &Method, path: &str) -> bool {
        match path {
            "/RPC2" => true,
            // The others are for the start page.
            "/" => !matches!(*method, Method::GET | Method::HEAD),
            _ => false,
        }
    }

    fn respond(&self, request: Request<Incoming>, visitor: &Arc<Visitor>) -> Responding {
        let (xmlrpc, visitor) = (self.0.clone(), visitor.clone());
        Box::pin(async move { xmlrpc.answer(request, &visitor).await.unwrap_or_else(Refused::answer) })
    }
}

impl Inner {
    async fn answer(&self, request: Request<Incoming>, visitor: &Visitor) -> Result<Response<Body>, Refused> {
        let (head, body) = request.into_parts();
        if !self.lets_in(head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes)) {
            return Err(Refused::new(StatusCode::UNAUTHORIZED, "this needs a name and a password"));
        }
        if head.method != Method::POST {
            // Python's word for it; the method is one that was recognised.
            let text = format!("Unsupported method ('{}')", head.method);
            return Err(Refused::new(StatusCode::NOT_IMPLEMENTED, text));
        }
        let document = {
            let _place = self.reading.place().await?;
            let body = self.read(&head, body).await?;
            self.decode(&head, body)?
        };
        let response = dispatch::respond(self, document, visitor).await;
        Ok(answered(response, &head.headers))
    }

    /// The body of a request.
    async fn read(&self, head: &Parts, body: Incoming) -> Result<Bytes, Refused> {
        if !head.headers.contains_key(CONTENT_LENGTH) && !head.headers.contains_key(TRANSFER_ENCODING) {
            return Err(Refused::new(StatusCode::LENGTH_REQUIRED, "the request should tell its length"));
        }
        Ok(self.reading.read(&head.headers, body).await?)
    }

    /// The document that a body is.
    fn decode(&self, head: &Parts, body: Bytes) -> Result<Bytes, Refused> {
        let encoding = text(&head.headers, CONTENT_ENCODING.as_str()).unwrap_or("identity").to_ascii_lowercase();
        match &*encoding {
            "identity" => Ok(body),
            "gzip" => match gunzip(&body, self.reading.most) {
                Ok(body) => Ok(body.into()),
                Err(_) => Err(Refused::after(StatusCode::BAD_REQUEST, "error decoding gzip content")),
            },
            other => {
                let other: String = other.chars().take(40).collect();
                Err(Refused::after(StatusCode::NOT_IMPLEMENTED, format!("encoding '{other}' not supported")))
            }
        }
    }
}

/// A request that is not answered with a document.
struct Refused {
    status: StatusCode,
    why: Cow<'static, str>,
    /// Its body has been read, so that the next one can follow.
    read: bool,
}

impl Refused {
    fn new(status: StatusCode, why: impl Into<Cow<'static, str>>) -> Self {
        Self { status, why: why.into(), read: false }
    }

    /// One whose body has been read.
    fn after(status: StatusCode, why: impl Into<Cow<'static, str>>) -> Self {
        Self { status, why: why.into(), read: true }
    }

    fn answer(self) -> Response<Body> {
        let mut answer = plain(self.status, self.why);
        let headers = answer.headers_mut();
        if !self.read {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        match self.status {
            StatusCode::UNAUTHORIZED => {
                let realm = HeaderValue::from_static("Basic realm=\"XML-RPC\", charset=\"UTF-8\"");
                headers.insert(WWW_AUTHENTICATE, realm);
            }
            StatusCode::SERVICE_UNAVAILABLE => _ = headers.insert(RETRY_AFTER, HeaderValue::from_static("1")),
            _ => {}
        }
        answer
    }
}

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Self {
        let (status, why) = unread.told();
        Self::new(status, why)
    }
}

fn answered(mut response: Vec<u8>, headers: &HeaderMap) -> Response<Body> {
    let compress =
        response.len() > COMPRESS_BEYOND && text(headers, ACCEPT_ENCODING.as_str()).is_some_and(takes_gzip);
    if compress {
        response = gzip(&response);
    }
    let mut answer = Response::new(Body::from(response));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if compress {
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

/// The text of a header, if it is text.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
