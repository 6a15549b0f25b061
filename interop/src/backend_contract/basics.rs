//! Storing, looking, forgetting.

use std::time::Duration;

use salamander_tasks::Kind;
use salamander_tasks::backend::{Found, Update};
use salamander_value::{Exception, Value};
use salamander_wire::celery::{ResultMeta, ResultValue, State};

use super::{PATIENCE, Place, done, full, prepare, settled, soon, store, until};

pub async fn what_is_stored_is_found(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    for (number, state) in
        [State::Received, State::Started, State::Custom("PROGRESS".into()), State::Success].into_iter().enumerate()
    {
        let task = format!("stored-{number}");
        let _expected = client.expect(&task);
        let mut meta = done(&task, state, full());
        meta.parent_id = Some("parent".into());
        meta.group_id = Some("group".into());
        for (name, value) in [
            ("name", Value::from("tasks.add")),
            ("retries", Value::Int(2)),
            ("worker", Value::from("w\u{f6}rker@host")),
        ] {
            meta.other.insert(name, value);
        }
        store(&*worker, &*client, meta.clone()).await;
        let found = until(&*client, &task, |_| true).await;
        assert_eq!(found.status, meta.status);
        assert_eq!(found.result, meta.result);
        assert_eq!((&found.task_id, &found.traceback), (&meta.task_id, &meta.traceback));
        if client.capabilities().relations {
            assert_eq!((&found.parent_id, &found.group_id), (&meta.parent_id, &meta.group_id));
        } else {
            assert_eq!((&found.parent_id, &found.group_id), (&None, &None));
        }
        assert_eq!(found.date_done.is_some(), meta.date_done.is_some());
    }
}

pub async fn exceptions_are_kept(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    for (number, state) in [State::Failure, State::Retry, State::Revoked].into_iter().enumerate() {
        let task = format!("failed-{number}");
        let _expected = client.expect(&task);
        let exception = Exception::with_args("builtins.ValueError", vec![Value::from("not so"), Value::Int(3)]);
        let mut meta = ResultMeta::failed(task.as_str(), state, &exception);
        meta.traceback = Some("Traceback (most recent call last):\n  here\nValueError: not so\n".into());
        store(&*worker, &*client, meta.clone()).await;
        let found = until(&*client, &task, |_| true).await;
        assert_eq!((&found.status, &found.traceback), (&meta.status, &meta.traceback));
        let found = found.exception().unwrap();
        assert!(found.is("ValueError"), "{found:?}");
        assert_eq!(found.args(), exception.args());
    }
}

pub async fn of_what_was_never_stored_nothing_is_known(place: Box<dyn Place>) {
    let client = place.connect();
    match soon("looking", client.get("never")).await {
        Found::Unknown => assert!(client.capabilities().unknown),
        Found::Pending => assert!(!client.capabilities().unknown),
        other => panic!("{other:?}"),
    }
}

pub async fn a_result_stays(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    for (task, result) in [("a", State::Success), ("b", State::Failure), ("c", State::Revoked)] {
        let _expected = client.expect(task);
        store(&*worker, &*client, done(task, State::Started, 0)).await;
        store(&*worker, &*client, done(task, result.clone(), "first")).await;
        store(&*worker, &*client, done(task, State::Started, 1)).await;
        if result == State::Success {
            store(&*worker, &*client, done(task, State::Failure, 1)).await;
            store(&*worker, &*client, done(task, State::Success, "second")).await;
        }
        settled(&*worker, &*client).await;
        let found = until(&*client, task, |_| true).await;
        assert_eq!((found.status, found.result), (result, ResultValue::Value("first".into())));
    }
}

pub async fn a_result_takes_the_place_of_a_failure(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    let _expected = client.expect("again");
    store(&*worker, &*client, done("again", State::Failure, 1)).await;
    store(&*worker, &*client, done("again", State::Success, 2)).await;
    let found = until(&*client, "again", |meta| meta.status == State::Success).await;
    assert_eq!(found.result, ResultValue::Value(2.into()));
}

pub async fn what_is_forgotten_is_gone(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    let _expected = client.expect("forgotten");
    store(&*worker, &*client, done("forgotten", State::Success, 1)).await;
    until(&*client, "forgotten", |_| true).await;
    soon("forgetting", client.forget("forgotten")).await;
    assert!(!matches!(soon("looking", client.get("forgotten")).await, Found::Known(_)));
    // What nobody knows can be forgotten too, and what is forgotten be stored again.
    soon("forgetting", client.forget("forgotten")).await;
    let _expected = client.expect("forgotten");
    store(&*worker, &*client, done("forgotten", State::Started, 2)).await;
    assert_eq!(until(&*client, "forgotten", |_| true).await.status, State::Started);
}

pub async fn results_are_of_any_size(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    for size in [0, 1, 10_000, 3 << 20] {
        let (task, text) = (format!("size-{size}"), "\u{e9}x".repeat(size / 3));
        let _expected = client.expect(&task);
        store(&*worker, &*client, done(&task, State::Success, text.as_str())).await;
        let told = soon("waiting", client.changed(&task, None)).await;
        assert!(told.result == ResultValue::Value(text.into()), "{size}");
    }
}

pub async fn anybody_looks_where_that_is_said(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    let _expected = client.expect("open");
    store(&*worker, &*client, done("open", State::Success, 1)).await;
    for _ in 0..3 {
        until(&*client, "open", |meta| meta.status == State::Success).await;
    }
    let other = place.connect();
    let known = matches!(soon("looking", other.get("open")).await, Found::Known(_));
    assert_eq!(known, client.capabilities().shared);
}

pub async fn results_expire(place: Box<dyn Place>) {
    if !place.connect().capabilities().expires {
        return;
    }
    let (worker, client) = (place.expiring(Duration::from_secs(1)), place.expiring(Duration::from_secs(1)));
    let expected = client.expect("short");
    store(&*worker, &*client, done("short", State::Success, 1)).await;
    soon("waiting", client.changed("short", None)).await;
    drop(expected);
    let end = tokio::time::Instant::now() + PATIENCE;
    while matches!(soon("looking", client.get("short")).await, Found::Known(_)) {
        assert!(tokio::time::Instant::now() < end, "it does not expire");
        soon("cleaning up", client.cleanup()).await;
        // Between two looks; nobody tells.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn what_is_closed_says_so(place: Box<dyn Place>) {
    let (backend, other) = (place.connect(), place.connect());
    let _expected = other.expect("kept");
    prepare(&*other).await;
    let update = Update { meta: done("kept", State::Success, 1), reply_to: other.reply_to(), correlation_id: None };
    soon("storing", backend.store(update.clone())).await;
    soon("closing", backend.close()).await;
    soon("closing again", backend.close()).await;
    until(&*other, "kept", |meta| meta.status == State::Success).await;
    let failed = tokio::time::timeout(PATIENCE, backend.store(update)).await.unwrap();
    assert_eq!(failed.unwrap_err().kind(), Kind::Closed);
    let failed = tokio::time::timeout(PATIENCE, backend.changed("other", None)).await.unwrap();
    assert_eq!(failed.unwrap_err().kind(), Kind::Closed);
}
