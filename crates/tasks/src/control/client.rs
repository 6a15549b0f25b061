//! [`Control`]: the side that asks.

use std::time::Duration;

use salamander_value::{Dict, Str, Value};
use salamander_wire::celery::{self, Accept, Command, Decoding, Message, ReplyTo, Serializer};

use super::{REPLIES, command_exchange, reply_queue};
use crate::broker::{Consume, Consumer, Publication, Topology};
use crate::call::{AsyncResult, Clock, new_id};
use crate::error::{Error, Kind, Result};
use crate::{App, Waits};

/// How long a reply is waited for.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Asks and tells workers, as Celery's `app.control` and `app.control.inspect()`: all of them, or those that are named.
///
/// ```no_run
/// # async fn example(app: salamander_tasks::App) -> salamander_tasks::Result<()> {
/// for reply in app.control().destination(["celery@one"]).ping().await? {
///     println!("{}: {}", reply.worker, reply.value);
/// }
/// app.control().terminate(&["4f0a4b6e"], "SIGKILL").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Control {
    app: App,
    destination: Option<Vec<Str>>,
    pattern: Option<(Str, &'static str)>,
    timeout: Duration,
    limit: Option<usize>,
}

/// What one worker answers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// The worker's name.
    pub worker: Str,
    /// Its answer; `{"error": "..."}` where it could not do it.
    pub value: Value,
}

impl App {
    /// Remote control of the workers on this broker.
    pub fn control(&self) -> Control {
        Control { app: self.clone(), destination: None, pattern: None, timeout: TIMEOUT, limit: None }
    }

    /// Tells all workers that tasks are not to be run any more; `terminate` ends those that run, too, as far as a worker's pool can.
    ///
    /// It is done when the broker has the command. What waits in a queue is thrown away when its turn comes.
    ///
    /// # Errors
    /// As [`Control::broadcast`].
    ///
    /// # Wire
    /// Celery's `app.control.revoke`.
    pub async fn revoke(&self, ids: &[&str], terminate: bool) -> Result<()> {
        match terminate {
            true => self.control().terminate(ids, SIGTERM).await,
            false => self.control().revoke(ids).await,
        }
    }
}

impl<T> AsyncResult<T> {
    /// Tells all workers that the task is not to be run any more; `terminate` ends it where it runs, as far as the worker's pool can.
    /// [`Control::terminate`] ends it by another signal than `SIGTERM`.
    ///
    /// # Errors
    /// As [`App::revoke`].
    pub async fn revoke(&self, terminate: bool) -> Result<()> {
        self.app()?.revoke(&[self.id()], terminate).await
    }
}

const SIGTERM: &str = "SIGTERM";

impl Control {
    /// Only these workers, by their names. As many replies as there are names are all that is waited for.
    #[must_use]
    pub fn destination<N: Into<Str>>(mut self, workers: impl IntoIterator<Item = N>) -> Self {
        self.destination = Some(workers.into_iter().map(Into::into).collect());
        self
    }

    /// Only workers whose names are so, with `*`, `?` and `[...]` as in names of files.
    #[must_use]
    pub fn glob(mut self, pattern: impl Into<Str>) -> Self {
        self.pattern = Some((pattern.into(), "glob"));
        self
    }

    /// Only workers whose names begin as this regular expression says.
    #[must_use]
    pub fn regex(mut self, pattern: impl Into<Str>) -> Self {
        self.pattern = Some((pattern.into(), "pcre"));
        self
    }

    /// How long a further reply is waited for: a second, if nothing else is said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many replies are waited for at most.
    #[must_use]
    pub fn limit(mut self, replies: usize) -> Self {
        self.limit = Some(replies);
        self
    }

    /// Tells workers something, and waits for no reply. It is done when the broker has the command.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] with brokers that cannot reach all workers, and those of publishing.
    pub async fn broadcast(&self, command: &str, arguments: Dict) -> Result<()> {
        self.publish(Command::new(command, arguments)).await
    }

    /// Asks workers something, and gives what they answer, in the order in which it comes. Workers that do not answer in time are not
    /// among them, and it is no error if nobody does.
    ///
    /// # Errors
    /// As [`Control::broadcast`], and those of consuming.
    pub async fn ask(&self, command: &str, arguments: Dict) -> Result<Vec<Reply>> {
        let broker = self.app.broker();
        let (id, ticket) = (new_id(), new_id());
        let queue = reply_queue(&id);
        broker.declare(&Topology::from(queue.clone())).await?;
        let consume = Consume { queues: vec![queue.clone()], prefetch: 0, no_ack: true, tag: "replies".into() };
        let consumer = broker.consume(consume).await?;
        let mut command = Command::new(command, arguments);
        command.ticket = Some(ticket);
        command.reply_to = Some(ReplyTo { exchange: REPLIES.into(), routing_key: id });
        command.expires = Clock::now().seconds() + self.timeout.as_secs_f64();
        let replies = match self.publish(command).await {
            Ok(()) => self.collect(consumer).await,
            Err(error) => Err(error),
        };
        // It has gone with its consumer; this is for what the driver remembers of it.
        if let Err(error) = broker.delete(&queue.name).await {
            tracing::debug!("a queue was left behind: {error}");
        }
        replies
    }

    async fn collect(&self, mut consumer: Box<dyn Consumer>) -> Result<Vec<Reply>> {
        let wanted = self.limit.or_else(|| Some(self.destination.as_ref()?.len()).filter(|names| *names > 0));
        let wanted = wanted.unwrap_or(usize::MAX);
        let accept = Accept::new(self.app.settings().accept_content.iter().map(|name| &**name))?;
        let decoding = Decoding::default().accepting(accept);
        let (mut replies, mut deliveries) = (Vec::new(), Vec::new());
        while replies.len() < wanted {
            let received: Waits<'_, ()> = consumer.receive(&mut deliveries);
            match tokio::time::timeout(self.timeout, received).await {
                Ok(received) => received?,
                Err(_) => break,
            }
            for delivery in deliveries.drain(..) {
                match celery::Reply::from_message(&delivery.message, &decoding) {
                    Ok(told) => replies.extend(told.into_iter().map(|reply| {
                        self.app.clock().adjust(reply.clock);
                        Reply { worker: reply.hostname, value: reply.reply }
                    })),
                    Err(error) => tracing::error!("a reply that cannot be read: {error}"),
                }
            }
        }
        Ok(replies)
    }

    async fn publish(&self, mut command: Command) -> Result<()> {
        let broker = self.app.broker();
        if !broker.capabilities().fanout {
            return Err(Error::new(Kind::Unsupported, format!("no command reaches all workers by {}", broker.url())));
        }
        command.destination.clone_from(&self.destination);
        if let Some((pattern, matcher)) = &self.pattern {
            (command.pattern, command.matcher) = (Some(pattern.clone()), Some((*matcher).into()));
        }
        command.clock = self.app.clock().forward();
        let serializer = Serializer::from_name(&self.app.settings().task_serializer)?;
        send(&self.app, &command_exchange(), Str::default(), command.to_message(serializer)?).await
    }

    /// Which workers are there.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub async fn ping(&self) -> Result<Vec<Reply>> {
        self.ask("ping", Dict::new()).await
    }

    /// Which tasks they have.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub async fn registered(&self) -> Result<Vec<Reply>> {
        self.ask("registered", Dict::new()).await
    }

    /// Which tasks they run.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub async fn active(&self) -> Result<Vec<Reply>> {
        self.ask("active", Dict::new()).await
    }

    /// Which tasks they hold until others have ended.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub async fn reserved(&self) -> Result<Vec<Reply>> {
        self.ask("reserved", Dict::new()).await
    }

    /// Which tasks they hold until their time.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub async fn scheduled(&self) -> Result<Vec<Reply>> {
        self.ask("scheduled", Dict::new()).await
    }

    /// Which tasks they know to be revoked.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub async fn revoked(&self) -> Result<Vec<Reply>> {
        self.ask("revoked", Dict::new()).await
    }

    /// Numbers about them.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub async fn stats(&self) -> Result<Vec<Reply>> {
        self.ask("stats", Dict::new()).await
    }

    /// Tells them that tasks are not to be run any more. Those that run go on.
    ///
    /// # Errors
    /// As [`Control::broadcast`].
    pub async fn revoke(&self, ids: &[&str]) -> Result<()> {
        self.broadcast("revoke", revocation(ids, false, SIGTERM)).await
    }

    /// The same, and those that run are ended, as far as a worker's pool can: child processes by this signal, as `SIGKILL`.
    ///
    /// # Errors
    /// As [`Control::broadcast`].
    pub async fn terminate(&self, ids: &[&str], signal: &str) -> Result<()> {
        self.broadcast("revoke", revocation(ids, true, signal)).await
    }

    /// Ends them, when what they run has ended.
    ///
    /// # Errors
    /// As [`Control::broadcast`].
    pub async fn shutdown(&self) -> Result<()> {
        self.broadcast("shutdown", Dict::new()).await
    }
}

fn revocation(ids: &[&str], terminate: bool, signal: &str) -> Dict {
    let ids = match ids {
        [one] => Value::from(*one),
        many => many.to_vec().into(),
    };
    Dict::from_iter([("task_id", ids), ("terminate", terminate.into()), ("signal", signal.into())])
}

/// Publishes a message that nobody keeps to an exchange that is made where it is not there.
pub(crate) async fn send(
    app: &App,
    exchange: &crate::broker::Exchange,
    routing_key: Str,
    mut message: Message,
) -> Result<()> {
    message.properties.delivery_mode = Some(1);
    let broker = app.broker();
    let publication = Publication { exchange: exchange.name.clone(), routing_key, message, delay: None };
    let sent = async {
        broker.declare(&Topology::from(exchange.clone())).await?;
        broker.publish(publication).await
    };
    let limit = app.settings().publish_timeout;
    let late = |_| Error::new(Kind::Deadline, format!("the broker did not take a command within {limit:?}"));
    tokio::time::timeout(limit, sent).await.map_err(late)?
}
