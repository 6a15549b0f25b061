//! [`Replied`]: results that are kept, and told to whoever asked as well.

use std::sync::Arc;

use salamander_value::Str;
use salamander_wire::celery::ResultMeta;

use super::{Backend, Capabilities, Chords, Expected, Found, RpcOptions, RpcResults, Update};
use crate::Waits;
use crate::broker::Broker;
use crate::permits::Permits;

/// A result backend whose states go to the queue of whoever asked too, as `rpc://` has them: clients of either kind find theirs.
#[derive(Debug)]
pub struct Replied<B> {
    kept: Arc<B>,
    told: RpcResults,
}

impl<B: Backend> Replied<B> {
    /// These results, and messages over this broker.
    pub fn new(kept: Arc<B>, broker: Arc<dyn Broker>, options: RpcOptions) -> Self {
        Self { kept, told: RpcResults::new(broker, options) }
    }
}

impl<B: Backend> Backend for Replied<B> {
    fn capabilities(&self) -> Capabilities {
        self.kept.capabilities()
    }

    fn url(&self) -> String {
        self.kept.url()
    }

    fn reply_to(&self) -> Option<Str> {
        self.kept.reply_to()
    }

    fn prepare(&self) -> Option<Waits<'_, ()>> {
        self.kept.prepare()
    }

    fn expect(&self, task_id: &str) -> Expected {
        Backend::expect(&*self.kept, task_id)
    }

    fn store(&self, update: Update) -> Waits<'_, ()> {
        Box::pin(async move {
            if update.reply_to.is_some()
                && let Err(error) = self.told.store(update.clone()).await
            {
                tracing::error!("the state of task {} was not sent to who asked: {error}", update.meta.task_id);
            }
            self.kept.store(update).await
        })
    }

    fn get<'a>(&'a self, task_id: &'a str) -> Waits<'a, Found> {
        self.kept.get(task_id)
    }

    fn changed<'a>(&'a self, task_id: &'a str, seen: Option<&'a ResultMeta>) -> Waits<'a, ResultMeta> {
        self.kept.changed(task_id, seen)
    }

    fn forget<'a>(&'a self, task_id: &'a str) -> Waits<'a, ()> {
        self.kept.forget(task_id)
    }

    fn cleanup(&self) -> Waits<'_, u64> {
        self.kept.cleanup()
    }

    fn chords(&self) -> Option<&dyn Chords> {
        self.kept.chords()
    }

    fn permits(&self) -> Option<&dyn Permits> {
        self.kept.permits()
    }

    fn close(&self) -> Waits<'_, ()> {
        Box::pin(async move {
            self.told.close().await?;
            self.kept.close().await
        })
    }
}
