//! [`Slots`]: the calls of a connection that are outstanding, by their sequence numbers.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use salamander_wire::pyro5::Message;

/// At most this many calls are outstanding at once; the sequence number has 16 bits.
const MOST: usize = 65_535;

/// One slot for each call from the oldest that is not done to the newest.
pub(super) struct Slots {
    /// The sequence number of the first slot.
    first: u16,
    slots: VecDeque<Slot>,
    /// How many are waiting for their reply.
    waiting: usize,
    /// There was no place, and now there is one.
    freed: bool,
}

enum Slot {
    Waiting(Option<Waker>),
    Ready(Message),
    /// The caller is gone; its reply is thrown away.
    Abandoned,
    /// The reply has been fetched, or thrown away.
    Done,
}

impl Default for Slots {
    fn default() -> Self {
        Self { first: 1, slots: VecDeque::new(), waiting: 0, freed: false }
    }
}

impl Slots {
    /// The sequence number of the next call.
    pub(super) fn next(&self) -> u16 {
        self.first.wrapping_add(self.slots.len() as u16)
    }

    /// Whether there is no place for another call.
    pub(super) fn are_full(&self) -> bool {
        self.slots.len() >= MOST
    }

    /// Whether a place has got free since there was none; tells it once.
    pub(super) fn freed(&mut self) -> bool {
        std::mem::take(&mut self.freed)
    }

    /// How many calls wait for their replies.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Makes a place for a call, which has the number that [`Slots::next`] gave.
    pub(super) fn open(&mut self) {
        self.slots.push_back(Slot::Waiting(None));
        self.waiting += 1;
    }

    /// Whether the reply of a call is there.
    pub(super) fn is_ready(&mut self, sequence: u16) -> bool {
        matches!(self.slot(sequence), Some(Slot::Ready(_)))
    }

    /// Fetches the reply of a call. Where it is not there yet, `waker` is told of it; nothing comes for an unknown call.
    pub(super) fn take(&mut self, sequence: u16, waker: &Waker) -> Poll<Option<Message>> {
        match self.slot(sequence) {
            Some(Slot::Waiting(Some(known))) if known.will_wake(waker) => Poll::Pending,
            Some(Slot::Waiting(known)) => {
                *known = Some(waker.clone());
                Poll::Pending
            }
            Some(slot @ Slot::Ready(_)) => match std::mem::replace(slot, Slot::Done) {
                Slot::Ready(message) => {
                    self.shrink();
                    Poll::Ready(Some(message))
                }
                _ => Poll::Ready(None),
            },
            _ => Poll::Ready(None),
        }
    }

    /// Nobody waits for a call any more.
    pub(super) fn abandon(&mut self, sequence: u16) {
        let Some(slot) = self.slot(sequence) else { return };
        match slot {
            Slot::Waiting(_) => {
                *slot = Slot::Abandoned;
                self.waiting -= 1;
            }
            _ => *slot = Slot::Done,
        }
        self.shrink();
    }

    /// Takes a reply in, and gives whom to tell.
    ///
    /// # Errors
    /// The oldest number that is waited for, where nobody has asked for this reply.
    pub(super) fn receive(&mut self, sequence: u16, message: Message) -> Result<Option<Waker>, u16> {
        let first = self.first;
        match self.slot(sequence) {
            Some(slot @ Slot::Waiting(_)) => {
                let before = std::mem::replace(slot, Slot::Ready(message));
                self.waiting -= 1;
                match before {
                    Slot::Waiting(waker) => Ok(waker),
                    _ => Ok(None),
                }
            }
            Some(slot @ Slot::Abandoned) => {
                *slot = Slot::Done;
                self.shrink();
                Ok(None)
            }
            _ => Err(first),
        }
    }

    /// All who wait.
    pub(super) fn wakers(&mut self) -> impl Iterator<Item = Waker> {
        self.slots.iter_mut().filter_map(|slot| match slot {
            Slot::Waiting(waker) => waker.take(),
            _ => None,
        })
    }

    fn slot(&mut self, sequence: u16) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(sequence.wrapping_sub(self.first)))
    }

    /// Forgets the slots in front that nobody needs any more.
    fn shrink(&mut self) {
        let full = self.are_full();
        while let Some(Slot::Done) = self.slots.front() {
            self.slots.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        self.freed |= full && !self.are_full();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use salamander_wire::pyro5::{Annotations, Header, MessageType};

    use super::*;

    fn reply(sequence: u16) -> Message {
        let header = Header::new(MessageType::Result, 1, sequence);
        Message { header, annotations: Annotations::new(), body: Bytes::new() }
    }

    fn taken(slots: &mut Slots, sequence: u16) -> bool {
        matches!(slots.take(sequence, Waker::noop()), Poll::Ready(Some(message)) if message.header.sequence == sequence)
    }

    #[test]
    fn replies_find_their_calls_in_any_order_and_around_the_end_of_the_numbers() {
        let mut slots = Slots::default();
        for _ in 0..70_000 {
            let numbers = [(); 3].map(|()| {
                let number = slots.next();
                slots.open();
                number
            });
            for at in [2, 0, 1] {
                assert!(slots.take(numbers[at], Waker::noop()).is_pending());
                assert!(slots.receive(numbers[at], reply(numbers[at])).unwrap().is_some());
                assert!(slots.is_ready(numbers[at]));
            }
            assert!(numbers.into_iter().all(|number| taken(&mut slots, number)));
            assert_eq!((slots.waiting(), slots.slots.len()), (0, 0));
        }
    }

    #[test]
    fn replies_that_nobody_waits_for_are_thrown_away_or_refused() {
        let mut slots = Slots::default();
        slots.open();
        slots.open();
        slots.abandon(1);
        assert_eq!(slots.waiting(), 1);
        assert_eq!(slots.receive(3, reply(3)).unwrap_err(), 1);
        assert!(slots.receive(1, reply(1)).unwrap().is_none());
        assert_eq!(slots.receive(1, reply(1)).unwrap_err(), 2);
        slots.receive(2, reply(2)).unwrap();
        assert_eq!(slots.receive(2, reply(2)).unwrap_err(), 2);
        assert!(taken(&mut slots, 2) && !taken(&mut slots, 2));
    }

    #[test]
    fn a_place_gets_free_when_the_oldest_call_is_done() {
        let mut slots = Slots::default();
        while !slots.are_full() {
            slots.open();
        }
        slots.receive(2, reply(2)).unwrap();
        assert!(taken(&mut slots, 2) && !slots.freed());
        slots.receive(1, reply(1)).unwrap();
        assert!(taken(&mut slots, 1) && slots.freed() && !slots.freed() && !slots.are_full());
    }
}
