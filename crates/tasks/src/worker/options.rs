//! [`WorkerOptions`]: what `celery worker` takes on its command line.

use std::path::PathBuf;
use std::time::Duration;

use salamander_value::Str;

use super::PoolKind;
use crate::broker::Queue;

/// How a worker works. None means: as the settings of the application say.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerOptions {
    /// Its name, as `celery@host`, in which `%h` is the host, `%n` its name without the domain, and `%d` the domain.
    pub name: Str,
    /// The queues that it consumes; the default queue where there are none.
    pub queues: Vec<Queue>,
    /// How it runs tasks.
    pub pool: PoolKind,
    /// How many tasks run at once.
    pub concurrency: Option<usize>,
    /// How many tasks are held for each of them; 0 for no limit.
    pub prefetch_multiplier: Option<u32>,
    /// The file that remembers revoked tasks.
    pub state_db: Option<PathBuf>,
    /// A child process is replaced after so many tasks.
    pub max_tasks_per_child: Option<u32>,
    /// A child process is replaced when it has come to so many KiB of memory.
    pub max_memory_per_child: Option<u64>,
    /// The hard time limit of tasks that have none.
    pub time_limit: Option<Duration>,
    /// The soft time limit of tasks that have none.
    pub soft_time_limit: Option<Duration>,
    /// It does not ask other workers which tasks they know to be revoked when it begins.
    pub without_mingle: bool,
    /// Rate limits of tasks are not regarded.
    pub disable_rate_limits: bool,
    /// What was waiting when the worker started is thrown away.
    pub purge: bool,
    /// `worker_soft_shutdown_timeout`: how long what runs may still run before a cold shutdown.
    pub soft_shutdown_timeout: Duration,
    /// A task that took its process with it so often goes to a queue of its own, instead of being tried again.
    pub dead_letter_after: u32,
    /// The name of that queue, in which `%q` is the one that the task came out of.
    pub dead_letter_queue: Str,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            name: "celery@%h".into(),
            queues: Vec::new(),
            pool: PoolKind::default(),
            concurrency: None,
            prefetch_multiplier: None,
            state_db: None,
            max_tasks_per_child: None,
            max_memory_per_child: None,
            time_limit: None,
            soft_time_limit: None,
            without_mingle: false,
            disable_rate_limits: false,
            purge: false,
            soft_shutdown_timeout: Duration::ZERO,
            dead_letter_after: 3,
            dead_letter_queue: "%q.dead".into(),
        }
    }
}
