//! [`Subscription`]: what a consumer has, and what it has not settled.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Instant;

use salamander_value::{Str, Value};
use salamander_wire::WireError;
use salamander_wire::amqp::Request;
use tokio::sync::oneshot;

use super::Shared;
use crate::Error;
use crate::broker::{Consume, Delivery, Queue, Settle};

/// How many bits of a settlement's tag are the number of the delivery; the others are the channel that it came on.
const NUMBER: u32 = 48;

/// A consumer, as the connection knows it.
pub(super) struct Subscription {
    pub(super) id: u64,
    shared: Weak<Shared>,
    inner: Mutex<Inner>,
    /// Something has been settled and is to be sent.
    dirty: AtomicBool,
}

/// What may change of it.
pub(super) struct Inner {
    pub(super) consume: Consume,
    /// The channel that is open for it.
    pub(super) channel: Option<u16>,
    /// Which of the channels that it has had this is.
    generation: u16,
    /// The limit holds for each queue and not for all together: so it is with quorum queues.
    pub(super) each: bool,
    /// The limit is the channel's, for all its queues. RabbitMQ asks another process for each message then, which costs it much: a single
    /// queue has a limit of its own, as long as that does not change.
    pub(super) together: bool,
    /// The queues are to be declared again, because the broker may have lost them.
    pub(super) declare: bool,
    /// Which queue is consumed by which tag; the tags of before, too, because something may still come by them.
    pub(super) tags: HashMap<Str, Str>,
    next_tag: u64,
    pub(super) buffer: VecDeque<Delivery>,
    pub(super) waker: Option<Waker>,
    pub(super) failed: Option<Error>,
    /// Who waits for it to begin.
    pub(super) begun: Option<oneshot::Sender<Result<(), Error>>>,
    /// When it is to be tried again, and how often it was.
    pub(super) retry: Option<Instant>,
    pub(super) attempts: u32,
    window: Window,
}

/// What was delivered on a channel and not settled.
#[derive(Default)]
struct Window {
    /// The number of the first delivery in `marks`.
    first: u64,
    marks: VecDeque<Mark>,
    /// What is to be sent.
    settled: Vec<(u64, Verdict)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Acknowledged,
    Settled,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ack,
    Reject,
    Requeue,
}

impl Subscription {
    pub(super) fn new(
        id: u64,
        shared: Weak<Shared>,
        consume: Consume,
        begun: oneshot::Sender<Result<(), Error>>,
    ) -> Self {
        let each = consume.queues.iter().any(counts_itself);
        let together = consume.queues.len() > 1;
        let inner = Inner {
            consume,
            channel: None,
            generation: 0,
            each,
            together,
            declare: false,
            tags: HashMap::new(),
            next_tag: 0,
            buffer: VecDeque::new(),
            waker: None,
            failed: None,
            begun: Some(begun),
            retry: None,
            attempts: 0,
            window: Window::default(),
        };
        Self { id, shared, inner: Mutex::new(inner), dirty: AtomicBool::new(false) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends the settlements that have come together.
    pub(super) fn flush(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        if self.dirty.swap(false, Ordering::AcqRel) {
            let inner = &mut *self.lock();
            if let Some(channel) = inner.channel {
                inner.window.flush(channel, out)?;
            }
        }
        Ok(())
    }

    fn settle(&self, tag: u64, verdict: Verdict) {
        let alone = {
            let inner = &mut *self.lock();
            if inner.consume.no_ack || !inner.holds(tag) {
                return;
            }
            inner.window.settled.push((tag & ((1 << NUMBER) - 1), verdict));
            inner.window.marks.len() == 1
        };
        if !self.dirty.swap(true, Ordering::AcqRel)
            && let Some(shared) = self.shared.upgrade()
        {
            match alone {
                true => shared.settled_alone(),
                false => shared.wake.notify_one(),
            }
        }
    }
}

impl Settle for Subscription {
    fn ack(&self, tag: u64) {
        self.settle(tag, Verdict::Ack);
    }

    fn reject(&self, tag: u64, requeue: bool) {
        self.settle(tag, if requeue { Verdict::Requeue } else { Verdict::Reject });
    }

    fn is_valid(&self, tag: u64) -> bool {
        let inner = self.lock();
        inner.consume.no_ack || inner.holds(tag)
    }
}

impl Inner {
    /// A channel has been opened.
    pub(super) fn opened(&mut self, channel: u16) {
        self.channel = Some(channel);
        self.generation = self.generation.wrapping_add(1);
        self.window = Window { first: 1, ..Window::default() };
        self.tags.clear();
    }

    /// The channel is gone: what it had delivered and nobody has seen comes again.
    pub(super) fn closed(&mut self) {
        self.channel = None;
        self.declare = true;
        self.window = Window::default();
        if !self.consume.no_ack {
            self.buffer.clear();
        }
    }

    /// Whether this tag is one of the channel that is open now.
    fn holds(&self, tag: u64) -> bool {
        self.channel.is_some() && tag >> NUMBER == u64::from(self.generation)
    }

    /// What the next delivery of this number is settled by.
    pub(super) fn delivered(&mut self, number: u64) -> u64 {
        if !self.consume.no_ack {
            let next = self.window.first + self.window.marks.len() as u64;
            // They count from one on; if one is missing, it is settled by nobody.
            self.window.marks.extend((next..=number).map(|_| Mark::Open));
        }
        u64::from(self.generation) << NUMBER | number
    }

    /// A tag that has not been used, for a queue.
    pub(super) fn tag(&mut self, queue: &Str) -> Str {
        self.next_tag += 1;
        let tag = Str::from(format!("{}.{}", self.consume.tag, self.next_tag).as_str());
        self.tags.insert(tag.clone(), queue.clone());
        tag
    }

    /// Whether the channel's limit counts, and not that of each consumer.
    pub(super) fn shares_limit(&self) -> bool {
        self.together && !self.each
    }

    /// The limit, as the protocol has it.
    pub(super) fn prefetch(&self) -> u16 {
        u16::try_from(self.consume.prefetch).unwrap_or(u16::MAX)
    }

    /// Somebody waits, and something has come.
    pub(super) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Window {
    /// Appends what was settled: all that is so from the beginning on with one acknowledgement.
    fn flush(&mut self, channel: u16, out: &mut Vec<u8>) -> Result<(), WireError> {
        let settled = std::mem::take(&mut self.settled);
        let index = |first: u64, number: u64| number.checked_sub(first).and_then(|index| usize::try_from(index).ok());
        let mut apart = Vec::new();
        for (number, verdict) in settled {
            let Some(mark) = index(self.first, number).and_then(|index| self.marks.get_mut(index)) else { continue };
            if *mark != Mark::Open {
                continue;
            }
            if verdict == Verdict::Ack {
                *mark = Mark::Acknowledged;
                apart.push(number);
            } else {
                *mark = Mark::Settled;
                Request::Reject { tag: number, requeue: verdict == Verdict::Requeue }.write(channel, out)?;
            }
        }
        let (mut last, mut count) = (0, 0);
        while let Some(Mark::Acknowledged | Mark::Settled) = self.marks.front() {
            if self.marks.pop_front() == Some(Mark::Acknowledged) {
                (last, count) = (self.first, count + 1);
            }
            self.first += 1;
        }
        if count > 0 {
            Request::Ack { tag: last, multiple: count > 1 }.write(channel, out)?;
        }
        for number in apart {
            if let Some(mark) = index(self.first, number).and_then(|index| self.marks.get_mut(index)) {
                *mark = Mark::Settled;
                Request::Ack { tag: number, multiple: false }.write(channel, out)?;
            }
        }
        Ok(())
    }
}

/// Whether a queue counts what each of its consumers holds, and how often a message was delivered.
pub(super) fn counts_itself(queue: &Queue) -> bool {
    matches!(queue.arguments.get("x-queue-type").and_then(Value::as_str), Some("quorum" | "stream"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(window: &mut Window, settled: &[(u64, Verdict)]) -> Vec<u8> {
        window.settled.extend(settled);
        let mut out = Vec::new();
        window.flush(1, &mut out).unwrap();
        out
    }

    fn written(requests: &[Request<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        requests.iter().for_each(|request| request.write(1, &mut out).unwrap());
        out
    }

    #[test]
    fn what_is_in_order_goes_with_one_acknowledgement() {
        let mut window = Window { first: 1, marks: vec![Mark::Open; 10].into(), settled: Vec::new() };
        let ack = |tag, multiple| Request::Ack { tag, multiple };
        assert_eq!(sent(&mut window, &[(2, Verdict::Ack), (1, Verdict::Ack)]), written(&[ack(2, true)]));
        assert_eq!(sent(&mut window, &[(5, Verdict::Ack)]), written(&[ack(5, false)]));
        let reject = Request::Reject { tag: 3, requeue: false };
        assert_eq!(sent(&mut window, &[(3, Verdict::Reject), (4, Verdict::Ack)]), written(&[reject, ack(4, false)]));
        assert_eq!(window.first, 6);
        // Twice, or of another time: nothing.
        assert_eq!(sent(&mut window, &[(3, Verdict::Ack), (11, Verdict::Ack), (5, Verdict::Requeue)]), []);
        let all = [(8, Verdict::Ack), (7, Verdict::Ack), (10, Verdict::Ack), (6, Verdict::Ack)];
        assert_eq!(sent(&mut window, &all), written(&[ack(8, true), ack(10, false)]));
    }
}
