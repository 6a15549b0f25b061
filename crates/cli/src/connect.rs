//! From a URI on the command line to a proxy that is connected, or to what to do about it.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use salamander::{Codec, Config, Error, Generation, Kind, Location, NameServer, Proxy, Uri, resolve};
use tokio::net::TcpStream;

use crate::failure::Failure;
use crate::tls::ClientTls;

/// How to call an object.
#[derive(Debug, Args)]
pub(crate) struct Calling {
    /// The object: PYRO:object@host:port, PYRONAME:name, PYROMETA:tag,tag
    #[arg(value_name = "URI")]
    pub(crate) uri: String,

    /// The serializer of the calls: serpent, marshal, json, msgpack or, for Pyro 4, pickle [default: PYRO_SERIALIZER, or serpent]
    #[arg(long, value_name = "SERIALIZER")]
    pub(crate) serializer: Option<Codec>,

    /// The generation of Pyro that the daemon is of: 5 or 4 [default: as the daemon says]
    #[arg(long, value_name = "GENERATION")]
    pub(crate) pyro: Option<Generation>,

    /// How long to wait for a connection or a reply [default: PYRO_COMMTIMEOUT, or for ever]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,

    #[command(flatten)]
    tls: ClientTls,
}

/// A time on the command line, in seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "give seconds, more than 0, as in 2.5".to_owned())
}

impl Calling {
    /// A proxy for the object, with connections of its own.
    ///
    /// # Errors
    /// For a URI that is none.
    pub(crate) fn proxy(&self, config: &Arc<Config>) -> Result<Proxy, Failure> {
        let uri = Uri::parse(&self.uri, config.ns_port).map_err(|error| {
            Failure::usage(format!("{error}: '{}' should be as PYRO:object@host:port or PYRONAME:name", self.uri))
        })?;
        let mut proxy = Proxy::with_config(uri, self.tls.config(config))?;
        if let Some(codec) = self.serializer {
            proxy = proxy.with_serializer(codec);
        }
        if let Some(generation) = self.pyro {
            proxy = proxy.with_generation(generation);
        }
        if self.timeout.is_some() {
            proxy = proxy.with_timeout(self.timeout);
        }
        Ok(proxy)
    }

    /// A proxy that is connected.
    ///
    /// # Errors
    /// Says whether nobody answered, or somebody refused.
    pub(crate) async fn connected(&self, config: &Arc<Config>) -> Result<Proxy, Failure> {
        let proxy = self.proxy(config)?;
        match proxy.bind().await {
            Ok(()) => Ok(proxy),
            Err(error) => Err(why_not(proxy.uri(), error, &self.tls.config(config)).await),
        }
    }
}

/// What it means that no connection was made.
async fn why_not(uri: &Uri, error: Error, config: &Arc<Config>) -> Failure {
    let nobody = match error.kind() {
        Kind::Deadline => true,
        Kind::Naming => !name_server_answers(uri, config).await,
        Kind::Connection => !answers(uri, config).await,
        _ => false,
    };
    match (nobody, error.kind()) {
        (false, Kind::Remote) if error.is("NamingError") => {
            let message = error.exception().map(|exception| exception.message()).unwrap_or_default();
            Failure::failed(format!("{message}; `salamander nsc list` shows the names that there are"))
        }
        (false, _) => error.into(),
        (true, Kind::Naming) => Failure::nobody(error),
        (true, _) => {
            Failure::nobody(format!("{error}; nothing answers for {uri}: start its server, or check the URI"))
        }
    }
}

async fn name_server_answers(uri: &Uri, config: &Arc<Config>) -> bool {
    let host = uri.location().map(|location| match location {
        Location::Tcp { host, .. } => host.clone(),
        Location::Unix(path) => format!("./u:{path}"),
    });
    NameServer::locate_with(host.as_deref(), uri.port(), config.clone()).await.is_ok()
}

/// Whether anything listens where a URI leads.
async fn answers(uri: &Uri, config: &Arc<Config>) -> bool {
    let Ok(direct) = resolve(uri, config).await else { return true };
    let attempt = async {
        match direct.location() {
            Some(Location::Tcp { host, port }) => TcpStream::connect((host.as_str(), *port)).await.is_ok(),
            #[cfg(unix)]
            Some(Location::Unix(path)) => tokio::net::UnixStream::connect(path).await.is_ok(),
            _ => false,
        }
    };
    tokio::time::timeout(LOOK, attempt).await.unwrap_or(false)
}

/// How long to look whether anything listens.
const LOOK: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds() {
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2500)));
        for wrong in ["", "0", "-1", "nan", "inf", "2s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
