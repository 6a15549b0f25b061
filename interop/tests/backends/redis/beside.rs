//! Beside Celery, on the same keys.

use std::sync::Arc;
use std::time::Duration;

use interop::servers::Redis;
use salamander_tasks::backend::{Backend, Found, RedisResults, ResultOptions, Update};
use salamander_tasks::broker::RedisBroker;
use salamander_value::Dict;
use salamander_wire::celery::{Compression, ResultMeta, ResultValue, Serializer, State};
use serde_json::json;

use crate::beside::{self, Peers, run, state};
use crate::celery::Results;

const ALL: [Serializer; 4] = [Serializer::Json, Serializer::Msgpack, Serializer::Pickle, Serializer::Yaml];

fn with(url: &str, change: impl FnOnce(&mut ResultOptions)) -> Arc<dyn Backend> {
    let mut options = ResultOptions::default();
    change(&mut options);
    Arc::new(RedisResults::new(url, options, &Dict::new()).unwrap())
}

fn results(url: &str, serializer: Serializer) -> Arc<dyn Backend> {
    with(url, |options| options.serializer = serializer)
}

fn celerys_worker_stores(serializer: Serializer, compression: &'static str) {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    let peers = Peers { compression, ..Peers::new(&url, &url).with(serializer) };
    let broker = RedisBroker::new(&url, &Dict::new()).unwrap();
    beside::celerys_worker_stores(&peers, &broker, &*results(&url, serializer));
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
fn celerys_worker_stores_in_yaml() {
    celerys_worker_stores(Serializer::Yaml, "");
}

#[test]
fn celerys_worker_stores_what_is_compressed() {
    celerys_worker_stores(Serializer::Json, "gzip");
}

#[test]
fn celery_stores_each_state_and_we_read_it() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    for serializer in ALL {
        let peers = Peers::new(&url, &url).with(serializer);
        beside::celery_stores_each_state_and_we_read_it(&peers, &*results(&url, serializer));
    }
}

#[test]
fn we_store_each_state_and_celery_reads_it() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    for serializer in ALL {
        let peers = Peers::new(&url, &url).with(serializer);
        beside::we_store_each_state_and_celery_reads_it(&peers, &*results(&url, serializer));
    }
    let ttl: i64 = server.cli(&["TTL", "celery-task-meta-ours-json-REVOKED"]).parse().unwrap();
    assert!((86_000..=86_400).contains(&ttl), "{ttl}");
}

#[test]
fn each_compression_is_read_by_the_other() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    let text = "some text that repeats itself ".repeat(100);
    for compression in Compression::ALL {
        let name = compression.names()[0];
        let mut celery = Results::start(&Peers { compression: name, ..Peers::new(&url, &url) });
        run(async {
            let backend = with(&url, |options| options.compression = Some(compression));
            let (ours, theirs) = (format!("ours-{name}"), format!("theirs-{name}"));
            let meta = ResultMeta::new(ours.as_str(), State::Success, text.as_str());
            backend.store(Update { meta, reply_to: None, correlation_id: None }).await.unwrap();
            assert_eq!(celery.ask("look", json!({"task": ours}))["result"], json!(text));
            celery.ask("store", json!({"task": theirs, "state": "SUCCESS", "result": text}));
            assert_eq!(state(&*backend, &theirs, State::Success).await.result, ResultValue::Value((&*text).into()));
            for task in [&ours, &theirs] {
                let length: usize = server.cli(&["STRLEN", &format!("celery-task-meta-{task}")]).parse().unwrap();
                assert!(length < 600, "{task}: {length}");
            }
            // What neither script nor text shows is seen all the same: a result stays.
            let meta = ResultMeta::new(theirs.as_str(), State::Failure, "late");
            with(&url, |_| {}).store(Update { meta, reply_to: None, correlation_id: None }).await.unwrap();
            assert_eq!(celery.ask("look", json!({"task": theirs}))["state"], "SUCCESS");
        });
    }
}

#[test]
fn a_result_stays_whatever_it_is_written_in() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    for serializer in ALL {
        run(async {
            let task = serializer.name();
            let backends: Vec<_> = (0..8).map(|_| results(&url, serializer)).collect();
            // All at once: whoever comes later finds the success of whoever came first, and leaves it.
            let stored = backends.iter().enumerate().map(|(number, backend)| {
                let state = if number == 3 { State::Success } else { State::Failure };
                let meta = ResultMeta::new(task, state, number as i64);
                backend.store(Update { meta, reply_to: None, correlation_id: None })
            });
            futures_util::future::try_join_all(stored).await.unwrap();
            let Found::Known(meta) = backends[0].get(task).await.unwrap() else { panic!("{task}") };
            assert_eq!((meta.status, meta.result), (State::Success, ResultValue::Value(3.into())), "{task}");
        });
    }
}

#[test]
fn failures_expire_when_their_own_time_is_over() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    let ttl = |task: &str| server.cli(&["TTL", &format!("celery-task-meta-{task}")]).parse::<i64>().unwrap();
    let peers = Peers { others: vec![("FAILURE_EXPIRES", "500".to_owned())], ..Peers::new(&url, &url) };
    let mut celery = Results::start(&peers);
    let backend = with(&url, |options| options.failure_expires = Some(Duration::from_secs(500)));
    run(async {
        for (task, status) in [("good", State::Success), ("bad", State::Failure), ("off", State::Revoked)] {
            celery.ask("store", json!({"task": format!("their-{task}"), "state": status.as_str(), "result": ["x"]}));
            let meta = ResultMeta::new(format!("our-{task}"), status, "x");
            backend.store(Update { meta, reply_to: None, correlation_id: None }).await.unwrap();
        }
    });
    for task in ["good", "bad", "off"] {
        let expected = if task == "bad" { 300..=500 } else { 86_000..=86_400 };
        for whose in ["our", "their"] {
            let ttl = ttl(&format!("{whose}-{task}"));
            assert!(expected.contains(&ttl), "{whose} {task}: {ttl}");
        }
    }
}

#[test]
fn both_wake_up() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = server.url();
    let peers = Peers::new(&url, &url);
    let (mut celery, mut other) = (Results::start(&peers), Results::start(&peers));
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
    });
}

/// A task of Celery's that is tried again may be over in another process before the first one has told that it is tried again.
#[test]
fn who_waits_is_told_of_the_end_whatever_comes_after_it() {
    let Some(server) = Redis::start(&[]) else { return };
    run(async {
        let backend = results(&server.url(), Serializer::Json);
        let _expected = backend.expect("tried");
        server.until("we listen", |it| it.cli(&["PUBSUB", "NUMSUB", "celery-task-meta-tried"]).ends_with('1'));
        let both = "for _, state in ipairs(ARGV) do redis.call('SET', KEYS[1], state) redis.call('PUBLISH', KEYS[1], state) end";
        let [over, again] = ["FAILURE", "RETRY"].map(|state| {
            let raised = json!({"exc_type": "ValueError", "exc_module": "builtins", "exc_message": ["no"]});
            json!({"status": state, "result": raised, "traceback": null, "children": [], "task_id": "tried"})
                .to_string()
        });
        server.cli(&["EVAL", both, "1", "celery-task-meta-tried", &over, &again]);
        assert_eq!(state(&*backend, "tried", State::Failure).await.status, State::Failure);
    });
}
