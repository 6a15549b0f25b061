//! [`Settings`]: Celery's settings, as far as they apply.

use std::time::Duration;

use salamander_value::Str;

use crate::call::RetryPolicy;
use crate::task::RateLimit;

/// The settings of an application, by Celery's names, with Celery's defaults.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// `task_default_queue`.
    pub task_default_queue: Str,
    /// `task_default_priority`.
    pub task_default_priority: Option<u8>,
    /// `task_default_delivery_mode`: 2 for persistent messages, 1 for others.
    pub task_default_delivery_mode: u8,
    /// `task_default_rate_limit`.
    pub task_default_rate_limit: Option<RateLimit>,
    /// `task_inherit_parent_priority`: tasks sent by a task have its priority.
    pub task_inherit_parent_priority: bool,
    /// `task_always_eager`: tasks run where they are called.
    pub task_always_eager: bool,
    /// `task_eager_propagates`: what they raise then is raised there.
    pub task_eager_propagates: bool,
    /// `task_publish_retry`: publishing is tried again.
    pub task_publish_retry: bool,
    /// `task_publish_retry_policy`.
    pub task_publish_retry_policy: RetryPolicy,
    /// How long publishing may take in all; Celery has no name for it.
    pub publish_timeout: Duration,
    /// `task_compression`.
    pub task_compression: Option<Str>,
    /// `task_serializer`.
    pub task_serializer: Str,
    /// `result_serializer`.
    pub result_serializer: Str,
    /// `accept_content`: content types or names of serializers.
    pub accept_content: Vec<Str>,
    /// `task_acks_late`.
    pub task_acks_late: bool,
    /// `task_acks_on_failure_or_timeout`.
    pub task_acks_on_failure_or_timeout: bool,
    /// `task_reject_on_worker_lost`.
    pub task_reject_on_worker_lost: bool,
    /// `task_track_started`.
    pub task_track_started: bool,
    /// `task_ignore_result`.
    pub task_ignore_result: bool,
    /// `task_store_errors_even_if_ignored`.
    pub task_store_errors_even_if_ignored: bool,
    /// `task_time_limit`.
    pub task_time_limit: Option<Duration>,
    /// `task_soft_time_limit`.
    pub task_soft_time_limit: Option<Duration>,
    /// `result_expires`; none for never.
    pub result_expires: Option<Duration>,
    /// `result_extended`: name, arguments and more are stored with results.
    pub result_extended: bool,
    /// `worker_concurrency`: how many tasks run at once.
    pub worker_concurrency: usize,
    /// `worker_prefetch_multiplier`: how many times that may be held; 0 for no limit.
    pub worker_prefetch_multiplier: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            task_default_queue: "celery".into(),
            task_default_priority: None,
            task_default_delivery_mode: 2,
            task_default_rate_limit: None,
            task_inherit_parent_priority: false,
            task_always_eager: false,
            task_eager_propagates: false,
            task_publish_retry: true,
            task_publish_retry_policy: RetryPolicy::default(),
            publish_timeout: Duration::from_secs(10),
            task_compression: None,
            task_serializer: "json".into(),
            result_serializer: "json".into(),
            accept_content: vec!["json".into()],
            task_acks_late: false,
            task_acks_on_failure_or_timeout: true,
            task_reject_on_worker_lost: false,
            task_track_started: false,
            task_ignore_result: false,
            task_store_errors_even_if_ignored: false,
            task_time_limit: None,
            task_soft_time_limit: None,
            result_expires: Some(Duration::from_secs(86_400)),
            result_extended: false,
            worker_concurrency: std::thread::available_parallelism().map_or(1, usize::from),
            worker_prefetch_multiplier: 4,
        }
    }
}
