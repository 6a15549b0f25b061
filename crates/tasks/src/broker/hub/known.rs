//! [`Known`]: which tasks are in queues, or came out of one lately.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

/// How many are remembered that are in no queue any more.
const MOST: usize = 1 << 16;

/// Tasks by the hashes of their ids. Two that have the same are taken for one, which errs on the side of knowing a task.
#[derive(Default)]
pub(super) struct Known {
    hasher: RandomState,
    tasks: HashMap<u64, Task>,
    /// Those whose messages were acknowledged before there was a result: they may still run.
    left: VecDeque<u64>,
    /// There were too many of them: nothing can be said any more of one that is not among the tasks.
    overflown: bool,
}

#[derive(Default)]
struct Task {
    /// How many messages there are, in queues or with consumers, and how often it is in `left`.
    count: u32,
    /// There is a result.
    stored: bool,
}

impl Known {
    /// How a task is known.
    pub(super) fn hash(&self, task_id: &str) -> u64 {
        self.hasher.hash_one(task_id)
    }

    /// A message for it came.
    pub(super) fn came(&mut self, task: u64) {
        self.tasks.entry(task).or_default().count += 1;
    }

    /// A message for it was done.
    pub(super) fn done(&mut self, task: u64) {
        match self.tasks.get(&task) {
            Some(Task { stored: false, .. }) => {}
            _ => return self.gone(task),
        }
        if self.left.len() == MOST
            && let Some(oldest) = self.left.pop_front()
        {
            self.overflown |= self.tasks.contains_key(&oldest);
            self.gone(oldest);
        }
        self.left.push_back(task);
    }

    /// A message for it was thrown away.
    pub(super) fn gone(&mut self, task: u64) {
        if let Some(known) = self.tasks.get_mut(&task) {
            known.count -= 1;
            if known.count == 0 {
                self.tasks.remove(&task);
            }
        }
    }

    /// It has a result, and need not be remembered.
    pub(super) fn stored(&mut self, task_id: &str) {
        let task = self.hash(task_id);
        if let Some(known) = self.tasks.get_mut(&task) {
            known.stored = true;
        }
        // The last ones are the likeliest.
        if let Some(at) = self.left.iter().rev().take(64).position(|other| *other == task) {
            self.left.remove(self.left.len() - 1 - at);
            self.gone(task);
        }
    }

    pub(super) fn knows(&self, task_id: &str) -> bool {
        self.overflown || self.tasks.contains_key(&self.hash(task_id))
    }
}
