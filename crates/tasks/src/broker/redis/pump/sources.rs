//! What a [`Pump`] takes from: queues come and go while it works.

use redis::Pipeline;

use super::Pump;
use crate::broker::redis::consumer::Change;
use crate::broker::redis::keys::Keys;
use crate::broker::redis::routing::Binding;
use crate::broker::redis::{held, scripts};
use crate::broker::{ExchangeKind, Queue};
use crate::redis::{Connection, Trouble, flag};

/// A queue with its lists, the most urgent first.
pub(super) struct Source {
    pub(super) queue: Queue,
    pub(super) lists: Vec<String>,
    pub(super) suffix: String,
}

/// A queue of a fanout exchange: it is nowhere but here.
pub(super) struct Fanout {
    pub(super) queue: Queue,
    pub(super) topics: Vec<String>,
}

impl Pump {
    pub(super) fn add(&mut self, queue: Queue) {
        let keys = &self.core.keys;
        if queue.exchange.kind == ExchangeKind::Fanout && !queue.exchange.name.is_empty() {
            let topics = topics(keys, &queue);
            self.fanouts.push(Fanout { queue, topics });
        } else {
            let (lists, suffix) = (keys.lists(&queue.name).collect(), held::suffix(&queue.name));
            self.queues.push(Source { queue, lists, suffix });
        }
    }

    pub(super) async fn change(&mut self, connection: &mut Connection, change: Change) -> Result<(), Trouble> {
        let (command, name, done) = match change {
            Change::Add(queue, done) => {
                let name = queue.name.clone();
                if self.all().all(|known| known.name != name) {
                    if queue.auto_delete {
                        let mut commands = Pipeline::new();
                        commands.cmd("SADD").arg(self.core.keys.attendants(&name)).arg(&self.id);
                        connection.run(&commands).await?;
                    }
                    self.add(queue);
                }
                ("PSUBSCRIBE", name, done)
            }
            Change::Cancel(name, done) => {
                let attended: Vec<Queue> = self.attended().filter(|queue| queue.name == name).cloned().collect();
                self.queues.retain(|source| source.queue.name != name);
                for queue in attended {
                    self.leave_queue(connection, &queue).await?;
                }
                ("PUNSUBSCRIBE", name, done)
            }
        };
        let topics = self.fanouts.iter().find(|fanout| fanout.queue.name == name).map(|fanout| fanout.topics.clone());
        if let Some(topics) = topics {
            connection.subscribe(command, &topics).await?;
        }
        if command == "PUNSUBSCRIBE" {
            self.fanouts.retain(|fanout| fanout.queue.name != name);
        }
        self.awake = true;
        let _ = done.send(Ok(()));
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = &Queue> {
        self.queues.iter().map(|source| &source.queue).chain(self.fanouts.iter().map(|fanout| &fanout.queue))
    }

    /// Those that go with their last consumer.
    pub(super) fn attended(&self) -> impl Iterator<Item = &Queue> {
        self.all().filter(|queue| queue.auto_delete || queue.exclusive)
    }

    pub(super) async fn leave_queue(&self, connection: &mut Connection, queue: &Queue) -> Result<(), Trouble> {
        let keys = &self.core.keys;
        let lists: Vec<String> = keys.lists(&queue.name).collect();
        let mut command = scripts::LEAVE.command(4 + lists.len());
        command.arg(keys.attendants(&queue.name)).arg(keys.consumers());
        command.arg(keys.table(&queue.exchange.name)).arg(keys.permanent(&queue.exchange.name)).arg(lists);
        command.arg(&self.id).arg(Binding::of(queue).member(&keys.separator));
        let mut commands = Pipeline::new();
        commands.add_command(command);
        if connection.run(&commands).await?.iter().any(flag) {
            self.core.forget(&queue.name);
        }
        Ok(())
    }
}

/// The channels of a queue of a fanout exchange. One without a key gets everything, as in AMQP; kombu listens to messages without a
/// key alone then.
fn topics(keys: &Keys, queue: &Queue) -> Vec<String> {
    let key = queue.routing_key.replace('#', "*");
    let mut topics = vec![keys.topic(&queue.exchange.name, &key)];
    if key.is_empty() && keys.fanout_patterns {
        topics.push(keys.topic(&queue.exchange.name, "*"));
    }
    topics
}
