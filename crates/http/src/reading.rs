//! [`Reading`]: how the bodies of requests are read.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::site::BUSY;

/// How many bodies are read at once; others wait.
const READING: usize = 64;

/// How a protocol reads the bodies of its requests.
#[derive(Clone)]
pub(crate) struct Reading {
    /// How many bytes they may have.
    pub(crate) most: usize,
    /// How long a client may take to send one.
    pub(crate) time: Duration,
    /// The bodies that are read at once.
    places: Arc<Semaphore>,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// There was no place for it.
    Busy,
    TooLarge,
    CutOff,
    TooSlow,
}

impl Reading {
    /// Bodies of so many bytes.
    pub(crate) fn of(most: usize) -> Self {
        Self { most, time: Duration::from_secs(30), places: Arc::new(Semaphore::new(READING)) }
    }

    /// A place to read a body, as long as it is kept. Bodies are what takes memory; calls are limited by their connections.
    pub(crate) async fn place(&self) -> Result<SemaphorePermit<'_>, Unread> {
        // Most often there is one, and nobody has to look at the clock.
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        match tokio::time::timeout(self.time, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Unread::Busy),
        }
    }

    /// A whole body.
    pub(crate) async fn read<B>(&self, headers: &HeaderMap, body: B) -> Result<Bytes, Unread>
    where
        B: http_body::Body<Data: Buf>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        read(headers, body, self.most, self.time).await
    }
}

/// A whole body, of so many bytes and within so long a time.
pub(crate) async fn read<B>(headers: &HeaderMap, body: B, most: usize, time: Duration) -> Result<Bytes, Unread>
where
    B: http_body::Body<Data: Buf>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(Unread::TooLarge);
    }
    let body = std::pin::pin!(Limited::new(body, most).collect());
    match tokio::time::timeout(time, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) => Err(Unread::CutOff),
        Err(_) => Err(Unread::TooSlow),
    }
}

impl Unread {
    /// The status that says so, and the words.
    pub(crate) fn told(self) -> (StatusCode, &'static str) {
        match self {
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, BUSY),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the request is too large"),
            Self::CutOff => (StatusCode::BAD_REQUEST, "the request was cut off"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the request took too long"),
        }
    }
}
