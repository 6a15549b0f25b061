//! [`MessageType`]: what a message is, which both generations of Pyro number alike.

use crate::{WireError, WireErrorKind};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// A client's first message.
    Connect,
    /// The server lets the client in.
    ConnectOk,
    /// The server turns the client away; the body says why.
    ConnectFail,
    /// A call.
    Invoke,
    /// The result of a call.
    Result,
    /// Asks for a ping in return.
    Ping,
    /// Another number. Pyro 5 has one byte for it.
    Unknown(u16),
}

impl From<u16> for MessageType {
    fn from(number: u16) -> Self {
        match number {
            1 => MessageType::Connect,
            2 => MessageType::ConnectOk,
            3 => MessageType::ConnectFail,
            4 => MessageType::Invoke,
            5 => MessageType::Result,
            6 => MessageType::Ping,
            other => MessageType::Unknown(other),
        }
    }
}

impl From<u8> for MessageType {
    fn from(number: u8) -> Self {
        u16::from(number).into()
    }
}

impl From<MessageType> for u16 {
    fn from(message_type: MessageType) -> u16 {
        match message_type {
            MessageType::Connect => 1,
            MessageType::ConnectOk => 2,
            MessageType::ConnectFail => 3,
            MessageType::Invoke => 4,
            MessageType::Result => 5,
            MessageType::Ping => 6,
            MessageType::Unknown(other) => other,
        }
    }
}

/// Refuses a message of a type that is none of these; all are accepted where none is named.
pub(crate) fn check_type(message_type: MessageType, accepted: &[MessageType]) -> Result<(), WireError> {
    if accepted.is_empty() || accepted.contains(&message_type) {
        return Ok(());
    }
    let number = u16::from(message_type);
    let expected: Vec<String> = accepted.iter().map(|&accepted| u16::from(accepted).to_string()).collect();
    let message = format!("invalid msg type {number} received (expected: {})", expected.join(","));
    Err(WireError::new(WireErrorKind::UnexpectedType(number), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_types_are_refused_by_number() {
        use MessageType::{Invoke, Ping, Unknown};
        let error = check_type(Unknown(77), &[Invoke, Ping]).unwrap_err();
        assert_eq!(error.to_string(), "invalid msg type 77 received (expected: 4,6)");
        assert_eq!(error.kind(), WireErrorKind::UnexpectedType(77));
        assert!(check_type(Ping, &[Invoke, Ping]).is_ok());
        assert!(check_type(Unknown(300), &[]).is_ok());
    }
}
