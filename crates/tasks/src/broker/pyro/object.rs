//! [`KombuBroker`]: the queues of this process for all who reach its daemon.

use std::sync::Arc;
use std::time::Duration;

use salamander_codec::{Codec, Output};
use salamander_macros::expose;
use salamander_net::CallContext;
use salamander_value::{Blob, Exception, Str, Value, write_value};
use salamander_wire::celery::{Message, settings};
use tokio::sync::watch;

use super::link::closed;
use super::session::Client;
use super::terms::{Declared, DeclaredExchange, Given, Held, Sent, millis};
use crate::backend::{Answer, Ask, Kept};
use crate::broker::hub::{Hub, Parcel, Posting};
use crate::broker::{Embedded, Exchange, Memory, Queue, Topology};
use crate::permits::{KeptPermits, Permit, Permits, Taken};
use crate::{Error, Kind, Result};

/// The longest that a call waits; whoever waits for longer calls again.
const LONGEST: Duration = Duration::from_secs(60);
/// The most messages in one answer.
const MOST: usize = 1024;

/// The queues and results of this process as a remote object, to be registered as [`KOMBU_BROKER`](super::KOMBU_BROKER).
///
/// kombu's Pyro transport finds the methods that it calls, so that a Python Celery needs nothing else. For programs that use
/// [`Pyro`](super::Pyro) there are more, which wait, acknowledge, and give back what a client held that left.
///
/// # Wire
/// kombu 5.7, `kombu.transport.pyro`: `get_queue_names`, `new_queue`, `has_queue`, `get`, `put`, `size`, `delete`, `purge`. What `get` gives is
/// acknowledged with it. An empty queue is the exception `queue.Empty`, under the name that kombu knows it by.
pub struct KombuBroker {
    hub: Arc<Hub>,
    results: Arc<Kept>,
    permits: Arc<KeptPermits>,
    /// True when calls are not to wait any longer.
    ending: watch::Sender<bool>,
}

impl KombuBroker {
    /// The queues of a broker with a file, and the results beside them.
    pub fn new(broker: &Embedded) -> Self {
        Self::over(broker.hub(), broker.results(), broker.kept_permits())
    }

    /// The queues of a broker in memory.
    pub fn in_memory(broker: &Memory) -> Self {
        Self::over(broker.hub(), broker.results(), broker.kept_permits())
    }

    fn over(hub: &Arc<Hub>, results: &Arc<Kept>, permits: &Arc<KeptPermits>) -> Self {
        let (hub, results, permits) = (hub.clone(), results.clone(), permits.clone());
        Self { hub, results, permits, ending: watch::Sender::new(false) }
    }

    /// The same, whose clients wait for messages and results until this is done at the longest. A daemon that stops finishes the calls
    /// that are under way, and these would hold it up for half a minute.
    ///
    /// # Panics
    /// Outside of a runtime of tokio.
    #[must_use]
    pub fn until(self, end: impl Future<Output = ()> + Send + 'static) -> Self {
        let ending = self.ending.clone();
        tokio::spawn(async move {
            end.await;
            ending.send_replace(true);
        });
        self
    }

    /// Waits for something, so long at most. None when the time is over.
    async fn wait<T>(
        &self,
        seconds: f64,
        something: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>, Exception> {
        let mut ending = self.ending.subscribe();
        tokio::select! {
            biased;
            done = tokio::time::timeout(within(seconds), something) => done.ok().transpose().map_err(raised),
            Ok(_) = ending.wait_for(|ending| *ending) => Err(raised(closed())),
        }
    }
}

#[expose(crate = "salamander_net::__private")]
impl KombuBroker {
    /// The names of all queues.
    fn get_queue_names(&self) -> Vec<Str> {
        self.hub.names()
    }

    /// Makes a queue, unless it is there.
    async fn new_queue(&self, queue: String) -> Result<(), Exception> {
        self.hub.declare_plain(&queue).await.map_err(raised)
    }

    /// Whether there is a queue of this name.
    fn has_queue(&self, queue: &str) -> bool {
        self.hub.has(queue)
    }

    /// Takes a message, a dict, out of a queue; queue.Empty if there is none.
    async fn get(&self, queue: String) -> Result<Value, Exception> {
        let taken = self.hub.take(&queue).await.ok_or_else(|| Exception::key_error(queue.as_str()))?;
        let parcel = taken.ok_or_else(|| Exception::with_args("queue.Empty", Vec::new()))?;
        let message = Codec::Json.decode_value(&parcel.envelope, &settings());
        message.map_err(|error| Exception::value_error(format!("what lay in {queue} is no message: {error}")))
    }

    /// Puts a message, a dict, into a queue.
    async fn put(&self, queue: String, message: Value) -> Result<(), Exception> {
        let mut out = Output::new();
        Codec::Json
            .write(&mut out, &settings(), |writer| write_value(&message, writer))
            .map_err(|error| Exception::value_error(format!("this message cannot be kept: {error}")))?;
        let about = Message::from_value(&message).map(|message| Parcel::about(&message));
        let mut parcel = about.unwrap_or_else(|error| {
            tracing::warn!("what is put into the queue {queue} is no message of kombu's: {error}");
            Parcel::about(&Message::default())
        });
        parcel.envelope = out.into_vec().into();
        if self.hub.put(&queue, parcel).await.map_err(raised)? { Ok(()) } else { Err(Exception::key_error(queue)) }
    }

    /// How many messages wait in a queue.
    fn size(&self, queue: &str) -> Result<u64, Exception> {
        self.hub.len(queue).ok_or_else(|| Exception::key_error(queue))
    }

    /// Removes a queue with what is in it.
    async fn delete(&self, queue: String) -> Result<(), Exception> {
        if !self.hub.delete(&queue) {
            return Err(Exception::key_error(queue));
        }
        self.hub.flush().await.map_err(raised)
    }

    /// Throws away what waits in a queue; returns how many messages that were.
    fn purge(&self, queue: &str) -> Result<u64, Exception> {
        self.hub.purge(queue).ok_or_else(|| Exception::key_error(queue))
    }

    /// Makes exchanges, and queues with their exchanges and bindings.
    async fn declare(
        &self,
        context: &CallContext,
        queues: Vec<Declared>,
        exchanges: Vec<DeclaredExchange>,
    ) -> Result<(), Exception> {
        let (_client, owner) = Client::of(context, &self.hub)?;
        let queues = queues.into_iter().map(Queue::try_from).collect::<Result<_, _>>().map_err(raised)?;
        let exchanges = exchanges.into_iter().map(Exchange::try_from).collect::<Result<_, _>>().map_err(raised)?;
        self.hub.declare(&Topology { queues, exchanges }, owner).await.map_err(raised)
    }

    /// Publishes messages; returns how many found a queue, when they are written.
    async fn publish(&self, messages: Vec<Sent>) -> Result<usize, Exception> {
        self.hub.publish(messages.into_iter().map(Posting::from)).await.map_err(raised)
    }

    /// Begins to consume queues; returns the number of the consumer, which belongs to this connection.
    fn consume(
        &self,
        context: &CallContext,
        queues: Vec<Str>,
        prefetch: u32,
        no_ack: bool,
    ) -> Result<u64, Exception> {
        let (client, owner) = Client::of(context, &self.hub)?;
        let queues: Vec<Queue> = queues.into_iter().map(Queue::new).collect();
        client.add(self.hub.subscribe(&queues, prefetch, no_ack, owner).map_err(raised)?)
    }

    /// Waits for messages, so many seconds at most; returns those that are there, which are to be settled by their tags.
    async fn receive(
        &self,
        context: &CallContext,
        consumer: u64,
        most: usize,
        seconds: f64,
    ) -> Result<Vec<Given>, Exception> {
        let consumer = Client::of(context, &self.hub)?.0.consumer(consumer)?;
        let mut taken = Vec::new();
        self.wait(seconds, consumer.take(most.min(MOST), &mut taken)).await?;
        Ok(taken.into_iter().map(|one| Given(one.tag, one.queue, one.deliveries, one.envelope.into())).collect())
    }

    /// Settles messages: those that are done, those that go back, and those that are thrown away.
    fn settle(
        &self,
        context: &CallContext,
        consumer: u64,
        done: Vec<u64>,
        back: Vec<u64>,
        away: Vec<u64>,
    ) -> Result<(), Exception> {
        let consumer = Client::of(context, &self.hub)?.0.consumer(consumer)?;
        let settle = consumer.settle();
        done.into_iter().for_each(|tag| settle.ack(tag));
        back.into_iter().for_each(|tag| settle.reject(tag, true));
        away.into_iter().for_each(|tag| settle.reject(tag, false));
        Ok(())
    }

    /// Changes how many messages a consumer may hold.
    fn set_prefetch(&self, context: &CallContext, consumer: u64, prefetch: u32) -> Result<(), Exception> {
        Client::of(context, &self.hub)?.0.consumer(consumer)?.set_prefetch(prefetch);
        Ok(())
    }

    /// Lets a consumer consume another queue.
    fn consume_also(&self, context: &CallContext, consumer: u64, queue: &str) -> Result<(), Exception> {
        let (client, owner) = Client::of(context, &self.hub)?;
        client.consumer(consumer)?.add(queue, owner).map_err(raised)
    }

    /// Lets a consumer consume a queue no more.
    fn cancel(&self, context: &CallContext, consumer: u64, queue: &str) -> Result<(), Exception> {
        Client::of(context, &self.hub)?.0.consumer(consumer)?.cancel(queue);
        Ok(())
    }

    /// Ends a consumer: what it holds goes back.
    fn end(&self, context: &CallContext, consumer: u64) -> Result<(), Exception> {
        Client::of(context, &self.hub)?.0.end(consumer);
        Ok(())
    }

    /// Takes an encoded message out of a queue for good; None if there is none.
    async fn take(&self, queue: String) -> Result<Option<Blob>, Exception> {
        let taken = self.hub.take(&queue).await.ok_or_else(|| Exception::key_error(queue))?;
        Ok(taken.map(|parcel| parcel.envelope.into()))
    }

    /// Stores states of tasks: the task, how final the state is, how many milliseconds it is kept, and the state, encoded.
    async fn store_results(&self, states: Vec<(Str, u8, Option<u64>, Blob)>) -> Result<(), Exception> {
        let stored = states.into_iter().map(|(task, finality, lifetime, meta)| {
            self.results.store(task, finality, lifetime.map(Duration::from_millis), meta.into_bytes())
        });
        // Begun in this order, and written together.
        for done in futures_util::future::join_all(stored).await {
            done.map_err(raised)?;
        }
        Ok(())
    }

    /// The encoded state of a task, or whether it waits in a queue.
    async fn find_result(&self, task: String) -> Result<(Option<Blob>, bool), Exception> {
        match self.results.find(&task).await.map_err(raised)? {
            Some(meta) => Ok((Some(meta.into()), true)),
            None => Ok((None, self.results.waits_in_a_queue(&task))),
        }
    }

    /// Waits until the encoded state of a task is another one, so many seconds at most. If there is one already, those of the other tasks
    /// that have come to their end are returned along with it.
    async fn wait_for_results(
        &self,
        task: Str,
        seen: Option<Blob>,
        mut others: Vec<Str>,
        seconds: f64,
    ) -> Result<(Option<Blob>, Vec<(Str, Blob)>), Exception> {
        let mut watching = self.results.watch(&task);
        others.truncate(MOST);
        others.insert(0, task);
        let mut found = self.results.find_all(&others).await.map_err(raised)?.into_iter();
        let mut state = found.next().flatten().map(|(meta, _)| meta);
        let others = others.into_iter().skip(1).zip(found).filter_map(|(task, found)| {
            let (meta, finality) = found?;
            (finality > 0).then(|| (task, Blob::from(meta)))
        });
        let others = if state.is_some() { others.collect() } else { Vec::new() };
        let wait = async {
            loop {
                if let Some(state) = state.filter(|state| seen.as_ref().is_none_or(|seen| **seen != *state)) {
                    return Ok(state);
                }
                state = Some(watching.next().await?);
            }
        };
        Ok((self.wait(seconds, wait).await?.map(Blob::from), others))
    }

    /// Answers a question about chords.
    async fn chord(&self, ask: Ask) -> Result<Answer, Exception> {
        self.results.chord(ask).await.map_err(raised)
    }

    /// Publishes messages, which are the body of a chord, and finishes the chord, if this token is that of whoever goes on with it.
    async fn finish_chord(&self, group: Str, token: Str, messages: Vec<Sent>) -> Result<bool, Exception> {
        let postings = messages.into_iter().map(Posting::from).collect();
        self.results.finish_chord(group, token, postings).await.map_err(raised)
    }

    /// Forgets a task.
    async fn forget_result(&self, task: String) -> Result<(), Exception> {
        self.results.forget(&task).await.map_err(raised)
    }

    /// Takes permits, all of them or none: for each its name, its holder, how many may have it and for how many milliseconds. Returns nothing, or which is
    /// not to be had, whose lapses first, and in how many milliseconds.
    async fn take_permits(&self, wanted: Vec<Held>) -> Result<Option<(Str, Str, u64)>, Exception> {
        let taken = self.permits.take(wanted.into_iter().map(Permit::from).collect()).await.map_err(raised)?;
        Ok(match taken {
            Taken::Granted => None,
            Taken::Refused { name, holder, left } => Some((name, holder, millis(left))),
        })
    }

    /// Keeps permits for longer.
    async fn renew_permits(&self, held: Vec<Held>) -> Result<(), Exception> {
        self.permits.renew(held.into_iter().map(Permit::from).collect()).await.map_err(raised)
    }

    /// Gives permits back.
    async fn give_permits_back(&self, held: Vec<Held>) -> Result<(), Exception> {
        self.permits.give_back(held.into_iter().map(Permit::from).collect()).await.map_err(raised)
    }

    /// Removes results that have expired; returns how many.
    async fn expire_results(&self) -> Result<u64, Exception> {
        self.results.expire().await.map_err(raised)
    }
}

fn within(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default().min(LONGEST)
}

/// What a client gets for an error.
fn raised(error: Error) -> Exception {
    match error.kind() {
        Kind::Misuse | Kind::Message => Exception::value_error(error.to_string()),
        _ => Exception::runtime_error(error.to_string()),
    }
}

impl std::fmt::Debug for KombuBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KombuBroker")
    }
}
