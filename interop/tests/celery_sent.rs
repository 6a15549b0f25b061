//! What is put on a queue, field by field beside what Celery puts there for the same call.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;

use interop::python;
use salamander_codec::{Args, Codec, Settings};
use salamander_tasks::broker::{Broker, Memory};
use salamander_tasks::call::{Expires, Moment};
use salamander_tasks::{App, Signature, Task};
use salamander_value::{DateTime, Dict, Value};
use salamander_wire::celery::{Accept, Decoding, Message, TaskBody};
use serde_json::{Value as Json, json};

use salamander_macros::task;

#[task(crate = "salamander_tasks::__private", name = "tasks.add")]
fn add(x: Value, #[default(Value::from(1))] y: Value) -> Value {
    Value::List(vec![x, y])
}

#[task(crate = "salamander_tasks::__private", name = "tasks.any", typing = false)]
fn any(#[args] rest: Vec<Value>, #[kwargs] named: Dict) -> usize {
    rest.len() + named.len()
}

#[task(
    crate = "salamander_tasks::__private",
    name = "tasks.slow",
    queue = "slow",
    priority = 3,
    serializer = "msgpack",
    expires = 90,
    time_limit = 30,
    soft_time_limit = 20,
    ignore_result = true,
    compression = "zlib"
)]
fn slow() {}

const ID: &str = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";

/// The calls, by what is tested with each.
fn cases() -> Vec<(&'static str, Json)> {
    let sum = |options: Json| json!({"task": "tasks.add", "args": [5, 5], "options": options});
    let conf = |conf: Json| json!({"task": "tasks.add", "args": [5, 5], "conf": conf});
    let all = |args: Json| json!({"task": "tasks.any", "args": args});
    let long: String = "word ".repeat(400);
    let link = json!({"args": [3], "kwargs": {"y": 4}, "options": {"queue": "x", "countdown": 3}, "immutable": true});
    vec![
        ("nothing", json!({"task": "tasks.any"})),
        ("two arguments", sum(json!({}))),
        ("one argument of two", json!({"task": "tasks.add", "args": [5]})),
        ("arguments by keyword", json!({"task": "tasks.add", "kwargs": {"x": 1, "y": "b"}})),
        ("both kinds", json!({"task": "tasks.add", "args": [5], "kwargs": {"y": {"a": [1, null, true, 2.5]}}})),
        ("nested arguments", all(json!([[[[[1]]]], {"a": {"b": {"c": {"d": 1}}}}]))),
        ("long arguments", all(json!([long, 1, 2]))),
        ("many arguments", all(json!([vec!["abc"; 400], {"k": 1}]))),
        ("text of the world", all(json!(["ünï cödé ✓", "it's", "a\nb\\c\"", "😀"]))),
        ("a header with a dict", json!({"task": "tasks.any", "kwargs": {"k": "v".repeat(1100), "l": 2}})),
        ("task_id", sum(json!({"task_id": ID}))),
        ("countdown", sum(json!({"countdown": 10}))),
        ("countdown with a fraction", sum(json!({"countdown": 0.5}))),
        ("eta", sum(json!({"eta": "2040-01-02T03:04:05.678901+00:00"}))),
        ("eta in another zone", sum(json!({"eta": "2040-01-02T03:04:05+02:00"}))),
        ("expires after seconds", sum(json!({"expires": 60}))),
        ("expires at a time", sum(json!({"expires": "2040-01-02T03:04:05+00:00"}))),
        ("headers", sum(json!({"headers": {"mine": 1, "text": "x", "deep": {"a": [1]}}}))),
        ("shadow", sum(json!({"shadow": "another.name"}))),
        ("time_limit", sum(json!({"time_limit": 30}))),
        ("soft_time_limit", sum(json!({"time_limit": 30, "soft_time_limit": 2.5}))),
        ("priority", sum(json!({"priority": 7}))),
        ("queue", sum(json!({"queue": "other"}))),
        ("queue and routing key", sum(json!({"queue": "other", "routing_key": "some.key"}))),
        ("exchange alone", sum(json!({"exchange": "some"}))),
        ("serializer msgpack", sum(json!({"serializer": "msgpack"}))),
        ("serializer pickle", sum(json!({"serializer": "pickle"}))),
        ("serializer yaml", sum(json!({"serializer": "yaml"}))),
        ("compression zlib", sum(json!({"compression": "zlib"}))),
        ("compression gzip", sum(json!({"compression": "gzip"}))),
        ("compression bzip2", sum(json!({"compression": "bzip2"}))),
        ("compression lzma", sum(json!({"compression": "lzma"}))),
        ("compression zstd", sum(json!({"compression": "zstd"}))),
        ("ignore_result", sum(json!({"ignore_result": true}))),
        ("link", sum(json!({"link": {"args": [3]}}))),
        ("link with options", sum(json!({"link": link}))),
        ("link_error", sum(json!({"link_error": {"args": [1, 2]}}))),
        ("reply_to", sum(json!({"reply_to": "somewhere"}))),
        ("root_id and parent_id", sum(json!({"root_id": "r", "parent_id": "p"}))),
        ("group", sum(json!({"group_id": "g", "group_index": 3}))),
        ("delivery_mode", sum(json!({"delivery_mode": 1}))),
        ("by name", json!({"task": "other.task", "args": [1], "by_name": true})),
        (
            "by name with options",
            json!({"task": "o", "by_name": true, "options": {"queue": "q", "priority": 2, "countdown": 3}}),
        ),
        ("by a name that is known", json!({"task": "tasks.slow", "by_name": true})),
        ("options of the task", json!({"task": "tasks.slow"})),
        (
            "options against those of the task",
            json!({"task": "tasks.slow", "options": {"queue": "fast", "priority": 1, "expires": 5}}),
        ),
        ("task_default_queue", conf(json!({"task_default_queue": "work"}))),
        ("task_default_priority", conf(json!({"task_default_priority": 4}))),
        ("task_default_delivery_mode", conf(json!({"task_default_delivery_mode": 1}))),
        ("task_serializer", conf(json!({"task_serializer": "msgpack", "accept_content": ["msgpack"]}))),
        ("task_compression", conf(json!({"task_compression": "gzip"}))),
        ("task_ignore_result", conf(json!({"task_ignore_result": true}))),
        ("task_time_limit", conf(json!({"task_time_limit": 30, "task_soft_time_limit": 10}))),
        ("task_routes by name", conf(json!({"task_routes": {"tasks.add": {"queue": "routed", "priority": 5}}}))),
        ("task_routes by glob", conf(json!({"task_routes": {"tasks.a*": "globbed", "tasks.*": "others"}}))),
        (
            "task_routes as a list",
            conf(json!({"task_routes": [[["tasks.*", {"queue": "listed"}]], {"tasks.add": "too late"}]})),
        ),
        ("a route that does not concern it", conf(json!({"task_routes": {"other": "x"}}))),
        (
            "a route against the call",
            json!({
                "task": "tasks.add", "args": [1], "options": {"queue": "own"}, "conf": {"task_routes": {"tasks.add": {"queue": "routed", "priority": 5}}}
            }),
        ),
        (
            "a queue with a topic exchange",
            json!({
                "task": "tasks.add", "args": [1], "options": {"queue": "t", "routing_key": "a.b"},
                "conf": {"task_queues": {"t": {"exchange": "topics", "exchange_type": "topic", "routing_key": "a.#"}}}
            }),
        ),
        (
            "a queue with a direct exchange",
            json!({
                "task": "tasks.add", "args": [1], "options": {"queue": "d"},
                "conf": {"task_queues": {"d": {"exchange": "ex", "exchange_type": "direct", "routing_key": "key"}}}
            }),
        ),
        ("refused: an argument too few", json!({"task": "tasks.add"})),
        ("refused: an argument too many", json!({"task": "tasks.add", "args": [1, 2, 3]})),
        ("refused: a keyword that is not known", json!({"task": "tasks.add", "args": [1], "kwargs": {"z": 1}})),
        ("refused: an argument twice", json!({"task": "tasks.add", "args": [1], "kwargs": {"x": 1}})),
    ]
}

/// The process that knows what Celery sends.
struct Celery {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Celery {
    fn start() -> Self {
        let mut child =
            python::script("celery_sent.py").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    fn message(&mut self, case: &Json) -> Json {
        writeln!(self.stdin, "{case}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Celery {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn value(json: &Json) -> Value {
    Codec::Json.decode_value(&json.to_string().into_bytes().into(), &Settings::default()).unwrap()
}

fn dict(json: &Json) -> Dict {
    value(json).as_dict().cloned().unwrap_or_default()
}

fn arguments(case: &Json) -> Args {
    let positional = value(&case["args"]).as_slice().map(<[Value]>::to_vec).unwrap_or_default();
    Args { positional, keywords: dict(&case["kwargs"]) }
}

fn signature(case: &Json) -> Signature<Value> {
    let arguments = arguments(case);
    let signature = match case["task"].as_str().unwrap() {
        name if case["by_name"] == json!(true) => Signature::new(name, arguments),
        "tasks.add" => add.s(arguments).returning(),
        "tasks.any" => any.s(arguments).returning(),
        "tasks.slow" => slow.s(arguments).returning(),
        other => panic!("{other}"),
    };
    let none = serde_json::Map::new();
    let options = case["options"].as_object().unwrap_or(&none);
    options.iter().fold(signature, |signature, (name, value)| with(signature, name, value))
}

/// With an option by Celery's name for it.
fn with(mut signature: Signature<Value>, name: &str, option: &Json) -> Signature<Value> {
    let text = || option.as_str().unwrap();
    let small = || u8::try_from(option.as_u64().unwrap()).unwrap();
    match name {
        "task_id" => signature.task_id(text()),
        "countdown" => signature.countdown(option.as_f64().unwrap()),
        "eta" => signature.eta(Moment::from(text())),
        "expires" => signature.expires(match option.as_f64() {
            Some(seconds) => Expires::After(seconds),
            None => Expires::from(text().parse::<DateTime>().unwrap()),
        }),
        "headers" => {
            signature.options_mut().headers = dict(option);
            signature
        }
        "shadow" => signature.shadow(text()),
        "time_limit" => signature.time_limit(option.as_f64().unwrap()),
        "soft_time_limit" => signature.soft_time_limit(option.as_f64().unwrap()),
        "priority" => signature.priority(small()),
        "queue" => signature.queue(text()),
        "exchange" => signature.exchange(text()),
        "routing_key" => signature.routing_key(text()),
        "serializer" => signature.serializer(text()),
        "compression" => signature.compression(text()),
        "ignore_result" => signature.ignore_result(option.as_bool().unwrap()),
        "link" => signature.link(linked(option)),
        "link_error" => signature.link_error(linked(option)),
        "reply_to" => signature.reply_to(text()),
        "root_id" => signature.root_id(text()),
        "parent_id" => signature.parent_id(text()),
        "group_id" => signature.group(text(), 0),
        "group_index" => {
            signature.options_mut().group_index = option.as_i64();
            signature
        }
        "delivery_mode" => signature.delivery_mode(small()),
        other => panic!("{other}"),
    }
}

fn linked(call: &Json) -> Signature<Value> {
    let mut linked = signature(&json!({
        "task": "tasks.add", "args": call["args"], "kwargs": call["kwargs"], "options": call["options"],
    }));
    if call["immutable"] == json!(true) {
        linked = linked.immutable();
    }
    linked
}

/// What we put on a queue.
async fn ours(case: &Json, queue: &str) -> Result<Message, String> {
    let broker = Memory::new();
    let config = App::builder().config(&dict(&case["conf"])).unwrap().broker(Arc::new(broker.clone()));
    let app = config.task(add).task(any).task(slow).build().unwrap();
    match signature(case).send(&app).await {
        Ok(_) => match broker.take(queue).await {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(format!("nothing in the queue {queue}")),
            Err(error) => Err(error.to_string()),
        },
        Err(error) => Err(error.to_string()),
    }
}

/// The body as a value; its text where it is one.
fn body(message: &Message) -> Value {
    let accept = Accept::new(["json", "msgpack", "pickle", "yaml"]).unwrap();
    let decoding = Decoding::default().accepting(accept);
    let (serializer, bytes) = message.opened(&decoding).unwrap();
    match serializer.name() {
        "json" => String::from_utf8(bytes.to_vec()).unwrap().into(),
        _ => {
            let settings = salamander_wire::celery::settings();
            let body = TaskBody { serializer, bytes };
            let Args { positional, keywords } = body.decode(&settings).unwrap();
            Value::List(vec![Value::List(positional), keywords.into()])
        }
    }
}

/// All that there is to compare, what differs by chance or time replaced by its form.
fn compared(message: &Message) -> Dict {
    let mut headers = message.headers.clone();
    let time = |dict: &mut Dict, name: &str| {
        if let Some(Value::Str(text)) = dict.get(name) {
            // A time that was computed has another year than those that were given.
            if text.starts_with("20") && !text.starts_with("2040") && !text.starts_with("2001") {
                assert!(text.ends_with("+00:00") && text.parse::<DateTime>().is_ok(), "{text}");
                dict.insert(name, "a time");
            }
        }
    };
    time(&mut headers, "eta");
    time(&mut headers, "expires");
    let origin = headers.remove("origin").unwrap_or_default();
    let origin = origin.as_str().unwrap().trim_start_matches("gen").trim_start_matches(|c: char| c.is_ascii_digit());
    headers.insert("origin", origin);
    let id = headers.get("id").and_then(Value::as_str).unwrap().to_owned();
    if id.len() == 36 && id != ID {
        for name in ["id", "root_id"] {
            if headers.get(name).and_then(Value::as_str) == Some(&id) {
                headers.insert(name, "the id");
            }
        }
    }
    let properties = &message.properties;
    // What is too long for RabbitMQ is left out here.
    let expiration = properties.expiration.as_deref().filter(|text| text.len() < 11).map(str::to_owned);
    let reply_to = properties.reply_to.as_deref().unwrap();
    Dict::from_iter([
        ("headers", Value::from(headers)),
        ("body", body(message)),
        ("content_type", message.content_type.clone().into()),
        ("content_encoding", message.content_encoding.clone().into()),
        ("correlation_id is the id", (properties.correlation_id.as_deref() == Some(&*id)).into()),
        ("reply_to", if reply_to.len() == 36 { "an id" } else { reply_to }.into()),
        ("delivery_mode", properties.delivery_mode.map(i64::from).into()),
        ("priority", i64::from(properties.priority.unwrap_or_default()).into()),
        ("expiration", expiration.into()),
        ("exchange", properties.delivery_info.exchange.clone().into()),
        ("routing_key", properties.delivery_info.routing_key.clone().into()),
        ("others", properties.other.clone().into()),
    ])
}

#[tokio::test]
async fn messages_are_those_that_celery_sends() {
    let mut celery = Celery::start();
    let mut wrong = Vec::new();
    for (name, case) in cases() {
        let theirs = celery.message(&case);
        if let Some(error) = theirs.get("error") {
            let said = ours(&case, "celery").await.unwrap_err();
            if !name.starts_with("refused") || *error != json!(said) {
                wrong.push(format!("{name}: {error} is here {said}"));
            }
            continue;
        }
        let queue = theirs["queue"].as_str().unwrap();
        let envelope = theirs["message"].to_string().into_bytes().into();
        let theirs = compared(&Message::from_envelope(&envelope).unwrap());
        match ours(&case, queue).await {
            Err(error) => wrong.push(format!("{name}: {error}")),
            Ok(message) => {
                for (field, own) in compared(&message).iter() {
                    let other = theirs.get_value(field).unwrap();
                    if own != other {
                        wrong.push(format!("{name}: {field}\n     ours {own}\n   theirs {other}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases().len(), wrong.join("\n"));
}
