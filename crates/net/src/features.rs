//! How our own ends know each other, invisibly to a plain Pyro peer, which passes annotations by.
//!
//! The client puts this annotation into its connect message, and a daemon of ours answers with the same in its own. From
//! then on the daemon may answer calls out of order, and the client may ask for several items of a stream at once. Over an
//! encrypted connection, several calls are under way at once only then.

use salamander_wire::pyro5::AnnotationId;

/// The annotation of the connect messages.
pub(crate) const ID: AnnotationId = match AnnotationId::new(*b"SLMD") {
    Some(id) => id,
    None => AnnotationId::STREAM,
};

/// What we can do, one byte for each generation of abilities.
pub(crate) const OURS: &[u8] = &[1];

/// The method of `Pyro.Daemon` that gives several items at once.
pub(crate) const NEXT_ITEMS: &str = "get_next_stream_items";

/// The method of `Pyro.Daemon` that tells of an object with documentation, parameters and types.
pub(crate) const INTERFACE: &str = "get_interface";

/// Whether these abilities include answering out of order and giving several items at once.
pub(crate) fn are_ours(features: &[u8]) -> bool {
    features.first().is_some_and(|&generation| generation >= 1)
}
