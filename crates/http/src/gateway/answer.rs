//! [`Answers`]: responses with the headers that Pyro's gateway gives them.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use salamander_net::{Exception, Value};
use salamander_value::Uuid;

use super::page::Asset;
use super::request::Refused;
use crate::body::Body;
use crate::events::{Events, exception_json, json};

pub(super) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-pyro-correlation-id");

const TEXT: &str = "text/plain";
const JSON: &str = "application/json; charset=utf-8";

/// What a page may do: use its own parts and call the gateway, and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Makes answers.
pub(super) struct Answers {
    /// Who may read them in a browser.
    cors: HeaderValue,
}

impl Answers {
    pub(super) fn new(cors: HeaderValue) -> Self {
        Self { cors }
    }

    fn make(&self, status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
        let mut answer = Response::new(body.into());
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.cors.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
        // What an object returns is not to be taken for a page.
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer
    }

    /// From the root to the page.
    pub(super) fn redirect(&self) -> Response<Body> {
        let mut answer = Response::new(Body::from(Bytes::new()));
        *answer.status_mut() = StatusCode::FOUND;
        answer.headers_mut().insert(LOCATION, HeaderValue::from_static("/pyro/"));
        answer
    }

    pub(super) fn options(&self) -> Response<Body> {
        self.make(StatusCode::OK, TEXT, "200 OK")
    }

    pub(super) fn refused(&self, refused: Refused) -> Response<Body> {
        let (status, text) = match refused {
            Refused::NotFound => (StatusCode::NOT_FOUND, "Error 404: Not Found"),
            Refused::Method => (StatusCode::METHOD_NOT_ALLOWED, "Error 405: Method Not Allowed"),
            Refused::Key => (StatusCode::FORBIDDEN, "403 Forbidden - incorrect gateway api key"),
            Refused::Object => {
                (StatusCode::FORBIDDEN, "403 Forbidden - access to the requested object has been denied")
            }
            Refused::Origin => (StatusCode::FORBIDDEN, "403 Forbidden - only pages of this gateway may call it"),
            Refused::NoNameServer => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Cannot connect to the Pyro name server. Is it running? Refresh page to retry.",
            ),
            Refused::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Error 413: the body is too large"),
            Refused::TooSlow => (StatusCode::REQUEST_TIMEOUT, "Error 408: the body did not come in time"),
            Refused::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Error 415: a body should be application/json"),
            Refused::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Error 503: too many requests at once"),
            Refused::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "Error 500: the request could not be answered"),
        };
        let mut answer = self.make(status, TEXT, text);
        if refused == Refused::Busy {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        answer
    }

    /// A page, or a part of it.
    pub(super) fn page(&self, html: String) -> Response<Body> {
        let mut answer = self.make(StatusCode::OK, "text/html", html);
        let headers = answer.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        answer
    }

    pub(super) fn asset(&self, asset: Asset) -> Response<Body> {
        let (content_type, text) = asset.content();
        let mut answer = self.make(StatusCode::OK, content_type, text);
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        answer
    }

    /// What a call gave, or nothing where nobody waits for it.
    pub(super) fn result(&self, json: impl Into<Body>, correlation: Uuid) -> Response<Body> {
        let mut answer = self.make(StatusCode::OK, JSON, json);
        answer.headers_mut().insert(CORRELATION_ID, id_header(correlation));
        answer
    }

    pub(super) fn events(&self, events: Events, correlation: Uuid) -> Response<Body> {
        let mut answer = self.make(StatusCode::OK, "text/event-stream", Body::events(events));
        let headers = answer.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CORRELATION_ID, id_header(correlation));
        answer
    }

    /// A document of the gateway's own.
    pub(super) fn document(&self, value: impl Into<Value>) -> Response<Body> {
        match json(&value.into()) {
            Ok(json) => self.make(StatusCode::OK, JSON, json),
            Err(error) => self.exception(&error.exception()),
        }
    }

    pub(super) fn exception(&self, exception: &Exception) -> Response<Body> {
        self.raised(exception_json(exception))
    }

    /// An exception that is JSON already.
    pub(super) fn raised(&self, json: impl Into<Body>) -> Response<Body> {
        self.make(StatusCode::INTERNAL_SERVER_ERROR, JSON, json)
    }

    /// A request that cannot be understood.
    pub(super) fn bad_request(&self, exception: &Exception) -> Response<Body> {
        self.make(StatusCode::BAD_REQUEST, JSON, exception_json(exception))
    }
}

fn id_header(id: Uuid) -> HeaderValue {
    HeaderValue::from_str(&id.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
