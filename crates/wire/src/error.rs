//! [`WireError`]: what can be wrong with a frame, and how Pyro says it.

use std::fmt;

use salamander_value::{Exception, Raised};

/// Why bytes are no message of the protocol, or why a message cannot be sent.
///
/// After an error in what was received, the connection has lost its place and is of no further use. Pyro raises
/// `Pyro5.errors.ProtocolError` for all of them but for [`WireErrorKind::Hmac`], which is a `SecurityError`, and so does
/// [`WireError::exception`], with Pyro's messages where it has any; what is wrong with `multiprocessing`'s frames and keys is what Python
/// raises there; what is wrong with ZeroMQ's is a `ConnectionError`, and what is wrong with Celery's messages is what kombu and Celery raise. The
/// error carries that exception as its source, so that it keeps its class where `?` makes an
/// [`Exception`] of it.
pub struct WireError(Box<Inner>);

struct Inner {
    kind: WireErrorKind,
    raised: Raised,
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WireErrorKind {
    /// It does not begin as a message of the protocol does: the peer speaks something else.
    NotPyro,
    /// A message of another version of the protocol.
    WrongVersion(u16),
    /// The number that ends the header is not there.
    InvalidMagic,
    /// A message beyond the limit on its size, as sent or once decompressed.
    TooLarge {
        /// Its size; of what is decompressed, as far as that went.
        size: u64,
        /// The limit.
        max: u64,
    },
    /// A message of another type than what may come now.
    UnexpectedType(u16),
    /// An annotation is not well formed.
    Annotation,
    /// The body does not decompress.
    Compression,
    /// The checksum that ends the header is another.
    Checksum,
    /// The digest of the message is wrong, or is there where no key is, or is missing where one is.
    Hmac,
    /// A frame has a negative length.
    FrameLength(i32),
    /// The other end has another key, or none, or does not show which it has.
    Authentication,
    /// An end of a ZeroMQ connection does not keep to ZMTP, or to what is spoken of it here.
    Zmtp,
    /// A message of a content type that is not taken.
    ContentDisallowed,
    /// A body or an envelope that cannot be decoded.
    Decode,
    /// A value that the serializer refuses.
    Encode,
    /// There is no serializer or compression of that name.
    NotInstalled,
    /// A message that is no task's.
    UnknownMessage,
    /// A task's message that has not what it needs.
    InvalidTask,
    /// What is no frame, method or content of AMQP.
    Amqp,
}

impl WireError {
    #[cold]
    pub(crate) fn new(kind: WireErrorKind, message: impl Into<String>) -> Self {
        let raised = Raised(Exception::pyro("ProtocolError", message.into()));
        Self(Box::new(Inner { kind, raised }))
    }

    #[cold]
    pub(crate) fn amqp(message: impl Into<String>) -> Self {
        Self::of_class(WireErrorKind::Amqp, "amqp.exceptions.FrameSyntaxError", message)
    }

    /// A message that is not from one of those who share the key.
    #[cold]
    pub(crate) fn insecure(message: &str) -> Self {
        let raised = Raised(Exception::pyro("SecurityError", message));
        Self(Box::new(Inner { kind: WireErrorKind::Hmac, raised }))
    }

    #[cold]
    pub(crate) fn too_large(size: u64, max: u64) -> Self {
        Self::new(WireErrorKind::TooLarge { size, max }, format!("message too large ({size}, max={max})"))
    }

    /// A frame of `multiprocessing` beyond the limit, as Python's own end says it; or one of ZeroMQ.
    #[cold]
    pub(crate) fn frame_too_large(size: u64, max: u64) -> Self {
        let message = format!("bad message length ({size}, max={max})");
        Self::of_class(WireErrorKind::TooLarge { size, max }, "builtins.OSError", message)
    }

    #[cold]
    pub(crate) fn frame_length(len: i32) -> Self {
        Self::of_class(WireErrorKind::FrameLength(len), "builtins.OSError", format!("bad message length ({len})"))
    }

    #[cold]
    pub(crate) fn unauthentic(message: &str) -> Self {
        Self::of_class(WireErrorKind::Authentication, "multiprocessing.context.AuthenticationError", message)
    }

    #[cold]
    pub(crate) fn zmtp(message: impl Into<String>) -> Self {
        Self::of_class(WireErrorKind::Zmtp, "builtins.ConnectionError", message)
    }

    /// What cannot be decoded, as kombu says it.
    #[cold]
    pub(crate) fn undecodable(message: &str) -> Self {
        Self::of_class(WireErrorKind::Decode, "kombu.exceptions.DecodeError", message)
    }

    #[cold]
    pub(crate) fn decode(error: &salamander_value::Error) -> Self {
        Self::undecodable(&error.to_string())
    }

    /// What cannot be encoded, as kombu says it.
    #[cold]
    pub(crate) fn unencodable(message: &str) -> Self {
        Self::of_class(WireErrorKind::Encode, "kombu.exceptions.EncodeError", message)
    }

    #[cold]
    pub(crate) fn encode(error: &salamander_value::Error) -> Self {
        Self::unencodable(&error.to_string())
    }

    #[cold]
    pub(crate) fn invalid_task(message: &str) -> Self {
        Self::of_class(WireErrorKind::InvalidTask, "celery.exceptions.InvalidTaskError", message)
    }

    pub(crate) fn of_class(kind: WireErrorKind, class: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, raised: Raised(Exception::new(class, message.into())) }))
    }

    /// What is wrong.
    pub fn kind(&self) -> WireErrorKind {
        self.0.kind
    }

    /// The Python exception that stands for it.
    pub fn exception(&self) -> Exception {
        self.0.raised.0.clone()
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.raised.0.message())
    }
}

impl fmt::Debug for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

/// The same kind, in the same words.
impl PartialEq for WireError {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.0.raised.0 == other.0.raised.0
    }
}

impl std::error::Error for WireError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0.raised)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_becomes_pyros_protocol_error() {
        let error = WireError::too_large(11, 10);
        assert_eq!(error.to_string(), "message too large (11, max=10)");
        assert_eq!(error.kind(), WireErrorKind::TooLarge { size: 11, max: 10 });
        let exception = Exception::from(error);
        assert_eq!(exception.to_string(), "Pyro5.errors.ProtocolError: message too large (11, max=10)");
        assert!(exception.is("CommunicationError"));
    }
}
