//! How a worker ends: warm, soft, cold, as Celery's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::job::Job;
use super::signals::{self, Asked};
use crate::broker::Consumer;
use crate::task::Stop;

/// How far the end has come.
pub(super) struct Shutdown {
    phase: Phase,
    /// How long what runs may go on before a cold end.
    soft: Duration,
    /// Ctrl-C has been pressed so often.
    interrupts: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Working,
    /// What runs is finished, what does not run yet goes back.
    Warm,
    /// The same, until then.
    Soft(Instant),
    Cold,
}

/// How a worker is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownKind {
    /// What runs is finished; what does not run yet goes back to its queue.
    Warm,
    /// What runs is stopped, after `worker_soft_shutdown_timeout`; what is acknowledged late goes back to its queue.
    Cold,
}

impl Shutdown {
    pub(super) fn new(soft: Duration) -> Self {
        Self { phase: Phase::Working, soft, interrupts: 0 }
    }

    pub(super) fn is_begun(&self) -> bool {
        self.phase != Phase::Working
    }

    pub(super) fn next(&self) -> Option<Instant> {
        match self.phase {
            Phase::Soft(until) => Some(until),
            _ => None,
        }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        matches!(self.phase, Phase::Soft(until) if now >= until)
    }
}

impl Engine {
    /// A signal asks for an end.
    pub(super) async fn signal(&mut self, asked: Asked, consumer: &mut dyn Consumer) {
        match asked {
            Asked::Terminate => {
                say("worker: Warm shutdown (MainProcess)");
                self.shut_down(ShutdownKind::Warm, consumer).await;
            }
            Asked::Interrupt if self.shutdown.interrupts == 0 => {
                self.shutdown.interrupts = 1;
                say("worker: Hitting Ctrl+C again will initiate cold shutdown, terminating all running tasks!");
                say("worker: Warm shutdown (MainProcess)");
                self.shut_down(ShutdownKind::Warm, consumer).await;
            }
            Asked::Interrupt | Asked::Quit => {
                self.shutdown.interrupts += 1;
                if let Phase::Soft(_) = self.shutdown.phase {
                    say("Waiting gracefully for cold shutdown to complete...");
                    return self.cold();
                }
                say("worker: Hitting Ctrl+C again will terminate all running tasks!");
                say("worker: Cold shutdown (MainProcess)");
                self.shut_down(ShutdownKind::Cold, consumer).await;
            }
        }
    }

    /// Begins to end.
    pub(super) async fn shut_down(&mut self, kind: ShutdownKind, consumer: &mut dyn Consumer) {
        if !self.shutdown.is_begun() {
            self.shutdown.phase = Phase::Warm;
            for queue in &self.shared.queues {
                if let Err(error) = consumer.cancel(&queue.name).await {
                    tracing::warn!("cannot stop consuming {}: {error}", queue.name);
                }
            }
            self.put_back();
        }
        if kind == ShutdownKind::Cold {
            let soft = self.shutdown.soft;
            if soft.is_zero() || self.active.is_empty() {
                return self.cold();
            }
            tracing::warn!("Initiating Soft Shutdown, terminating in {} seconds", soft.as_secs_f64());
            self.shutdown.phase = Phase::Soft(Instant::now() + soft);
        }
    }

    /// What has not begun goes back to its queue.
    fn put_back(&mut self) {
        for job in self.lanes.close() {
            self.active.remove(&job.number);
            self.leave_gate(job.number);
            job.reject(true);
        }
        self.held.drain().for_each(|job| job.reject(true));
        self.buckets.drain().for_each(|job| job.reject(true));
        self.gate.drain().into_iter().for_each(|job| job.reject(true));
    }

    /// What runs is stopped.
    pub(super) fn cold(&mut self) {
        self.shutdown.phase = Phase::Cold;
        let running: Vec<Arc<Job>> = self.active.values().cloned().collect();
        for job in running {
            self.stop_job(&job, Stop::Shutdown, signals::TERM);
            match job.known.acks_late {
                // Another worker runs it.
                true => job.reject(true),
                // Its message is gone; who waits is told that it may be sent again.
                false => {
                    let shared = self.shared.clone();
                    self.later(async move { shared.cancelled(&job).await });
                }
            }
        }
    }
}

fn say(line: &str) {
    tracing::warn!(target: "celery.worker", "{line}");
}
