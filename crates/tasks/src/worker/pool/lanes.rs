//! [`Lanes`]: jobs that wait, and so many lanes that run them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use salamander_codec::Codec;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

use super::prefork::Children;
use super::run::{in_task, on_thread};
use crate::worker::job::{Began, Ended, Event, How, Job};

/// Where lanes run.
pub(crate) enum Places {
    /// Async functions as tasks of tokio, plain ones on threads.
    Tasks,
    /// Everything on threads.
    Threads,
    /// Everything in child processes.
    Children(Arc<Children>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Task,
    Thread,
    Child,
}

/// Jobs that wait, and so many lanes that run them.
pub(crate) struct Lanes(Arc<Inner>);

struct Inner {
    /// By which results are encoded.
    codec: Codec,
    places: Places,
    limit: usize,
    events: UnboundedSender<Event>,
    runtime: Handle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Job>>,
    running: usize,
    /// No more jobs begin.
    closed: bool,
}

impl Lanes {
    pub(crate) fn new(codec: Codec, places: Places, limit: usize, events: UnboundedSender<Event>) -> Self {
        let (runtime, state) = (Handle::current(), Mutex::default());
        Self(Arc::new(Inner { codec, places, limit: limit.max(1), events, runtime, state }))
    }

    /// Runs a job when its turn comes.
    pub(crate) fn submit(&self, job: Arc<Job>) {
        let mut state = self.0.state();
        if state.closed || state.running >= self.0.limit {
            state.waiting.push_back(job);
            return;
        }
        state.running += 1;
        drop(state);
        start(&self.0, job);
    }

    /// The lane of a job that cannot be stopped is counted no more.
    pub(crate) fn abandon(&self, job: &Job) {
        if matches!(self.0.places, Places::Children(_)) || !job.stop.abandon() {
            return;
        }
        let mut state = self.0.state();
        state.running = state.running.saturating_sub(1);
        let next = if state.closed { None } else { state.waiting.pop_front() };
        if let Some(job) = next {
            state.running += 1;
            drop(state);
            start(&self.0, job);
        }
    }

    /// Whether a job ends when it is stopped.
    pub(crate) fn can_stop(&self, job: &Job) -> bool {
        !matches!(self.0.place(job), Place::Thread) || !job.known.blocks
    }

    /// No job begins any more; gives back those that have not.
    pub(crate) fn close(&self) -> Vec<Arc<Job>> {
        let mut state = self.0.state();
        state.closed = true;
        state.waiting.drain(..).collect()
    }

    /// Ends what lanes run in.
    pub(crate) async fn end(&self) {
        if let Places::Children(children) = &self.0.places {
            children.end().await;
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, job: &Job) -> Place {
        match &self.places {
            Places::Tasks if !job.known.blocks => Place::Task,
            Places::Tasks | Places::Threads => Place::Thread,
            Places::Children(_) => Place::Child,
        }
    }

    /// What a lane does next; without anything it ends.
    fn next(&self) -> Option<Arc<Job>> {
        let mut state = self.state();
        if !state.closed
            && let Some(job) = state.waiting.pop_front()
        {
            return Some(job);
        }
        state.running = state.running.saturating_sub(1);
        None
    }

    /// What happens before a job begins. What it comes to if it is not to begin.
    fn enter(&self, job: &Arc<Job>, now: Instant, pid: Option<u32>) -> Option<How> {
        // What comes again is run then, by whoever gets it: here it would be once too often.
        if !job.stop.enter() || job.comes_again() {
            return Some(How::Stopped);
        }
        if job.has_expired() {
            return Some(How::Expired);
        }
        // A child that was lost at once is followed by another.
        _ = job.began.set(Began { at: now, process: pid });
        if !job.known.acks_late {
            job.ack();
        }
        if job.tells_start {
            // Nobody listens once the worker has ended.
            _ = self.events.send(Event::Started(job.clone(), now, pid));
        }
        None
    }

    /// What happens when a job has ended. False if its lane was given to others meanwhile.
    fn leave(&self, job: Arc<Job>, how: How, began: Instant) -> bool {
        let goes_on = job.stop.leave();
        _ = self.events.send(Event::Ended(Ended { job, how, runtime: began.elapsed() }));
        goes_on
    }
}

/// Starts a lane with its first job.
fn start(inner: &Arc<Inner>, job: Arc<Job>) {
    let (lane, place) = (inner.clone(), inner.place(&job));
    match place {
        Place::Task => drop(inner.runtime.spawn(task_lane(lane, job))),
        Place::Thread => drop(inner.runtime.spawn_blocking(move || thread_lane(&lane, job))),
        Place::Child => drop(inner.runtime.spawn(child_lane(lane, job))),
    }
}

/// The next job of a lane; one that belongs elsewhere is sent there, and the lane ends.
fn next_here(inner: &Arc<Inner>, place: Place) -> Option<Arc<Job>> {
    let job = inner.next()?;
    if inner.place(&job) == place {
        return Some(job);
    }
    start(inner, job);
    None
}

async fn task_lane(inner: Arc<Inner>, mut job: Arc<Job>) {
    loop {
        let began = Instant::now();
        let how = match inner.enter(&job, began, None) {
            Some(how) => how,
            None => in_task(&job, inner.codec).await,
        };
        if !inner.leave(job, how, began) {
            return;
        }
        match next_here(&inner, Place::Task) {
            Some(next) => job = next,
            None => return,
        }
        // Others have their turn, although functions that never wait do not let them.
        tokio::task::consume_budget().await;
    }
}

fn thread_lane(inner: &Arc<Inner>, mut job: Arc<Job>) {
    loop {
        let began = Instant::now();
        let how = match inner.enter(&job, began, None) {
            Some(how) => how,
            None => on_thread(&job, inner.codec),
        };
        if !inner.leave(job, how, began) {
            return;
        }
        match next_here(inner, Place::Thread) {
            Some(next) => job = next,
            None => return,
        }
    }
}

async fn child_lane(inner: Arc<Inner>, mut job: Arc<Job>) {
    let Places::Children(children) = &inner.places else { return };
    loop {
        let mut began = Instant::now();
        let entered = |pid| {
            began = Instant::now();
            inner.enter(&job, began, pid)
        };
        let how = children.run(&job, entered).await;
        inner.leave(job, how, began);
        match next_here(&inner, Place::Child) {
            Some(next) => job = next,
            None => return,
        }
    }
}
