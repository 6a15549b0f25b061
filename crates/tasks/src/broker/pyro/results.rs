//! [`PyroResults`]: the results that another process keeps.

use std::sync::Arc;
use std::time::Duration;

use salamander_codec::Settings;
use salamander_value::{Blob, Str};
use salamander_wire::celery::{ResultMeta, Serializer};

use super::Pyro;
use super::client::apart;
use super::inbox::Inbox;
use super::link::{Fault, closed};
use super::outbox::Outbox;
use super::terms::Sent as Posted;
use crate::backend::ledger::Ledger;
use crate::backend::{
    Answer, Ask, Backend, Capabilities, Chords, Claim, Expected, Found, Groups, Open, ResultOptions, Stored, Update,
    finality, groups_among_results,
};
use crate::broker::Publication;
use crate::broker::hub::Posting;
use crate::{Result, Waits};

/// How long a call waits at the other end for another state.
const WAIT: Duration = Duration::from_secs(30);

/// A state on its way: the task, how final it is, for how many milliseconds it is kept, and what it is.
type Sent = (Str, u8, Option<u64>, Blob);

/// The result backend beside the queues of a [`Pyro`] broker, as
/// [`EmbeddedResults`](crate::backend::EmbeddedResults) is it in their own process.
#[derive(Clone)]
pub struct PyroResults {
    broker: Pyro,
    sent: Arc<Outbox<Sent>>,
    stored: Arc<Stored>,
    inbox: Arc<Inbox>,
    open: Arc<Open>,
}

impl PyroResults {
    /// Results beside the queues of this broker.
    pub fn new(broker: &Pyro, options: ResultOptions) -> Self {
        let sent = Arc::new(Outbox::new("store_results"));
        let stored = Arc::new(Stored::new(options));
        Self { broker: broker.clone(), sent, stored, inbox: Arc::default(), open: Arc::default() }
    }

    async fn call<T>(&self, method: &'static str, task_id: &str) -> Result<T>
    where
        T: serde::de::DeserializeOwned + Send + 'static,
    {
        let (link, task) = (self.broker.0.link.clone(), task_id.to_owned());
        apart(async move { link.call(method, (task,)).await }).await?.map_err(Fault::error)
    }

    /// Waits for a while until there is another state of a task than this one. What else is expected comes along.
    async fn ask(&self, task_id: &str, before: Option<Blob>) -> Result<Result<Option<Blob>, Fault>> {
        let (link, inbox, task) = (self.broker.0.link.clone(), self.inbox.clone(), Str::from(task_id));
        // A task of its own: it is not given up half-way, and what came along is not lost.
        apart(async move {
            let others = inbox.others(&task);
            let asked = (&task, before, &others, WAIT.as_secs_f64());
            let answer = link.attempt::<(Option<Blob>, Vec<(Str, Blob)>)>("wait_for_results", asked, WAIT).await;
            match answer {
                Ok((state, came)) => {
                    inbox.arrived(others, came);
                    Ok(state)
                }
                Err(fault) => {
                    inbox.arrived(others, Vec::new());
                    Err(fault)
                }
            }
        })
        .await
    }
}

impl Backend for PyroResults {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: true, push: true, shared: true, expires: true, relations: true, unknown: true }
    }

    fn url(&self) -> String {
        use crate::broker::Broker;
        self.broker.url()
    }

    fn expect(&self, task_id: &str) -> Expected {
        let (inbox, task) = (self.inbox.clone(), Str::from(task_id));
        inbox.keep(&task);
        Expected::new(move || inbox.forgo(&task))
    }

    fn store(&self, update: Update) -> Waits<'_, ()> {
        Box::pin(async move {
            self.open.check()?;
            let (meta, lifetime) = (self.stored.pack(&update.meta)?, self.stored.lifetime(&update.meta.status));
            let (task, finality, size) = (update.meta.task_id, finality(&update.meta.status), meta.len());
            let lifetime = lifetime.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
            self.sent.send(&self.broker.0.link, (task, finality, lifetime, meta.into()), size).await
        })
    }

    fn get<'a>(&'a self, task_id: &'a str) -> Waits<'a, Found> {
        Box::pin(async move {
            let found: (Option<Blob>, bool) = self.call("find_result", task_id).await?;
            match found {
                (Some(meta), _) => Ok(Found::Known(Box::new(self.stored.unpack(&meta)?))),
                (None, true) => Ok(Found::Pending),
                (None, false) => Ok(Found::Unknown),
            }
        })
    }

    fn changed<'a>(&'a self, task_id: &'a str, seen: Option<&'a ResultMeta>) -> Waits<'a, ResultMeta> {
        Box::pin(self.open.during(async move {
            let mut last = self.inbox.get(task_id);
            let mut pause = None;
            loop {
                if let Some(stored) = &last {
                    let meta = self.stored.unpack(stored)?;
                    if seen.is_none_or(|seen| *seen != meta) {
                        return Ok(meta);
                    }
                }
                match self.ask(task_id, last.clone()).await? {
                    Ok(Some(stored)) => last = Some(stored),
                    Ok(None) => pause = None,
                    Err(Fault::Lost(_)) if self.broker.0.link.is_closed() => return Err(closed()),
                    Err(Fault::Lost(error)) => self.broker.0.link.pause(&mut pause, &error).await,
                    Err(fault) => return Err(fault.error()),
                }
            }
        }))
    }

    fn forget<'a>(&'a self, task_id: &'a str) -> Waits<'a, ()> {
        self.inbox.forget(task_id);
        Box::pin(self.call("forget_result", task_id))
    }

    fn cleanup(&self) -> Waits<'_, u64> {
        Box::pin(async move {
            let link = self.broker.0.link.clone();
            apart(async move { link.call("expire_results", ()).await }).await?.map_err(Fault::error)
        })
    }

    fn chords(&self) -> Option<&dyn Chords> {
        Some(self)
    }

    fn groups(&self) -> Option<&dyn Groups> {
        Some(self)
    }

    fn close(&self) -> Waits<'_, ()> {
        // The connection is the broker's, and each store is done when it says so.
        self.open.close();
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Ledger for PyroResults {
    fn ask(&self, ask: Ask) -> Waits<'_, Answer> {
        let link = self.broker.0.link.clone();
        Box::pin(async move { apart(async move { link.call("chord", (ask,)).await }).await?.map_err(Fault::error) })
    }

    fn find<'a>(&'a self, task_id: &'a str) -> Waits<'a, Option<ResultMeta>> {
        Box::pin(async move {
            let (found, _): (Option<Blob>, bool) = self.call("find_result", task_id).await?;
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
        Some(self.broker.0.link.url().into())
    }

    fn finish_with<'a>(&'a self, claim: &'a Claim, body: Vec<Publication>) -> Waits<'a, bool> {
        let (link, Claim { group_id, token }) = (self.broker.0.link.clone(), claim.clone());
        Box::pin(async move {
            let body = body.into_iter().map(|one| Posting::of(one).map(Posted::from)).collect::<Result<Vec<_>>>()?;
            let finish = async move { link.call("finish_chord", (group_id, token, body)).await };
            apart(finish).await?.map_err(Fault::error)
        })
    }
}

groups_among_results!(PyroResults);

impl std::fmt::Debug for PyroResults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PyroResults").field(&self.broker).finish()
    }
}
