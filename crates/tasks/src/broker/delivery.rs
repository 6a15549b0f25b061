//! What consumers get, and how they say what became of it.

use std::fmt;
use std::sync::Arc;

use salamander_value::Str;
use salamander_wire::celery::Message;

/// A message that came out of a queue.
#[derive(Debug)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// The queue it came out of.
    pub queue: Str,
    /// It was delivered before, to somebody who did not settle it.
    pub redelivered: bool,
    /// How often it was delivered before, where the broker counts.
    pub deliveries: Option<u32>,
    /// How it is settled.
    pub settlement: Settlement,
}

/// The right to settle a delivery, once. Dropped, the delivery stays unsettled until its consumer ends.
#[must_use = "a delivery that is not settled comes again"]
pub struct Settlement {
    settle: Arc<dyn Settle>,
    tag: u64,
}

/// Takes settlements; they are sent in the background, many at once. What is not settled is held however long that takes: where a broker
/// would deliver it again after some time (Redis), the driver tells it in time that it is still needed.
///
/// One for a delivery of a connection that has broken counts where the broker can tell whose it is (Redis); else it has no effect, and
/// the delivery comes again.
pub trait Settle: Send + Sync {
    /// It is done, and the message can go.
    fn ack(&self, tag: u64);
    /// It is refused. The message goes back to its queue, or to where the broker puts what is dead.
    fn reject(&self, tag: u64, requeue: bool);
    /// Whether a settlement would still count, as far as that is known here.
    fn is_valid(&self, _tag: u64) -> bool {
        true
    }
}

impl Settlement {
    /// The right to settle what `settle` knows by this tag.
    pub fn new(settle: Arc<dyn Settle>, tag: u64) -> Self {
        Self { settle, tag }
    }

    /// It is done.
    pub fn ack(self) {
        self.settle.ack(self.tag);
    }

    /// It is refused.
    pub fn reject(self, requeue: bool) {
        self.settle.reject(self.tag, requeue);
    }

    /// Whether settling it would still count, as far as that is known here. Where it would not, the connection that the delivery came by
    /// is gone, and the message comes again, to whoever consumes then: what has not begun with it need not begin.
    pub fn is_valid(&self) -> bool {
        self.settle.is_valid(self.tag)
    }
}

impl fmt::Debug for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settlement").field("tag", &self.tag).finish_non_exhaustive()
    }
}
