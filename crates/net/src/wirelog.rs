//! `LOGWIRE`: every message that is sent or received, in the log.

use salamander_codec::Generation;
use salamander_wire::pyro5::Message;
use salamander_wire::{pyro4, pyro5};

use crate::dialect;

/// Logs a message that was received.
#[cold]
pub(crate) fn received(what: &str, message: &Message, generation: Generation) {
    if generation == Generation::Pyro4 {
        let (header, annotations) = dialect::to_pyro4(&message.header, &message.annotations);
        let message = pyro4::Message { header, annotations, body: message.body.clone() };
        tracing::debug!(target: "salamander::wire", "{what}: {}", pyro4::WireData::received(&message));
        return;
    }
    tracing::debug!(target: "salamander::wire", "{what}: {}", pyro5::WireData::received(message));
}

/// Logs a message that is going to be sent.
#[cold]
pub(crate) fn sent(what: &str, bytes: &[u8]) {
    if let Some(data) = pyro5::WireData::sent(bytes) {
        tracing::debug!(target: "salamander::wire", "{what}: {data}");
    } else if let Some(data) = pyro4::WireData::sent(bytes) {
        tracing::debug!(target: "salamander::wire", "{what}: {data}");
    }
}
