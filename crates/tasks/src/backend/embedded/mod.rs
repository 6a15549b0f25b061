//! [`EmbeddedResults`]: results in the file of an [`Embedded`] broker.

mod kept;

use std::sync::Arc;

use salamander_codec::Settings;
use salamander_value::Str;
use salamander_wire::celery::{ResultMeta, Serializer};

use super::ledger::Ledger;
use super::{
    Answer, Ask, Backend, Capabilities, Chords, Claim, Expected, Found, Groups, Open, ResultOptions, Stored, Update,
    finality, groups_among_results,
};
use crate::broker::hub::Posting;
use crate::broker::{Embedded, Memory, Publication};
use crate::{Result, Waits};
pub(crate) use kept::Kept;

/// A result backend in this process: in the file of a broker, beside its queues, or in memory.
///
/// Who waits is told. Because the queues are at hand, it can tell a task that waits in one, or came out of one and has said nothing yet, from
/// a task that there is not. (After a restart it does not know any more which tasks run elsewhere that were acknowledged when they began.)
#[derive(Clone)]
pub struct EmbeddedResults {
    kept: Arc<Kept>,
    stored: Arc<Stored>,
    url: String,
    open: Arc<Open>,
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
        Self { kept, stored: Arc::new(Stored::new(options)), url, open: Arc::default() }
    }
}

impl Backend for EmbeddedResults {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: self.kept.is_durable(),
            push: true,
            shared: true,
            expires: true,
            relations: true,
            unknown: true,
        }
    }

    fn url(&self) -> String {
        self.url.clone()
    }

    fn expect(&self, _task_id: &str) -> Expected {
        Expected::nothing()
    }

    fn store(&self, update: Update) -> Waits<'_, ()> {
        Box::pin(async move {
            self.open.check()?;
            let (packed, lifetime) = (self.stored.pack(&update.meta)?, self.stored.lifetime(&update.meta.status));
            let (task, finality) = (update.meta.task_id, finality(&update.meta.status));
            self.kept.store(task, finality, lifetime, packed).await
        })
    }

    fn get<'a>(&'a self, task_id: &'a str) -> Waits<'a, Found> {
        Box::pin(async move {
            match self.kept.find(task_id).await? {
                Some(meta) => Ok(Found::Known(Box::new(self.stored.unpack(&meta)?))),
                None if self.kept.waits_in_a_queue(task_id) => Ok(Found::Pending),
                None => Ok(Found::Unknown),
            }
        })
    }

    fn changed<'a>(&'a self, task_id: &'a str, seen: Option<&'a ResultMeta>) -> Waits<'a, ResultMeta> {
        Box::pin(self.open.during(async move {
            let mut watching = self.kept.watch(task_id);
            let mut stored = self.kept.find(task_id).await?;
            loop {
                if let Some(stored) = stored {
                    let meta = self.stored.unpack(&stored)?;
                    if seen.is_none_or(|seen| *seen != meta) {
                        return Ok(meta);
                    }
                }
                stored = Some(watching.next().await?);
            }
        }))
    }

    fn forget<'a>(&'a self, task_id: &'a str) -> Waits<'a, ()> {
        Box::pin(self.kept.forget(task_id))
    }

    fn cleanup(&self) -> Waits<'_, u64> {
        Box::pin(self.kept.expire())
    }

    fn chords(&self) -> Option<&dyn Chords> {
        Some(self)
    }

    fn groups(&self) -> Option<&dyn Groups> {
        Some(self)
    }

    fn close(&self) -> Waits<'_, ()> {
        self.open.close();
        Box::pin(self.kept.flush())
    }
}

impl Ledger for EmbeddedResults {
    fn ask(&self, ask: Ask) -> Waits<'_, Answer> {
        self.kept.chord(ask)
    }

    fn find<'a>(&'a self, task_id: &'a str) -> Waits<'a, Option<ResultMeta>> {
        Box::pin(async move {
            let found = self.kept.find(task_id).await?;
            found.map(|meta| self.stored.unpack(&meta)).transpose()
        })
    }

    fn serializer(&self) -> (Serializer, &Settings) {
        (self.stored.options.serializer, &self.stored.settings)
    }

    fn lifetime(&self) -> Option<u64> {
        self.stored.options.expires.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    fn place(&self) -> Option<Str> {
        Some(self.kept.broker())
    }

    fn finish_with<'a>(&'a self, claim: &'a Claim, body: Vec<Publication>) -> Waits<'a, bool> {
        Box::pin(async move {
            let body = body.into_iter().map(Posting::of).collect::<Result<Vec<_>>>()?;
            self.kept.finish_chord(claim.group_id.clone(), claim.token.clone(), body).await
        })
    }
}

groups_among_results!(EmbeddedResults);

impl std::fmt::Debug for EmbeddedResults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedResults").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use salamander_wire::celery::{Message, State};

    use super::*;
    use crate::broker::{Broker, Consume, Queue};

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
