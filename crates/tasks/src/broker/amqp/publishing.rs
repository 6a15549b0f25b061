//! [`Publishing`]: what is published and not confirmed yet.

use std::collections::VecDeque;

use salamander_value::Str;
use salamander_wire::amqp::Closed;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// The publications of a connection, which the broker confirms by their numbers.
#[derive(Default)]
pub(super) struct Publishing {
    /// The number of the first one in `pending`.
    first: u64,
    pending: VecDeque<Option<Pending>>,
}

struct Pending {
    exchange: Str,
    outcome: oneshot::Sender<Outcome>,
    /// Its part of what may be under way.
    _permit: OwnedSemaphorePermit,
}

/// What became of a publication.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The broker is responsible for it.
    Confirmed,
    /// The broker could not take it.
    Rejected,
    /// Nobody knows: the connection is gone.
    Lost,
    /// The broker has closed the channel because of a publication; it may have been this one.
    Suspect(Closed),
    /// The broker has closed the channel because of this one.
    Refused(Closed),
}

impl Publishing {
    /// Those of a new channel.
    pub(super) fn new() -> Self {
        Self { first: 1, pending: VecDeque::new() }
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Notes the next publication.
    pub(super) fn push(&mut self, exchange: Str, permit: OwnedSemaphorePermit) -> oneshot::Receiver<Outcome> {
        let (outcome, receiver) = oneshot::channel();
        self.pending.push_back(Some(Pending { exchange, outcome, _permit: permit }));
        receiver
    }

    /// The broker has taken publications, or could not. False where it speaks of one that there is not.
    pub(super) fn settle(&mut self, tag: u64, multiple: bool, confirmed: bool) -> bool {
        let outcome = || if confirmed { Outcome::Confirmed } else { Outcome::Rejected };
        let tell = |pending: Option<Pending>| {
            if let Some(pending) = pending {
                // Somebody who has given up is not told.
                let _ = pending.outcome.send(outcome());
            }
        };
        if multiple && tag == 0 {
            self.first += self.pending.len() as u64;
            self.pending.drain(..).for_each(tell);
            return true;
        }
        let Some(index) = tag.checked_sub(self.first).and_then(|index| usize::try_from(index).ok()) else {
            // Told already, with another one.
            return tag > 0;
        };
        if index >= self.pending.len() {
            return false;
        }
        if multiple {
            self.pending.drain(..=index).for_each(tell);
            self.first += index as u64 + 1;
            return true;
        }
        tell(self.pending[index].take());
        while let Some(None) = self.pending.front() {
            self.pending.pop_front();
            self.first += 1;
        }
        true
    }

    /// The channel is gone.
    pub(super) fn fail(&mut self, reason: Option<&Closed>) {
        for pending in self.pending.drain(..).flatten() {
            let outcome = match reason {
                None => Outcome::Lost,
                // `NOT_FOUND - no exchange 'x' in vhost '/'`
                Some(closed) if closed.text.contains(&format!("exchange '{}' in", &*pending.exchange)) => {
                    Outcome::Refused(closed.clone())
                }
                // Another one's exchange.
                Some(closed) if closed.code == 404 => Outcome::Lost,
                Some(closed) => Outcome::Suspect(closed.clone()),
            };
            let _ = pending.outcome.send(outcome);
        }
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[test]
    fn each_is_told_what_became_of_it() {
        let permits = Arc::new(Semaphore::new(100));
        let mut publishing = Publishing::new();
        let mut next = || publishing.push("x".into(), permits.clone().try_acquire_owned().unwrap());
        let mut told: Vec<_> = (0..8).map(|_| next()).collect();
        assert!(publishing.settle(3, false, true));
        assert!(publishing.settle(2, true, true));
        assert!(publishing.settle(5, false, false));
        assert!(publishing.settle(2, false, true), "told already");
        assert!(!publishing.settle(9, true, true), "there is none");
        assert!(publishing.settle(6, true, true));
        publishing.fail(Some(&Closed { code: 404, text: "NOT_FOUND - no exchange 'x' in vhost '/'".into() }));
        let told: Vec<String> = told.iter_mut().map(|told| format!("{:?}", told.try_recv().unwrap())).collect();
        let told: Vec<&str> = told.iter().map(|told| told.split('(').next().unwrap()).collect();
        let expected =
            ["Confirmed", "Confirmed", "Confirmed", "Confirmed", "Rejected", "Confirmed", "Refused", "Refused"];
        assert_eq!(told, expected);
        assert_eq!(permits.available_permits(), 100);
    }
}
