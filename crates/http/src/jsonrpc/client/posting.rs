//! Calls by HTTP.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use salamander_net::{Error, Kind, Result};

use crate::client::{Again, Server};

/// Posts a message, and gives what comes back. It is sent once more where a connection that was kept turns out to be closed, and
/// nothing of it had been sent.
pub(super) async fn exchange(server: &Server, message: Vec<u8>) -> Result<Bytes> {
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(ACCEPT, json.clone()), (CONTENT_TYPE, json)]);
    let answer = server.post(message, headers, Again::Unsent).await?;
    let status = answer.head.status;
    let body = answer.body().await?;
    // Some servers tell of errors with a status as well.
    let is_answer = body.first().is_some_and(|first| matches!(first, b'{' | b'['));
    if !status.is_success() && !is_answer {
        return Err(Error::new(Kind::Protocol, format!("{} answers with {status}", server.place())));
    }
    Ok(body)
}
