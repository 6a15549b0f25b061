//! [`Link`]: the connection to the object, which comes again when it breaks.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use salamander_codec::{Arguments, Codec};
use salamander_net::{Config, Kind as Net, Proxy, Uri};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::KOMBU_BROKER;
use crate::{Error, Kind, Result};

/// The first pause before another attempt, which doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest one: work goes on soon after the other end is there again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long an answer may take that does not wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to the object. One connection, because consumers and exclusive queues belong to it; whoever calls within a call would get
/// another, so that all calls are made by tasks of their own.
pub(super) struct Link {
    proxy: Proxy,
    url: String,
    closed: watch::Sender<bool>,
    /// Why there is no connection.
    trouble: Mutex<Option<Error>>,
}

/// What went wrong with a call.
pub(super) enum Fault {
    /// There is no connection: it can be tried again.
    Lost(Error),
    /// This connection does not have what the call is about.
    Unknown(Error),
    /// It is refused.
    Refused(Error),
}

impl Fault {
    pub(super) fn error(self) -> Error {
        match self {
            Self::Lost(error) | Self::Unknown(error) | Self::Refused(error) => error,
        }
    }
}

impl Link {
    /// A link by a URL, which connects when it is first used.
    pub(super) fn new(url: &str) -> Result<Self> {
        let uri = uri(url)?;
        let wrong = |error: salamander_net::Error| Error::with_source(Kind::Misuse, error.to_string(), error);
        let config = Config::global().map_err(|error| Error::new(Kind::Misuse, error.to_string()))?;
        let uri = Uri::parse(&uri, config.ns_port).map_err(|error| Error::new(Kind::Misuse, error.to_string()))?;
        let proxy = Proxy::with_config(uri, config).map_err(wrong)?.with_serializer(Codec::Msgpack);
        Ok(Self { proxy, url: url.to_owned(), closed: watch::Sender::new(false), trouble: Mutex::default() })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The same without what may be a secret.
    pub(super) fn shown_url(&self) -> String {
        match self.url.split_once("://").map(|(scheme, rest)| (scheme, rest.rsplit_once('@'))) {
            Some((scheme, Some((_, place)))) => format!("{scheme}://{place}"),
            _ => self.url.clone(),
        }
    }

    pub(super) fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Ends the connection.
    pub(super) fn release(&self) {
        self.proxy.release();
    }

    /// Waits until it is closed.
    pub(super) async fn closed(&self) {
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// One attempt of a call, which may wait at the other end for so long.
    pub(super) async fn attempt<T: DeserializeOwned>(
        &self,
        method: &'static str,
        arguments: impl Arguments + Sync,
        waiting: Duration,
    ) -> Result<T, Fault> {
        if self.is_closed() {
            return Err(Fault::Refused(closed()));
        }
        // Not a proxy with a timeout: that would have a connection of its own.
        let done = match tokio::time::timeout(PATIENCE + waiting, self.proxy.call(method, arguments)).await {
            Ok(done) => done.map_err(|error| fault(&error)),
            Err(_) => {
                // Whoever does not answer is not there any more, although nobody has said so.
                self.proxy.release();
                Err(Fault::Lost(Error::new(Kind::Connection, format!("{} does not answer", self.shown_url()))))
            }
        };
        *self.noted() = match &done {
            Err(Fault::Lost(error)) => Some(error.clone()),
            _ => None,
        };
        done
    }

    /// Why there is no connection, where one is tried for in vain.
    pub(super) fn trouble(&self) -> Option<Error> {
        self.noted().clone()
    }

    fn noted(&self) -> MutexGuard<'_, Option<Error>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that is made again until it can be made.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        arguments: impl Arguments + Sync,
    ) -> Result<T, Fault> {
        let mut pause = None;
        loop {
            match self.attempt(method, &arguments, Duration::ZERO).await {
                Err(Fault::Lost(error)) => self.pause(&mut pause, &error).await,
                done => return done,
            }
        }
    }

    /// Waits before another attempt.
    pub(super) async fn pause(&self, pause: &mut Option<Duration>, error: &Error) {
        let time = pause.unwrap_or(FIRST_PAUSE);
        tracing::debug!("{} is not there ({error}); tried again in {time:?}", self.url);
        let _ = tokio::time::timeout(time, self.closed()).await;
        *pause = Some((time * 2).min(LONGEST_PAUSE));
    }
}

pub(super) fn closed() -> Error {
    Error::new(Kind::Closed, "the broker is closed")
}

/// What Pyro calls the object of a URL such as `pyro://host:9090/kombu.broker`.
fn uri(url: &str) -> Result<String> {
    let wrong = || Error::new(Kind::Misuse, format!("{url} is no URL such as pyro://localhost:9090/{KOMBU_BROKER}"));
    let rest = url.strip_prefix("pyro://").ok_or_else(wrong)?;
    let (place, name) = rest.split_once('/').unwrap_or((rest, ""));
    let name = if name.is_empty() { KOMBU_BROKER } else { name };
    // kombu writes a user into each URL, which means nothing here.
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    match place {
        "" => Ok(format!("PYRONAME:{name}@localhost")),
        place => Ok(format!("PYRONAME:{name}@{place}")),
    }
}

fn fault(error: &salamander_net::Error) -> Fault {
    let told = |kind| Error::with_source(kind, error.to_string(), error.clone());
    match error.kind() {
        Net::Connection | Net::Deadline | Net::Naming | Net::Refused => Fault::Lost(told(Kind::Connection)),
        Net::Remote if error.is("KeyError") => Fault::Unknown(told(Kind::Refused)),
        Net::Remote => Fault::Refused(told(Kind::Refused)),
        Net::Misuse => Fault::Refused(told(Kind::Misuse)),
        _ => Fault::Refused(told(Kind::Connection)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lead_to_names() {
        for (url, name) in [
            ("pyro://localhost/kombu.broker", "PYRONAME:kombu.broker@localhost"),
            ("pyro://host:17000/other", "PYRONAME:other@host:17000"),
            ("pyro://user:secret@host:1/", "PYRONAME:kombu.broker@host:1"),
            ("pyro://[::1]:1", "PYRONAME:kombu.broker@[::1]:1"),
            ("pyro://", "PYRONAME:kombu.broker@localhost"),
        ] {
            assert_eq!(uri(url).unwrap(), name);
        }
        assert_eq!(uri("redis://localhost").unwrap_err().kind(), Kind::Misuse);
    }
}
