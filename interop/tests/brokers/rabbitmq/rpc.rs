//! Results by messages: Python's worker answers us, and we answer Python's client.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use interop::servers::RabbitMq;
use salamander_codec::Args;
use salamander_tasks::backend::{Backend, Found, RpcOptions, RpcResults, Update};
use salamander_tasks::broker::{Amqp, Broker, Publication, Queue};
use salamander_value::{Exception, Value};
use salamander_wire::celery::{
    Decoding, Embed, ResultMeta, ResultValue, Serializer, State, TaskBody, TaskHeaders, TaskMessage,
};

use super::python::{consumer, peer, receive};

/// A process that ends with the test.
struct Process(std::process::Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn send(broker: &Amqp, results: &RpcResults, task: &str, id: &str, args: Vec<Value>) {
    let settings = salamander_wire::celery::settings();
    let args = Args { positional: args, ..Args::default() };
    let body = TaskBody::encode(Serializer::Json, &args, &Embed::default(), &settings).unwrap();
    let mut message = TaskMessage::new(TaskHeaders::new(task, id), body).into_message();
    message.properties.reply_to = results.reply_to();
    let publication = Publication { exchange: "".into(), routing_key: "celery".into(), message, delay: None };
    broker.publish(publication).await.unwrap();
}

async fn next(results: &RpcResults, id: &str, seen: Option<&ResultMeta>) -> ResultMeta {
    tokio::time::timeout(Duration::from_secs(60), results.changed(id, seen)).await.expect("in time").unwrap()
}

/// What was in the end.
async fn last(results: &RpcResults, id: &str) -> ResultMeta {
    let mut meta = next(results, id, None).await;
    while !meta.status.is_ready() {
        meta = next(results, id, Some(&meta)).await;
    }
    meta
}

#[tokio::test]
async fn a_worker_of_celerys_answers_us() {
    let Some(server) = RabbitMq::shared() else { return };
    let url = server.vhost();
    let broker = Arc::new(Amqp::new(&url).unwrap());
    let results = RpcResults::new(broker.clone(), RpcOptions::default());
    broker.declare(&Queue::new("celery").into()).await.unwrap();
    let _worker = Process(peer(&["worker", &url]).stdin(Stdio::null()).spawn().unwrap());
    assert!(matches!(results.get("nothing").await.unwrap(), Found::Pending));
    results.prepare().into_iter().for_each(drop);
    let ids: Vec<String> = (0..20).map(|n| format!("add-{n}")).collect();
    let _expected: Vec<_> =
        ids.iter().chain(&["fail".to_owned(), "states".to_owned()]).map(|id| results.expect(id)).collect();
    for (n, id) in ids.iter().enumerate() {
        send(&broker, &results, "tasks.add", id, vec![Value::from(n as i64), Value::Int(5)]).await;
    }
    send(&broker, &results, "tasks.fail", "fail", vec!["no".into()]).await;
    send(&broker, &results, "tasks.states", "states", vec![]).await;
    send(&broker, &results, "tasks.add", "unasked", vec!["a".into(), "b".into()]).await;
    // In any order.
    for (n, id) in ids.iter().enumerate().rev() {
        let meta = last(&results, id).await;
        assert_eq!((meta.status, meta.result), (State::Success, ResultValue::Value(Value::from(n as i64 + 5))));
    }
    let failed = last(&results, "fail").await;
    assert_eq!(failed.status, State::Failure);
    assert_eq!(failed.exception().unwrap().to_string(), "ValueError: no");
    assert!(failed.traceback.unwrap().contains("in fail"));
    assert_eq!(last(&results, "states").await.result, ResultValue::Value("end".into()));
    // What nobody had asked for is there as well.
    assert_eq!(last(&results, "unasked").await.result, ResultValue::Value("ab".into()));
    results.forget("unasked").await.unwrap();
    assert!(matches!(results.get("unasked").await.unwrap(), Found::Pending));
    results.close().await.unwrap();
    assert!(results.changed("add-0", None).await.is_ok(), "what is there stays");
    assert!(results.changed("other", None).await.is_err());
}

#[tokio::test]
async fn a_client_of_celerys_is_answered() {
    let Some(server) = RabbitMq::shared() else { return };
    let url = server.vhost();
    let broker = Arc::new(Amqp::new(&url).unwrap());
    let results = RpcResults::new(broker.clone(), RpcOptions::default());
    let queue = Queue::new("celery");
    broker.declare(&queue.clone().into()).await.unwrap();
    let client = peer(&["client", &url]).stdout(Stdio::piped()).spawn().unwrap();
    let mut consumer = consumer(&broker, &queue).await;
    let decoding = Decoding::default();
    let mut waiting = std::collections::VecDeque::new();
    for _ in 0..23 {
        if waiting.is_empty() {
            // Several that are at hand come at once.
            waiting.extend(receive(&mut *consumer, 1).await);
        }
        let delivery = waiting.pop_front().unwrap();
        let task = TaskMessage::from_message(delivery.message, &decoding).unwrap();
        let args = task.body.decode(&decoding.settings).unwrap().positional;
        let id = task.headers.id.clone();
        let metas = match &*task.headers.task {
            "tasks.add" => {
                let numbers: Vec<i64> = args.iter().map(|arg| if let Value::Int(n) = arg { *n } else { 0 }).collect();
                vec![ResultMeta::new(id, State::Success, numbers[0] + numbers[1])]
            }
            "tasks.fail" => {
                let mut meta = ResultMeta::failed(id, State::Failure, &Exception::new("builtins.ValueError", "no"));
                meta.traceback = Some("our traceback".into());
                vec![meta]
            }
            _ => vec![
                ResultMeta::new(id.clone(), State::Custom("PROGRESS".into()), 1),
                ResultMeta::new(id, State::Success, "end"),
            ],
        };
        for meta in metas {
            let (reply_to, correlation_id) =
                (task.properties.reply_to.clone(), task.properties.correlation_id.clone());
            results.store(Update { meta, reply_to, correlation_id }).await.unwrap();
        }
        delivery.settlement.ack();
    }
    let output = tokio::task::spawn_blocking(|| client.wait_with_output()).await.unwrap().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let expected = [
        "10",
        "ValueError('no') FAILURE our traceback",
        "[20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]",
        "end [('PROGRESS', 1), ('SUCCESS', 'end')]",
    ];
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}
