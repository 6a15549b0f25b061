//! Tasks that are sent from here and run by Celery's own worker: what they see of each option, and what comes back.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use interop::python;
use interop::servers::RabbitMq;
use salamander_codec::{Args, Arguments};
use salamander_macros::task;
use salamander_tasks::broker::{Amqp, Broker, Consume, Consumer, Delivery, Exchange, ExchangeKind, Queue, Topology};
use salamander_tasks::call::{Moment, SendOptions};
use salamander_tasks::routing::Routes;
use salamander_tasks::{App, Signature, Task};
use salamander_value::{Dict, Exception, Value};
use salamander_wire::celery::{Decoding, ResultMeta, ResultValue, State};

#[task(crate = "salamander_tasks::__private", name = "tasks.add", max_retries = 3)]
async fn add(x: i64, y: i64) -> Result<i64, Exception> {
    Ok(x + y)
}

/// How long something may take on a machine that is busy.
const LONG: Duration = Duration::from_secs(60);
const ANSWERS: &str = "answers";
const QUEUES: &str = "celery,other,topical";

/// Celery's worker.
struct Worker(Child);

impl Worker {
    fn start(url: &str) -> Self {
        let mut command = python::script("celery_worker.py");
        command.arg(url).arg(QUEUES).env("NO_COLOR", "1").env("C_FORCE_ROOT", "1");
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let ready = log.by_ref().inspect(|line| said.push(line.clone())).any(|line| line.contains(" ready."));
        assert!(ready, "the worker has ended: {}", said.join("\n"));
        // What it says from now on is read, so that it does not wait for that.
        std::thread::spawn(move || log.for_each(drop));
        Self(child)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An application, a worker of Celery's on the same broker, and the queue that its results come to.
struct Setting {
    app: App,
    answers: Box<dyn Consumer>,
    _worker: Worker,
}

impl Setting {
    async fn new() -> Option<Self> {
        let url = RabbitMq::shared()?.vhost();
        let broker: Arc<dyn Broker> = Arc::new(Amqp::new(&url).unwrap());
        let answers = Queue::new(ANSWERS);
        let topical = Queue {
            exchange: Exchange::new("topics", ExchangeKind::Topic),
            routing_key: "news.#".into(),
            ..Queue::new("topical")
        };
        // The queue with a topic has to be there before Celery makes it in its own way.
        for queue in [answers.clone(), topical.clone()] {
            broker.declare(&Topology::from(queue)).await.unwrap();
        }
        let consume = Consume { queues: vec![answers], prefetch: 0, no_ack: true, tag: "answers".into() };
        let consumer = broker.consume(consume).await.unwrap();
        let routes = Routes::new().add("tasks.routed*", SendOptions::to_queue("other")).unwrap();
        let app = App::builder().broker(broker).queue(Queue::new("celery")).queue(topical).routes(routes);
        Some(Self { app: app.build().unwrap(), answers: consumer, _worker: Worker::start(&url) })
    }

    /// Sends a task, and waits for all that Celery says of it, up to the last word.
    async fn run(&mut self, signature: Signature<Value>) -> (String, Vec<ResultMeta>) {
        let result = signature.reply_to(ANSWERS).send(&self.app).await.unwrap();
        let mut metas: Vec<ResultMeta> = Vec::new();
        let all = async {
            while !metas.last().is_some_and(|meta| meta.status.is_ready()) {
                let mut deliveries: Vec<Delivery> = Vec::new();
                self.answers.receive(&mut deliveries).await.unwrap();
                for delivery in deliveries {
                    let meta = ResultMeta::from_message(&delivery.message, &Decoding::default()).unwrap();
                    if *meta.task_id == *result.id() {
                        metas.push(meta);
                    }
                }
            }
        };
        tokio::time::timeout(LONG, all).await.unwrap_or_else(|_| panic!("no answer for {}", result.id()));
        (result.id().to_owned(), metas)
    }

    async fn last(&mut self, signature: Signature<Value>) -> ResultMeta {
        self.run(signature).await.1.pop().unwrap()
    }

    /// What a task sees of its request.
    async fn seen(&mut self, signature: Signature<Value>) -> Dict {
        let meta = self.last(signature).await;
        assert_eq!(meta.status, State::Success, "{meta:?}");
        match meta.result {
            ResultValue::Value(Value::Dict(seen)) => *seen,
            other => panic!("{other:?}"),
        }
    }
}

fn of(name: &str, arguments: impl Arguments) -> Signature<Value> {
    Signature::new(name, arguments)
}

fn exception(meta: &ResultMeta) -> Exception {
    match &meta.result {
        ResultValue::Exception(exception) => exception.clone().into(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn celery_runs_what_is_sent_from_here() {
    let Some(mut setting) = Setting::new().await else { return };
    options(&mut setting).await;
    ways(&mut setting).await;
    encodings(&mut setting).await;
    outcomes(&mut setting).await;
}

/// Each option, by what the task sees of it.
async fn options(setting: &mut Setting) {
    let plain = setting.seen(of("tasks.seen", (1, "two"))).await;
    let text = |seen: &Dict, name: &str| seen.get(name).map(ToString::to_string).unwrap_or_default();
    assert_eq!(text(&plain, "args"), "[1, 'two']");
    assert_eq!((text(&plain, "argsrepr"), text(&plain, "kwargsrepr")), ("\"(1, 'two')\"".into(), "'{}'".into()));
    assert_eq!(plain.get("root_id"), plain.get("id"));
    assert_eq!(plain.get("correlation_id"), plain.get("id"));
    assert_eq!(text(&plain, "reply_to"), "'answers'");
    assert_eq!(text(&plain, "timelimit"), "[None, None]");
    assert_eq!((text(&plain, "retries"), text(&plain, "lang")), ("0".into(), "'py'".into()));
    assert!(text(&plain, "origin").starts_with(&format!("'gen{}@", std::process::id())));
    let info = plain.get("delivery_info").unwrap();
    assert_eq!(info.get("exchange").unwrap().to_string(), "''");
    assert_eq!(info.get("routing_key").unwrap().to_string(), "'celery'");

    for (name, value, signature) in [
        ("id", "'my-own-id'", of("tasks.seen", ()).task_id("my-own-id")),
        ("kwargs", "{'a': [1, {'b': None}]}", {
            let list = Value::List(vec![1.into(), Dict::from_iter([("b", Value::None)]).into()]);
            of("tasks.seen", Args { positional: vec![], keywords: Dict::from_iter([("a", list)]) })
        }),
        ("eta", "'2001-01-01T00:00:00+00:00'", of("tasks.seen", ()).eta(Moment::from("2001-01-01T00:00:00+00:00"))),
        ("expires", "'2040-01-01T00:00:00+00:00'", {
            let time: salamander_value::DateTime = "2040-01-01T00:00:00+00:00".parse().unwrap();
            of("tasks.seen", ()).expires(time)
        }),
        ("shadow", "'other.name'", of("tasks.seen", ()).shadow("other.name")),
        ("timelimit", "[30, 20.5]", of("tasks.seen", ()).time_limit(30).soft_time_limit(20.5)),
        ("root_id", "'r'", of("tasks.seen", ()).root_id("r")),
        ("parent_id", "'p'", of("tasks.seen", ()).parent_id("p")),
        ("group", "'g'", of("tasks.seen", ()).group("g", 3)),
        ("group_index", "3", of("tasks.seen", ()).group("g", 3)),
        ("headers", "{'mine': {'deep': [1]}}", {
            let deep = Dict::from_iter([("deep", Value::List(vec![1.into()]))]);
            of("tasks.seen", ()).header("mine", deep)
        }),
    ] {
        let seen = setting.seen(signature).await;
        assert_eq!(text(&seen, name), value, "{name}");
    }
    let seen = setting.seen(of("tasks.seen", ()).countdown(1)).await;
    assert!(text(&seen, "eta").ends_with("+00:00'"), "{seen:?}");
    let seen = setting.seen(of("tasks.seen", ()).priority(7)).await;
    assert_eq!(seen.get("delivery_info").unwrap().get("priority"), Some(&Value::Int(7)));
}

/// Queues, exchanges and routes.
async fn ways(setting: &mut Setting) {
    let way = |seen: &Dict| {
        let info = seen.get("delivery_info").unwrap();
        (info.get("exchange").unwrap().to_string(), info.get("routing_key").unwrap().to_string())
    };
    let seen = setting.seen(of("tasks.seen", ()).queue("other")).await;
    assert_eq!(way(&seen), ("''".into(), "'other'".into()));
    let seen = setting.seen(of("tasks.seen", ()).queue("topical").routing_key("news.today")).await;
    assert_eq!(way(&seen), ("'topics'".into(), "'news.today'".into()));
    let seen = setting.seen(of("tasks.seen", ()).exchange("topics").routing_key("news.x.y")).await;
    assert_eq!(way(&seen), ("'topics'".into(), "'news.x.y'".into()));
}

/// Every serializer and compression.
async fn encodings(setting: &mut Setting) {
    for serializer in ["json", "msgpack", "yaml", "pickle"] {
        let meta = setting.last(of("tasks.add", (2, 3)).serializer(serializer)).await;
        assert_eq!(meta.result, ResultValue::Value(5.into()), "{serializer}");
    }
    for compression in ["zlib", "gzip", "bzip2", "lzma", "zstd"] {
        let long = "text ".repeat(1000);
        let meta = setting.last(of("tasks.add", (&long, "!")).compression(compression)).await;
        assert_eq!(meta.result, ResultValue::Value(format!("{long}!").into()), "{compression}: {meta:?}");
    }
}

/// Every state.
async fn outcomes(setting: &mut Setting) {
    let meta = setting.last(add.s((5, 5)).returning()).await;
    assert_eq!((meta.status, meta.result), (State::Success, ResultValue::Value(10.into())));

    let meta = setting.last(of("tasks.fail", ("bad",))).await;
    assert_eq!(meta.status, State::Failure);
    assert_eq!(exception(&meta), Exception::with_args("ValueError", vec!["bad".into(), 7.into()]));
    assert!(meta.traceback.unwrap().contains("raise ValueError(what, 7)"));
    let own = exception(&setting.last(of("tasks.fail", ("own",))).await);
    assert_eq!((own.class_name(), own.args()), ("SoldOut", &["tea".into(), 3.into()][..]));
    assert!(exception(&setting.last(of("tasks.fail", ("key",))).await).is("LookupError"));
    // What our side does not check, Python's does.
    assert!(exception(&setting.last(of("tasks.add", (1,))).await).is("TypeError"));

    let (_, metas) = setting.run(of("tasks.retry", (2,))).await;
    let states: Vec<&str> = metas.iter().map(|meta| meta.status.as_str()).collect();
    assert_eq!(states, ["RETRY", "RETRY", "SUCCESS"]);
    assert_eq!(exception(&metas[0]), Exception::value_error("again"));
    let meta = setting.last(of("tasks.retry", (9,))).await;
    assert_eq!((meta.status.clone(), exception(&meta)), (State::Failure, Exception::value_error("again")));

    let (_, metas) = setting.run(of("tasks.progress", ())).await;
    assert_eq!(metas[0].status, State::Custom("PROGRESS".into()));
    assert_eq!(metas[0].result, ResultValue::Value(Dict::from_iter([("current", 1), ("total", 2)]).into()));

    // Revoked because its time is over before it begins: an ETA behind its expiry.
    let late = of("tasks.seen", ()).header("expires", "2001-01-01T00:00:00+00:00");
    let meta = setting.last(late).await;
    assert_eq!(meta.status, State::Revoked, "{meta:?}");
    assert!(exception(&meta).is("TaskRevokedError"));
}
