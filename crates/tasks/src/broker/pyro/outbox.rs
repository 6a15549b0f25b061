//! [`Outbox`]: what goes out while an earlier call is under way goes together.

use std::sync::{Arc, OnceLock};

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::link::{Fault, Link, closed};
use crate::Result;

/// The most in one call.
const MOST: usize = 1000;
/// And so many bytes, where one does not have more itself.
const MOST_BYTES: usize = 4 << 20;

/// Items for a method that takes many at once.
pub(super) struct Outbox<T> {
    method: &'static str,
    sender: OnceLock<mpsc::UnboundedSender<Item<T>>>,
}

struct Item<T> {
    item: T,
    size: usize,
    done: oneshot::Sender<Result<()>>,
}

impl<T: Serialize + Send + Sync + 'static> Outbox<T> {
    pub(super) fn new(method: &'static str) -> Self {
        Self { method, sender: OnceLock::new() }
    }

    /// Sends an item of about this size; done when the other end has it for good.
    pub(super) async fn send(&self, link: &Arc<Link>, item: T, size: usize) -> Result<()> {
        let sender = self.sender.get_or_init(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(run(link.clone(), self.method, receiver));
            sender
        });
        let (done, is_done) = oneshot::channel();
        sender.send(Item { item, size, done }).map_err(|_| closed())?;
        is_done.await.unwrap_or_else(|_| Err(closed()))
    }
}

/// One call at a time: while it is under way, the next ones gather.
async fn run<T: Serialize + Send + Sync>(
    link: Arc<Link>,
    method: &'static str,
    mut receiver: mpsc::UnboundedReceiver<Item<T>>,
) {
    let mut left: Option<Item<T>> = None;
    loop {
        let first = match left.take() {
            Some(first) => first,
            None => match receiver.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        let mut size = first.size;
        let (mut items, mut waiting) = (vec![first.item], vec![first.done]);
        while items.len() < MOST
            && let Ok(next) = receiver.try_recv()
        {
            size += next.size;
            if size > MOST_BYTES {
                left = Some(next);
                break;
            }
            // Nobody waits for what was given up before it went out.
            if !next.done.is_closed() {
                items.push(next.item);
                waiting.push(next.done);
            }
        }
        let done = link.call::<salamander_value::Value>(method, (&items,)).await.map(drop).map_err(Fault::error);
        waiting.into_iter().for_each(|waits| _ = waits.send(done.clone()));
    }
}
