//! Bodies of chords that come once more: where whoever sends one is killed before he can say so, another sends it again, under the same id.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, MutexGuard, PoisonError};

use salamander_value::Str;

use super::super::Shared;
use super::super::job::Job;
use crate::backend::Found;

/// How many bodies a worker remembers.
const MOST: usize = 10_000;

/// The bodies that have come to an end here.
#[derive(Default)]
pub(in super::super) struct Bodies {
    known: HashSet<Str>,
    order: VecDeque<Str>,
}

impl Bodies {
    /// Remembers one.
    fn add(&mut self, id: &Str) {
        if !self.known.insert(id.clone()) {
            return;
        }
        self.order.push_back(id.clone());
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

impl Shared {
    /// Whether this is a body, which has a group but no place in it, and may have been sent twice. What is delivered once more is not: its
    /// worker is gone, and it has to be run again.
    pub(in super::super) fn may_come_twice(&self, job: &Job) -> bool {
        let headers = &job.message().headers;
        let group = headers.group.as_ref().is_some_and(|group| !group.is_empty());
        group
            && headers.group_index.is_none()
            && headers.retries == 0
            && headers.replaced_task_nesting == 0
            && !job.redelivered
            && job.deliveries.unwrap_or_default() == 0
            && self.chords().is_some()
    }

    /// It has come to an end; what takes its place has the same id. Before that it is not remembered: should it come again meanwhile, nobody knows whether it will have been acknowledged.
    pub(in super::super) fn remember_body(&self, job: &Job) {
        let headers = &job.message().headers;
        if headers.group.is_some() && headers.group_index.is_none() && self.chords().is_some() {
            self.bodies().add(job.id());
        }
    }

    fn bodies(&self) -> MutexGuard<'_, Bodies> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has come to an end already.
    pub(in super::super) async fn has_ended(&self, job: &Arc<Job>) -> bool {
        if self.bodies().known.contains(job.id()) {
            return true;
        }
        let Some(backend) = self.app.backend() else { return false };
        matches!(backend.get(job.id()).await, Ok(Found::Known(meta)) if meta.status.is_ready())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_remembered_among_the_last_ones() {
        let mut bodies = Bodies::default();
        bodies.add(&"a".into());
        bodies.add(&"a".into());
        assert_eq!(bodies.order.len(), 1);
        (0..MOST).for_each(|number| bodies.add(&number.to_string().into()));
        assert!(!bodies.known.contains("a"), "it was too long ago");
        assert_eq!((bodies.known.len(), bodies.order.len()), (MOST, MOST));
    }
}
