//! Messages that are wrong in all ways: a worker of ours says of each what Celery's own says, and goes on.

use std::collections::BTreeMap;

use interop::python;
use interop::queues::Queues;
use interop::servers::{RabbitMq, Redis};
use salamander::Proxy;
use salamander_codec::{Codec, Settings};
use salamander_value::Value;

use crate::{Engine, Notes, Worker, note, sender, turn, wait};

/// What only ours is sent, and what it says of that.
const OURS: &[(&str, &str)] = &[
    // Python has no such limit.
    ("bomb", "undecodable"),
    ("oversized", "undecodable"),
    // Python's worker ends when it gets one of these, and gives it back to the queue for the next worker to end by.
    ("empty", "undecodable"),
    ("without-id", "invalid"),
    ("body-of-one", "undecodable"),
    ("body-of-two", "undecodable"),
    ("body-of-four", "undecodable"),
    ("body-is-null", "invalid"),
    // It is as a body of old, and says nothing of arguments.
    ("body-is-object", "failed"),
    // Python runs it as a task with the id None, which nobody could ask for; and it has the task fail.
    ("old-without-id", "invalid"),
    ("old-with-wrong-args", "invalid"),
];

#[test]
fn what_is_wrong_on_redis_is_what_celery_says_of_it() {
    let _turn = turn();
    let (Some(one), Some(other)) = (Redis::start(&[]), Redis::start(&[])) else { return };
    let theirs = said(Worker::theirs, &one.url(), &one.url(), &without());
    compare(said(Worker::ours, &other.url(), &other.url(), &[]), theirs);
    for server in [one, other] {
        assert_eq!(server.cli(&["EXISTS", "celery", "unacked", "unacked_index"]), "0", "nothing is left");
    }
}

#[test]
fn what_is_wrong_on_rabbitmq_is_what_celery_says_of_it() {
    let _turn = turn();
    let Some(server) = RabbitMq::shared() else { return };
    let (one, other) = (server.vhost(), server.vhost());
    let theirs = said(Worker::theirs, &one, &one, &without());
    compare(said(Worker::ours, &other, &other, &[]), theirs);
    let app = sender(&other, &[]);
    assert_eq!(wait(app.broker().len("celery")).unwrap(), Some(0), "nothing is left");
}

/// kombu acknowledges on its own side there, so that Celery's words come from Redis.
#[test]
fn what_is_wrong_on_queues_of_our_own_is_what_celery_says_of_it() {
    let _turn = turn();
    let Some(server) = Redis::start(&[]) else { return };
    let theirs = said(Worker::theirs, &server.url(), &server.url(), &without());
    let queues = Queues::start();
    compare(said(Worker::ours, &queues.url(), &format!("pyro://{}", queues.port()), &[]), theirs);
    let app = sender(&queues.url(), &[]);
    assert_eq!(wait(app.broker().len("celery")).unwrap(), Some(0), "nothing is left");
}

fn without() -> Vec<&'static str> {
    OURS.iter().map(|(name, _)| *name).collect()
}

#[track_caller]
fn compare(ours: BTreeMap<String, String>, theirs: BTreeMap<String, String>) {
    let mut expected = theirs;
    for (name, word) in OURS {
        expected.insert((*name).to_owned(), (*word).to_owned());
    }
    assert!(ours.keys().eq(expected.keys()), "all of them are looked at: {ours:?}");
    let other = ours.iter().filter(|(name, word)| expected[*name] != **word);
    let other: Vec<String> =
        other.map(|(name, word)| format!("{name} is {word} and not {}", expected[name])).collect();
    assert!(other.is_empty(), "{}", other.join("; "));
}

/// Has a worker get all of them, and says in a word what it did with each.
#[track_caller]
fn said(
    start: impl FnOnce(&str, &Notes, &str, &[&str]) -> Worker,
    url: &str,
    published_at: &str,
    further: &[&str],
) -> BTreeMap<String, String> {
    let mut notes = Notes::new();
    // One after the other, so that what is said is in the order of the messages.
    let mut worker = start(url, &notes, "worker", &["worker_concurrency=1"]);
    let output = python::script("celery_malformed.py").arg(published_at).args(further).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    let last = format!("tally.note[after-{}] succeeded", names.last().unwrap());
    worker.until(&last, 1);
    let log = worker.said().to_owned();
    assert!(worker.terminate(), "{log}");
    notes.look();
    let mut from = 0;
    let mut words = BTreeMap::new();
    for name in names {
        let after = format!("tally.note[after-{name}] received");
        let to = from + log[from..].find(&after).unwrap_or_else(|| panic!("{name} is not got over: {log}"));
        words.insert(name.clone(), word(&name, &log[from..to], &log).to_owned());
        from = to + after.len();
    }
    words
}

fn word(name: &str, part: &str, all: &str) -> &'static str {
    let id = if name == "old-without-id" { "None" } else { name };
    let of_task = |what: &str| all.contains(&format!("tally.note[{id}] {what}"));
    match () {
        () if part.contains("Received and deleted unknown message") => "unknown",
        () if part.contains("Can't decode message body") => "undecodable",
        () if part.contains("Received invalid task message") => "invalid",
        () if part.contains("Received unregistered task of type") => "unregistered",
        () if of_task("succeeded") => "done",
        () if of_task("raised unexpected") => "failed",
        () if part.contains("Unrecoverable error") => "fatal",
        () => "nothing",
    }
}

/// What lies in a queue and is not even a message, with properties that cannot be read among it. RabbitMQ lets nothing of the kind in; headers that
/// it passes on are in the tests of the driver.
const NO_MESSAGES: &[&str] = &[
    "",
    "{",
    "nonsense",
    "{}",
    "[1, 2, 3]",
    "\"x\"",
    "5",
    r#"{"body": 1, "properties": {}}"#,
    r#"{"body": "e30=", "headers": [1], "properties": {"body_encoding": "base64", "delivery_tag": "a"}}"#,
    r#"{"body": "e30=", "headers": {}, "properties": []}"#,
    r#"{"body": "e30=", "headers": {}, "properties": {"body_encoding": "rot13", "delivery_tag": "b"}}"#,
    r#"{"body": "*", "headers": {}, "properties": {"body_encoding": "base64", "delivery_tag": "c"}}"#,
    r#"{"body": "e30=", "headers": {"task": 5}, "properties": {"body_encoding": "base64", "delivery_tag": 5, "priority": "x"}}"#,
    r#"{"body": "e30=", "headers": {}, "properties": {"body_encoding": "base64", "delivery_info": 7, "delivery_tag": {}}}"#,
];

#[test]
fn what_is_no_message_on_redis_stops_nobody() {
    let _turn = turn();
    let Some(server) = Redis::start(&[]) else { return };
    for nonsense in NO_MESSAGES {
        server.cli(&["LPUSH", "celery", nonsense]);
    }
    goes_on(&server);
    assert_eq!(server.cli(&["EXISTS", "celery", "unacked", "unacked_index"]), "0", "nothing is left");
}

#[test]
fn what_is_no_message_on_queues_of_our_own_stops_nobody() {
    let _turn = turn();
    let queues = Queues::start();
    wait(async {
        let proxy = Proxy::new(format!("PYRONAME:kombu.broker@127.0.0.1:{}", queues.port())).unwrap();
        proxy.call::<()>("new_queue", ("celery",)).await.unwrap();
        for nonsense in NO_MESSAGES {
            // What is no JSON is put there as text.
            let value = Codec::Json.decode_value(&(*nonsense).into(), &Settings::default());
            proxy.call::<()>("put", ("celery", value.unwrap_or_else(|_| Value::from(*nonsense)))).await.unwrap();
        }
    });
    goes_on(&queues);
    let app = sender(&queues.url(), &[]);
    assert_eq!(wait(app.broker().len("celery")).unwrap(), Some(0), "nothing is left");
}

/// A worker comes to what is behind all that.
fn goes_on(engine: &dyn Engine) {
    let mut notes = Notes::new();
    let app = sender(&engine.url(), &[]);
    wait(note(0, 0).send(&app)).unwrap();
    let worker = Worker::ours(&engine.url(), &notes, "worker", &[]);
    notes.until_done(1);
    assert!(worker.terminate());
}
