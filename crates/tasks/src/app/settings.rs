//! [`Settings`]: Celery's settings, as far as they apply.

use std::time::Duration;

use salamander_value::{Dict, Str, Value};

use super::read::FromSetting;
use crate::broker::ExchangeKind;
use crate::call::RetryPolicy;
use crate::error::{Error, Kind, Result};
use crate::task::RateLimit;

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $ty:ty = $default:expr;)*) => {
        /// The settings of an application, by Celery's names, with Celery's defaults.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct Settings {
            $($(#[$doc])* pub $name: $ty,)*
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Settings {
            /// Changes a setting, if it is one of these.
            pub(super) fn put(&mut self, name: &str, value: &Value) -> Option<Result<()>> {
                $(if name == stringify!($name) {
                    return Some(match <$ty>::from_setting(value) {
                        Some(value) => {
                            self.$name = value;
                            Ok(())
                        }
                        None => Err(Error::new(
                            Kind::Misuse,
                            format!("the setting {name} should be {}, not {value}", <$ty>::expected()),
                        )),
                    });
                })*
                None
            }
        }
    };
}

settings! {
    /// `accept_content`: content types or names of serializers.
    accept_content: Vec<Str> = vec!["json".into()];
    /// `result_accept_content`; none for `accept_content`.
    result_accept_content: Option<Vec<Str>> = None;
    /// `enable_utc`.
    enable_utc: bool = true;
    /// `broker_connection_timeout`: how long connecting to the broker may take, where its URL does not say; none for 10 seconds. Not of the
    /// embedded queue.
    broker_connection_timeout: Option<Duration> = None;
    /// `broker_heartbeat`: seconds between signs of life on RabbitMQ, where its URL does not say; 0 for none. None for 60.
    broker_heartbeat: Option<Duration> = None;
    /// `broker_transport_options`, which each driver has of its own.
    broker_transport_options: Dict = Dict::new();
    /// `result_serializer`.
    result_serializer: Str = "json".into();
    /// `result_compression`: by what results are compressed, where the backend can.
    result_compression: Option<Str> = None;
    /// `result_expires`; none or zero for never.
    result_expires: Option<Duration> = Some(Duration::from_secs(86_400));
    /// `result_failure_expires`: for failures; none for `result_expires`, zero for never.
    result_failure_expires: Option<Duration> = None;
    /// `result_extended`: name, arguments and more are stored with results.
    result_extended: bool = false;
    /// `result_persistent`: results that are messages survive a restart of the broker.
    result_persistent: Option<bool> = None;
    /// `result_backend_transport_options`, which each driver has of its own.
    result_backend_transport_options: Dict = Dict::new();
    /// `database_table_names`: `task` and `group`.
    database_table_names: Dict = Dict::new();
    /// `database_create_tables_at_setup`.
    database_create_tables_at_setup: bool = true;
    /// `task_acks_late`.
    task_acks_late: bool = false;
    /// `task_acks_on_failure_or_timeout`.
    task_acks_on_failure_or_timeout: bool = true;
    /// `task_acks_on_failure`; none for `task_acks_on_failure_or_timeout`.
    task_acks_on_failure: Option<bool> = None;
    /// `task_acks_on_timeout`; none for `task_acks_on_failure_or_timeout`.
    task_acks_on_timeout: Option<bool> = None;
    /// `task_always_eager`: tasks run where they are called.
    task_always_eager: bool = false;
    /// `task_compression`.
    task_compression: Option<Str> = None;
    /// `task_create_missing_queues`: queues that were not given are made.
    task_create_missing_queues: bool = true;
    /// `task_create_missing_queue_type`: `classic` or `quorum`.
    task_create_missing_queue_type: Str = "classic".into();
    /// `task_create_missing_queue_exchange_type`; none for `direct`.
    task_create_missing_queue_exchange_type: Option<ExchangeKind> = None;
    /// `task_default_delivery_mode`: 2 for persistent messages, 1 for others.
    task_default_delivery_mode: u8 = 2;
    /// `task_default_exchange`; none for one of the queue's name.
    task_default_exchange: Option<Str> = None;
    /// `task_default_exchange_type`.
    task_default_exchange_type: ExchangeKind = ExchangeKind::Direct;
    /// `task_default_priority`.
    task_default_priority: Option<u8> = None;
    /// `task_default_queue`.
    task_default_queue: Str = "celery".into();
    /// `task_default_queue_type`: `classic` or `quorum`.
    task_default_queue_type: Str = "classic".into();
    /// `task_default_rate_limit`.
    task_default_rate_limit: Option<RateLimit> = None;
    /// `task_default_routing_key`; none for the queue's name.
    task_default_routing_key: Option<Str> = None;
    /// `task_eager_propagates`: what tasks raise that run in place is raised there.
    task_eager_propagates: bool = false;
    /// `task_ignore_result`.
    task_ignore_result: bool = false;
    /// `task_inherit_parent_priority`: tasks sent by a task have its priority.
    task_inherit_parent_priority: bool = false;
    /// `task_publish_retry`: publishing is tried again.
    task_publish_retry: bool = true;
    /// `task_publish_retry_policy`.
    task_publish_retry_policy: RetryPolicy = RetryPolicy::default();
    /// `task_queue_max_priority`: how many priorities queues have that say nothing of it.
    task_queue_max_priority: Option<u8> = None;
    /// `task_reject_on_worker_lost`.
    task_reject_on_worker_lost: bool = false;
    /// `task_serializer`.
    task_serializer: Str = "json".into();
    /// `task_soft_time_limit`.
    task_soft_time_limit: Option<Duration> = None;
    /// `task_store_errors_even_if_ignored`.
    task_store_errors_even_if_ignored: bool = false;
    /// `task_time_limit`.
    task_time_limit: Option<Duration> = None;
    /// `task_track_started`.
    task_track_started: bool = false;
    /// `worker_concurrency`: how many tasks run at once.
    worker_concurrency: usize = std::thread::available_parallelism().map_or(1, usize::from);
    /// `worker_direct`: each worker has a queue of its own as well, `NAME@HOST.dq`, which others reach by the exchange `C.dq2`
    /// ([`worker_direct`](crate::routing::worker_direct)).
    worker_direct: bool = false;
    /// `worker_disable_rate_limits`.
    worker_disable_rate_limits: bool = false;
    /// `worker_enable_remote_control`.
    worker_enable_remote_control: bool = true;
    /// `worker_eta_task_limit`: how many messages a worker takes at most while tasks wait in it for their time; none for any number.
    worker_eta_task_limit: Option<usize> = None;
    /// `worker_lost_wait`. It has nothing to do here: what a child process has said before it ended is read before it counts as lost.
    worker_lost_wait: Duration = Duration::from_secs(10);
    /// `worker_max_memory_per_child`, in kibibytes.
    worker_max_memory_per_child: Option<u64> = None;
    /// `worker_max_tasks_per_child`.
    worker_max_tasks_per_child: Option<u64> = None;
    /// `worker_pool`.
    worker_pool: Option<Str> = None;
    /// `worker_prefetch_multiplier`: how many times the concurrency may be held; 0 for no limit.
    worker_prefetch_multiplier: u32 = 4;
    /// `worker_proc_alive_timeout`: how long a child process may take to start; none for a minute.
    worker_proc_alive_timeout: Option<Duration> = None;
    /// `worker_soft_shutdown_timeout`.
    worker_soft_shutdown_timeout: Duration = Duration::ZERO;
    /// `worker_state_db`: the file of what is revoked.
    worker_state_db: Option<Str> = None;
    /// After how long a place among those that `limit_concurrency` leaves is free again when a worker dies; workers renew theirs three times as
    /// often. Celery has no name for it.
    limit_lease: Duration = Duration::from_secs(30);
    /// How long publishing may take in all; Celery has no name for it, and no limit.
    publish_timeout: Duration = Duration::from_secs(10);
}
