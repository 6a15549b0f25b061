//! [`EmbeddedResults`]: results in the file of an [`Embedded`] broker.

mod kept;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use salamander_codec::Settings;
use salamander_wire::celery::{ResultMeta, Serializer, State, settings};

use super::{Backend, Capabilities, Expected, Found, Update};
use crate::broker::{Embedded, Memory};
use crate::{Error, Kind, Result, Waits};
pub(crate) use kept::Kept;

/// How results are kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResultOptions {
    /// By what they are encoded.
    pub serializer: Serializer,
    /// For how long; none for ever.
    pub expires: Option<Duration>,
}

impl Default for ResultOptions {
    /// JSON, for a day.
    fn default() -> Self {
        Self { serializer: Serializer::Json, expires: Some(Duration::from_secs(86_400)) }
    }
}

/// A result backend in this process: in the file of a broker, beside its queues, or in memory.
///
/// Who waits is told. Because the queues are at hand, it can tell a task that waits in one, or came out of one and has said nothing yet, from
/// a task that there is not. (After a restart it does not know any more which tasks run elsewhere that were acknowledged when they began.)
#[derive(Clone)]
pub struct EmbeddedResults {
    kept: Arc<Kept>,
    options: Arc<Options>,
}

struct Options {
    url: String,
    serializer: Serializer,
    expires: Option<Duration>,
    settings: Settings,
}

impl EmbeddedResults {
    /// Results beside the queues of this broker.
    pub fn new(broker: &Embedded, options: ResultOptions) -> Self {
        use crate::broker::Broker;
        Self::over(broker.results().clone(), broker.url(), options)
    }

    /// Results in memory, of tasks on this broker.
    pub fn in_memory(broker: &Memory, options: ResultOptions) -> Self {
        use crate::broker::Broker;
        Self::over(broker.results().clone(), broker.url(), options)
    }

    fn over(kept: Arc<Kept>, url: String, options: ResultOptions) -> Self {
        let ResultOptions { serializer, expires } = options;
        Self { kept, options: Arc::new(Options { url, serializer, expires, settings: settings() }) }
    }
}

impl Backend for EmbeddedResults {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: self.kept.is_durable(), push: true, shared: true, expires: true, unknown: true }
    }

    fn url(&self) -> String {
        self.options.url.clone()
    }

    fn expect(&self, _task_id: &str) -> Expected {
        Expected::nothing()
    }

    fn store(&self, update: Update) -> Waits<'_, ()> {
        Box::pin(async move {
            let Options { serializer, expires, settings, .. } = &*self.options;
            let meta = pack(&update.meta, *serializer, settings)?;
            let (task, finality) = (update.meta.task_id, finality(&update.meta.status));
            self.kept.store(task, finality, *expires, meta).await
        })
    }

    fn get<'a>(&'a self, task_id: &'a str) -> Waits<'a, Found> {
        Box::pin(async move {
            match self.kept.find(task_id).await? {
                Some(meta) => Ok(Found::Known(Box::new(unpack(&meta, &self.options.settings)?))),
                None if self.kept.waits_in_a_queue(task_id) => Ok(Found::Pending),
                None => Ok(Found::Unknown),
            }
        })
    }

    fn changed<'a>(&'a self, task_id: &'a str, seen: Option<&'a ResultMeta>) -> Waits<'a, ResultMeta> {
        Box::pin(async move {
            let mut watching = self.kept.watch(task_id);
            let mut stored = self.kept.find(task_id).await?;
            loop {
                if let Some(stored) = stored {
                    let meta = unpack(&stored, &self.options.settings)?;
                    if seen.is_none_or(|seen| *seen != meta) {
                        return Ok(meta);
                    }
                }
                stored = Some(watching.next().await?);
            }
        })
    }

    fn forget<'a>(&'a self, task_id: &'a str) -> Waits<'a, ()> {
        Box::pin(self.kept.forget(task_id))
    }

    fn cleanup(&self) -> Waits<'_, u64> {
        Box::pin(self.kept.expire())
    }

    fn close(&self) -> Waits<'_, ()> {
        Box::pin(self.kept.flush())
    }
}

impl std::fmt::Debug for EmbeddedResults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedResults").field("url", &self.options.url).finish_non_exhaustive()
    }
}

/// How final a state is: one that is less so does not take the place of another, and nothing takes that of a success.
pub(crate) fn finality(state: &State) -> u8 {
    match state {
        State::Success => 2,
        state if state.is_ready() => 1,
        _ => 0,
    }
}

/// A meta as it is kept: the number of its serializer, and what that made of it.
pub(crate) fn pack(meta: &ResultMeta, serializer: Serializer, settings: &Settings) -> Result<Bytes> {
    let encoded = meta.encode(serializer, settings).map_err(|error| {
        Error::with_source(Kind::Misuse, format!("the result of {} cannot be encoded: {error}", meta.task_id), error)
    })?;
    let number = Serializer::ALL.iter().position(|one| *one == serializer).unwrap_or_default();
    let mut packed = Vec::with_capacity(1 + encoded.len());
    packed.push(u8::try_from(number).unwrap_or_default());
    packed.extend_from_slice(&encoded);
    Ok(packed.into())
}

/// The meta that was packed.
pub(crate) fn unpack(packed: &Bytes, settings: &Settings) -> Result<ResultMeta> {
    let wrong =
        |why: &dyn std::fmt::Display| Error::new(Kind::Message, format!("what is stored is no result: {why}"));
    let number = packed.first().copied().unwrap_or(u8::MAX);
    let serializer = Serializer::ALL.get(usize::from(number)).ok_or_else(|| wrong(&"by no known serializer"))?;
    ResultMeta::decode(&packed.slice(1..), *serializer, settings).map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use salamander_wire::celery::{Message, Serializer};

    use super::*;
    use crate::broker::{Broker, Consume, Publication, Queue};

    fn update(task: &str, state: State, result: i64) -> Update {
        Update { meta: ResultMeta::new(task, state, result), reply_to: None, correlation_id: None }
    }

    async fn state(backend: &EmbeddedResults, task: &str) -> String {
        match backend.get(task).await.unwrap() {
            Found::Known(meta) => meta.status.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_is_less_final_does_not_take_its_place() {
        let backend = EmbeddedResults::in_memory(&Memory::new(), ResultOptions::default());
        for (stored, then) in [
            (State::Started, "STARTED"),
            (State::Custom("PROGRESS".into()), "PROGRESS"),
            (State::Failure, "FAILURE"),
            (State::Started, "FAILURE"),
            (State::Success, "SUCCESS"),
            (State::Failure, "SUCCESS"),
        ] {
            backend.store(update("a", stored, 1)).await.unwrap();
            assert_eq!(state(&backend, "a").await, then);
        }
        backend.forget("a").await.unwrap();
        assert_eq!(state(&backend, "a").await, "Unknown");
    }

    #[tokio::test]
    async fn a_task_in_a_queue_is_pending_and_another_is_unknown() {
        let broker = Memory::new();
        let backend = EmbeddedResults::in_memory(&broker, ResultOptions::default());
        let queue = Queue::new("q");
        broker.declare(&queue.clone().into()).await.unwrap();
        let mut message = Message::new("", Serializer::Text);
        message.headers.insert("task", "t");
        message.headers.insert("id", "a");
        let publication = Publication { exchange: "".into(), routing_key: "q".into(), message, delay: None };
        broker.publish(publication).await.unwrap();
        assert_eq!((state(&backend, "a").await, state(&backend, "b").await), ("Pending".into(), "Unknown".into()));
        let consume = Consume { queues: vec![queue], prefetch: 0, no_ack: false, tag: "".into() };
        let mut consumer = broker.consume(consume).await.unwrap();
        let mut deliveries = Vec::new();
        consumer.receive(&mut deliveries).await.unwrap();
        deliveries.pop().unwrap().settlement.ack();
        assert_eq!(state(&backend, "a").await, "Pending", "it may run");
        backend.store(update("a", State::Success, 1)).await.unwrap();
        backend.forget("a").await.unwrap();
        assert_eq!(state(&backend, "a").await, "Unknown");
    }

    #[tokio::test]
    async fn who_waits_is_told() {
        let backend = EmbeddedResults::in_memory(&Memory::new(), ResultOptions::default());
        let mut waiting = backend.changed("a", None);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        backend.store(update("a", State::Started, 0)).await.unwrap();
        let seen = waiting.await.unwrap();
        assert_eq!(seen.status, State::Started);
        let mut waiting = backend.changed("a", Some(&seen));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        backend.store(update("a", State::Success, 5)).await.unwrap();
        assert_eq!(waiting.await.unwrap(), ResultMeta::new("a", State::Success, 5));
    }

    #[tokio::test]
    async fn results_expire() {
        let options = ResultOptions { expires: Some(Duration::ZERO), ..ResultOptions::default() };
        let backend = EmbeddedResults::in_memory(&Memory::new(), options);
        backend.store(update("a", State::Success, 5)).await.unwrap();
        assert_eq!(state(&backend, "a").await, "Unknown");
        assert_eq!((backend.cleanup().await.unwrap(), backend.cleanup().await.unwrap()), (1, 0));
    }
}
