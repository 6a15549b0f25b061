//! [`Gate`]: limits over all workers, by a key: how many run at once, and how often one begins.
//!
//! A worker asks the store for the first job of each key, one question at a time, and tries again where it is refused. What waits here is not settled:
//! when the worker dies, the broker delivers it again, and the permits of what ran lapse.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use salamander_object::Param;
use salamander_value::{Exception, Str};
use tokio::sync::mpsc::UnboundedSender;

use super::engine::Engine;
use super::job::{Event, Job, Known};
use super::timer::Timer;
use crate::call::new_id;
use crate::permits::{Permit, Taken};
use crate::task::{KeyTemplate, RateLimit, TaskOptions};
use crate::{App, Error, Kind, Result};

/// The shortest lease.
const SHORTEST: Duration = Duration::from_secs(1);

/// The pauses before the store is asked again for a place: they double.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How many may wait here beside what may be held anyway.
const MOST_WAITING: usize = 10_000;

/// How long a worker that ends gives back what it holds.
const LAST: Duration = Duration::from_secs(5);

/// The limits of a task.
pub(crate) struct Limits {
    key: KeyTemplate,
    rate: Option<RateLimit>,
    concurrency: Option<u32>,
}

impl Limits {
    /// Those that the options of a task name. They have been checked when it was registered.
    pub(crate) fn of(options: &TaskOptions) -> Option<Self> {
        let (rate, concurrency) = (options.limit_rate, options.limit_concurrency);
        if rate.is_none() && concurrency.is_none() {
            return None;
        }
        // Names of tasks may have braces.
        let own = || options.name.replace('{', "{{").replace('}', "}}");
        let key = options.limit_key.as_ref().map_or_else(own, ToString::to_string);
        KeyTemplate::parse(&key).ok().map(|key| Self { key, rate, concurrency })
    }

    /// The permits that a job of this key needs: the first is given back when it has ended.
    fn permits(&self, key: &str, lease: Duration) -> Vec<Permit> {
        let holder = new_id();
        let permit = |name: &str, most, time| Permit {
            name: format!("{name}:{key}").into(),
            holder: holder.clone(),
            most,
            time,
        };
        let place = self.concurrency.map(|most| permit("limit", most, lease));
        let rate =
            self.rate.filter(|rate| rate.count > 0.0).map(|rate| permit("rate", 1, rate.per.div_f64(rate.count)));
        place.into_iter().chain(rate).collect()
    }
}

/// What waits for its permits, and what has them.
pub(super) struct Gate {
    app: App,
    events: UnboundedSender<Event>,
    lines: HashMap<Str, Line>,
    waiting: usize,
    /// The keys that are asked for again, and when.
    again: Timer<Str>,
    /// The places of jobs that run, by their numbers.
    held: HashMap<u64, (Str, Permit)>,
    renewed: Instant,
    /// After so long a place lapses that is not renewed: a worker that died gives back what it held.
    lease: Duration,
}

/// What waits with one key.
#[derive(Default)]
struct Line {
    jobs: VecDeque<Arc<Job>>,
    /// The job that is asked for.
    asked: Option<u64>,
    /// It is asked again at a time.
    sleeps: bool,
    pause: Duration,
}

/// What the store says.
pub(crate) struct Answered {
    key: Str,
    wanted: Vec<Permit>,
    taken: Result<Taken>,
}

impl Gate {
    pub(super) fn new(app: App, events: UnboundedSender<Event>) -> Self {
        Self {
            lease: app.settings().limit_lease.max(SHORTEST),
            app,
            events,
            lines: HashMap::new(),
            waiting: 0,
            again: Timer::default(),
            held: HashMap::new(),
            renewed: Instant::now(),
        }
    }

    /// Refuses to work where a task has limits and there is nothing that knows them.
    ///
    /// # Errors
    /// [`Kind::Unsupported`].
    pub(super) fn check<'a>(app: &App, tasks: impl Iterator<Item = &'a Arc<Known>>) -> Result<()> {
        let Some(task) = tasks.into_iter().find(|known| known.limits.is_some()) else { return Ok(()) };
        app.permits().map(drop).ok_or_else(|| {
            let what =
                format!("the limits of the task {} hold over all workers, and {}", task.name(), crate::app::NO_STORE);
            Error::new(Kind::Unsupported, what)
        })
    }

    /// How many wait without a place of what may be held.
    pub(super) fn beside(&self) -> usize {
        self.waiting.min(MOST_WAITING)
    }

    /// All that wait.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Job>> {
        self.lines.values().flat_map(|line| &line.jobs)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Takes out whatever is so.
    pub(super) fn remove(&mut self, is_so: impl Fn(&Arc<Job>) -> bool) -> Vec<Arc<Job>> {
        let mut out = Vec::new();
        if self.waiting == 0 {
            return out;
        }
        for line in self.lines.values_mut() {
            for job in std::mem::take(&mut line.jobs) {
                if is_so(&job) { out.push(job) } else { line.jobs.push_back(job) }
            }
        }
        self.waiting -= out.len();
        self.tidy();
        out
    }

    /// All that wait, in the end.
    pub(super) fn drain(&mut self) -> Vec<Arc<Job>> {
        self.remove(|_| true)
    }

    /// When there is something to do.
    pub(super) fn next(&self) -> Option<Instant> {
        let renewal = (!self.held.is_empty()).then_some(self.renewed + self.lease / 3);
        [self.again.next(), renewal].into_iter().flatten().min()
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        while let Some(key) = self.again.due(now) {
            if let Some(line) = self.lines.get_mut(&key) {
                line.sleeps = false;
            }
            self.ask(&key);
        }
        if now >= self.renewed + self.lease / 3 {
            self.renewed = now;
            self.renew();
        }
    }

    fn renew(&self) {
        if self.held.is_empty() {
            return;
        }
        let (app, held) = (self.app.clone(), self.held.values().map(|(_, permit)| permit.clone()).collect());
        tokio::spawn(async move {
            let Some(permits) = app.permits() else { return };
            if let Err(error) = permits.renew(held).await {
                tracing::warn!("the places of running tasks were not kept: {error}; others may begin in their stead");
            }
        });
    }

    /// A job waits for its permits.
    fn wait(&mut self, key: Str, job: Arc<Job>) {
        self.waiting += 1;
        self.lines.entry(key.clone()).or_default().jobs.push_back(job);
        self.ask(&key);
    }

    /// Asks for the first job of a key, unless that is under way, or comes later.
    fn ask(&mut self, key: &Str) {
        let Some(line) = self.lines.get_mut(key).filter(|line| line.asked.is_none() && !line.sleeps) else { return };
        let Some(job) = line.jobs.front() else { return };
        let Some(limits) = &job.known.limits else { return };
        line.asked = Some(job.number);
        let (app, events, key, wanted) =
            (self.app.clone(), self.events.clone(), key.clone(), limits.permits(key, self.lease));
        tokio::spawn(async move {
            let taken = match app.permits() {
                Some(permits) => permits.take(wanted.clone()).await,
                None => Err(Error::new(Kind::Unsupported, crate::app::NO_STORE)),
            };
            // Nobody listens once the worker has ended.
            _ = events.send(Event::Permits(Answered { key, wanted, taken }));
        });
    }

    /// The store has answered: the job that may begin, and permits that nobody needs any more.
    fn answered(&mut self, answered: Answered, now: Instant) -> (Option<Arc<Job>>, Vec<Permit>) {
        let Answered { key, wanted, taken } = answered;
        let place = |wanted: Vec<Permit>| wanted.into_iter().filter(|permit| permit.name.starts_with("limit:"));
        let Some(line) = self.lines.get_mut(&key) else { return (None, place(wanted).collect()) };
        let asked = line.asked.take();
        let again = match taken {
            Ok(Taken::Granted) => {
                line.pause = Duration::ZERO;
                // What was asked for may have been revoked meanwhile.
                let front = line.jobs.front().map(|job| job.number);
                let job = if front == asked { line.jobs.pop_front() } else { None };
                let mut left: Vec<Permit> = place(wanted).collect();
                if let Some(job) = &job {
                    self.waiting -= 1;
                    if let Some(place) = left.pop() {
                        if self.held.is_empty() {
                            self.renewed = now;
                        }
                        self.held.insert(job.number, (key.clone(), place));
                    }
                }
                self.ask(&key);
                self.tidy();
                return (job, left);
            }
            // A pause between two starts passes, and nothing shortens it; a place may be free at any time.
            Ok(Taken::Refused { name, left, .. }) if name.starts_with("rate:") => left,
            Ok(Taken::Refused { left, .. }) => {
                line.pause = (line.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                left.min(line.pause)
            }
            Err(error) => {
                if line.pause < LONGEST_PAUSE {
                    tracing::error!("the limits of {key} are not known, and its tasks wait: {error}");
                }
                line.pause = LONGEST_PAUSE;
                LONGEST_PAUSE
            }
        };
        line.sleeps = true;
        self.again.hold(now + again, key);
        (None, Vec::new())
    }

    /// A job has ended, or will not begin: the place that it had.
    fn leave(&mut self, number: u64) -> Option<(Str, Permit)> {
        if self.held.is_empty() { None } else { self.held.remove(&number) }
    }

    fn tidy(&mut self) {
        self.lines.retain(|_, line| !line.jobs.is_empty() || line.asked.is_some());
    }

    /// Gives back all places, in the end.
    pub(super) async fn close(&mut self) {
        let held: Vec<Permit> = self.held.drain().map(|(_, (_, permit))| permit).collect();
        let Some(permits) = self.app.permits().filter(|_| !held.is_empty()) else { return };
        if !matches!(tokio::time::timeout(LAST, permits.give_back(held)).await, Ok(Ok(()))) {
            tracing::warn!("the places of tasks were not given back; they lapse within {:?}", self.lease);
        }
    }
}

impl Engine {
    /// A job may begin as far as this worker goes; perhaps limits over all workers are against it.
    pub(super) fn gated(&mut self, job: Arc<Job>) {
        let Some(limits) = &job.known.limits else { return self.submit(job) };
        let params: &[Param] = job.known.object.members().methods.first().map_or(&[], |method| method.params);
        let arguments = job.context.request().arguments().map_err(|error| error.to_string());
        match arguments.and_then(|arguments| limits.key.fill(params, &arguments)) {
            Ok(key) => self.gate.wait(key, job),
            Err(error) => {
                let (shared, exception) = (self.shared.clone(), Exception::value_error(error));
                self.later(async move { shared.failed(&job, &exception).await });
            }
        }
    }

    /// The store has answered.
    pub(super) fn permits(&mut self, answered: Answered) {
        let (job, left) = self.gate.answered(answered, Instant::now());
        if !left.is_empty() {
            self.give_back(None, left);
        }
        if let Some(job) = job {
            self.submit(job);
        }
    }

    /// A job has ended, or will not begin.
    pub(super) fn leave_gate(&mut self, number: u64) {
        if let Some((key, place)) = self.gate.leave(number) {
            self.give_back(Some(key), vec![place]);
        }
    }

    /// Gives permits back; whoever waits with the key in this worker need not wait for longer then.
    fn give_back(&mut self, key: Option<Str>, permits: Vec<Permit>) {
        let (app, events, lease) = (self.shared.app.clone(), self.gate.events.clone(), self.gate.lease);
        self.later(async move {
            let Some(store) = app.permits() else { return };
            if let Err(error) = store.give_back(permits).await {
                tracing::warn!("a place was not given back ({error}); it lapses within {lease:?}");
            }
            if let Some(key) = key {
                _ = events.send(Event::Freed(key));
            }
        });
    }

    /// A place of this key is free.
    pub(super) fn freed(&mut self, key: &Str) {
        if let Some(line) = self.gate.lines.get_mut(key) {
            line.sleeps = false;
            line.pause = Duration::ZERO;
            self.gate.ask(key);
        }
    }
}
