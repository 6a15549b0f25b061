//! What every result backend has to do, and what it says that it can.
//!
//! [`backend_contract!`](macro@crate::backend_contract) makes a test of each part.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, missing_docs)]

pub mod basics;
pub mod chords;
pub mod faults;
pub mod groups;
pub mod waiting;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use salamander_tasks::Result;
use salamander_tasks::backend::{Backend, Found, Update};
use salamander_value::{Dict, Value};
use salamander_wire::celery::{ResultMeta, State};

/// How long anything may take. Nothing is ever waited for that is to stay away.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where results are.
pub trait Place: Send + Sync {
    /// Another connection to it.
    fn connect(&self) -> Arc<dyn Backend>;

    /// A connection whose results expire after this time (a whole number of seconds); never called where they do not.
    fn expiring(&self, _after: Duration) -> Arc<dyn Backend> {
        self.connect()
    }

    /// Ends it as a crash does. Never called for backends that are not [durable](salamander_tasks::backend::Capabilities::durable).
    fn kill(&mut self) {}

    /// Starts it again, at the same place.
    fn restart(&mut self) {}
}

/// Makes a test of each part of the contract.
///
/// The first expression gives the place for a part, or none where the test is left out; the second one a place that may be killed.
///
/// ```text
/// interop::backend_contract!(Shared::new(), Own::new());
/// ```
#[macro_export]
macro_rules! backend_contract {
    ($place:expr, $own:expr) => {
        $crate::backend_contract!(@ $place, basics:
            what_is_stored_is_found
            exceptions_are_kept
            of_what_was_never_stored_nothing_is_known
            a_result_stays
            a_result_takes_the_place_of_a_failure
            what_is_forgotten_is_gone
            results_are_of_any_size
            anybody_looks_where_that_is_said
            results_expire
            what_is_closed_says_so
        );
        $crate::backend_contract!(@ $place, waiting:
            who_waits_is_told
            what_came_before_is_found
            states_follow_one_another
            what_was_seen_is_not_told_again
            many_wait_at_once
            several_wait_for_one
            waiting_can_be_given_up
        );
        $crate::backend_contract!(@ $place, groups:
            groups_are_kept
        );
        $crate::backend_contract!(@ $own, faults:
            results_survive_a_crash
            waiting_goes_on_after_a_crash
            storing_goes_on_after_a_crash
        );
    };
    // Of those that count chords, these parts as well.
    ($place:expr, $own:expr, chords) => {
        $crate::backend_contract!($place, $own);
        $crate::backend_contract!(@ $place, chords:
            the_last_part_goes_on
            a_part_counts_once
            one_of_many_goes_on
            a_part_that_fails_is_told
            groups_are_put_together_again
            what_nobody_goes_on_with_is_found
        );
        $crate::backend_contract!(@ $own, chords:
            counting_goes_on_after_a_crash
        );
    };
    (@ $place:expr, $module:ident: $($part:ident)*) => {
        $(
            #[test]
            fn $part() {
                let Some(place) = $place else { return };
                $crate::backend_contract::run($crate::backend_contract::$module::$part, place);
            }
        )*
    };
}

/// Runs one part.
pub fn run<P: Place + 'static, F: Future<Output = ()>>(part: impl FnOnce(Box<dyn Place>) -> F, place: P) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(part(Box::new(place)));
}

/// What comes within the patience that tests have.
async fn soon<T>(what: &str, future: impl Future<Output = Result<T>>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => panic!("{what}: {error:?}"),
        Err(_) => panic!("{what}: not within {PATIENCE:?}"),
    }
}

/// Stores what a worker has to say, where the one who waits gets to know of it.
async fn store(worker: &dyn Backend, client: &dyn Backend, meta: ResultMeta) {
    prepare(client).await;
    let update = Update { meta, reply_to: client.reply_to(), correlation_id: None };
    soon("storing", worker.store(update)).await;
}

/// Makes ready for results, as it is done before a task is sent.
async fn prepare(client: &dyn Backend) {
    if let Some(ready) = client.prepare() {
        soon("making ready", ready).await;
    }
}

/// Looks until a task is known, and again until something is so of it.
async fn until(client: &dyn Backend, task: &str, holds: impl Fn(&ResultMeta) -> bool) -> ResultMeta {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        match soon("looking", client.get(task)).await {
            Found::Known(meta) if holds(&meta) => return *meta,
            other => assert!(tokio::time::Instant::now() < end, "not within {PATIENCE:?}: {other:?}"),
        }
        // Between two looks; nobody tells.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until everything has arrived that was stored so far.
async fn settled(worker: &dyn Backend, client: &dyn Backend) {
    let task = uuid::Uuid::new_v4().to_string();
    let _expected = client.expect(&task);
    store(worker, client, done(&task, State::Success, 0)).await;
    soon("waiting for the last", client.changed(&task, None)).await;
}

fn done(task: &str, state: State, result: impl Into<Value>) -> ResultMeta {
    let mut meta = ResultMeta::new(task, state, result);
    if meta.status.is_ready() {
        meta.date_done = Some("2020-01-31T12:00:00.123456+00:00".into());
    }
    meta
}

/// Something of each kind that JSON has.
fn full() -> Value {
    let mut inner = Dict::new();
    inner.insert("deep", Value::List(vec![Value::Int(1), Value::None, Value::Bool(true)]));
    inner.insert("letters", Value::from("\u{e9}\u{1f98e} \"status\": \"SUCCESS\""));
    inner.insert("large", Value::Int(1 << 60));
    inner.insert("half", Value::Float(0.5));
    inner.into()
}
