//! A connection on which requests, responses and items go to and fro.

use std::future::{poll_fn, ready};
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};

use super::dispatch::{Answer, Caller, Closing, Opened, poll_item};
use super::options::Inner;
use super::response::{Fault, error};

/// How long requests under way may take when the daemon stops.
const GRACE: Duration = Duration::from_secs(10);

/// What comes in.
pub(super) enum Incoming {
    Message(Bytes),
    /// A message that is larger than is allowed; nothing more can come.
    TooLarge,
}

/// Messages both ways.
pub(super) trait Messages:
    Stream<Item = io::Result<Incoming>> + Sink<Bytes, Error = io::Error> + Unpin + Send
{
}

impl<M: Stream<Item = io::Result<Incoming>> + Sink<Bytes, Error = io::Error> + Unpin + Send> Messages for M {}

/// Answers a client until it leaves or the daemon stops; then what is under way has ten seconds.
///
/// A response is sent when it is there, whatever came before. While too much is under way, or the client does not take what it
/// gets, nothing is read.
///
/// # Errors
/// Where the connection breaks, or what is under way does not end in time.
pub(super) async fn converse(mut messages: impl Messages, caller: Caller) -> io::Result<()> {
    let daemon = caller.daemon.clone();
    let mut talk = std::pin::pin!(talk(&mut messages, caller));
    tokio::select! {
        done = talk.as_mut() => return done,
        () = daemon.stopping() => {}
    }
    tokio::time::timeout(GRACE, talk).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn talk(messages: &mut impl Messages, caller: Caller) -> io::Result<()> {
    let mut under_way = FuturesUnordered::new();
    let mut streams = Streams::default();
    // Something has been written that is not on its way.
    let mut unsent = false;
    let mut is_open = true;
    let mut stopping = Box::pin({
        let daemon = caller.daemon.clone();
        async move { daemon.stopping().await }
    });
    loop {
        let answer = tokio::select! {
            biased;
            () = stopping.as_mut(), if is_open => {
                is_open = false;
                continue;
            }
            incoming = messages.next(), if is_open && under_way.len() < caller.rpc.max_under_way => match incoming {
                Some(Ok(Incoming::Message(message))) => {
                    let mut call = Box::pin(caller.clone().respond(message));
                    match call.as_mut().now_or_never() {
                        Some(answer) => answer,
                        None => {
                            under_way.push(call);
                            continue;
                        }
                    }
                }
                Some(Ok(Incoming::TooLarge)) => {
                    is_open = false;
                    let fault = Fault::limit(format!("a request of more than {} bytes", caller.rpc.reading.most));
                    Answer { message: Some(error(None, &fault, &caller.rpc.settings)), ..Answer::default() }
                }
                Some(Err(error)) => return Err(error),
                None => {
                    is_open = false;
                    continue;
                }
            },
            Some(answer) = under_way.next(), if !under_way.is_empty() => answer,
            () = ready(()), if unsent => {
                messages.flush().await?;
                unsent = false;
                continue;
            }
            // Asked for only when all before is on its way.
            item = streams.next(&caller.rpc), if is_open && !streams.0.is_empty() => {
                Answer { message: Some(item), ..Answer::default() }
            }
            () = ready(()), if !is_open && under_way.is_empty() => break,
        };
        let Answer { message, opened, closed } = answer;
        if let Some(message) = message {
            messages.feed(message.into()).await?;
            unsent = true;
        }
        closed.iter().for_each(|closing| streams.close(closing));
        if is_open {
            streams.0.extend(opened);
        }
    }
    messages.close().await
}

/// The streams that a client is subscribed to, the one that has waited longest first.
#[derive(Default)]
struct Streams(Vec<Opened>);

impl Streams {
    /// The next notification of any of them, as a message.
    async fn next(&mut self, rpc: &Inner) -> Vec<u8> {
        poll_fn(|cx| self.poll_next(rpc, cx)).await
    }

    fn poll_next(&mut self, rpc: &Inner, cx: &mut Context<'_>) -> Poll<Vec<u8>> {
        for at in 0..self.0.len() {
            let Some(Opened { id, method, items, context, .. }) = self.0.get_mut(at) else { break };
            let Poll::Ready(next) = poll_item(items, context, rpc, cx) else { continue };
            let (name, value, goes_on) = match next {
                Ok(Some(item)) if item.len() > rpc.max_response => {
                    ("error", rpc.too_large().json(&rpc.settings), false)
                }
                Ok(Some(item)) => ("result", item, true),
                Ok(None) => ("end", b"true".to_vec(), false),
                Err(exception) => ("error", Fault::of(&exception).json(&rpc.settings), false),
            };
            let message = notification(method, *id, name, &value, rpc);
            let stream = self.0.remove(at);
            if goes_on {
                self.0.push(stream);
            }
            return Poll::Ready(message);
        }
        Poll::Pending
    }

    fn close(&mut self, closing: &Closing) {
        self.0.retain(|stream| stream.id != closing.subscription);
    }
}

fn notification(method: &str, id: u64, name: &str, value: &[u8], rpc: &Inner) -> Vec<u8> {
    let method = salamander_codec::Codec::Json.encode(method, &rpc.settings).unwrap_or_default();
    let id = id.to_string();
    let parts: [&[u8]; 9] = [
        br#"{"jsonrpc":"2.0","method":"#,
        &method,
        br#","params":{"subscription":"#,
        id.as_bytes(),
        b",\"",
        name.as_bytes(),
        b"\":",
        value,
        b"}}",
    ];
    parts.concat()
}
