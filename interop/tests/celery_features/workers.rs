//! Our workers: one for most rows, and further ones for those that need settings of their own.

use salamander_tasks::broker::{Exchange, ExchangeKind, Queue};
use salamander_tasks::{App, AppBuilder, Settings, Worker, WorkerHandle, WorkerOptions};
use salamander_value::Value;
use tokio::task::JoinHandle;

use crate::notes::Notes;
use crate::ours::{From, with_tasks};
use crate::table::Kind;

/// Workers that run until they are told to end.
pub(crate) struct Workers(Vec<(WorkerHandle, JoinHandle<salamander_tasks::Result<()>>, App)>);

/// What a worker is made of.
struct Plan {
    /// The queue that it is known by.
    name: &'static str,
    queues: Vec<Queue>,
    configure: fn(&mut Settings),
    change: fn(&mut WorkerOptions),
    /// Where it is of use.
    on: &'static [Kind],
}

const ANYTHING: [&str; 4] = ["json", "msgpack", "yaml", "pickle"];

/// Takes every content type, and tells all of its results.
fn main(settings: &mut Settings) {
    settings.accept_content = ANYTHING.map(Into::into).to_vec();
    settings.result_extended = true;
}

fn nothing(_: &mut WorkerOptions) {}

fn plan(name: &'static str, configure: fn(&mut Settings)) -> Plan {
    Plan { name, queues: vec![Queue::new(name)], configure, change: nothing, on: &Kind::ALL }
}

fn bound(name: &'static str, exchange: &str, kind: ExchangeKind, key: &str) -> Queue {
    Queue { exchange: Exchange::new(exchange, kind), routing_key: key.into(), ..Queue::new(name) }
}

fn plans(rabbit: bool) -> Vec<Plan> {
    let with = |name, queue| Plan { queues: vec![queue], ..plan(name, main) };
    let compressed = |name, configure| Plan { on: &[Kind::Redis], ..plan(name, configure) };
    let mut one = Queue::new("rust.one");
    one.max_priority = rabbit.then_some(10);
    let mut dead = Queue::new("rust.late");
    dead.arguments.insert("x-dead-letter-exchange", "");
    dead.arguments.insert("x-dead-letter-routing-key", "rust.dead");
    vec![
        Plan {
            queues: vec![Queue::new("rust"), Queue::new("rust.second"), Queue::new("both")],
            ..plan("rust", main)
        },
        plan("rust.other", main),
        with("rust.keyed", bound("rust.keyed", "rust.keyed", ExchangeKind::Direct, "the-key")),
        with("rust.topical", bound("rust.topical", "rust.topics", ExchangeKind::Topic, "news.#")),
        with("rust.topical.one", bound("rust.topical.one", "rust.topics", ExchangeKind::Topic, "*.weather")),
        with("rust.fan.a", bound("rust.fan.a", "rust.fan", ExchangeKind::Fanout, "")),
        with("rust.fan.b", bound("rust.fan.b", "rust.fan", ExchangeKind::Fanout, "")),
        Plan {
            change: |options| (options.concurrency, options.prefetch_multiplier) = (Some(1), Some(1)),
            ..with("rust.one", one)
        },
        plan("rust.json", |_| {}),
        plan("rust.msgpack", |settings| {
            main(settings);
            settings.result_serializer = "msgpack".into();
        }),
        plan("rust.yaml", |settings| {
            main(settings);
            settings.result_serializer = "yaml".into();
        }),
        plan("rust.pickle", |settings| {
            main(settings);
            settings.result_serializer = "pickle".into();
        }),
        compressed("rust.zlib", |settings| settings.result_compression = Some("zlib".into())),
        compressed("rust.bzip2", |settings| settings.result_compression = Some("bzip2".into())),
        compressed("rust.lzma", |settings| settings.result_compression = Some("lzma".into())),
        compressed("rust.zstd", |settings| settings.result_compression = Some("zstd".into())),
        plan("rust.settings", |settings| {
            settings.task_track_started = true;
            settings.task_store_errors_even_if_ignored = true;
            settings.task_inherit_parent_priority = true;
            settings.task_acks_late = true;
            settings.worker_direct = true;
        }),
        plan("rust.hard", |settings| settings.task_time_limit = Some(std::time::Duration::from_millis(300))),
        plan("rust.soft", |settings| settings.task_soft_time_limit = Some(std::time::Duration::from_millis(300))),
        plan("rust.rate", |settings| settings.set("task_default_rate_limit", Value::from("10/s")).unwrap()),
        Plan { on: &[Kind::RabbitMq], ..with("rust.late", dead) },
    ]
}

impl Workers {
    /// Starts all that are of use with this broker.
    pub(crate) async fn start(kind: Kind, url: &str, backend: &str, notes: &Notes) -> Self {
        let mut workers = Vec::new();
        for plan in plans(kind == Kind::RabbitMq).into_iter().filter(|plan| plan.on.contains(&kind)) {
            workers.push(plan.start(url, backend, notes).await);
        }
        Self(workers)
    }

    /// Ends them.
    pub(crate) async fn end(self) {
        for (handle, ..) in &self.0 {
            // What rows have left to wait for its time is put back, and goes with the broker.
            handle.shutdown(salamander_tasks::worker::ShutdownKind::Cold);
        }
        for (_, running, app) in self.0 {
            running.await.unwrap().unwrap();
            if let Some(backend) = app.backend() {
                backend.close().await.unwrap();
            }
            app.broker().close().await.unwrap();
        }
    }
}

impl Plan {
    async fn start(
        self,
        url: &str,
        backend: &str,
        notes: &Notes,
    ) -> (WorkerHandle, JoinHandle<salamander_tasks::Result<()>>, App) {
        let Self { name, queues, configure, change, .. } = self;
        let app: AppBuilder = App::builder().broker_url(url).result_backend(backend).configure(|settings| {
            configure(settings);
            settings.task_default_queue = name.into();
        });
        let app = with_tasks(app.state(notes.clone()).state(From(name))).build().unwrap();
        let mut options = WorkerOptions::default();
        options.name = format!("{name}@%h").into();
        options.concurrency = Some(32);
        options.queues = queues;
        change(&mut options);
        // What is sent before the worker has begun waits there.
        let topology = salamander_tasks::broker::Topology::from(options.queues.clone());
        app.broker().declare(&topology).await.unwrap();
        let worker = Worker::new(app.clone(), options).without_signals();
        let handle = worker.handle();
        (handle, tokio::spawn(worker.run()), app)
    }
}
