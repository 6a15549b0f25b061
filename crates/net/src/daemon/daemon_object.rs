//! `Pyro.Daemon`: the object by which every daemon tells of itself.

use std::sync::Weak;

use salamander_macros::expose;
use salamander_value::{Dict, Exception};

use super::handshake;
use super::shared::Shared;

/// The daemon, as clients see it.
pub(super) struct DaemonObject(pub(super) Weak<Shared>);

fn gone() -> Exception {
    Exception::pyro("DaemonError", "the daemon has stopped")
}

#[expose(crate = "crate::__private")]
impl DaemonObject {
    /// returns a list of all object names registered in this daemon
    fn registered(&self) -> Result<Vec<String>, Exception> {
        Ok(self.0.upgrade().ok_or_else(gone)?.registry.ids())
    }

    /// a simple do-nothing method for testing purposes
    fn ping(&self) {}

    /// return some descriptive information about the daemon
    fn info(&self) -> Result<String, Exception> {
        Ok(self.0.upgrade().ok_or_else(gone)?.info())
    }

    /// Get metadata for the given object (exposed methods, oneways, attributes).
    #[allow(non_snake_case)]
    fn get_metadata(&self, objectId: String, #[default(false)] as_lists: bool) -> Result<Dict, Exception> {
        let metadata = self.0.upgrade().ok_or_else(gone)?.metadata(&objectId, None)?;
        Ok(if as_lists { handshake::as_lists(metadata) } else { metadata })
    }

    /// What the given object exposes, with documentation, parameters and types. Pyro's own daemons do not have this method.
    #[allow(non_snake_case)]
    fn get_interface(&self, objectId: String) -> Result<Dict, Exception> {
        self.0.upgrade().ok_or_else(gone)?.interface(&objectId)
    }

    /// The next item of a stream. Connections answer it themselves; this is what is known of it.
    #[allow(non_snake_case, unused_variables)]
    fn get_next_stream_item(&self, streamId: String) -> Result<(), Exception> {
        Err(Exception::pyro("PyroError", "item stream terminated"))
    }

    /// Closes an item stream.
    #[allow(non_snake_case)]
    fn close_stream(&self, streamId: String) {
        if let Some(shared) = self.0.upgrade() {
            shared.streams.close(&streamId);
        }
    }
}
