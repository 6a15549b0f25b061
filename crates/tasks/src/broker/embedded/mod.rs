//! [`Embedded`]: a broker in this process that keeps its queues in a file.

mod load;
mod schema;
mod store;
#[cfg(test)]
mod testing;
mod writer;

use std::path::Path;
use std::sync::Arc;

use super::hub::{Earlier, Hub, Local, local_broker};
use crate::Result;
use crate::backend::Kept;
use crate::permits::KeptPermits;
pub(crate) use store::{Found, MOST_BYTES, Store};

/// How an [`Embedded`] broker keeps its file.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct EmbeddedOptions {
    /// What is confirmed survives a power cut. Else it survives that the process is killed, and costs less.
    pub fsync: bool,
}

/// A broker that keeps its queues in a file of SQLite, which belongs to this process alone.
///
/// What is published is confirmed when it is written; what many publish and acknowledge meanwhile is one transaction. A consumer may have
/// a message before that. What was taken and not acknowledged when the process ends comes again, counted.
///
/// Clones are the same connection; [`Embedded::connect`] makes another one to the same queues.
#[derive(Clone)]
pub struct Embedded {
    local: Local,
    results: Arc<Kept>,
    permits: Arc<KeptPermits>,
    store: Arc<Store>,
}

impl Embedded {
    /// Opens the file, or makes it. Of what lies in its queues so much is held in memory as comes next.
    ///
    /// # Errors
    /// [`Kind::Refused`](crate::Kind::Refused) where it cannot be opened, is in use, or is something else.
    pub fn open(file: impl AsRef<Path>, options: EmbeddedOptions) -> Result<Self> {
        Self::begin(file.as_ref(), options, Earlier::new())
    }

    fn begin(file: &Path, options: EmbeddedOptions, mut earlier: Earlier) -> Result<Self> {
        let mut permits = Vec::new();
        let store = Arc::new(Store::open(file, options.fsync, &mut earlier, &mut permits)?);
        let hub = Hub::journaled(store.journal(), store.clone(), earlier);
        let results = Arc::new(Kept::in_file(store.clone(), hub.clone()));
        let permits = Arc::new(KeptPermits::journaled(store.permits(), permits));
        Ok(Self { local: Local::new(hub), results, permits, store })
    }

    /// Another connection to the same queues: what is exclusive is another's, and it is closed by itself.
    #[must_use]
    pub fn connect(&self) -> Self {
        Self { local: self.local.connect(), ..self.clone() }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        self.local.hub()
    }

    /// The results that are kept beside the queues.
    pub(crate) fn results(&self) -> &Arc<Kept> {
        &self.results
    }

    /// What is kept of permits.
    pub(crate) fn kept_permits(&self) -> &Arc<KeptPermits> {
        &self.permits
    }

    fn location(&self) -> String {
        format!("embedded://{}", self.store.path().display())
    }
}

local_broker!(Embedded, durable: true);

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("file", &self.store.path()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use salamander_wire::celery::{Message, ResultMeta, Serializer, State};

    use super::*;
    use crate::Kind;
    use crate::backend::{Backend, EmbeddedResults, Found, ResultOptions, Update};
    use crate::broker::{Broker, Consume, Delivery, Exchange, ExchangeKind, Publication, Queue};

    /// A directory of its own, which is gone afterwards.
    pub(super) struct Directory(pub(super) PathBuf);

    impl Directory {
        pub(super) fn new() -> Self {
            static NUMBER: AtomicUsize = AtomicUsize::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("salamander-queues-{}-{number}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn open(&self) -> Embedded {
            Embedded::open(self.0.join("tasks"), EmbeddedOptions::default()).unwrap()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn publication(exchange: &str, key: &str, text: &str) -> Publication {
        let message = Message::new(text.to_owned(), Serializer::Text);
        Publication { exchange: exchange.into(), routing_key: key.into(), message, delay: None }
    }

    fn consume(queue: &Queue, prefetch: u32) -> Consume {
        Consume { queues: vec![queue.clone()], prefetch, no_ack: false, tag: "test".into() }
    }

    fn told(deliveries: &[Delivery]) -> Vec<(String, Option<u32>)> {
        let text = |one: &Delivery| String::from_utf8(one.message.body.to_vec()).unwrap();
        deliveries.iter().map(|one| (text(one), one.deliveries)).collect()
    }

    #[tokio::test]
    async fn what_was_confirmed_is_there_when_it_is_opened_again() {
        let (directory, killed) = (Directory::new(), Directory::new());
        let mut queue = Queue::new("q");
        queue.exchange = Exchange::new("topic", ExchangeKind::Topic);
        queue.routing_key = "a.#".into();
        queue.message_ttl = Some(Duration::from_secs(3600));
        {
            let broker = directory.open();
            broker.declare(&queue.clone().into()).await.unwrap();
            for text in ["done", "held", "waiting"] {
                broker.publish(publication("topic", "a.b", text)).await.unwrap();
            }
            let mut passing = publication("topic", "a.b", "passing");
            passing.message.properties.delivery_mode = Some(1);
            broker.publish(passing).await.unwrap();
            let mut consumer = broker.consume(consume(&queue, 2)).await.unwrap();
            let mut deliveries = Vec::new();
            consumer.receive(&mut deliveries).await.unwrap();
            deliveries.remove(0).settlement.ack();
            broker.local.hub().flush().await.unwrap();
            // As if it was killed now.
            for file in ["tasks", "tasks-wal"] {
                std::fs::copy(directory.0.join(file), killed.0.join(file)).unwrap();
            }
        }
        {
            let broker = killed.open();
            assert_eq!(broker.len("q").await.unwrap(), Some(2));
            broker.declare(&queue.clone().into()).await.unwrap();
            broker.publish(publication("topic", "a", "new")).await.unwrap();
            let mut deliveries = Vec::new();
            let mut consumer = broker.consume(consume(&queue, 0)).await.unwrap();
            consumer.receive(&mut deliveries).await.unwrap();
            let expected = [("held", 1), ("waiting", 0), ("new", 0)];
            assert_eq!(told(&deliveries), expected.map(|(text, count)| (text.to_owned(), Some(count))));
            deliveries.into_iter().for_each(|one| one.settlement.ack());
        }
        assert_eq!(killed.open().len("q").await.unwrap(), Some(0));
        assert_eq!(
            directory.open().len("q").await.unwrap(),
            Some(2),
            "closed, it is the same, without what was passing"
        );
    }

    #[tokio::test]
    async fn results_last() {
        let directory = Directory::new();
        let meta = ResultMeta::new("a", State::Success, 5);
        {
            let backend = EmbeddedResults::new(&directory.open(), ResultOptions::default());
            let update = |meta: &ResultMeta| Update { meta: meta.clone(), reply_to: None, correlation_id: None };
            backend.store(update(&meta)).await.unwrap();
            backend.store(update(&ResultMeta::new("a", State::Started, ()))).await.unwrap();
        }
        let backend = EmbeddedResults::new(&directory.open(), ResultOptions::default());
        assert!(matches!(backend.get("a").await.unwrap(), Found::Known(found) if *found == meta));
        assert_eq!(backend.changed("a", None).await.unwrap(), meta);
        assert!(matches!(backend.get("b").await.unwrap(), Found::Unknown));
    }

    #[tokio::test]
    async fn the_file_is_one_process_s_and_no_other_file_is_taken() {
        let directory = Directory::new();
        let open = |name: &str| Embedded::open(directory.0.join(name), EmbeddedOptions::default());
        let first = open("tasks").unwrap();
        let error = open("tasks").unwrap_err();
        assert!(error.to_string().contains("another process uses it"), "{error}");
        assert_eq!(error.kind(), Kind::Refused);
        drop(first);
        drop(open("tasks").unwrap());
        std::fs::write(directory.0.join("text"), "some text that is no database, and long enough to tell").unwrap();
        assert!(open("text").unwrap_err().to_string().contains("file is not a database"));
        let db = rusqlite::Connection::open(directory.0.join("other")).unwrap();
        db.execute_batch("CREATE TABLE t (x)").unwrap();
        drop(db);
        assert!(open("other").unwrap_err().to_string().contains("a database of something else"));
        let db = rusqlite::Connection::open(directory.0.join("tasks")).unwrap();
        db.pragma_update(None, "user_version", 9).unwrap();
        drop(db);
        assert!(open("tasks").unwrap_err().to_string().contains("has version 9, and this program knows 1"));
    }
}
