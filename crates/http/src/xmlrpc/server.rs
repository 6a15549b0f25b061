//! Requests of XML-RPC: what is around a call.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING,
    WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::coding::{gunzip, gzip, takes_gzip};
use super::dispatch;
use super::options::{Inner, XmlRpc};
use crate::Body;
use crate::site::{Part, Responding, Visitor, busy, plain};

/// From this size on, responses are compressed for those who take it: what a common packet holds, as in Python.
const COMPRESS_BEYOND: usize = 1400;

impl Part for XmlRpc {
    fn name(&self) -> &'static str {
        "XML-RPC"
    }

    fn path(&self) -> &'static str {
        "/RPC2"
    }

    fn takes(&self, method: &Method, path: &str) -> bool {
        match path {
            "/RPC2" => true,
            // The others are for the start page.
            "/" => !matches!(*method, Method::GET | Method::HEAD),
            _ => false,
        }
    }

    fn respond(&self, request: Request<Incoming>, visitor: Visitor) -> Responding {
        let xmlrpc = self.0.clone();
        Box::pin(async move { xmlrpc.answer(request, visitor).await.unwrap_or_else(|refused| refused) })
    }
}

impl Inner {
    /// Answers a request; the error is an answer too.
    async fn answer(&self, request: Request<Incoming>, visitor: Visitor) -> Result<Response<Body>, Response<Body>> {
        let (head, body) = request.into_parts();
        if !self.lets_in(head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes)) {
            let mut answer = refused(StatusCode::UNAUTHORIZED, "this needs a name and a password");
            let realm = HeaderValue::from_static("Basic realm=\"XML-RPC\", charset=\"UTF-8\"");
            answer.headers_mut().insert(WWW_AUTHENTICATE, realm);
            return Err(answer);
        }
        if head.method != Method::POST {
            // Python's word for it; the method is one that was recognised.
            let text = format!("Unsupported method ('{}')", head.method);
            return Err(refused(StatusCode::NOT_IMPLEMENTED, text));
        }
        let document = {
            // Bodies are what takes memory; calls are limited by their connections.
            let reading = tokio::time::timeout(self.body_time, self.reading.acquire()).await;
            let Ok(Ok(_place)) = reading else { return Err(busy()) };
            let body = self.read(&head, body).await?;
            self.decode(&head, body)?
        };
        let response = dispatch::respond(self, document, &visitor).await;
        Ok(answered(response, &head.headers))
    }

    /// The body of a request.
    async fn read(&self, head: &Parts, body: Incoming) -> Result<Bytes, Response<Body>> {
        let too_large = || refused(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large");
        let announced = text(&head.headers, CONTENT_LENGTH.as_str()).and_then(|text| text.parse::<u64>().ok());
        if announced.is_none() && !head.headers.contains_key(TRANSFER_ENCODING) {
            return Err(refused(StatusCode::LENGTH_REQUIRED, "the request should tell its length"));
        }
        if announced.is_some_and(|length| length > self.max_body as u64) {
            return Err(too_large());
        }
        match tokio::time::timeout(self.body_time, Limited::new(body, self.max_body).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(refused(StatusCode::BAD_REQUEST, "the request was cut off")),
            Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "the request took too long")),
        }
    }

    /// The document that a body is.
    fn decode(&self, head: &Parts, body: Bytes) -> Result<Bytes, Response<Body>> {
        let encoding = text(&head.headers, CONTENT_ENCODING.as_str()).unwrap_or("identity").to_ascii_lowercase();
        match &*encoding {
            "identity" => Ok(body),
            "gzip" => match gunzip(&body, self.max_body) {
                Ok(body) => Ok(body.into()),
                Err(_) => Err(plain(StatusCode::BAD_REQUEST, "error decoding gzip content")),
            },
            other => {
                let other: String = other.chars().take(40).collect();
                Err(plain(StatusCode::NOT_IMPLEMENTED, format!("encoding '{other}' not supported")))
            }
        }
    }
}

/// An answer to a request whose body is not read, after which the connection ends.
fn refused(status: StatusCode, why: impl Into<String>) -> Response<Body> {
    let mut answer = plain(status, why);
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
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
