//! How messages are settled, on a broker that gives what it is told to give and notes what becomes of it.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;

use salamander_tasks::Waits;
use salamander_tasks::broker::{
    Capabilities, Consume, Consumer, Delivery, Publication, Queue, Settle, Settlement, Topology,
};
use salamander_tasks::worker::ShutdownKind;
use salamander_value::Value;
use salamander_wire::celery::{Message, Serializer};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;

/// A broker of which one consumer gets what is put here.
struct Scripted {
    settled: Arc<Settled>,
    deliveries: Mutex<Option<UnboundedReceiver<(u64, Message)>>>,
}

/// What became of each delivery.
#[derive(Default)]
struct Settled {
    how: Mutex<HashMap<u64, &'static str>>,
    changed: Notify,
    /// The connection by which these came has gone: settlements up to here count no more.
    gone: AtomicU64,
}

impl Settled {
    fn note(&self, tag: u64, how: &'static str) {
        if self.is_valid(tag) {
            assert_eq!(self.how.lock().unwrap().insert(tag, how), None, "it is settled once");
            self.changed.notify_one();
        }
    }

    async fn of(&self, tag: u64) -> &'static str {
        loop {
            if let Some(how) = self.how.lock().unwrap().get(&tag) {
                return how;
            }
            within(self.changed.notified()).await;
        }
    }
}

impl Settle for Settled {
    fn ack(&self, tag: u64) {
        self.note(tag, "ack");
    }

    fn reject(&self, tag: u64, requeue: bool) {
        self.note(tag, if requeue { "requeue" } else { "reject" });
    }

    fn is_valid(&self, tag: u64) -> bool {
        tag > self.gone.load(Ordering::SeqCst)
    }
}

struct Given(UnboundedReceiver<(u64, Message)>, Arc<Settled>);

impl Consumer for Given {
    fn receive<'a>(&'a mut self, into: &'a mut Vec<Delivery>) -> Waits<'a, ()> {
        Box::pin(async move {
            let Some((tag, message)) = self.0.recv().await else { std::future::pending().await };
            let settlement = Settlement::new(self.1.clone(), tag);
            let queue = "celery".into();
            into.push(Delivery { message, queue, redelivered: false, deliveries: None, settlement });
            Ok(())
        })
    }

    fn set_prefetch(&mut self, _prefetch: u32) {}

    fn add(&mut self, _queue: Queue) -> Waits<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn cancel<'a>(&'a mut self, _queue: &'a str) -> Waits<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

impl Broker for Scripted {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn url(&self) -> String {
        "scripted://".into()
    }

    fn declare<'a>(&'a self, _topology: &'a Topology) -> Waits<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn publish(&self, _publication: Publication) -> Waits<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn consume(&self, _consume: Consume) -> Waits<'_, Box<dyn Consumer>> {
        let deliveries = self.deliveries.lock().unwrap().take().unwrap();
        Box::pin(async move { Ok(Box::new(Given(deliveries, self.settled.clone())) as Box<dyn Consumer>) })
    }

    fn take<'a>(&'a self, _queue: &'a str) -> Waits<'a, Option<Message>> {
        Box::pin(async { Ok(None) })
    }

    fn purge<'a>(&'a self, _queue: &'a str) -> Waits<'a, u64> {
        Box::pin(async { Ok(0) })
    }

    fn len<'a>(&'a self, _queue: &'a str) -> Waits<'a, Option<u64>> {
        Box::pin(async { Ok(None) })
    }

    fn delete<'a>(&'a self, _queue: &'a str) -> Waits<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> Waits<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// A worker on it.
struct Stage {
    sender: UnboundedSender<(u64, Message)>,
    settled: Arc<Settled>,
    scene: Arc<Scene>,
    worker: WorkerHandle,
    running: JoinHandle<Result<()>>,
    next: u64,
}

impl Stage {
    fn start(pool: PoolKind) -> Self {
        let (sender, receiver) = unbounded_channel();
        let settled = Arc::<Settled>::default();
        let broker = Scripted { settled: settled.clone(), deliveries: Mutex::new(Some(receiver)) };
        let app = App::builder()
            .broker(Arc::new(broker))
            .task(add)
            .task(fail)
            .task(late)
            .task(waits)
            .task(late_failure)
            .state(Scene::default())
            .build()
            .unwrap();
        let scene = app.state::<Scene>().unwrap();
        let mut options = WorkerOptions::default();
        (options.pool, options.concurrency) = (pool, Some(1));
        let worker = Worker::new(app, options).without_signals();
        let handle = worker.handle();
        Self { sender, settled, scene, worker: handle, running: tokio::spawn(worker.run()), next: 0 }
    }

    /// Delivers a message, and gives its tag.
    fn give(&mut self, message: Message) -> u64 {
        self.next += 1;
        self.sender.send((self.next, message)).unwrap();
        self.next
    }

    async fn end(self, how: ShutdownKind) -> Arc<Settled> {
        self.worker.shutdown(how);
        within(self.running).await.unwrap().unwrap();
        self.settled
    }
}

#[task(crate = "salamander_tasks::__private", name = "tasks.late_failure", acks_late = true)]
fn late_failure() -> Result<(), Exception> {
    Err(Exception::value_error("no"))
}

/// A message of a task, with further headers.
fn of(task: &str, body: &'static [u8], further: &[(&str, Value)]) -> Message {
    let mut message = Message::new(body, Serializer::Json);
    message.headers.insert("task", task);
    message.headers.insert("id", "id");
    for (name, value) in further {
        message.headers.insert(*name, value.clone());
    }
    message
}

const TWO: &[u8] = b"[[1, 2], {}, {}]";
const ONE: &[u8] = b"[[1], {}, {}]";
const NONE: &[u8] = b"[[], {}, {}]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_settled_as_celery_settles_it() {
    let mut stage = Stage::start(PoolKind::Async);
    let text = |text: &str| Value::from(text);
    let pickled = Message::new(&b"\x80\x04N."[..], Serializer::Pickle);
    let mut pickled_task = pickled.clone();
    pickled_task.headers = of("tasks.add", TWO, &[]).headers;
    let mut compressed = of("tasks.add", b"no zlib", &[]);
    compressed.headers.insert("compression", "application/x-gzip");
    let mut of_nothing = Message::new(TWO, Serializer::Json);
    of_nothing.content_type = "application/x-nonsense".into();
    of_nothing.headers = of("tasks.add", TWO, &[]).headers;
    for (what, message, how) in [
        ("no task", Message::new(&b"{\"no\": 1}"[..], Serializer::Json), "reject"),
        ("no JSON", Message::new(&b"{"[..], Serializer::Json), "ack"),
        ("a pickle", pickled, "ack"),
        ("an unknown task", of("tasks.nowhere", TWO, &[]), "reject"),
        ("a body that is cut off", of("tasks.add", b"[[1, 2]", &[]), "ack"),
        ("a pickle as a task", pickled_task, "reject"),
        ("an unknown type", of_nothing, "reject"),
        ("no compression", compressed, "ack"),
        ("no time", of("tasks.add", TWO, &[("eta", text("soon"))]), "reject"),
        ("no time to expire", of("tasks.add", TWO, &[("expires", text("later"))]), "reject"),
        // What can be run is run, and is done with.
        ("a failure", of("tasks.fail", b"[[\"no\"], {}, {}]", &[]), "ack"),
        ("a failure that is acknowledged late", of("tasks.late_failure", NONE, &[]), "ack"),
        ("too few arguments", of("tasks.add", ONE, &[]), "ack"),
        ("a task that has expired", of("tasks.add", TWO, &[("expires", text("2020-01-01T00:00:00"))]), "ack"),
        ("a sum", of("tasks.add", TWO, &[]), "ack"),
    ] {
        let tag = stage.give(message);
        assert_eq!(stage.settled.of(tag).await, how, "{what}");
    }
    stage.end(ShutdownKind::Warm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_late_is_not_before_it_is_done() {
    for pool in POOLS {
        let mut stage = Stage::start(pool);
        let (first, second) = (stage.give(of("tasks.late", ONE, &[])), stage.give(of("tasks.late", ONE, &[])));
        within(stage.scene.began.notified()).await;
        assert!(stage.settled.how.lock().unwrap().is_empty(), "{pool}");
        stage.scene.go.notify_one();
        assert_eq!(stage.settled.of(first).await, "ack", "{pool}");
        within(stage.scene.began.notified()).await;
        // A worker that is stopped gives back what it has not done.
        let waiting = stage.give(of("tasks.late", ONE, &[]));
        let settled = stage.end(ShutdownKind::Cold).await;
        assert_eq!(settled.of(second).await, "requeue", "{pool}");
        // It may not have come to it any more; then it goes back with the connection.
        assert_ne!(settled.how.lock().unwrap().get(&waiting), Some(&"ack"), "{pool}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_again_is_not_begun_here() {
    for (pool, task) in POOLS.into_iter().flat_map(|pool| [(pool, "tasks.waits"), (pool, "tasks.late")]) {
        let mut stage = Stage::start(pool);
        stage.give(of(task, b"[[1], {}, {}]", &[]));
        within(stage.scene.began.notified()).await;
        let second = stage.give(of(task, b"[[2], {}, {}]", &[]));
        // The connection goes, and the broker gives to somebody else what was not acknowledged.
        stage.settled.gone.store(second, Ordering::SeqCst);
        stage.scene.go.notify_one();
        // What comes by the next connection is run.
        let third = stage.give(of(task, b"[[3], {}, {}]", &[]));
        within(stage.scene.began.notified()).await;
        stage.scene.go.notify_one();
        assert_eq!(stage.settled.of(third).await, "ack", "{pool} {task}");
        assert_eq!(*stage.scene.seen.lock().unwrap(), [1, 3], "{pool} {task}");
        stage.end(ShutdownKind::Warm).await;
    }
}
