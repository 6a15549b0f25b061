//! [`Inbox`]: the tasks whose results are expected here, and what came of them along with another's.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use salamander_value::{Blob, Str};

/// How many further tasks are asked for together with one: as many as are likely to be there.
const LEAST: usize = 8;
const MOST: usize = 512;

/// Who waits for one result gets those of the tasks that were sent after it as well, as far as they are there: a call for each of many
/// results would cost more than the tasks themselves.
#[derive(Default)]
pub(super) struct Inbox(Mutex<State>);

#[derive(Default)]
struct State {
    expected: HashMap<Str, Entry>,
    /// Those of which nothing came yet, in the order of their sending, and some that nobody expects any more.
    order: VecDeque<Str>,
    width: usize,
}

#[derive(Default)]
struct Entry {
    /// How many expect it.
    count: usize,
    /// The state it came to its end with.
    last: Option<Blob>,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(&self, task: &Str) {
        let mut state = self.state();
        let entry = state.expected.entry(task.clone()).or_default();
        entry.count += 1;
        if entry.count == 1 {
            state.order.push_back(task.clone());
        }
    }

    /// One fewer expects it.
    pub(super) fn forgo(&self, task: &str) {
        let mut state = self.state();
        let State { expected, order, .. } = &mut *state;
        let Some(entry) = expected.get_mut(task) else { return };
        entry.count -= 1;
        if entry.count == 0 {
            expected.remove(task);
            if order.len() > 2 * expected.len() + MOST {
                order.retain(|task| expected.contains_key(task));
            }
        }
    }

    /// What it came to its end with, if that came.
    pub(super) fn get(&self, task: &str) -> Option<Blob> {
        self.state().expected.get(task)?.last.clone()
    }

    pub(super) fn forget(&self, task: &str) {
        if let Some(entry) = self.state().expected.get_mut(task) {
            entry.last = None;
        }
    }

    /// What to ask for along with a task; to be given back by [`Inbox::arrived`].
    pub(super) fn others(&self, task: &str) -> Vec<Str> {
        let mut state = self.state();
        let State { expected, order, width } = &mut *state;
        let mut others = Vec::new();
        while others.len() < (*width).max(LEAST)
            && let Some(next) = order.pop_front()
        {
            if *next != *task && expected.get(&next).is_some_and(|entry| entry.last.is_none()) {
                others.push(next);
            }
        }
        others
    }

    /// What has come of those that were asked for.
    pub(super) fn arrived(&self, asked: Vec<Str>, came: Vec<(Str, Blob)>) {
        let mut state = self.state();
        state.width = (2 * came.len()).clamp(LEAST, MOST);
        for (task, last) in came {
            if let Some(entry) = state.expected.get_mut(&task) {
                entry.last = Some(last);
            }
        }
        for task in asked.into_iter().rev() {
            if state.expected.get(&task).is_some_and(|entry| entry.last.is_none()) {
                state.order.push_front(task);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> Str {
        number.to_string().into()
    }

    #[test]
    fn as_many_are_asked_for_as_are_likely_to_be_there() {
        let inbox = Inbox::default();
        (0..100).for_each(|number| inbox.keep(&name(number)));
        let others = inbox.others("0");
        assert_eq!(others, (1..=LEAST).map(name).collect::<Vec<_>>());
        let came: Vec<_> = others[..6].iter().map(|task| (task.clone(), Blob::from(vec![1]))).collect();
        inbox.arrived(others, came);
        assert_eq!((inbox.get("6"), inbox.get("7")), (Some(Blob::from(vec![1])), None));
        let others = inbox.others("9");
        let expected: Vec<_> = [7, 8].into_iter().chain(10..20).map(name).collect();
        assert_eq!(others, expected, "first those that had not come to an end");
        inbox.arrived(others, Vec::new());
        inbox.forget("6");
        assert_eq!(inbox.get("6"), None);
    }

    #[test]
    fn what_nobody_expects_takes_no_place() {
        let inbox = Inbox::default();
        for number in 0..10_000 {
            inbox.keep(&name(number));
            inbox.forgo(&name(number));
        }
        assert!(inbox.state().expected.is_empty() && inbox.state().order.len() <= MOST + 1);
        inbox.keep(&name(1));
        inbox.keep(&name(1));
        inbox.arrived(Vec::new(), vec![(name(1), Blob::from(vec![2])), (name(2), Blob::from(vec![3]))]);
        inbox.forgo("1");
        assert_eq!((inbox.get("1"), inbox.get("2")), (Some(Blob::from(vec![2])), None));
    }
}
