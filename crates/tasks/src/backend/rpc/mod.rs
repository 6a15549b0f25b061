//! [`RpcResults`]: results as messages, to the queue of whoever sent the task.

mod inbox;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use salamander_value::Str;
use salamander_wire::celery::{Accept, Decoding, ResultMeta, Serializer};
use tokio::task::JoinHandle;

use self::inbox::Inbox;
use super::{Backend, Capabilities, Chords, Expected, Found, PyroResults, Update};
use crate::broker::{Broker, Consume, Consumer, Publication, Queue, Topology};
use crate::{Error, Kind, Result, Waits};

/// How results are sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RpcOptions {
    /// By what they are encoded: `result_serializer`.
    pub serializer: Serializer,
    /// After how long without anybody at it the queue goes, with what is in it: `result_expires`.
    pub expires: Option<Duration>,
    /// The broker is to keep them on disk: `result_persistent`. The queue goes with its owner all the same.
    pub persistent: bool,
    /// What is taken: `result_accept_content`.
    pub accept: Accept,
}

impl Default for RpcOptions {
    /// JSON, for a day, as Celery has it.
    fn default() -> Self {
        Self {
            serializer: Serializer::Json,
            expires: Some(Duration::from_secs(86_400)),
            persistent: false,
            accept: Accept::default(),
        }
    }
}

/// The result backend `rpc://`: whoever sends a task has a queue, and workers send its states there.
///
/// It goes over any broker. Nobody but the sender can see a result, and he only as long as he is connected: the queue goes with its consumer. What
/// comes for a task that nobody has asked for yet is kept, up to a thousand of those.
///
/// It counts no chords, as Celery's does not, unless the queues are our own ones: there they are counted beside the queues.
///
/// # Wire
/// Celery 5.7's `rpc://`: a queue by the id of the application, in which each message is the meta of one task's state with the task's id as
/// its correlation id. Python's ends of it understand ours, both ways.
#[derive(Clone)]
pub struct RpcResults(Arc<Inner>);

struct Inner {
    broker: Arc<dyn Broker>,
    /// The id of this application, which is the name of its queue.
    id: Str,
    options: RpcOptions,
    decoding: Decoding,
    inbox: Arc<Inbox>,
    /// What counts chords beside the queues, where those are ours.
    chords: Option<PyroResults>,
    /// What takes messages out of the queue.
    listener: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl RpcResults {
    /// Results over a broker, with a queue of its own that is made when the first task is sent.
    pub fn new(broker: Arc<dyn Broker>, options: RpcOptions) -> Self {
        Self::with_chords(broker, options, None)
    }

    /// The same, with chords that are counted there.
    pub(crate) fn with_chords(broker: Arc<dyn Broker>, options: RpcOptions, chords: Option<PyroResults>) -> Self {
        let decoding = Decoding::default().accepting(options.accept.clone());
        Self(Arc::new(Inner {
            broker,
            id: uuid::Uuid::new_v4().to_string().into(),
            options,
            decoding,
            inbox: Arc::default(),
            chords,
            listener: tokio::sync::Mutex::default(),
        }))
    }
}

impl Inner {
    fn queue(&self) -> Queue {
        let mut queue = Queue::new(self.id.clone());
        // To this exchange every queue is bound by its name.
        queue.exchange.name = Str::default();
        queue.auto_delete = true;
        queue.expires = self.options.expires;
        queue
    }

    /// Makes the queue and begins to listen to it, if nobody does yet.
    async fn listen(&self) -> Result<()> {
        if self.inbox.is_open() {
            return Ok(());
        }
        let mut listener = self.listener.lock().await;
        if self.inbox.is_closed() {
            return Err(closed());
        }
        if listener.as_ref().is_some_and(|listener| !listener.is_finished()) {
            return Ok(());
        }
        let queue = self.queue();
        self.broker.declare(&Topology::from(queue.clone())).await?;
        let consume = Consume { queues: vec![queue], prefetch: 0, no_ack: true, tag: "results".into() };
        let consumer = self.broker.consume(consume).await?;
        self.inbox.opened();
        *listener = Some(tokio::spawn(listening(consumer, Arc::downgrade(&self.inbox), self.decoding.clone())));
        Ok(())
    }

    async fn store(&self, update: Update) -> Result<()> {
        if self.inbox.is_closed() {
            return Err(closed());
        }
        let Update { meta, reply_to, correlation_id } = update;
        // Nobody waits.
        let Some(reply_to) = reply_to else { return Ok(()) };
        let mut message = meta.to_message(self.options.serializer, &self.decoding.settings)?;
        let properties = &mut message.properties;
        if let Some(id) = correlation_id {
            properties.correlation_id = Some(id);
        }
        properties.delivery_mode = Some(if self.options.persistent { 2 } else { 1 });
        properties.priority = Some(0);
        properties.delivery_info.routing_key = reply_to.clone();
        let publication = Publication { exchange: Str::default(), routing_key: reply_to, message, delay: None };
        self.broker.publish(publication).await
    }
}

/// Takes in what comes, as long as somebody is interested.
async fn listening(mut consumer: Box<dyn Consumer>, inbox: Weak<Inbox>, decoding: Decoding) {
    let _ended = Ended(inbox.clone());
    let mut deliveries = Vec::new();
    loop {
        let received = tokio::select! {
            received = consumer.receive(&mut deliveries) => received,
            () = abandoned(&inbox) => return,
        };
        let Some(inbox) = inbox.upgrade() else { return };
        if let Err(error) = received {
            inbox.fail(error);
            return;
        }
        for delivery in deliveries.drain(..) {
            match ResultMeta::from_message(&delivery.message, &decoding) {
                Ok(meta) => inbox.put(meta, delivery.message.properties.correlation_id.as_ref()),
                Err(error) => tracing::error!(%error, "a result that cannot be read"),
            }
        }
    }
}

/// Waits until nobody is interested any more.
async fn abandoned(inbox: &Weak<Inbox>) {
    let Some(end) = inbox.upgrade().map(|inbox| inbox.end()) else { return };
    end.notified().await;
}

/// Says that nobody listens any more, also where the runtime ends in the middle.
struct Ended(Weak<Inbox>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(inbox) = self.0.upgrade() {
            inbox.ended();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.inbox.end().notify_one();
    }
}

impl Backend for RpcResults {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: false, push: true, shared: false, expires: true, relations: true, unknown: false }
    }

    fn url(&self) -> String {
        "rpc://".to_owned()
    }

    fn reply_to(&self) -> Option<Str> {
        Some(self.0.id.clone())
    }

    fn prepare(&self) -> Option<Waits<'_, ()>> {
        (!self.0.inbox.is_open()).then(|| -> Waits<'_, ()> { Box::pin(self.0.listen()) })
    }

    fn expect(&self, task_id: &str) -> Expected {
        self.0.inbox.keep(task_id);
        let (inbox, id) = (self.0.inbox.clone(), Str::from(task_id));
        Expected::new(move || inbox.forgo(&id))
    }

    fn store(&self, update: Update) -> Waits<'_, ()> {
        Box::pin(self.0.store(update))
    }

    fn get<'a>(&'a self, task_id: &'a str) -> Waits<'a, Found> {
        Box::pin(async move {
            if let Some(meta) = self.0.inbox.get(task_id) {
                return Ok(Found::Known(Box::new(meta)));
            }
            self.0.listen().await?;
            Ok(Found::Pending)
        })
    }

    fn changed<'a>(&'a self, task_id: &'a str, seen: Option<&'a ResultMeta>) -> Waits<'a, ResultMeta> {
        Box::pin(async move {
            let _expected = Backend::expect(self, task_id);
            // What has come stays, also where nothing more can come.
            match self.0.inbox.get(task_id) {
                Some(meta) if Some(&meta) != seen => Ok(meta),
                _ => {
                    self.0.listen().await?;
                    self.0.inbox.changed(task_id, seen).await
                }
            }
        })
    }

    fn forget<'a>(&'a self, task_id: &'a str) -> Waits<'a, ()> {
        self.0.inbox.forget(task_id);
        Box::pin(std::future::ready(Ok(())))
    }

    fn chords(&self) -> Option<&dyn Chords> {
        self.0.chords.as_ref().map(|chords| chords as &dyn Chords)
    }

    /// The broker is another one's, and stays open.
    fn close(&self) -> Waits<'_, ()> {
        Box::pin(async move {
            self.0.inbox.close();
            let listener = self.0.listener.lock().await.take();
            if let Some(listener) = listener {
                let _ = listener.await;
            }
            Ok(())
        })
    }
}

impl fmt::Debug for RpcResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcResults").field("queue", &self.0.id).finish_non_exhaustive()
    }
}

fn closed() -> Error {
    Error::new(Kind::Closed, "the result backend was closed here")
}
