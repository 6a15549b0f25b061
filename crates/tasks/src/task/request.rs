//! [`TaskRequest`]: what a task can know of its message.

use std::sync::Arc;

use salamander_codec::Args;
use salamander_value::{Dict, Str, Value};
use salamander_wire::celery::{DeliveryInfo, TaskBody, TaskHeaders, TaskMessage};

use crate::call::codec_settings;
use crate::error::Result;

/// What was asked for: Celery's `self.request`.
///
/// Cheap to clone. Further headers of a message are in `headers().other`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskRequest {
    /// The message, as it came.
    pub message: Arc<TaskMessage>,
    /// The name of the worker that runs it.
    pub hostname: Str,
    /// It runs in place, without a queue.
    pub is_eager: bool,
    /// It was called as a function, and no queue had a part in it.
    pub called_directly: bool,
}

impl TaskRequest {
    /// The request of a message that this worker has taken.
    pub fn new(message: impl Into<Arc<TaskMessage>>, hostname: impl Into<Str>) -> Self {
        Self { message: message.into(), hostname: hostname.into(), is_eager: false, called_directly: false }
    }

    /// What a function sees that was just called.
    pub(super) fn direct() -> Self {
        let message = TaskMessage::new(TaskHeaders::default(), TaskBody::default());
        Self { called_directly: true, ..Self::new(message, "") }
    }

    /// The headers of the message.
    pub fn headers(&self) -> &TaskHeaders {
        &self.message.headers
    }

    /// The id of the task.
    pub fn id(&self) -> &str {
        &self.headers().id
    }

    /// The name of the task.
    pub fn task(&self) -> &str {
        &self.headers().task
    }

    /// How often it has been retried.
    pub fn retries(&self) -> u32 {
        self.headers().retries
    }

    /// The arguments, decoded once more.
    ///
    /// # Errors
    /// Whatever can be wrong with the message.
    pub fn arguments(&self) -> Result<Args> {
        Ok(self.message.body.decode(codec_settings())?)
    }

    /// The positional arguments as text for people.
    pub fn argsrepr(&self) -> &str {
        self.headers().argsrepr.as_deref().unwrap_or_default()
    }

    /// The keyword arguments as text for people.
    pub fn kwargsrepr(&self) -> &str {
        self.headers().kwargsrepr.as_deref().unwrap_or_default()
    }

    /// When it was to run at the earliest, in the form of ISO 8601.
    pub fn eta(&self) -> Option<&str> {
        self.headers().eta.as_deref()
    }

    /// After which time it is of no use, in the form of ISO 8601.
    pub fn expires(&self) -> Option<&str> {
        self.headers().expires.as_deref()
    }

    /// The first task of the workflow.
    pub fn root_id(&self) -> Option<&str> {
        self.headers().root_id.as_deref()
    }

    /// The task that sent it.
    pub fn parent_id(&self) -> Option<&str> {
        self.headers().parent_id.as_deref()
    }

    /// The group that it is part of.
    pub fn group(&self) -> Option<&str> {
        self.headers().group.as_deref()
    }

    /// What was stamped on it.
    pub fn stamps(&self) -> &Dict {
        &self.headers().stamps
    }

    /// Where its result goes, if that is a message.
    pub fn reply_to(&self) -> Option<&str> {
        self.message.properties.reply_to.as_deref().filter(|queue| !queue.is_empty())
    }

    /// By which whoever waits knows it.
    pub fn correlation_id(&self) -> Option<&str> {
        self.message.properties.correlation_id.as_deref()
    }

    /// The priority of the message.
    pub fn priority(&self) -> Option<u8> {
        self.message.properties.priority
    }

    /// By which way it came.
    pub fn delivery_info(&self) -> &DeliveryInfo {
        &self.message.properties.delivery_info
    }

    /// A header of the sender's own.
    pub fn header(&self, name: &str) -> Option<&Value> {
        self.headers().other.get(name)
    }

    /// All headers of the sender's own.
    pub fn custom_headers(&self) -> &Dict {
        &self.headers().other
    }
}
