//! [`Scene`]: a broker with all that works on it, and what rows do there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use interop::queues::Queues;
use interop::servers::{self, RabbitMq, Redis};
use salamander_codec::{Args, Arguments};
use salamander_tasks::{App, AppBuilder, AsyncResult, Kind as ErrorKind, Signature};
use salamander_value::{Dict, Exception, Value};
use salamander_wire::celery::ResultMeta;

use crate::notes::Notes;
use crate::python::Python;
use crate::table::{Check, Kind, Table};
use crate::workers::Workers;

/// How long something may take on a machine that is busy.
pub(crate) const LONG: Duration = Duration::from_secs(60);

const ANYTHING: [&str; 4] = ["json", "msgpack", "yaml", "pickle"];

/// A broker, a result backend, Celery's workers and clients, and our workers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Scene(Arc<Inner>);

struct Inner {
    kind: Kind,
    url: String,
    backend: String,
    /// What sends to Celery's main worker.
    app: App,
    python: Python,
    workers: tokio::sync::Mutex<Option<Workers>>,
    // In the end.
    _server: Server,
}

#[allow(dead_code)]
enum Server {
    Queues(Queues),
    Redis(Redis),
    RabbitMq,
}

impl Scene {
    /// Starts all of it; or says what is missing on this machine.
    pub(crate) async fn start(table: &Table, kind: Kind) -> Result<Self, String> {
        let (server, url, backend) = match kind {
            Kind::Embedded => {
                let queues = Queues::start();
                let url = queues.url();
                (Server::Queues(queues), url, "rpc://".to_owned())
            }
            Kind::Redis => {
                servers::redis_is_there()?;
                // It need not survive a power cut.
                let redis = Redis::start(&["--appendonly", "no"]).ok_or("there is no Redis")?;
                let url = redis.url();
                (Server::Redis(redis), url.clone(), url)
            }
            Kind::RabbitMq => {
                servers::rabbitmq_is_there()?;
                let rabbit = RabbitMq::shared().ok_or("there is no RabbitMQ")?;
                (Server::RabbitMq, rabbit.vhost(), "rpc://".to_owned())
            }
        };
        let notes = Notes::default();
        // Over kombu's Pyro transport, the port of the name server is all that is told to Python.
        let theirs = match &server {
            Server::Queues(queues) => format!("pyro://{}", queues.port()),
            _ => url.clone(),
        };
        let (python, workers) =
            tokio::join!(Python::start(&theirs, &backend), Workers::start(kind, &url, &backend, &notes));
        let named: BTreeSet<&str> =
            table.rows.iter().filter(|row| matches!(row.check, Check::Python { .. })).map(|row| &*row.name).collect();
        let strays: Vec<&String> = python.features.iter().filter(|name| !named.contains(&***name)).collect();
        assert!(strays.is_empty(), "Python checks what stands in no table: {strays:?}");
        let app = client(&url, &backend, "python", |app| app);
        let workers = tokio::sync::Mutex::new(Some(workers));
        Ok(Self(Arc::new(Inner { kind, url, backend, app, python, workers, _server: server })))
    }

    /// Ends our workers; the rest ends by being dropped.
    pub(crate) async fn end(self) {
        if let Some(workers) = self.0.workers.lock().await.take() {
            workers.end().await;
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    pub(crate) fn python(&self) -> &Python {
        &self.0.python
    }

    /// What sends to Celery's main worker, if nothing else is said.
    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    /// An application with other settings, which sends to this queue.
    pub(crate) fn configured(&self, queue: &str, change: impl FnOnce(AppBuilder) -> AppBuilder) -> App {
        client(&self.0.url, &self.0.backend, queue, change)
    }

    pub(crate) async fn send(&self, signature: Signature) -> AsyncResult {
        signature.send(self.app()).await.unwrap()
    }

    /// The result of a task.
    pub(crate) async fn run(&self, signature: Signature) -> Value {
        result(self.send(signature).await).await
    }

    /// What a task raises, and all that is stored of it.
    pub(crate) async fn fails(&self, signature: Signature) -> (Exception, Arc<ResultMeta>) {
        let result = self.send(signature).await;
        let meta = result.wait_within(LONG).await.unwrap();
        match result.value(&meta) {
            Err(error) if matches!(error.kind(), ErrorKind::Task | ErrorKind::Revoked) => {
                (error.exception().unwrap().clone(), meta)
            }
            other => panic!("it did not fail: {other:?}"),
        }
    }

    /// What a task of Celery's sees of its request.
    pub(crate) async fn seen(&self, signature: Signature) -> Dict {
        match self.run(signature).await {
            Value::Dict(seen) => *seen,
            other => panic!("{other}"),
        }
    }

    /// The states that are told, the last one included.
    pub(crate) async fn states(&self, signature: Signature) -> Vec<Arc<ResultMeta>> {
        let result = self.send(signature).await;
        let mut changes = result.changes();
        let all = async {
            let mut told = Vec::new();
            while let Some(meta) = changes.next().await.unwrap() {
                told.push(meta);
            }
            told
        };
        tokio::time::timeout(LONG, all).await.unwrap()
    }

    /// The states of a task that waits after each but the last, until it is let go on: with its label, a space, and which time it is.
    pub(crate) async fn steps(&self, signature: Signature, label: &str) -> Vec<Arc<ResultMeta>> {
        let result = self.send(signature).await;
        let mut changes = result.changes();
        let all = async {
            let mut told: Vec<Arc<ResultMeta>> = Vec::new();
            while let Some(meta) = changes.next().await.unwrap() {
                told.push(meta);
                self.run(of("f.release", (format!("{label} {}", told.len()),))).await;
            }
            told
        };
        tokio::time::timeout(LONG, all).await.unwrap()
    }

    /// Looks until something is so, which nobody tells.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, mut holds: impl FnMut() -> F) {
        let start = std::time::Instant::now();
        while !holds().await {
            assert!(start.elapsed() < LONG, "not so for long: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What a task of Celery's has left for whoever asks.
    pub(crate) async fn told(&self, label: &str) -> Value {
        let start = std::time::Instant::now();
        loop {
            match self.run(of("f.told", (label,))).await {
                Value::None => assert!(start.elapsed() < LONG, "{label} is not told"),
                told => return told,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn client(url: &str, backend: &str, queue: &str, change: impl FnOnce(AppBuilder) -> AppBuilder) -> App {
    let app = App::builder().broker_url(url).result_backend(backend).configure(|settings| {
        settings.task_default_queue = queue.into();
        settings.accept_content = ANYTHING.map(Into::into).to_vec();
    });
    change(app).build().unwrap()
}

/// A call of a task by its name.
pub(crate) fn of(name: &str, arguments: impl Arguments) -> Signature {
    Signature::new(name, arguments)
}

/// A call with these positional arguments.
pub(crate) fn with(name: &str, arguments: impl IntoIterator<Item = Value>) -> Signature {
    Signature::new(name, Args { positional: arguments.into_iter().collect(), keywords: Dict::new() })
}

/// The result of a task that has been sent.
pub(crate) async fn result(sent: AsyncResult) -> Value {
    sent.get_within(LONG).await.unwrap_or_else(|error| panic!("{}: {error}", sent.id()))
}

/// The names of states.
pub(crate) fn names(states: &[Arc<ResultMeta>]) -> Vec<&str> {
    states.iter().map(|meta| meta.status.as_str()).collect()
}

/// As Python shows it.
pub(crate) fn shown(seen: &Dict, name: &str) -> String {
    seen.get(name).map_or_else(|| "nothing".to_owned(), ToString::to_string)
}
