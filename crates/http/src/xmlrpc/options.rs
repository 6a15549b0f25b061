//! [`XmlRpc`]: how XML-RPC is served.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use salamander_codec::Settings;
use salamander_codec::xmlrpc::Options;

use crate::reading::Reading;

/// Serves the functions and objects of a daemon by XML-RPC; a part of a [`Site`](crate::Site).
///
/// A function is called by its name ([`register_fn`](salamander_net::DaemonHandle::register_fn)), a method by the id of its object, a dot and
/// its name. `system.listMethods`, `system.methodHelp`, `system.methodSignature` and `system.multicall` are there; each call of a
/// multicall goes through the daemon's layers by itself.
///
/// # Wire
/// The answers of Python 3.11's `SimpleXMLRPCServer`, faults and their words among them. Other than there, connections stay open, chunked
/// requests are read, a body of unknown length is answered with 411, and in a multicall only the call fails whose result cannot be
/// written; a multicall in a multicall is refused.
#[derive(Clone)]
pub struct XmlRpc(pub(super) Arc<Inner>);

#[derive(Clone)]
pub(super) struct Inner {
    pub(super) settings: Arc<Settings>,
    pub(super) reading: Reading,
    pub(super) max_response: usize,
    pub(super) max_calls: usize,
    pub(super) introspection: bool,
    /// What an `Authorization` header has to be one of; empty: there need be none.
    pub(super) users: Vec<String>,
}

impl Default for XmlRpc {
    fn default() -> Self {
        Self(Arc::new(Inner {
            settings: Arc::new(Settings::default()),
            reading: Reading::of(20 << 20),
            max_response: 256 << 20,
            max_calls: 10_000,
            introspection: true,
            users: Vec::new(),
        }))
    }
}

impl XmlRpc {
    /// As Python's server is by default, with its functions for introspection and multicalls registered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `None`, and integers beyond 32 bits, where that is wanted.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        let mut settings = Settings::default();
        settings.xmlrpc = options;
        self.inner().settings = Arc::new(settings);
        self
    }

    /// Writes `None` as `<nil/>`, or refuses it, as it does unless told otherwise.
    #[must_use]
    pub fn allow_none(self, allow: bool) -> Self {
        let options = self.0.settings.xmlrpc.allow_none(allow);
        self.options(options)
    }

    /// How many bytes the body of a request may have, decompressed too; 20 MiB unless told otherwise.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.inner().reading.most = bytes;
        self
    }

    /// How long a client may take to send the body of a request; 30 seconds unless told otherwise.
    #[must_use]
    pub fn body_time(mut self, time: Duration) -> Self {
        self.inner().reading.time = time;
        self
    }

    /// How many bytes a response may have, that to a multicall too, before it is compressed; 256 MiB unless told otherwise, which is what our
    /// client takes. What would be larger is answered with a fault instead, in a multicall for that call alone; the call has been made.
    #[must_use]
    pub fn max_response(mut self, bytes: usize) -> Self {
        self.inner().max_response = bytes;
        self
    }

    /// How many calls one multicall may have; 10,000 unless told otherwise.
    #[must_use]
    pub fn max_calls(mut self, calls: usize) -> Self {
        self.inner().max_calls = calls;
        self
    }

    /// Without `system.listMethods`, `system.methodHelp` and `system.methodSignature`.
    #[must_use]
    pub fn without_introspection(mut self) -> Self {
        self.inner().introspection = false;
        self
    }

    /// Lets only those in who give this name and password, or another's that was added so, by HTTP's basic authentication. They go over
    /// the network in plain text unless it is encrypted.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        let header = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
        self.inner().users.push(header);
        self
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

impl Inner {
    /// Whether a header is that of a user, or none is needed. It takes as long for one that is wrong as for one that is right.
    pub(super) fn lets_in(&self, header: Option<&[u8]>) -> bool {
        let given = header.unwrap_or_default();
        let fits = |user: &String| {
            let user = user.as_bytes();
            let differing = user.iter().zip(given).fold(0, |sum, (one, other)| sum | (one ^ other));
            differing == 0 && user.len() == given.len()
        };
        self.users.is_empty() || self.users.iter().fold(false, |found, user| found | fits(user))
    }
}

impl fmt::Debug for XmlRpc {
    /// Without the users and their passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<XmlRpc {:?}>", self.0.settings.xmlrpc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_let_in_by_name_and_password() {
        assert!(XmlRpc::new().0.lets_in(None));
        let xmlrpc = XmlRpc::new().user("ada", "secret").user("bob", "x:y");
        for (header, lets_in) in [
            (None, false),
            (Some("Basic YWRhOnNlY3JldA=="), true),
            (Some("Basic Ym9iOng6eQ=="), true),
            (Some("Basic YWRhOnNlY3JldA="), false),
            (Some("Basic YWRhOndyb25n"), false),
            (Some(""), false),
        ] {
            assert_eq!(xmlrpc.0.lets_in(header.map(str::as_bytes)), lets_in, "{header:?}");
        }
        assert_eq!(format!("{xmlrpc:?}"), "<XmlRpc Options { allow_none: false, long_integers: false }>");
    }
}
