//! [`Engine`]: the loop that everything of a worker meets in.
//!
//! One task owns all of it, so that nothing has to be locked: deliveries come in batches, jobs go to the pool, what is left to do when they
//! have ended waits side by side, and so do times and commands.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use salamander_value::Str;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::sleep_until;

use super::commands::Command;
use super::gate::Gate;
use super::intake::Taken;
use super::job::{Ended, Event, How, Job};
use super::limits::Buckets;
use super::pool::Lanes;
use super::revoked::Revoked;
use super::shutdown::Shutdown;
use super::timer::Timer;
use super::{Shared, log, outcome, signals, time};
use crate::broker::{Consumer, Delivery};
use crate::builtin::CHORD_UNLOCK;
use crate::task::Stop;
use crate::{Kind, Result};

/// How much may wait to be stored before nothing more is taken.
const MOST_UNFINISHED: usize = 10_000;

/// How often it is looked which of the messages that are held for long will come again.
const LOOK: Duration = Duration::from_secs(5);

/// Something that is left to do.
type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A worker at work.
pub(super) struct Engine {
    pub(super) shared: Arc<Shared>,
    pub(super) lanes: Lanes,
    pub(super) revoked: Revoked,
    /// What the pool has, by number.
    pub(super) active: HashMap<u64, Arc<Job>>,
    /// What waits for its time.
    pub(super) held: Timer<Arc<Job>>,
    pub(super) buckets: Buckets<Arc<Job>>,
    pub(super) gate: Gate,
    /// Time limits of what runs.
    limits: Timer<(u64, Limit)>,
    /// What is left to do of what has ended.
    rest: FuturesUnordered<Rest>,
    events: UnboundedReceiver<Event>,
    pub(super) commands: UnboundedReceiver<Command>,
    pub(super) shutdown: Shutdown,
    /// How many tasks of each name have been taken.
    pub(super) totals: HashMap<Str, u64>,
    count: u64,
    prefetch: u32,
    pub(super) began: Instant,
    looked: Instant,
}

/// A limit that a job has come to.
enum Limit {
    Soft(Duration),
    Hard(Duration),
}

/// What an engine is made of.
pub(super) struct Parts {
    pub(super) shared: Arc<Shared>,
    pub(super) lanes: Lanes,
    pub(super) revoked: Revoked,
    pub(super) events: UnboundedReceiver<Event>,
    pub(super) commands: UnboundedReceiver<Command>,
    pub(super) prefetch: u32,
    pub(super) soft_shutdown: Duration,
}

impl Engine {
    pub(super) fn new(parts: Parts, buckets: Buckets<Arc<Job>>, gate: Gate) -> Self {
        let Parts { shared, lanes, revoked, events, commands, prefetch, soft_shutdown } = parts;
        Self {
            shared,
            lanes,
            revoked,
            active: HashMap::new(),
            held: Timer::default(),
            buckets,
            gate,
            limits: Timer::default(),
            rest: FuturesUnordered::new(),
            events,
            commands,
            shutdown: Shutdown::new(soft_shutdown),
            totals: HashMap::new(),
            count: 0,
            prefetch,
            began: Instant::now(),
            looked: Instant::now(),
        }
    }

    /// Works until it is asked to stop.
    ///
    /// # Errors
    /// What the consumer cannot go on after.
    pub(super) async fn run(mut self, mut consumer: Box<dyn Consumer>, signals: &mut signals::Signals) -> Result<()> {
        let mut batch = Vec::new();
        let mut prefetch = self.prefetch;
        let failed = loop {
            let next = self.next_time();
            tokio::select! {
                biased;
                signal = signals.next() => self.signal(signal, &mut *consumer).await,
                Some(command) = self.commands.recv() => self.command(command, &mut *consumer).await,
                Some(event) = self.events.recv() => self.events(event),
                Some(()) = self.rest.next(), if !self.rest.is_empty() => self.drain_rest(),
                received = consumer.receive(&mut batch), if self.takes() => match received {
                    Ok(()) => batch.drain(..).for_each(|delivery| self.delivery(delivery)),
                    Err(error) if error.kind() == Kind::Closed => break Some(error),
                    Err(error) => break Some(error),
                },
                () = sleep_until(next.unwrap_or_else(Instant::now).into()), if next.is_some() => self.tick(),
            }
            let wanted = self.wanted();
            if wanted != prefetch {
                prefetch = wanted;
                consumer.set_prefetch(prefetch);
            }
            if self.shutdown.is_begun() && self.active.is_empty() && self.rest.is_empty() {
                break None;
            }
        };
        self.end(consumer).await;
        failed.map_or(Ok(()), Err)
    }

    /// Puts back what has not begun, and remembers what is to be remembered.
    async fn end(mut self, consumer: Box<dyn Consumer>) {
        for job in self.lanes.close() {
            job.reject(true);
        }
        self.held.drain().for_each(|job| job.reject(true));
        self.buckets.drain().for_each(|job| job.reject(true));
        self.gate.drain().into_iter().for_each(|job| job.reject(true));
        self.lanes.end().await;
        self.gate.close().await;
        if let Err(error) = self.revoked.save() {
            tracing::error!("cannot write the file of revoked tasks: {error}");
        }
        drop(consumer);
    }

    /// How many messages may be unsettled: what is held takes no place of what could run, unless `worker_eta_task_limit` is reached.
    fn wanted(&self) -> u32 {
        let held = u32::try_from(self.held.len()).unwrap_or(u32::MAX);
        let beside = u32::try_from(self.gate.beside()).unwrap_or(u32::MAX);
        let most = self.shared.app.settings().worker_eta_task_limit;
        let most = most.map_or(u32::MAX, |most| u32::try_from(most).unwrap_or(u32::MAX));
        match self.prefetch {
            0 => 0,
            base => base.saturating_add(held).min(most.max(base)).saturating_add(beside),
        }
    }

    fn takes(&self) -> bool {
        !self.shutdown.is_begun() && self.rest.len() < MOST_UNFINISHED
    }

    fn next_time(&self) -> Option<Instant> {
        let holds = self.held.len() > 0 || self.buckets.next().is_some() || !self.gate.is_empty();
        let look = holds.then_some(self.looked + LOOK);
        let times =
            [self.held.next(), self.buckets.next(), self.gate.next(), self.limits.next(), self.shutdown.next(), look];
        times.into_iter().flatten().min()
    }

    /// Does what is due.
    fn tick(&mut self) {
        let now = Instant::now();
        while let Some(job) = self.held.due(now) {
            self.limited(job, now);
        }
        let mut due = Vec::new();
        self.buckets.due(now, &mut due);
        due.into_iter().for_each(|job| self.gated(job));
        self.gate.tick(now);
        while let Some((number, limit)) = self.limits.due(now) {
            self.limit(number, limit);
        }
        if now >= self.looked + LOOK {
            self.looked = now;
            self.held.retain(|job| !job.comes_again());
            drop(self.buckets.remove(|job| job.comes_again()));
            drop(self.gate.remove(|job| job.comes_again()));
        }
        if self.shutdown.is_due(now) {
            self.cold();
        }
    }

    fn delivery(&mut self, delivery: Delivery) {
        self.count += 1;
        let (job, eta) = match self.shared.take(delivery, self.count) {
            Taken::Job(job, eta) => (job, eta),
            Taken::Failed(update) => {
                let shared = self.shared.clone();
                return self.later(async move { shared.store_meta(*update).await });
            }
            Taken::Nothing => return,
        };
        log::received(&job);
        match self.totals.get_mut(&**job.known.name()) {
            Some(total) => *total += 1,
            None => _ = self.totals.insert(job.known.name().clone(), 1),
        }
        if self.discard(&job) {
            return;
        }
        // It does not ask again and again, and has nothing to wait for.
        let eta = eta.filter(|_| &**job.known.name() != CHORD_UNLOCK);
        let now = Instant::now();
        match eta.map(|eta| time::instant_of(eta, now)).filter(|at| *at > now) {
            Some(at) => self.held.hold(at, job),
            None => self.limited(job, now),
        }
    }

    /// A task that was revoked or has expired is not run.
    fn discard(&mut self, job: &Arc<Job>) -> bool {
        let expired = job.has_expired();
        if expired {
            self.revoked.add(job.id());
        }
        if !expired && !self.revoked.has(job.id()) {
            return false;
        }
        log::discarded(job);
        self.revoke_job(job.clone(), if expired { "expired" } else { "revoked" });
        true
    }

    pub(super) fn revoke_job(&mut self, job: Arc<Job>, reason: &'static str) {
        let shared = self.shared.clone();
        self.later(async move { shared.revoke(&job, reason).await });
    }

    /// A job may start as far as its time goes; perhaps its rate limit is against it.
    fn limited(&mut self, job: Arc<Job>, now: Instant) {
        let name = job.known.name().clone();
        if let Some(job) = self.buckets.take(&name, job, now) {
            self.gated(job);
        }
    }

    pub(super) fn submit(&mut self, job: Arc<Job>) {
        if self.shutdown.is_begun() {
            self.leave_gate(job.number);
            return job.reject(true);
        }
        if (job.expires.is_some() || self.revoked.has(job.id())) && self.discard(&job) {
            return self.leave_gate(job.number);
        }
        self.active.insert(job.number, job.clone());
        self.lanes.submit(job);
    }

    /// What pools tell comes in batches.
    fn events(&mut self, event: Event) {
        self.event(event);
        for _ in 0..256 {
            match self.events.try_recv() {
                Ok(event) => self.event(event),
                Err(_) => return,
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Started(job, at, pid) => {
                if !self.active.contains_key(&job.number) {
                    return;
                }
                if let Some(limit) = job.soft_time_limit {
                    self.limits.hold(at + limit, (job.number, Limit::Soft(limit)));
                }
                if let Some(limit) = job.time_limit {
                    self.limits.hold(at + limit, (job.number, Limit::Hard(limit)));
                }
                if job.known.track_started && !job.ignore_result {
                    let pid = pid.unwrap_or_else(std::process::id);
                    self.later(self.shared.clone().started(job, pid));
                }
            }
            Event::Ended(ended) => self.ended(ended),
            Event::Permits(answered) => self.permits(answered),
            Event::Freed(key) => self.freed(&key),
        }
    }

    fn ended(&mut self, ended: Ended) {
        self.leave_gate(ended.job.number);
        // What was stopped has been dealt with.
        if self.active.remove(&ended.job.number).is_none() || outcome::concluded(&self.shared, &ended) {
            return;
        }
        if matches!(ended.how, How::Expired) {
            self.discard(&ended.job);
            return;
        }
        self.later(outcome::conclude(self.shared.clone(), ended));
    }

    fn limit(&mut self, number: u64, limit: Limit) {
        let Some(job) = self.active.get(&number).cloned() else { return };
        match limit {
            Limit::Soft(limit) => {
                log::soft_limit(&job, limit);
                job.soft();
            }
            Limit::Hard(limit) => {
                log::hard_limit(&job, limit);
                self.stop_job(&job, Stop::TimeLimit, signals::KILL);
                let shared = self.shared.clone();
                self.later(async move { shared.timed_out(&job, limit).await });
            }
        }
    }

    /// Ends a job that runs, as far as its pool can.
    pub(super) fn stop_job(&mut self, job: &Arc<Job>, why: Stop, signal: i32) {
        self.active.remove(&job.number);
        job.hard(why, signal);
        if !self.lanes.can_stop(job) {
            log::unstoppable(job);
        }
        self.lanes.abandon(job);
        // One that cannot be stopped goes on without a place.
        self.leave_gate(job.number);
    }

    pub(super) fn later(&mut self, rest: impl Future<Output = ()> + Send + 'static) {
        self.rest.push(Box::pin(rest));
    }

    /// What is done in the meantime too.
    fn drain_rest(&mut self) {
        use futures_util::FutureExt;
        while let Some(Some(())) = self.rest.next().now_or_never() {}
    }
}

/// The way back from the pool.
pub(super) fn channel() -> (UnboundedSender<Event>, UnboundedReceiver<Event>) {
    tokio::sync::mpsc::unbounded_channel()
}
