//! `LOGWIRE`: every message that is sent or received, in the log.

use salamander_wire::pyro5::{Message, WireData};

/// Logs a message that was received.
#[cold]
pub(crate) fn received(what: &str, message: &Message) {
    tracing::debug!(target: "salamander::wire", "{what}: {}", WireData::received(message));
}

/// Logs a message that is going to be sent.
#[cold]
pub(crate) fn sent(what: &str, bytes: &[u8]) {
    if let Some(data) = WireData::sent(bytes) {
        tracing::debug!(target: "salamander::wire", "{what}: {data}");
    }
}
