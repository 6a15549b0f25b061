//! Revoking: the one command of remote control that whoever sends tasks needs.

use std::time::Duration;

use salamander_value::{Dict, Str, Value};
use salamander_wire::celery::{Command, Serializer};

use super::{AsyncResult, new_id};
use crate::App;
use crate::broker::{Exchange, ExchangeKind, Publication, Queue, Topology};
use crate::error::{Error, Kind, Result};

/// The exchange by which all workers hear commands.
const EXCHANGE: &str = "celery.pidbox";

impl App {
    /// Tells all workers that tasks are not to be run any more; `terminate` ends those that run, too, as far as a worker's pool can.
    ///
    /// It is done when the broker has the command. What waits in a queue is thrown away when its turn comes.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] with brokers that cannot reach all workers, and those of publishing.
    ///
    /// # Wire
    /// Celery's `app.control.revoke`.
    pub async fn revoke(&self, ids: &[&str], terminate: bool) -> Result<()> {
        let ids = match ids {
            [one] => Value::from(*one),
            many => many.to_vec().into(),
        };
        let arguments = [("task_id", ids), ("terminate", terminate.into()), ("signal", "SIGTERM".into())];
        self.broadcast(Command::new("revoke", Dict::from_iter(arguments))).await
    }

    async fn broadcast(&self, command: Command) -> Result<()> {
        let broker = self.broker();
        if !broker.capabilities().fanout {
            return Err(Error::new(Kind::Unsupported, format!("no command reaches all workers by {}", broker.url())));
        }
        let mut message = command.to_message(Serializer::Json)?;
        message.properties.delivery_mode = Some(1);
        // The exchange comes with a queue, which is of no use but this.
        let queue = passing(format!("{}.commands.{EXCHANGE}", new_id()));
        broker.declare(&Topology::from(queue.clone())).await?;
        let publication =
            Publication { exchange: EXCHANGE.into(), routing_key: Str::default(), message, delay: None };
        let published = broker.publish(publication);
        let limit = self.settings().publish_timeout;
        let published = tokio::time::timeout(limit, published).await;
        if let Err(error) = broker.delete(&queue.name).await {
            tracing::debug!("a queue was left behind: {error}");
        }
        let late = |_| Error::new(Kind::Deadline, format!("the broker did not take the command within {limit:?}"));
        published.map_err(late)?
    }
}

fn passing(name: String) -> Queue {
    let exchange = Exchange { durable: false, ..Exchange::new(EXCHANGE, ExchangeKind::Fanout) };
    Queue {
        exchange,
        routing_key: Str::default(),
        durable: false,
        auto_delete: true,
        expires: Some(Duration::from_secs(10)),
        ..Queue::new(name)
    }
}

impl<T> AsyncResult<T> {
    /// Tells all workers that the task is not to be run any more; `terminate` ends it where it runs, as far as the worker's pool can.
    ///
    /// # Errors
    /// As [`App::revoke`].
    pub async fn revoke(&self, terminate: bool) -> Result<()> {
        self.app()?.revoke(&[self.id()], terminate).await
    }
}
