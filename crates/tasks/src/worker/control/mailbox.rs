//! [`Mailbox`]: takes commands out of the worker's own queue, and sends replies.

use std::sync::Arc;
use std::time::Duration;

use salamander_value::{Dict, Value};
use salamander_wire::WireError;
use salamander_wire::celery::{Command, Message, Reply, ReplyTo, Serializer};
use tokio::task::JoinHandle;

use crate::Result;
use crate::broker::{Consume, Consumer, Topology};
use crate::control::{is_for, mailbox, reply_exchange, send};
use crate::worker::Shared;
use crate::worker::commands::WorkerHandle;

/// The first pause before the queue is tried again, which doubles, and the longest one.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// How long the others may take to tell what they know. Celery gives them a second, in which it does nothing else; here nothing waits for
/// them, so that busy ones are heard too.
const MINGLE: Duration = Duration::from_secs(5);

/// A worker's mailbox; it is closed when this is dropped.
pub(in crate::worker) struct Mailbox {
    tasks: Vec<JoinHandle<()>>,
}

struct Post {
    shared: Arc<Shared>,
    worker: WorkerHandle,
}

impl Mailbox {
    /// Opens it, and asks the other workers what they know. Where it cannot be opened yet, the worker works nevertheless, and it is
    /// opened when it can be.
    pub(in crate::worker) async fn open(shared: Arc<Shared>, worker: WorkerHandle, mingles: bool) -> Self {
        let post = Post { shared, worker };
        if !post.shared.app.broker().capabilities().fanout {
            tracing::warn!("this broker cannot reach all workers: there is no remote control");
            return Self { tasks: Vec::new() };
        }
        let first = post.consume().await;
        let mut tasks = Vec::new();
        if mingles && first.is_ok() {
            tasks.push(tokio::spawn(mingle(post.shared.clone(), post.worker.clone())));
        }
        tasks.push(tokio::spawn(post.serve(first)));
        Self { tasks }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Post {
    async fn consume(&self) -> Result<Box<dyn Consumer>> {
        let broker = self.shared.app.broker();
        let queue = mailbox(&self.shared.name);
        broker.declare(&Topology::from(queue.clone())).await?;
        let tag = format!("{}.control", self.shared.name).into();
        broker.consume(Consume { queues: vec![queue], prefetch: 0, no_ack: true, tag }).await
    }

    async fn serve(self, mut consumer: Result<Box<dyn Consumer>>) {
        let mut pause = PAUSE;
        loop {
            let error = match consumer {
                Ok(consumer) => {
                    pause = PAUSE;
                    self.listen(consumer).await
                }
                Err(error) => error,
            };
            if error.kind() == crate::Kind::Closed {
                return;
            }
            if pause == PAUSE {
                tracing::warn!(
                    "there is no remote control of {} at present: {error}. Another worker of this name may be there; -n gives it another",
                    self.shared.name
                );
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
            consumer = self.consume().await;
        }
    }

    /// Does what comes, and says why nothing comes any more.
    async fn listen(&self, mut consumer: Box<dyn Consumer>) -> crate::Error {
        let mut deliveries = Vec::new();
        loop {
            if let Err(error) = consumer.receive(&mut deliveries).await {
                return error;
            }
            for delivery in deliveries.drain(..) {
                self.handle(&delivery.message).await;
            }
        }
    }

    async fn handle(&self, message: &Message) {
        let clock = self.shared.app.clock();
        clock.forward();
        let command = match Command::from_message(message, &self.shared.decoding) {
            Ok(command) => command,
            Err(error) => {
                return tracing::error!(target: "celery.worker.pidbox", "a command that cannot be read: {error}");
            }
        };
        clock.adjust(command.clock);
        if !is_for(&command, &self.shared.name) {
            return;
        }
        let Command { method, arguments, ticket, reply_to, .. } = command;
        tracing::debug!(target: "celery.worker.pidbox", "pidbox received method {method}");
        let Some(value) = self.worker.control(&method, arguments).await else { return };
        let Some(reply_to) = reply_to else { return };
        let reply = Reply { hostname: self.shared.name.clone(), reply: value, ticket, clock: clock.forward() };
        if let Err(error) = self.reply(reply, reply_to).await {
            tracing::warn!("a reply to {method} could not be sent: {error}");
        }
    }

    async fn reply(&self, mut reply: Reply, to: ReplyTo) -> Result<()> {
        let serializer = Serializer::from_name(&self.shared.app.settings().task_serializer)?;
        let message = reply.to_message(serializer).or_else(|error: WireError| {
            // Arguments of tasks among it may be what other serializers know.
            reply.reply = Dict::from_iter([("error", Value::from(error.to_string()))]).into();
            reply.to_message(serializer)
        })?;
        send(&self.shared.app, &reply_exchange(to.exchange), to.routing_key, message).await
    }
}

/// Asks the other workers which tasks they know to be revoked, as Celery's workers do when they begin.
async fn mingle(shared: Arc<Shared>, worker: WorkerHandle) {
    tracing::info!(target: "celery.worker.consumer.mingle", "mingle: searching for neighbors");
    let own = worker.control("revoked", Dict::new()).await.unwrap_or_default();
    let arguments = Dict::from_iter([("from_node", Value::from(shared.name.clone())), ("revoked", own)]);
    let replies = match shared.app.control().timeout(MINGLE).ask("hello", arguments).await {
        Ok(replies) => replies,
        Err(error) => return tracing::warn!("the other workers could not be asked: {error}"),
    };
    let mut others = 0;
    for reply in replies.into_iter().filter(|reply| reply.worker != shared.name) {
        let Some(revoked) = reply.value.get("revoked").cloned() else { continue };
        others += 1;
        // What it tells is taken up as if it had begun itself.
        let told = Dict::from_iter([("from_node", Value::from(reply.worker)), ("revoked", revoked)]);
        _ = worker.control("hello", told).await;
    }
    match others {
        0 => tracing::info!(target: "celery.worker.consumer.mingle", "mingle: all alone"),
        others => tracing::info!(target: "celery.worker.consumer.mingle", "mingle: sync with {others} nodes"),
    }
}
