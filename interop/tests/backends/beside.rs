//! What Celery stores and we read, and the other way round, for any backend that both have.

use std::future::Future;
use std::time::Duration;

use salamander_tasks::backend::{Backend, Found, Update};
use salamander_tasks::broker::{Broker, Publication, Queue};
use salamander_value::{Exception, Value};
use salamander_wire::celery::{ResultMeta, ResultValue, Serializer, State, TaskBody, TaskHeaders, TaskMessage};
use serde_json::json;

use crate::celery::{Results, Worker};

const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

/// How Celery's processes are to be set.
#[derive(Clone)]
pub(crate) struct Peers {
    pub(crate) broker: String,
    pub(crate) backend: String,
    pub(crate) serializer: Serializer,
    pub(crate) compression: &'static str,
    /// Further variables of their environment.
    pub(crate) others: Vec<(&'static str, String)>,
}

impl Peers {
    pub(crate) fn new(broker: &str, backend: &str) -> Self {
        let (broker, backend) = (broker.to_owned(), backend.to_owned());
        Self { broker, backend, serializer: Serializer::Json, compression: "", others: Vec::new() }
    }

    pub(crate) fn with(&self, serializer: Serializer) -> Self {
        Self { serializer, ..self.clone() }
    }
}

/// Waits for a state.
pub(crate) async fn state(backend: &dyn Backend, task: &str, state: State) -> ResultMeta {
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

async fn send(broker: &dyn Broker, backend: &dyn Backend, name: &str, id: &str, arguments: &str) {
    let bytes =
        format!(r#"[{arguments}, {{}}, {{"callbacks": null, "errbacks": null, "chain": null, "chord": null}}]"#);
    let body = TaskBody { serializer: Serializer::Json, bytes: bytes.into() };
    let mut message = TaskMessage::new(TaskHeaders::new(name, id), body).into_message();
    message.properties.reply_to = backend.reply_to();
    message.properties.correlation_id = Some(id.into());
    let publication = Publication { exchange: "".into(), routing_key: "celery".into(), message, delay: None };
    tokio::time::timeout(PATIENCE, broker.publish(publication)).await.unwrap().unwrap();
}

/// What Celery's worker stores is what we find and wait for.
pub(crate) fn celerys_worker_stores(peers: &Peers, broker: &dyn Broker, backend: &dyn Backend) {
    let _worker = Worker::start(peers);
    run(async {
        broker.declare(&Queue::new("celery").into()).await.unwrap();
        let _expected: Vec<_> = ["a", "b", "c", "d", "e"].map(|task| backend.expect(task)).into();
        if let Some(ready) = backend.prepare() {
            ready.await.unwrap();
        }
        for (name, id, arguments) in [
            ("tasks.add", "a", "[2, 3]"),
            ("tasks.fail", "b", r#"["w\u00e4r"]"#),
            ("tasks.progress", "c", "[3]"),
            ("tasks.again", "d", "[]"),
            ("tasks.child", "e", "[]"),
        ] {
            send(broker, backend, name, id, arguments).await;
        }
        let added = state(backend, "a", State::Success).await;
        assert_eq!(added.result, ResultValue::Value(5.into()));
        assert!(added.date_done.is_some() && &*added.task_id == "a");
        let failed = state(backend, "b", State::Failure).await;
        let exception = failed.exception().unwrap();
        assert!(exception.is("ValueError"), "{exception:?}");
        assert_eq!(exception.args(), [Value::from("w\u{e4}r"), Value::Int(3)]);
        assert!(failed.traceback.as_deref().is_some_and(|text| text.contains("celery_tasks.py")));
        assert_eq!(state(backend, "c", State::Success).await.result, ResultValue::Value("done".into()));
        assert_eq!(state(backend, "d", State::Success).await.result, ResultValue::Value(1.into()));
        let parent = state(backend, "e", State::Success).await;
        assert_eq!(parent.children.len(), 1);
        let ResultValue::Value(Value::Str(child)) = parent.result else { panic!() };
        if backend.capabilities().shared {
            assert_eq!(state(backend, &child, State::Success).await.result, ResultValue::Value(2.into()));
        }
    });
}

pub(crate) fn celery_stores_each_state_and_we_read_it(peers: &Peers, backend: &dyn Backend) {
    let mut celery = Results::start(peers);
    let name = peers.serializer.name();
    run(async {
        for state in ["RECEIVED", "STARTED", "PROGRESS", "SUCCESS", "RETRY", "FAILURE", "REVOKED", "MINE"] {
            let task = format!("theirs-{name}-{state}");
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

pub(crate) fn we_store_each_state_and_celery_reads_it(peers: &Peers, backend: &dyn Backend) {
    let mut celery = Results::start(peers);
    let name = peers.serializer.name();
    run(async {
        let states = [State::Received, State::Started, State::Success, State::Retry, State::Failure, State::Revoked];
        for state in states.into_iter().chain([State::Custom("PROGRESS".into())]) {
            let task = format!("ours-{name}-{state}");
            let mut meta = match state.is_exception() {
                true => {
                    let args = vec![Value::from("text"), Value::Int(3)];
                    let exception = Exception::with_args("builtins.ValueError", args);
                    ResultMeta::failed(task.as_str(), state.clone(), &exception)
                }
                false => ResultMeta::new(task.as_str(), state.clone(), vec![Value::Int(1), Value::from("\u{e9}")]),
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
                let date = looked["date_done"].as_str().unwrap_or_default();
                assert!(date.starts_with("2026-11-21 12:00:00.123456"), "{looked}");
            }
        }
        let forgotten = format!("ours-{name}-SUCCESS");
        celery.ask("forget", json!({"task": forgotten}));
        assert!(!matches!(backend.get(&forgotten).await.unwrap(), Found::Known(_)));
        let forgotten = format!("ours-{name}-FAILURE");
        backend.forget(&forgotten).await.unwrap();
        assert_eq!(celery.ask("look", json!({"task": forgotten}))["state"], "PENDING");
    });
}
