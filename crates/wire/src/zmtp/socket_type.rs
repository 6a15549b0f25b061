//! [`SocketType`]: what kind of socket an end is, and which it gets along with.

use std::fmt;

/// The kinds of sockets that ask and answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketType {
    /// Asks, and waits for the answer before it asks again.
    Req,
    /// Answers, one request after the other.
    Rep,
    /// Asks, and does not wait.
    Dealer,
    /// Answers, in any order.
    Router,
}

impl SocketType {
    /// As ends of a connection call it.
    pub fn name(self) -> &'static str {
        match self {
            SocketType::Req => "REQ",
            SocketType::Rep => "REP",
            SocketType::Dealer => "DEALER",
            SocketType::Router => "ROUTER",
        }
    }

    /// Whether a socket of this type may be connected to one of the type that has this name.
    pub fn talks_to(self, other: &[u8]) -> bool {
        use SocketType::{Dealer, Rep, Req, Router};
        let others: &[SocketType] = match self {
            Req => &[Rep, Router],
            Rep => &[Req, Dealer],
            Dealer => &[Rep, Dealer, Router],
            Router => &[Req, Dealer, Router],
        };
        others.iter().any(|allowed| allowed.name().as_bytes() == other)
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
