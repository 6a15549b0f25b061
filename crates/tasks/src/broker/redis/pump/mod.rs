//! [`Pump`]: takes messages out of their lists for one consumer, and sends what it settles.
//!
//! Each round is one write: settlements, and a script that takes as many messages as there is room for and holds them in the same
//! step. Nothing is asked for while nothing comes: with the take goes a look at the lists, by which the server tells of the next change
//! to any of them (`CLIENT TRACKING`). What is held is renewed, so that it is not delivered again however long it takes; and each consumer
//! counts up, by which the others know that it lives. What dead ones held they put back.

mod sources;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, Pipeline, PushInfo, PushKind};
use salamander_value::Str;
use salamander_wire::celery::Message;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::consumer::{Settled, Shared, WAITING};
use super::held::{self, End};
use super::keys::Order;
use super::{Core, scripts};
use crate::broker::{Delivery, Queue, Settlement};
use crate::redis::{Connection, Pauses, Trouble, array, bytes, closed, flag, integer, text};
use crate::{Error, Kind, Result};
use sources::{Fanout, Source};

/// How many messages are taken in one step, and of how many bytes: others wait for the server meanwhile.
const TAKE: usize = 256;
const TAKE_BYTES: usize = 4 << 20;
/// How long giving back may take when a consumer ends.
const FAREWELL: Duration = Duration::from_secs(10);
/// Between looks for tables of bindings that nobody needs any more, as kombu has it, and how many go at once.
const SWEEP: Duration = Duration::from_secs(60);
const SWEPT: u32 = 100;
/// How long others have time to come back after an outage before what they hold counts as forgotten: a machine that is busy may need some.
const AFTER_OUTAGE: Duration = Duration::from_secs(10);
/// Between looks at the lists, where the server does not tell of changes.
const LOOK: Duration = Duration::from_millis(50);

pub(super) struct Pump {
    core: Arc<Core>,
    shared: Arc<Shared>,
    /// By which others know this consumer; what it holds has tags that begin with it.
    id: String,
    no_ack: bool,
    queues: Vec<Source>,
    fanouts: Vec<Fanout>,
    /// Which queue is first the next time.
    turn: usize,
    next: u64,
    held: HashSet<u64>,
    /// Done, but not yet said.
    done: Vec<u64>,
    /// What was being taken when the connection broke: the first tag, and how many.
    lost: Option<(u64, usize)>,
    /// There may be messages in the lists.
    awake: bool,
    tracked: bool,
    ready: Option<oneshot::Sender<Result<()>>>,
    others: HashMap<String, (i64, Instant)>,
}

/// What is due at which time.
struct Timers {
    beat: Instant,
    renewal: Instant,
    restoration: Instant,
    sweep: Instant,
}

impl Pump {
    pub(super) fn new(
        core: Arc<Core>,
        shared: Arc<Shared>,
        no_ack: bool,
        queues: Vec<Queue>,
        ready: oneshot::Sender<Result<()>>,
    ) -> Self {
        let mut pump = Self {
            core,
            shared,
            id: uuid::Uuid::new_v4().simple().to_string(),
            no_ack,
            queues: Vec::new(),
            fanouts: Vec::new(),
            turn: 0,
            next: 1,
            held: HashSet::new(),
            done: Vec::new(),
            lost: None,
            awake: true,
            tracked: true,
            ready: Some(ready),
            others: HashMap::new(),
        };
        for queue in queues {
            pump.add(queue);
        }
        pump
    }

    /// Consumes until the consumer ends.
    pub(super) async fn run(mut self) {
        let mut pauses = Pauses::new();
        loop {
            let (pushes, mut pushed) = mpsc::unbounded_channel();
            let error = match Connection::open(&self.core.place, scripts::all(), Some(pushes)).await {
                Ok(mut connection) => {
                    self.core.link.note(None);
                    match self.serve(&mut connection, &mut pushed).await {
                        Ok(()) => return self.end(&closed()),
                        Err(trouble) => {
                            // What is refused is refused again, and a server that hangs up may come back at once.
                            if matches!(trouble, Trouble::Broken(_)) {
                                pauses.reset();
                            }
                            trouble.into_error()
                        }
                    }
                }
                Err(error) if error.kind() == Kind::Connection => error,
                Err(error) => return self.end(&error),
            };
            if self.shared.state().stopped {
                return self.end(&closed());
            }
            let pause = pauses.next();
            tracing::warn!("{error}; consuming again in {pause:.1?}");
            self.core.link.note(Some(error));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stopped() => return self.end(&closed()),
            }
        }
    }

    async fn stopped(&self) {
        while !self.shared.state().stopped {
            self.shared.work.notified().await;
        }
    }

    fn end(mut self, error: &Error) {
        if let Some(ready) = self.ready.take() {
            let _ = ready.send(Err(error.clone()));
        }
        self.shared.fail(error);
    }

    async fn serve(
        &mut self,
        connection: &mut Connection,
        pushed: &mut mpsc::UnboundedReceiver<PushInfo>,
    ) -> Result<(), Trouble> {
        self.begin(connection).await?;
        let now = Instant::now();
        let mut timers = Timers { beat: now, renewal: now, restoration: now, sweep: now };
        match self.ready.take() {
            Some(ready) => _ = ready.send(Ok(())),
            None => timers.sweep += AFTER_OUTAGE,
        }
        // While nobody could reach the server, nobody could say what he still needs: first all of them have to. Who is new here does not
        // know whether that was so.
        timers.restoration += AFTER_OUTAGE;
        loop {
            self.hear(pushed)?;
            let (settled, changes, stopped) = {
                let mut state = self.shared.state();
                (std::mem::take(&mut state.settled), std::mem::take(&mut state.changes), state.stopped)
            };
            let mut back = Vec::new();
            for settled in settled {
                match settled {
                    Settled::Done(tag) if self.held.remove(&tag) => self.done.push(tag),
                    Settled::Requeued(tag) if self.held.remove(&tag) => back.push(tag),
                    _ => {}
                }
            }
            if stopped {
                let farewell = tokio::time::timeout(FAREWELL, self.leave(connection, back)).await;
                return farewell
                    .unwrap_or_else(|_| Err(Trouble::Broken(Error::new(Kind::Connection, "Redis does not answer"))));
            }
            for change in changes {
                self.change(connection, change).await?;
            }
            if !back.is_empty() {
                // They are on their way until they are there.
                self.held.extend(&back);
                self.put_back(connection, &back, End::Last).await?;
                self.held.retain(|tag| !back.contains(tag));
            }
            self.keep(connection, &mut timers).await?;
            let worked = self.round(connection).await?;
            if !worked {
                self.wait(pushed, &timers).await?;
            }
        }
    }

    /// What a new connection needs before anything else.
    async fn begin(&mut self, connection: &mut Connection) -> Result<(), Trouble> {
        let mut commands = Pipeline::new();
        commands.cmd("HINCRBY").arg(self.core.keys.consumers()).arg(&self.id).arg(1);
        for queue in self.attended() {
            commands.cmd("SADD").arg(self.core.keys.attendants(&queue.name)).arg(&self.id);
        }
        connection.run(&commands).await?;
        let mut commands = Pipeline::new();
        commands.cmd("CLIENT").arg("TRACKING").arg("ON").arg("NOLOOP");
        self.tracked = match connection.run(&commands).await {
            Ok(_) => true,
            Err(Trouble::Refused(error)) => {
                tracing::warn!(
                    "this Redis does not tell of changes, so that queues are looked into every {LOOK:?}: {error}"
                );
                false
            }
            Err(error) => return Err(error),
        };
        let topics: Vec<String> = self.fanouts.iter().flat_map(|fanout| fanout.topics.clone()).collect();
        if !topics.is_empty() {
            connection.subscribe("PSUBSCRIBE", &topics).await?;
        }
        self.awake = true;
        self.others.clear();
        if let Some((first, count)) = self.lost {
            self.find(connection, first, count).await?;
            self.lost = None;
        }
        Ok(())
    }

    /// Takes what is to be taken and says what is done, in one go. Says whether there was anything.
    async fn round(&mut self, connection: &mut Connection) -> Result<bool, Trouble> {
        let room = if self.awake && !self.queues.is_empty() { self.room() } else { 0 };
        let mut commands = Pipeline::new();
        let done = self.done.len();
        self.acknowledge(&mut commands);
        let order = self.order();
        if room > 0 {
            let (take, look) = self.take(room, &order);
            commands.add_command(take).add_command(look);
            if !self.no_ack {
                self.lost = Some((self.next, room));
                self.next += room as u64;
            }
        }
        if commands.is_empty() {
            return Ok(false);
        }
        let mut replies = connection.run(&commands).await?;
        self.done.drain(..done);
        if room == 0 {
            return Ok(true);
        }
        let look = replies.pop().is_some_and(|found| flag(&found));
        let first = self.lost.take().map_or(0, |(first, _)| first);
        let mut taken = array(replies.pop().unwrap_or_default()).into_iter();
        let mut deliveries = Vec::with_capacity(room);
        let mut count = 0;
        while let (Some(list), Some(message)) = (taken.next().as_ref().and_then(integer), taken.next()) {
            let tag = if self.no_ack { 0 } else { first + count };
            count += 1;
            let at = usize::try_from(list).unwrap_or_default() % order.len();
            let queue = self.queues[order[at]].queue.name.clone();
            if let Some(message) = bytes(message) {
                self.deliver(&message, queue, tag, &mut deliveries);
            }
        }
        // Tags that were not used are used the next time.
        if !self.no_ack {
            self.next = first + count;
        }
        self.awake = look;
        self.arrive(deliveries);
        Ok(true)
    }

    /// How many messages may be taken now.
    fn room(&self) -> usize {
        let state = self.shared.state();
        let room = match (self.no_ack, usize::try_from(state.prefetch).unwrap_or(usize::MAX)) {
            (true, _) | (_, 0) => WAITING.saturating_sub(state.waiting.len()),
            (_, prefetch) => prefetch.saturating_sub(self.held.len()),
        };
        room.min(TAKE)
    }

    fn order(&mut self) -> Vec<usize> {
        let count = self.queues.len();
        let mut order: Vec<usize> = (0..count).collect();
        match self.core.keys.order {
            Order::Priority => {}
            Order::Sorted => order.sort_by(|a, b| self.queues[*a].queue.name.cmp(&self.queues[*b].queue.name)),
            Order::RoundRobin if count > 1 => {
                order.rotate_left(self.turn % count);
                self.turn = (self.turn + 1) % count;
            }
            Order::RoundRobin => {}
        }
        order
    }

    /// The command that takes, and the one after which the server tells when there is more.
    fn take(&self, room: usize, order: &[usize]) -> (Cmd, Cmd) {
        let keys = &self.core.keys;
        let levels = keys.steps.len();
        let mut take = scripts::TAKE.command(2 + levels * order.len());
        let mut look = redis::cmd("EXISTS");
        take.arg(&keys.held).arg(&keys.index);
        for level in 0..levels {
            for at in order {
                take.arg(&self.queues[*at].lists[level]);
                look.arg(&self.queues[*at].lists[level]);
            }
        }
        let prefix = if self.no_ack { String::new() } else { format!("{}.", self.id) };
        take.arg(prefix).arg(self.next).arg(room).arg(TAKE_BYTES).arg(order.len());
        for _ in 0..levels {
            for at in order {
                take.arg(&self.queues[*at].suffix);
            }
        }
        (take, look)
    }

    fn acknowledge(&self, commands: &mut Pipeline) {
        // First out of the hash: what is in the index alone is nothing, to kombu as well.
        for tags in self.done.chunks(1000) {
            let tags: Vec<String> = tags.iter().map(|tag| self.tag(*tag)).collect();
            commands.cmd("HDEL").arg(&self.core.keys.held).arg(&tags);
            commands.cmd("ZREM").arg(&self.core.keys.index).arg(&tags);
        }
    }

    fn tag(&self, number: u64) -> String {
        format!("{}.{number}", self.id)
    }

    fn deliver(&mut self, raw: &Bytes, queue: Str, tag: u64, into: &mut Vec<Delivery>) {
        match Message::from_envelope(raw) {
            Ok(message) => {
                let redelivered = message.properties.delivery_info.redelivered
                    || matches!(message.headers.get("redelivered"), Some(salamander_value::Value::Bool(true)));
                let deliveries = held::deliveries(&message).unwrap_or(u32::from(redelivered));
                if tag != 0 {
                    self.held.insert(tag);
                }
                let settlement = Settlement::new(Arc::clone(&self.shared) as _, tag);
                into.push(Delivery { message, queue, redelivered, deliveries: Some(deliveries), settlement });
            }
            Err(error) => {
                tracing::error!(
                    "what came out of {queue} is no message, and is dropped: {error}; {} bytes",
                    raw.len()
                );
                if tag != 0 {
                    self.done.push(tag);
                }
            }
        }
    }

    fn arrive(&self, mut deliveries: Vec<Delivery>) {
        if !deliveries.is_empty() {
            self.shared.state().waiting.append(&mut deliveries);
            self.shared.arrived.notify_one();
        }
    }

    /// Looks what became of a take whose answer was lost.
    async fn find(&mut self, connection: &mut Connection, first: u64, count: usize) -> Result<(), Trouble> {
        let numbers: Vec<u64> = (first..first + count as u64).collect();
        let tags = numbers.iter().map(|number| self.tag(*number).into_bytes()).collect();
        let mut deliveries = Vec::new();
        for (number, (_, value)) in numbers.into_iter().zip(held::fetch(connection, &self.core.keys, tags).await?) {
            if let Some((raw, _, queue)) = value.as_ref().and_then(held::split) {
                self.deliver(&raw, queue, number, &mut deliveries);
            }
        }
        self.arrive(deliveries);
        Ok(())
    }

    async fn put_back(&mut self, connection: &mut Connection, tags: &[u64], end: End) -> Result<(), Trouble> {
        let mut tags = tags.to_vec();
        // The oldest comes last, and is next.
        tags.sort_unstable_by(|a, b| b.cmp(a));
        let tags = tags.into_iter().map(|tag| self.tag(tag).into_bytes()).collect();
        let core = &self.core;
        let held = held::fetch(connection, &core.keys, tags).await?;
        held::put_back(connection, &core.keys, held, "", end, &|exchange| core.kind(exchange)).await?;
        // The server does not tell of what comes by this connection.
        self.awake = true;
        Ok(())
    }

    /// What is to be done from time to time.
    async fn keep(&mut self, connection: &mut Connection, timers: &mut Timers) -> Result<(), Trouble> {
        let core = Arc::clone(&self.core);
        let (keys, now) = (&core.keys, Instant::now());
        let mut renewed: Vec<u64> = Vec::new();
        if now >= timers.renewal {
            // Often enough that a round that comes late, or is lost with its connection, is made up for.
            timers.renewal = now + keys.visibility / 4;
            renewed.extend(&self.held);
        }
        for tags in renewed.chunks(1000) {
            let mut commands = Pipeline::new();
            let mut command = scripts::RENEW.command(1);
            command.arg(&keys.index).arg(tags.iter().map(|tag| self.tag(*tag)).collect::<Vec<_>>());
            commands.add_command(command);
            connection.run(&commands).await?;
        }
        if now >= timers.beat {
            timers.beat = now + (keys.consumer_timeout / 6).min(Duration::from_secs(5));
            self.beat(connection, now).await?;
        }
        if now >= timers.restoration {
            timers.restoration = now + (keys.visibility / 2).min(Duration::from_secs(10));
            let count = held::restore_overdue(connection, keys, &|exchange| core.kind(exchange)).await?;
            self.restored(count, "held for longer than the visibility timeout");
        }
        // After the beat, so that none of one's own is over.
        if now >= timers.sweep {
            timers.sweep = now + SWEEP;
            let mut commands = Pipeline::new();
            let mut command = scripts::SWEEP.command(1);
            command.arg(keys.deadlines()).arg(keys.table("")).arg(keys.permanent("")).arg(SWEPT);
            commands.add_command(command);
            connection.run(&commands).await?;
        }
        Ok(())
    }

    /// Tells the others that it lives, and looks whether they do.
    async fn beat(&mut self, connection: &mut Connection, now: Instant) -> Result<(), Trouble> {
        let core = Arc::clone(&self.core);
        let keys = &core.keys;
        let mut commands = Pipeline::new();
        for source in &self.queues {
            core.refresh(&source.queue, &mut commands);
        }
        commands.cmd("HINCRBY").arg(keys.consumers()).arg(&self.id).arg(1);
        commands.cmd("HGETALL").arg(keys.consumers());
        let mut beats = array(connection.run(&commands).await?.pop().unwrap_or_default()).into_iter();
        let mut seen = HashMap::new();
        let mut dead = Vec::new();
        while let (Some(id), Some(beat)) = (beats.next().and_then(text), beats.next().as_ref().and_then(integer)) {
            if id == self.id {
                continue;
            }
            // By this clock alone, and as long as this connection lasts: nobody else's clock, and no outage, makes anybody dead.
            let since = self.others.remove(&id).filter(|(before, _)| *before == beat).map_or(now, |(_, since)| since);
            if now.duration_since(since) > keys.consumer_timeout {
                dead.push(id.clone());
            }
            seen.insert(id, (beat, since));
        }
        self.others = seen;
        for id in dead {
            self.others.remove(&id);
            let count = held::restore_of(connection, keys, &id, &|exchange| core.kind(exchange)).await?;
            self.restored(count, "held by a consumer that is dead");
        }
        // Now and then a look by itself, should the server ever forget to tell.
        self.awake = true;
        Ok(())
    }

    fn restored(&mut self, count: u64, why: &str) {
        if count > 0 {
            tracing::info!("{count} messages are back in their queues: {why}");
            self.awake = true;
        }
    }

    /// Waits until there is something to do.
    async fn wait(&mut self, pushed: &mut mpsc::UnboundedReceiver<PushInfo>, timers: &Timers) -> Result<(), Trouble> {
        let mut until = timers.beat.min(timers.restoration).min(timers.renewal).min(timers.sweep);
        if !self.tracked && self.room() > 0 {
            until = until.min(Instant::now() + LOOK);
        }
        tokio::select! {
            () = self.shared.work.notified() => {}
            push = pushed.recv() => match push {
                Some(push) => self.heard(push)?,
                None => return Err(gone()),
            },
            () = tokio::time::sleep_until(until) => self.awake |= !self.tracked,
        }
        Ok(())
    }

    fn hear(&mut self, pushed: &mut mpsc::UnboundedReceiver<PushInfo>) -> Result<(), Trouble> {
        while let Ok(push) = pushed.try_recv() {
            self.heard(push)?;
        }
        Ok(())
    }

    /// What the server says without being asked.
    fn heard(&mut self, push: PushInfo) -> Result<(), Trouble> {
        match push.kind {
            PushKind::Disconnection => return Err(gone()),
            PushKind::Invalidate => self.awake = true,
            PushKind::PMessage => {
                let mut data = push.data.into_iter();
                let pattern = data.next().and_then(text).unwrap_or_default();
                let payload = data.nth(1).and_then(bytes);
                let fanout = self.fanouts.iter().find(|fanout| fanout.topics.contains(&pattern));
                if let (Some(queue), Some(payload)) = (fanout.map(|fanout| fanout.queue.name.clone()), payload) {
                    let mut deliveries = Vec::new();
                    self.deliver(&payload, queue, 0, &mut deliveries);
                    self.arrive(deliveries);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Says what is done, gives back what is held, and is no consumer any more.
    async fn leave(&mut self, connection: &mut Connection, mut back: Vec<u64>) -> Result<(), Trouble> {
        back.extend(self.held.drain());
        let mut commands = Pipeline::new();
        self.acknowledge(&mut commands);
        if !commands.is_empty() {
            connection.run(&commands).await?;
            self.done.clear();
        }
        self.put_back(connection, &back, End::Next).await?;
        let attended: Vec<Queue> = self.attended().cloned().collect();
        for queue in attended {
            self.leave_queue(connection, &queue).await?;
        }
        let mut commands = Pipeline::new();
        commands.cmd("HDEL").arg(self.core.keys.consumers()).arg(&self.id);
        connection.run(&commands).await?;
        Ok(())
    }
}

fn gone() -> Trouble {
    Trouble::Broken(Error::new(Kind::Connection, "the connection to Redis broke"))
}
