//! [`Heads`]: how long a client may take for the head of a request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use crate::Body;

/// Since when a connection has been waiting for the head of a request: from its beginning, and from the end of each answer, on.
///
/// One timer serves a connection, and is looked at when it is due. Setting one for each head would cost every request a place in the
/// runtime's wheel of timers.
#[derive(Clone, Debug)]
pub(crate) struct Heads(Arc<State>);

#[derive(Debug)]
struct State {
    begun: Instant,
    /// In milliseconds from the beginning; [`ANSWERING`] while a request is being answered.
    since: AtomicU64,
}

const ANSWERING: u64 = u64::MAX;

impl Heads {
    /// Of a connection that begins now.
    pub(crate) fn begin() -> Self {
        Self(Arc::new(State { begun: Instant::now(), since: AtomicU64::new(0) }))
    }

    /// The head of a request has come, which is answered from now on until what this gives is dropped.
    pub(crate) fn came(&self) -> Answering {
        self.0.since.store(ANSWERING, Ordering::Relaxed);
        Answering(self.clone())
    }

    /// Returns when a head has taken longer than this.
    pub(crate) async fn late(&self, most: Duration) {
        loop {
            let now = Instant::now();
            let due = match self.0.since.load(Ordering::Relaxed) {
                ANSWERING => now + most,
                since => self.0.begun + Duration::from_millis(since) + most,
            };
            if due <= now {
                return;
            }
            sleep_until(due).await;
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Answering(Heads);

impl Answering {
    /// Goes on until this body has left.
    pub(crate) fn with(self, body: Body) -> Answer {
        Answer { body, _answering: self }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let State { begun, since } = &*self.0.0;
        since.store(u64::try_from(begun.elapsed().as_millis()).unwrap_or(0), Ordering::Relaxed);
    }
}

/// The body of an answer, while it is on its way.
pub(crate) struct Answer {
    body: Body,
    _answering: Answering,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_head_may_take_so_long_from_the_answer_before_on() {
        let begun = Instant::now();
        let heads = Heads::begin();
        heads.late(MOST).await;
        assert_eq!(begun.elapsed(), MOST);

        let begun = Instant::now();
        let heads = Heads::begin();
        let answering = heads.came();
        let answer = async {
            tokio::time::sleep(Duration::from_secs(100)).await;
            drop(answering);
        };
        tokio::join!(answer, heads.late(MOST));
        assert_eq!(begun.elapsed(), Duration::from_secs(130));
    }
}
