//! [`RedisBroker`]: queues in Redis, in kombu's layout.

mod consumer;
mod held;
mod keys;
mod pump;
mod routing;
mod scripts;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::{Cmd, Pipeline, cmd};
use salamander_value::{Dict, Str};
use salamander_wire::celery::{DeliveryInfo, Message};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::consumer::{RedisConsumer, Shared};
use self::keys::Keys;
use self::pump::Pump;
use self::routing::Binding;
use super::{Broker, Capabilities, Consume, Consumer, Exchange, ExchangeKind, Publication, Queue, Topology};
use crate::call::new_id;
use crate::permits::{Permit, Permits, Taken};
use crate::redis::{Link, Place, array, bytes, closed, flag, integer, permits};
use crate::{Error, Kind, Result, Waits};

/// For how long the table of an exchange is kept whose queues all expire, at least.
const TABLE: Duration = Duration::from_secs(3600);

/// A broker on Redis (6.2 or newer), for programs with kombu's Redis transport as well.
///
/// URLs are kombu's: `redis://:password@host:6379/0`, `rediss://` encrypted, `redis+socket:///path?virtual_host=0`,
/// `sentinel://host:26379;sentinel://other?master_name=name`; and for a cluster `redis+cluster://host;redis+cluster://other`
/// (`rediss+cluster://`), where everything is kept in one slot, that of the `global_keyprefix` (`{celery}` if it has no tag). Several
/// `redis://` are tried in turn.
///
/// Options are kombu's transport options, in the URL or beside it: `visibility_timeout`, `global_keyprefix`, `priority_steps`,
/// `queue_order_strategy`, `sep`, `fanout_prefix`, `fanout_patterns`, `unacked_key`, `unacked_index_key`, `unacked_mutex_key`, `master_name`,
/// `sentinel_kwargs`, `socket_timeout`, `socket_connect_timeout`, `client_name`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`; and one of our
/// own, `consumer_timeout`: after so many seconds (30) a consumer that is silent is dead, and what it held is delivered again. What
/// consumers of kombu held, and what we hold for kombu's, is known dead by the visibility timeout alone.
///
/// A message is taken and held in one step, so that none is lost at whatever moment a process dies. Over a cut of the connection
/// consumers keep what they hold, and settlements count.
///
/// # Wire
/// kombu 5.7, `redis`: a list for each queue and priority step, `unacked` and `unacked_index`, `_kombu.binding.*`, fanout by
/// `PUBLISH`. Beside these there are `_salamander.consumers` and `_salamander.attendants.*`, which kombu does not look at.
pub struct RedisBroker(Arc<Core>);

/// What the broker and its consumers share.
struct Core {
    place: Arc<Place>,
    keys: Keys,
    link: Link,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    queues: HashMap<Str, Declared>,
    exchanges: HashMap<Str, ExchangeKind>,
    pumps: Vec<(Arc<Shared>, JoinHandle<()>)>,
}

struct Declared {
    queue: Queue,
    /// When it was used last, for those that expire.
    used: Instant,
}

impl RedisBroker {
    /// A broker at a URL; it connects when it is first used.
    ///
    /// # Errors
    /// [`Kind::Misuse`] where URL or options are wrong, [`Kind::Unsupported`] where they ask for what there is not here.
    pub fn new(url: &str, options: &Dict) -> Result<Self> {
        let (place, keys) = Keys::parse(url, options)?;
        let place = Arc::new(place);
        let link = Link::new(Arc::clone(&place), scripts::all());
        Ok(Self(Arc::new(Core { place, keys, link, known: Mutex::default() })))
    }
}

impl Permits for RedisBroker {
    fn take(&self, wanted: Vec<Permit>) -> Waits<'_, Taken> {
        Box::pin(async move { permits::take(&self.0.link, &self.0.keys.prefix, &wanted).await })
    }

    fn renew(&self, held: Vec<Permit>) -> Waits<'_, ()> {
        Box::pin(async move { permits::renew(&self.0.link, &self.0.keys.prefix, &held).await })
    }

    fn give_back(&self, held: Vec<Permit>) -> Waits<'_, ()> {
        Box::pin(async move { permits::give_back(&self.0.link, &self.0.keys.prefix, &held).await })
    }
}

impl Broker for RedisBroker {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            redelivery: true,
            counts_deliveries: true,
            priorities: u8::try_from(self.0.keys.steps.len()).unwrap_or(u8::MAX),
            greater_is_more_urgent: false,
            delay: false,
            topic: true,
            fanout: true,
            message_ttl: false,
            queue_ttl: true,
        }
    }

    fn url(&self) -> String {
        self.0.place.shown.clone()
    }

    fn trouble(&self) -> Option<Error> {
        self.0.link.trouble()
    }

    fn declare<'a>(&'a self, topology: &'a Topology) -> Waits<'a, ()> {
        Box::pin(self.0.declare(topology))
    }

    fn publish(&self, publication: Publication) -> Waits<'_, ()> {
        Box::pin(self.0.publish(publication))
    }

    fn consume(&self, consume: Consume) -> Waits<'_, Box<dyn Consumer>> {
        Box::pin(async move {
            let shared = Arc::new(Shared::new(consume.prefetch));
            let consumer = RedisConsumer::new(Arc::clone(&shared));
            let (ready, waits) = oneshot::channel();
            {
                let mut known = self.0.known();
                if self.0.link.is_closed() {
                    return Err(closed());
                }
                let pump = Pump::new(Arc::clone(&self.0), Arc::clone(&shared), consume.no_ack, consume.queues, ready);
                known.pumps.retain(|(_, pump)| !pump.is_finished());
                known.pumps.push((shared, tokio::spawn(pump.run())));
            }
            waits.await.map_err(|_| closed())??;
            Ok(Box::new(consumer) as Box<dyn Consumer>)
        })
    }

    fn take<'a>(&'a self, queue: &'a str) -> Waits<'a, Option<Message>> {
        Box::pin(async move {
            let keys = &self.0.keys;
            loop {
                let mut take = scripts::TAKE.command(2 + keys.steps.len());
                take.arg(&keys.held).arg(&keys.index).arg(keys.lists(queue).collect::<Vec<_>>());
                take.arg("").arg(1).arg(1).arg(1).arg(1);
                let taken = array(self.0.link.one(take).await?).into_iter().nth(1).and_then(bytes);
                let Some(taken) = taken else { return Ok(None) };
                match Message::from_envelope(&taken) {
                    Ok(message) => return Ok(Some(message)),
                    Err(error) => {
                        tracing::error!(
                            "what came out of {queue} is no message, and is dropped: {error}; {} bytes",
                            taken.len()
                        );
                    }
                }
            }
        })
    }

    fn purge<'a>(&'a self, queue: &'a str) -> Waits<'a, u64> {
        Box::pin(async move {
            let lists: Vec<String> = self.0.keys.lists(queue).collect();
            let mut commands = vec![cmd("MULTI")];
            commands.extend(lists.iter().map(|list| with("LLEN", list)));
            let mut delete = cmd("DEL");
            delete.arg(&lists);
            commands.extend([delete, cmd("EXEC")]);
            let replies = array(self.0.link.run(commands).await?.pop().unwrap_or_default());
            Ok(sum(&replies[..replies.len().min(lists.len())]))
        })
    }

    fn len<'a>(&'a self, queue: &'a str) -> Waits<'a, Option<u64>> {
        Box::pin(self.0.len(queue))
    }

    fn delete<'a>(&'a self, queue: &'a str) -> Waits<'a, ()> {
        Box::pin(async move {
            let keys = &self.0.keys;
            let queue = self.0.forget(queue).unwrap_or_else(|| Queue::new(queue));
            let member = Binding::of(&queue).member(&keys.separator);
            let mut delete = cmd("DEL");
            delete.arg(keys.lists(&queue.name).collect::<Vec<_>>());
            let mut commands = vec![delete];
            for table in [keys.table(&queue.exchange.name), keys.permanent(&queue.exchange.name)] {
                let mut command = with("SREM", &table);
                command.arg(&member);
                commands.push(command);
            }
            self.0.link.run(commands).await.map(|_| ())
        })
    }

    fn permits(&self) -> Option<&dyn Permits> {
        Some(self)
    }

    fn close(&self) -> Waits<'_, ()> {
        Box::pin(async move {
            let pumps = std::mem::take(&mut self.0.known().pumps);
            for (shared, _) in &pumps {
                shared.stop();
            }
            self.0.link.close().await;
            for (_, pump) in pumps {
                let _ = pump.await;
            }
            Ok(())
        })
    }
}

impl Core {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kind of an exchange, if it was declared here.
    fn kind(&self, exchange: &str) -> Option<ExchangeKind> {
        self.known().exchanges.get(exchange).copied()
    }

    /// Knows a queue no more.
    fn forget(&self, queue: &str) -> Option<Queue> {
        self.known().queues.remove(queue).map(|declared| declared.queue)
    }

    async fn declare(&self, topology: &Topology) -> Result<()> {
        let mut commands = Vec::new();
        topology.exchanges.iter().try_for_each(|exchange| self.agrees(exchange))?;
        for queue in topology.queues.iter().filter(|queue| !queue.exchange.name.is_empty()) {
            self.agrees(&queue.exchange)?;
            commands.extend(self.bind(queue));
        }
        if !commands.is_empty() {
            self.link.run(commands).await?;
        } else if self.link.is_closed() {
            return Err(closed());
        }
        let mut known = self.known();
        // Nothing but bindings stands for an exchange in Redis.
        for exchange in topology.exchanges.iter().filter(|exchange| !exchange.name.is_empty()) {
            known.exchanges.insert(exchange.name.clone(), exchange.kind);
        }
        for queue in &topology.queues {
            if !queue.exchange.name.is_empty() {
                known.exchanges.insert(queue.exchange.name.clone(), queue.exchange.kind);
            }
            known.queues.insert(queue.name.clone(), Declared { queue: queue.clone(), used: Instant::now() });
        }
        Ok(())
    }

    /// Whether an exchange was declared here with another kind, which is an error.
    fn agrees(&self, exchange: &Exchange) -> Result<()> {
        match self.kind(&exchange.name).filter(|before| *before != exchange.kind) {
            None => Ok(()),
            Some(before) => {
                let (name, before, kind) = (&exchange.name, before.name(), exchange.kind.name());
                let message = format!("there is an exchange {name} already, of the kind {before}, not {kind}");
                Err(Error::new(Kind::Refused, message))
            }
        }
    }

    fn bind(&self, queue: &Queue) -> Vec<Cmd> {
        let (keys, exchange) = (&self.keys, &queue.exchange.name);
        let member = Binding::of(queue).member(&keys.separator);
        match queue.expires {
            Some(expires) => {
                let mut bind = scripts::BIND.command(2);
                bind.arg(keys.table(exchange)).arg(keys.deadlines()).arg(member).arg(&**exchange);
                bind.arg(millis((expires * 2).max(TABLE)));
                vec![bind]
            }
            None => [keys.table(exchange), keys.permanent(exchange)]
                .iter()
                .map(|table| {
                    let mut command = with("SADD", table);
                    command.arg(&member);
                    command
                })
                .collect(),
        }
    }

    /// The commands that keep a queue alive that would expire.
    fn refresh(&self, queue: &Queue, commands: &mut Pipeline) {
        let Some(expires) = queue.expires else { return };
        if let Some(declared) = self.known().queues.get_mut(&queue.name) {
            declared.used = Instant::now();
        }
        for list in self.keys.lists(&queue.name) {
            commands.cmd("PEXPIRE").arg(list).arg(millis(expires));
        }
        if !queue.exchange.name.is_empty() {
            for command in self.bind(queue) {
                commands.add_command(command);
            }
        }
    }

    async fn publish(&self, publication: Publication) -> Result<()> {
        let Publication { exchange, routing_key, mut message, .. } = publication;
        let properties = &mut message.properties;
        let redelivered = properties.delivery_info.redelivered;
        properties.delivery_tag.get_or_insert_with(new_id);
        properties.priority.get_or_insert(0);
        properties.delivery_info =
            DeliveryInfo { redelivered, ..DeliveryInfo::new(exchange.clone(), routing_key.clone()) };
        let envelope = message.to_envelope();
        let envelope = envelope
            .map_err(|error| Error::with_source(Kind::Misuse, format!("a message cannot be sent: {error}"), error))?;
        let kind = self.kind(&exchange);
        if exchange.is_empty() {
            return self.put(&[&*routing_key], &message, &envelope).await;
        }
        if kind == Some(ExchangeKind::Fanout) {
            let mut publish = with("PUBLISH", &self.keys.topic(&exchange, &routing_key));
            publish.arg(&*envelope);
            return self.link.one(publish).await.map(|_| ());
        }
        let table = self.link.one(with("SMEMBERS", &self.keys.table(&exchange))).await?;
        let table = held::bindings(table, &self.keys);
        let queues: Vec<&str> =
            table.iter().filter(|binding| binding.leads(kind, &routing_key)).map(|binding| &*binding.queue).collect();
        self.put(&queues, &message, &envelope).await
    }

    /// Puts a message into queues.
    async fn put(&self, queues: &[&str], message: &Message, envelope: &[u8]) -> Result<()> {
        let mut commands = Vec::with_capacity(queues.len());
        for queue in queues {
            let mut push = with("LPUSH", &self.keys.list_of(queue, message));
            push.arg(envelope);
            commands.push(push);
            if let Some(expires) = self.expiry(queue) {
                for list in self.keys.lists(queue) {
                    let mut expire = with("PEXPIRE", &list);
                    expire.arg(millis(expires));
                    commands.push(expire);
                }
            }
        }
        self.link.run(commands).await.map(|_| ())
    }

    /// After what time a queue expires that is used now.
    fn expiry(&self, queue: &str) -> Option<Duration> {
        let mut known = self.known();
        let declared = known.queues.get_mut(queue)?;
        let expires = declared.queue.expires?;
        declared.used = Instant::now();
        Some(expires)
    }

    async fn len(&self, queue: &str) -> Result<Option<u64>> {
        let keys = &self.keys;
        let own = Queue::new(queue);
        let mut commands: Vec<Cmd> = keys.lists(queue).map(|list| with("LLEN", &list)).collect();
        let mut bound = with("SISMEMBER", &keys.permanent(queue));
        bound.arg(Binding::of(&own).member(&keys.separator));
        commands.push(bound);
        let mut replies = self.link.run(commands).await?;
        let bound = replies.pop().is_some_and(|bound| flag(&bound));
        let waiting = sum(&replies);
        let known = || match self.known().queues.get(queue) {
            Some(Declared { queue, used }) => queue.expires.is_none_or(|expires| used.elapsed() < expires),
            None => bound,
        };
        // An empty list is none in Redis; that there is a queue is known of its binding alone.
        Ok((waiting > 0 || known()).then_some(waiting))
    }
}

fn with(name: &str, key: &str) -> Cmd {
    let mut command = cmd(name);
    command.arg(key);
    command
}

fn sum(replies: &[redis::Value]) -> u64 {
    replies.iter().filter_map(integer).filter_map(|number| u64::try_from(number).ok()).sum()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
