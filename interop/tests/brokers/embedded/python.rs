//! An unmodified Python Celery on our queues.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use interop::python;
use interop::queues::Queues;
use salamander_tasks::broker::pyro::Pyro;
use salamander_tasks::broker::{Broker, Consume, Publication, Queue};
use salamander_wire::celery::{Message, Serializer};

/// A Python worker, until this is dropped.
struct Worker(Child);

impl Worker {
    fn start(queues: &Queues) -> Self {
        let mut command = python::script("celery_pyro.py");
        command.args(["worker", &queues.port().to_string()]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.contains("ready")), "the worker has ended");
        Self(child)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(arguments: &[&str]) -> String {
    let output = python::script("celery_pyro.py").args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

#[test]
fn a_python_client_and_a_python_worker_find_each_other() {
    let queues = Queues::start();
    let _worker = Worker::start(&queues);
    let told = run(&["send", &queues.port().to_string(), "5"]);
    assert_eq!(told, "[1, 2, 3, 4, 5]\nValueError('no')\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_python_sent_survives_a_kill_and_is_a_message_for_rust() {
    let mut queues = Queues::start();
    let port = queues.port().to_string();
    let sent = tokio::task::block_in_place(|| run(&["put", &port, "50"]));
    assert_eq!(sent, "50\n");
    tokio::task::block_in_place(|| {
        queues.kill();
        queues.restart();
    });
    let broker = Pyro::new(queues.url()).unwrap();
    let queue = Queue::new("nobody");
    broker.declare(&queue.clone().into()).await.unwrap();
    let consume = Consume { queues: vec![queue], prefetch: 0, no_ack: false, tag: "test".into() };
    let mut consumer = broker.consume(consume).await.unwrap();
    let mut deliveries = Vec::new();
    while deliveries.len() < 50 {
        let receiving = consumer.receive(&mut deliveries);
        tokio::time::timeout(std::time::Duration::from_secs(60), receiving).await.unwrap().unwrap();
    }
    for (number, one) in deliveries.into_iter().enumerate() {
        assert_eq!(one.message.header("task"), Some("tasks.nobody"));
        assert!(one.message.body.starts_with(format!("[[{number}], {{}}").as_bytes()), "{:?}", one.message.body);
        one.settlement.ack();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rust_sent_is_a_message_for_python() {
    let queues = Queues::start();
    let _worker = tokio::task::block_in_place(|| Worker::start(&queues));
    let broker = Pyro::new(queues.url()).unwrap();
    let replies = Queue::new("replies");
    broker.declare(&replies.clone().into()).await.unwrap();
    let body = r#"[[2, 3], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"#;
    let mut message = Message::new(body, Serializer::Json);
    message.headers.insert("task", "tasks.add");
    message.headers.insert("id", "of-rust");
    message.headers.insert("lang", "py");
    message.properties.correlation_id = Some("of-rust".into());
    message.properties.reply_to = Some("replies".into());
    let publication = Publication { exchange: "".into(), routing_key: "celery".into(), message, delay: None };
    broker.publish(publication).await.unwrap();
    let consume = Consume { queues: vec![replies], prefetch: 0, no_ack: true, tag: "test".into() };
    let mut consumer = broker.consume(consume).await.unwrap();
    let mut deliveries = Vec::new();
    let receiving = consumer.receive(&mut deliveries);
    tokio::time::timeout(std::time::Duration::from_secs(60), receiving).await.unwrap().unwrap();
    let answer = String::from_utf8(deliveries[0].message.body.to_vec()).unwrap();
    assert!(answer.contains(r#""status": "SUCCESS""#) && answer.contains(r#""result": 5"#), "{answer}");
}
