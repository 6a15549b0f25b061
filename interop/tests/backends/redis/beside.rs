//! Beside Celery, on the same keys.

use std::sync::Arc;
use std::time::Duration;

use interop::servers::Redis;
use salamander_tasks::backend::{Backend, Found, RedisResults, ResultOptions, Update};
use salamander_tasks::broker::{Broker, Publication, RedisBroker};
use salamander_value::{Dict, Exception, Value};
use salamander_wire::celery::{ResultMeta, ResultValue, Serializer, State, TaskBody, TaskHeaders, TaskMessage};
use serde_json::json;

use crate::celery::{Results, Worker};

const PATIENCE: Duration = Duration::from_secs(120);

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

fn results(url: &str, serializer: Serializer) -> Arc<dyn Backend> {
    let mut options = ResultOptions::default();
    options.serializer = serializer;
    Arc::new(RedisResults::new(url, options, &Dict::new()).unwrap())
}

/// Waits for a state.
async fn state(backend: &dyn Backend, task: &str, state: State) -> ResultMeta {
    let waiting = async {
        let mut seen: Option<ResultMeta> = None;
        loop {
            let meta = backend.changed(task, seen.as_ref()).await.unwrap();
            if meta.status == state {
                return meta;
            }
            seen = Some(meta);
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{task} does not become {state}"))
}

async fn send(broker: &dyn Broker, name: &str, id: &str, arguments: &str) {
    let bytes =
        format!(r#"[{arguments}, {{}}, {{"callbacks": null, "errbacks": null, "chain": null, "chord": null}}]"#);
    let body = TaskBody { serializer: Serializer::Json, bytes: bytes.into() };
    let message = TaskMessage::new(TaskHeaders::new(name, id), body).into_message();
    let publication = Publication { exchange: "".into(), routing_key: "celery".into(), message, delay: None };
    tokio::time::timeout(PATIENCE, broker.publish(publication)).await.unwrap().unwrap();
}

/// What Celery's worker stores, with each serializer.
fn celerys_worker_stores(serializer: Serializer, compression: &str) {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    let _worker = Worker::start(&url, &url, serializer.name(), compression);
    run(async {
        let broker = RedisBroker::new(&url, &Dict::new()).unwrap();
        let backend = results(&url, serializer);
        let _expected: Vec<_> = ["a", "b", "c", "d", "e"].map(|task| backend.expect(task)).into();
        for (name, id, arguments) in [
            ("tasks.add", "a", "[2, 3]"),
            ("tasks.fail", "b", r#"["w\u00e4r"]"#),
            ("tasks.progress", "c", "[3]"),
            ("tasks.again", "d", "[]"),
            ("tasks.child", "e", "[]"),
        ] {
            send(&broker, name, id, arguments).await;
        }
        let added = state(&*backend, "a", State::Success).await;
        assert_eq!(added.result, ResultValue::Value(5.into()));
        assert!(added.date_done.is_some() && &*added.task_id == "a");
        let failed = state(&*backend, "b", State::Failure).await;
        let exception = failed.exception().unwrap();
        assert!(exception.is("ValueError"), "{exception:?}");
        assert_eq!(exception.args(), [Value::from("w\u{e4}r"), Value::Int(3)]);
        assert!(failed.traceback.as_deref().is_some_and(|text| text.contains("celery_tasks.py")));
        assert_eq!(state(&*backend, "c", State::Success).await.result, ResultValue::Value("done".into()));
        assert_eq!(state(&*backend, "d", State::Success).await.result, ResultValue::Value(1.into()));
        let parent = state(&*backend, "e", State::Success).await;
        assert_eq!(parent.children.len(), 1);
        let ResultValue::Value(Value::Str(child)) = parent.result else { panic!() };
        assert_eq!(state(&*backend, &child, State::Success).await.result, ResultValue::Value(2.into()));
    });
}

#[test]
fn celerys_worker_stores_in_json() {
    celerys_worker_stores(Serializer::Json, "");
}

#[test]
fn celerys_worker_stores_in_msgpack() {
    celerys_worker_stores(Serializer::Msgpack, "");
}

#[test]
fn celerys_worker_stores_in_pickle() {
    celerys_worker_stores(Serializer::Pickle, "");
}

#[test]
fn celerys_worker_stores_what_is_compressed() {
    celerys_worker_stores(Serializer::Json, "gzip");
}

#[test]
fn celery_stores_each_state_and_we_read_it() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    for serializer in [Serializer::Json, Serializer::Msgpack, Serializer::Pickle] {
        let mut celery = Results::start(&url, &url, serializer.name(), "");
        run(async {
            let backend = results(&url, serializer);
            for state in ["RECEIVED", "STARTED", "PROGRESS", "SUCCESS", "RETRY", "FAILURE", "REVOKED", "MINE"] {
                let task = format!("{}-{state}", serializer.name());
                let exception = ["RETRY", "FAILURE", "REVOKED"].contains(&state);
                let result = if exception { json!(["text", 3]) } else { json!({"x": [1, 2.5, null, "\u{e9}"]}) };
                celery.ask("store", json!({"task": task, "state": state, "result": result, "traceback": "there"}));
                let Found::Known(meta) = backend.get(&task).await.unwrap() else { panic!("{task}") };
                assert_eq!(
                    (meta.status.as_str(), meta.traceback.as_deref(), &*meta.task_id),
                    (state, Some("there"), &*task)
                );
                if exception {
                    let exception = meta.exception().unwrap();
                    assert!(exception.is("ValueError"), "{task}: {exception:?}");
                    assert_eq!(exception.args(), [Value::from("text"), Value::Int(3)]);
                } else {
                    let ResultValue::Value(value) = &meta.result else { panic!("{task}: {meta:?}") };
                    assert_eq!(value.as_dict().unwrap().get("x").unwrap().as_slice().unwrap().len(), 4);
                }
            }
        });
    }
}

#[test]
fn we_store_each_state_and_celery_reads_it() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    for serializer in [Serializer::Json, Serializer::Msgpack, Serializer::Pickle] {
        let mut celery = Results::start(&url, &url, serializer.name(), "");
        run(async {
            let backend = results(&url, serializer);
            let states =
                [State::Received, State::Started, State::Success, State::Retry, State::Failure, State::Revoked];
            for state in states.into_iter().chain([State::Custom("PROGRESS".into())]) {
                let task = format!("{}-{state}", serializer.name());
                let mut meta = match state.is_exception() {
                    true => {
                        let args = vec![Value::from("text"), Value::Int(3)];
                        ResultMeta::failed(
                            task.as_str(),
                            state.clone(),
                            &Exception::with_args("builtins.ValueError", args),
                        )
                    }
                    false => {
                        ResultMeta::new(task.as_str(), state.clone(), vec![Value::Int(1), Value::from("\u{e9}")])
                    }
                };
                meta.traceback = state.is_exception().then(|| "there".into());
                meta.date_done = state.is_ready().then(|| "2026-11-21T12:00:00.123456+00:00".into());
                backend.store(Update { meta, reply_to: None, correlation_id: None }).await.unwrap();
                let looked = celery.ask("look", json!({"task": task}));
                assert_eq!((&looked["state"], &looked["ready"]), (&json!(state.as_str()), &json!(state.is_ready())));
                if state.is_exception() {
                    assert_eq!(
                        (&looked["result"], &looked["traceback"]),
                        (&json!(["ValueError", ["text", 3]]), &json!("there"))
                    );
                } else {
                    assert_eq!(looked["result"], json!([1, "\u{e9}"]), "{task}");
                }
                if state.is_ready() {
                    assert!(
                        looked["date_done"]
                            .as_str()
                            .is_some_and(|date| date.starts_with("2026-11-21 12:00:00.123456")),
                        "{looked}"
                    );
                }
            }
        });
    }
    let ttl: i64 = server.cli(&["TTL", "celery-task-meta-json-SUCCESS"]).parse().unwrap();
    assert!((86_000..=86_400).contains(&ttl), "{ttl}");
}

#[test]
fn both_wake_up() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    let mut celery = Results::start(&url, &url, "json", "");
    let mut other = Results::start(&url, &url, "json", "");
    run(async {
        let backend = results(&url, Serializer::Json);
        celery.tell("get", json!({"task": "ours"}));
        server.until("Celery listens", |it| it.cli(&["PUBSUB", "NUMSUB", "celery-task-meta-ours"]).ends_with('1'));
        let meta = ResultMeta::new("ours", State::Success, 7);
        backend.store(Update { meta, reply_to: None, correlation_id: None }).await.unwrap();
        assert_eq!(celery.answer(), json!(7));
        let _expected = backend.expect("theirs");
        server.until("we listen", |it| it.cli(&["PUBSUB", "NUMSUB", "celery-task-meta-theirs"]).ends_with('1'));
        other.tell("store", json!({"task": "theirs", "state": "SUCCESS", "result": 8}));
        assert_eq!(state(&*backend, "theirs", State::Success).await.result, ResultValue::Value(8.into()));
        other.answer();
        // A success stays, whoever stored it and whoever comes later.
        other.ask("store", json!({"task": "ours", "state": "FAILURE", "result": ["late"]}));
        let meta = ResultMeta::new("theirs", State::Failure, "late");
        backend.store(Update { meta, reply_to: None, correlation_id: None }).await.unwrap();
        for task in ["ours", "theirs"] {
            assert_eq!(celery.ask("look", json!({"task": task}))["state"], "SUCCESS");
        }
        celery.ask("forget", json!({"task": "ours"}));
        assert!(matches!(backend.get("ours").await.unwrap(), Found::Pending));
        backend.forget("theirs").await.unwrap();
        assert_eq!(celery.ask("look", json!({"task": "theirs"}))["state"], "PENDING");
    });
}
