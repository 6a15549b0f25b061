//! [`GatewayOptions`]: how a gateway is set up.

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use salamander_net::naming::name_matches;

use super::answer::Answers;

/// How a [`Gateway`](super::Gateway) is set up; by default as Pyro's program is.
#[derive(Clone)]
#[non_exhaustive]
pub struct GatewayOptions {
    /// A regular expression of Python's: objects whose name it matches from the start can be called; the empty one matches all.
    pub expose: String,
    /// Who may read the answers in a browser: the value of `Access-Control-Allow-Origin`.
    pub cors: String,
    /// Of what browsers ask, only what pages of the gateway itself ask is answered. Other programs are not concerned.
    pub own_pages_only: bool,
    /// The names under which such pages reach the gateway, beside addresses and `localhost`.
    pub hosts: Vec<String>,
    /// What clients have to show to call anything; empty: nothing.
    pub key: String,
    /// How long to wait for a connection or a reply; none is for ever.
    pub timeout: Option<Duration>,
    /// Where the name server is; none: where the settings say, or by broadcast.
    pub name_server_host: Option<String>,
    /// The port of the name server; none: the one of the settings.
    pub name_server_port: Option<u16>,
    /// How many bytes the body of a request may have.
    pub max_body: usize,
    /// How long a client may take to send the body of a request.
    pub body_time: Duration,
    /// How many requests are worked on at once; others wait.
    pub max_requests: usize,
    /// How long they wait until they are refused.
    pub patience: Duration,
    /// How many calls of one object are made at once; others wait.
    pub max_calls: usize,
    /// How many streams may be open at once.
    pub max_streams: usize,
    /// To how many objects connections are kept.
    pub max_objects: usize,
    /// How long connections to an object are kept that nobody calls.
    pub idle: Duration,
}

/// An option that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongOption {
    option: &'static str,
    message: String,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            expose: r"http\.".to_owned(),
            cors: "*".to_owned(),
            own_pages_only: false,
            hosts: Vec::new(),
            key: String::new(),
            timeout: None,
            name_server_host: None,
            name_server_port: None,
            max_body: 4 << 20,
            body_time: Duration::from_secs(30),
            max_requests: 256,
            patience: Duration::from_secs(10),
            max_calls: 16,
            max_streams: 256,
            max_objects: 256,
            idle: Duration::from_secs(30),
        }
    }
}

impl GatewayOptions {
    pub(super) fn check(&self) -> Result<Answers, WrongOption> {
        name_matches(&self.expose, "").map_err(|error| WrongOption::new("expose", error))?;
        let limits = [
            ("max_requests", self.max_requests),
            ("max_calls", self.max_calls),
            ("max_streams", self.max_streams),
            ("max_objects", self.max_objects),
        ];
        for (option, limit) in limits {
            if limit == 0 || limit > MOST {
                return Err(WrongOption::new(option, format!("give a number from 1 to {MOST}")));
            }
        }
        let cors = HeaderValue::from_str(&self.cors)
            .map_err(|_| WrongOption::new("cors", "it cannot stand in a header".to_owned()))?;
        Ok(Answers::new(cors))
    }

    pub(super) fn has_key(&self) -> bool {
        !self.key.is_empty()
    }

    /// Whether this is the key, if there is one. How long it takes does not tell how much of it is right.
    pub(super) fn key_fits(&self, given: &[u8]) -> bool {
        let key = self.key.as_bytes();
        let differs = given.iter().zip(key).fold(0, |differs, (a, b)| std::hint::black_box(differs | (a ^ b)));
        !self.has_key() || (given.len() == key.len() && differs == 0)
    }

    pub(super) fn exposes(&self, name: &str) -> bool {
        self.expose.is_empty()
            || name_matches(&self.expose, name).unwrap_or_else(|error| {
                tracing::warn!("whether an object is exposed cannot be told: {error}");
                false
            })
    }
}

/// No limit is higher.
const MOST: usize = 1 << 20;

impl WrongOption {
    fn new(option: &'static str, message: String) -> Self {
        Self { option, message }
    }

    /// Which one.
    pub fn option(&self) -> &str {
        self.option
    }
}

impl fmt::Display for WrongOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.option, self.message)
    }
}

impl std::error::Error for WrongOption {}

/// The key is not shown.
impl fmt::Debug for GatewayOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayOptions")
            .field("expose", &self.expose)
            .field("cors", &self.cors)
            .field("key", &if self.has_key() { "***" } else { "" })
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_options_are_named() {
        let wrong = |change: fn(&mut GatewayOptions)| {
            let mut options = GatewayOptions::default();
            change(&mut options);
            options.check().map(drop).unwrap_err().option().to_owned()
        };
        assert_eq!(wrong(|options| options.expose = "(".to_owned()), "expose");
        assert_eq!(wrong(|options| options.cors = "a\r\nSet-Cookie: b".to_owned()), "cors");
        assert_eq!(wrong(|options| options.max_requests = 0), "max_requests");
        assert!(GatewayOptions::default().check().is_ok());
    }

    #[test]
    fn only_the_key_fits() {
        let mut options = GatewayOptions::default();
        assert!(options.key_fits(b"") && options.key_fits(b"x"));
        options.key = "secret".to_owned();
        assert!(options.key_fits(b"secret"));
        for wrong in [&b""[..], b"secre", b"secrets", b"Secret"] {
            assert!(!options.key_fits(wrong));
        }
        assert!(!format!("{options:?}").contains("secret"));
    }
}
