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

mod database {
    use interop::queues::Directory;
    use interop::servers::Store;
    use salamander_tasks::backend::{Backend, Database, Found, ResultOptions, Update};
    use salamander_value::{Exception, Value};
    use salamander_wire::celery::{ResultMeta, ResultValue, State};

    use super::run;

    async fn both_read_what_the_other_wrote(url: &str, extended: &[&str]) {
        tokio::task::block_in_place(|| run(&[&["store", url], extended].concat()));
        let backend = Database::open(url, ResultOptions::default()).unwrap();
        let known = async |task: &str| match backend.get(task).await.unwrap() {
            Found::Known(meta) => *meta,
            other => panic!("{other:?}"),
        };
        let done = known("done").await;
        assert_eq!(done.status, State::Success);
        assert!(
            matches!(&done.result, ResultValue::Value(value) if value.to_string() == "{'x': [1, 2.5, 'é']}"),
            "{done:?}"
        );
        assert!(done.date_done.is_some());
        assert_eq!(done.other.get("name").is_some(), !extended.is_empty());
        let failed = known("failed").await;
        assert_eq!((&failed.status, failed.traceback.as_deref()), (&State::Failure, Some("Traceback...")));
        let ResultValue::Exception(exception) = &failed.result else { panic!("{failed:?}") };
        assert_eq!(&*exception.exc_type, "ZeroDivisionError");
        assert_eq!(known("begun").await.status, State::Started);
        assert!(matches!(backend.get("nobody's").await.unwrap(), Found::Pending));

        let store = async |meta: ResultMeta| {
            backend.store(Update { meta, reply_to: None, correlation_id: None }).await.unwrap();
        };
        store(ResultMeta::new("of-rust", State::Success, Value::List(vec![1.into(), "\u{e9}".into()]))).await;
        store(ResultMeta::failed("begun", State::Failure, &Exception::value_error("no"))).await;
        store(ResultMeta::new("done", State::Failure, "later")).await;
        let read = |task: &str| tokio::task::block_in_place(|| run(&["read", url, task]));
        if extended.is_empty() && url.contains("sqlite") {
            // Python with the extended columns cannot read a table without them either.
            return;
        }
        assert_eq!(read("of-rust"), "SUCCESS [1, 'é'] None True None None\n");
        assert_eq!(read("begun"), "FAILURE ValueError('no') None True None None\n");
        assert_eq!(read("done"), "SUCCESS {'x': [1, 2.5, 'é']} None True tasks.add [1, 2]\n");
        backend.forget("of-rust").await.unwrap();
        assert_eq!(read("of-rust"), "PENDING None None False None None\n");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn in_sqlite_both_read_what_the_other_wrote() {
        let directory = Directory::new();
        let url = |name: &str| format!("db+sqlite:///{}", directory.file(name).display());
        both_read_what_the_other_wrote(&url("extended"), &["extended"]).await;
        both_read_what_the_other_wrote(&url("plain"), &[]).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn in_postgresql_both_read_what_the_other_wrote() {
        let Some(store) = Store::postgres() else { return };
        let url = store.url().replacen("postgres://", "db+postgresql+psycopg2://", 1);
        both_read_what_the_other_wrote(&url, &["extended"]).await;
    }
}
