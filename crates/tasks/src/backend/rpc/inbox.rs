//! [`Inbox`]: what has come for which task, and who waits for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use salamander_value::Str;
use salamander_wire::celery::ResultMeta;
use tokio::sync::Notify;

use super::closed;
use crate::backend::finality;
use crate::{Error, Kind, Result};

/// How many results are kept that nobody has asked for.
const UNASKED: usize = 1000;

/// What has come for which task.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    /// Nobody is interested any more.
    end: Arc<Notify>,
}

#[derive(Default)]
struct State {
    expected: HashMap<Str, Entry>,
    /// What came for tasks that nobody expects, the oldest first.
    unasked: HashMap<Str, ResultMeta>,
    order: VecDeque<Str>,
    /// Somebody listens.
    open: bool,
    closed: bool,
    /// Why nobody listens any more.
    failed: Option<Error>,
}

#[derive(Default)]
struct Entry {
    /// How many expect it.
    count: usize,
    latest: Option<ResultMeta>,
    news: Arc<Notify>,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn end(&self) -> Arc<Notify> {
        self.end.clone()
    }

    pub(super) fn is_open(&self) -> bool {
        self.lock().open
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(super) fn opened(&self) {
        let mut state = self.lock();
        state.open = true;
        state.failed = None;
    }

    /// Nobody listens any more; whoever waits begins to listen again.
    pub(super) fn ended(&self) {
        let mut state = self.lock();
        state.open = false;
        state.failed.get_or_insert_with(|| Error::new(Kind::Connection, "nobody listens for results any more"));
        state.tell();
    }

    pub(super) fn fail(&self, error: Error) {
        self.lock().failed = Some(error);
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.tell();
        self.end.notify_one();
    }

    pub(super) fn keep(&self, id: &str) {
        let mut state = self.lock();
        let came = state.take_unasked(id);
        let entry = state.expected.entry(id.into()).or_default();
        entry.count += 1;
        if came.is_some() {
            entry.latest = came;
        }
    }

    /// One fewer expects it.
    pub(super) fn forgo(&self, id: &Str) {
        let mut state = self.lock();
        if let Some(entry) = state.expected.get_mut(id) {
            entry.count -= 1;
            if entry.count == 0 {
                state.expected.remove(id);
            }
        }
    }

    /// Something has come.
    pub(super) fn put(&self, meta: ResultMeta, correlation_id: Option<&Str>) {
        let id = match (&*meta.task_id, correlation_id) {
            ("", Some(id)) => id.clone(),
            _ => meta.task_id.clone(),
        };
        let mut state = self.lock();
        if let Some(entry) = state.expected.get_mut(&id) {
            if entry.latest.as_ref().is_none_or(|latest| gives_way(latest, &meta)) {
                entry.latest = Some(meta);
                entry.news.notify_waiters();
            }
            return;
        }
        if state.unasked.get(&id).is_some_and(|latest| !gives_way(latest, &meta)) {
            return;
        }
        if state.unasked.insert(id.clone(), meta).is_none() {
            state.order.push_back(id);
            if state.order.len() > UNASKED
                && let Some(oldest) = state.order.pop_front()
            {
                state.unasked.remove(&oldest);
            }
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<ResultMeta> {
        let state = self.lock();
        state.expected.get(id).and_then(|entry| entry.latest.as_ref()).or_else(|| state.unasked.get(id)).cloned()
    }

    pub(super) fn forget(&self, id: &str) {
        let mut state = self.lock();
        state.take_unasked(id);
        if let Some(entry) = state.expected.get_mut(id) {
            entry.latest = None;
        }
    }

    /// Waits for news of a task, which is expected as long as this waits.
    pub(super) async fn changed(&self, id: &str, seen: Option<&ResultMeta>) -> Result<ResultMeta> {
        loop {
            let news = {
                let state = self.lock();
                let Some(entry) = state.expected.get(id) else { return Err(closed()) };
                if let Some(latest) = entry.latest.as_ref().filter(|latest| Some(*latest) != seen) {
                    return Ok(latest.clone());
                }
                if let Some(error) = &state.failed {
                    return Err(error.clone());
                }
                if state.closed {
                    return Err(closed());
                }
                // Made here, before anything else can come.
                entry.news.clone().notified_owned()
            };
            news.await;
        }
    }
}

/// A result that is there stays, as with other backends.
fn gives_way(latest: &ResultMeta, meta: &ResultMeta) -> bool {
    let before = finality(&latest.status);
    before < 2 && before <= finality(&meta.status)
}

impl State {
    fn take_unasked(&mut self, id: &str) -> Option<ResultMeta> {
        let came = self.unasked.remove(id)?;
        self.order.retain(|one| &**one != id);
        Some(came)
    }

    fn tell(&self) {
        self.expected.values().for_each(|entry| entry.news.notify_waiters());
    }
}

#[cfg(test)]
mod tests {
    use salamander_wire::celery::State as Status;

    use super::*;

    fn meta(id: &str, status: Status) -> ResultMeta {
        ResultMeta::new(id, status, 1)
    }

    #[test]
    fn a_result_stays_and_goes_with_those_who_expect_it() {
        let inbox = Inbox::default();
        inbox.keep("a");
        inbox.keep("a");
        inbox.put(meta("a", Status::Started), None);
        inbox.put(meta("a", Status::Success), None);
        inbox.put(meta("a", Status::Started), None);
        assert_eq!(inbox.get("a").unwrap().status, Status::Success);
        inbox.forgo(&"a".into());
        assert!(inbox.get("a").is_some());
        inbox.forgo(&"a".into());
        assert_eq!(inbox.get("a"), None);
    }

    #[test]
    fn what_nobody_expects_is_kept_for_a_while() {
        let inbox = Inbox::default();
        for n in 0..1500 {
            inbox.put(meta("", Status::Success), Some(&n.to_string().into()));
        }
        assert_eq!(inbox.get("499"), None);
        inbox.keep("500");
        assert!(inbox.get("500").is_some());
        assert_eq!(inbox.lock().order.len(), 999);
        inbox.forget("500");
        inbox.forget("501");
        assert_eq!((inbox.get("500"), inbox.get("501"), inbox.lock().unasked.len()), (None, None, 998));
    }
}
