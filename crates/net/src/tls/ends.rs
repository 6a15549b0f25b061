//! [`ServerTls`] and [`ClientTls`]: from the settings to what makes connections secure.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Secured;
use super::fault;
use super::files::{self, Identity, Named};
use super::trust::{Clients, Servers, Trusted};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::stream::{Stream, within};

/// The serving side: what is shown to clients, and what is asked of them.
#[derive(Clone)]
pub(crate) struct ServerTls(TlsAcceptor);

/// The calling side.
#[derive(Clone)]
pub(crate) struct ClientTls {
    connector: TlsConnector,
    shows_certificate: bool,
}

/// The one provider of cryptography that is built in.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl ServerTls {
    /// What the settings say; none where they say that nothing is encrypted. Clients that need not show a certificate may still
    /// be asked for one (`asks`).
    ///
    /// # Errors
    /// Where a file is missing or is not what it should be.
    pub(crate) fn of(config: &Config, asks: bool) -> Result<Option<Self>> {
        if !config.ssl {
            return Ok(None);
        }
        let certificate = Named { setting: "SSL_SERVERCERT", path: &config.ssl_servercert };
        let key = Named { setting: "SSL_SERVERKEY", path: &config.ssl_serverkey };
        if certificate.path.is_empty() {
            return Err(Error::misuse(
                "SSL is on, but SSL_SERVERCERT names no file: a daemon needs a certificate to show",
            ));
        }
        let Identity { chain, key, told } =
            files::identity(certificate, key, ("SSL_SERVERKEYPASSWD", &config.ssl_serverkeypasswd))?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::misuse(error.to_string()))?;
        let required = config.requires_client_certificate();
        let builder = match required || asks {
            false => builder.with_no_client_auth(),
            true => {
                builder.with_client_cert_verifier(Arc::new(Clients::new(clients(config)?, provider(), required)?))
            }
        };
        let mut server = builder.with_single_cert(chain, key).map_err(|error| unusable(&told, &error))?;
        // Every connection shows and checks anew, as Pyro's do.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(Some(Self(TlsAcceptor::from(Arc::new(server)))))
    }

    /// Makes a client's connection secure. Gives nothing where the client cannot do that or may not, or takes too long: it has been
    /// told, and so has the log.
    pub(crate) async fn let_in(&self, socket: Stream, timeout: Option<Duration>) -> Option<Stream> {
        let peer = socket.peer_name();
        let why = match within(timeout, self.accept(socket), "TLS handshake").await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => fault::of_client(&error),
            Err(error) => Some(error.to_string()),
        };
        match why {
            Some(why) => tracing::warn!("client {peer} is not let in: {why}"),
            None => tracing::debug!("client {peer} left before it was connected"),
        }
        None
    }

    async fn accept(&self, socket: Stream) -> io::Result<Stream> {
        match self.0.accept(socket).into_fallible().await {
            Ok(stream) => Ok(Stream::Tls(Secured::new(stream.into()))),
            Err((error, socket)) => {
                // Closed with unread bytes, the connection would be reset, and the client not learn why.
                let _ = tokio::time::timeout(LINGER, drain(socket)).await;
                Err(error)
            }
        }
    }
}

/// How long, and how much, is read of a client that has been refused.
const LINGER: Duration = Duration::from_secs(1);
const DRAINED: usize = 1 << 20;

async fn drain(mut socket: Stream) {
    if socket.shutdown().await.is_err() {
        return;
    }
    let (mut left, mut buffer) = (DRAINED, [0; 4096]);
    while let Ok(count @ 1..) = socket.read(&mut buffer).await {
        left = left.saturating_sub(count);
        if left == 0 {
            return;
        }
    }
}

/// Whom a daemon lets in.
fn clients(config: &Config) -> Result<Trusted> {
    let mut trusted = Trusted::nobody();
    let named = Named { setting: "SSL_CACERTS", path: &config.ssl_cacerts };
    if named.path.is_empty() {
        return Err(Error::misuse(
            "SSL_REQUIRECLIENTCERT is on, but SSL_CACERTS names no file: nobody could be let in. It should hold the \
             certificates of the clients, or of those who sign them",
        ));
    }
    trusted.add(files::trusted(named)?, named)?;
    Ok(trusted)
}

fn unusable(told: &str, error: &rustls::Error) -> Error {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            Error::misuse(format!("{told}: the key is not that of the certificate"))
        }
        error => Error::misuse(format!("{told}: cannot be used: {error}")),
    }
}

impl ClientTls {
    /// What the settings say; none where they say that nothing is encrypted. Files are read again only where they have
    /// changed.
    ///
    /// # Errors
    /// Where a file is missing or is not what it should be.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>> {
        if !config.ssl {
            return Ok(None);
        }
        let read = Read::of(config);
        if let Some((_, known)) = lock().iter().find(|(of, _)| *of == read) {
            return Ok(Some(known.clone()));
        }
        let tls = Self::read(config)?;
        let mut known = lock();
        known.retain(|(of, _)| of.paths != read.paths);
        if known.len() >= MOST_KNOWN {
            known.remove(0);
        }
        known.push((read, tls.clone()));
        Ok(Some(tls))
    }

    fn read(config: &Config) -> Result<Self> {
        let mut trusted = Trusted::nobody();
        let named = Named { setting: "SSL_CACERTS", path: &config.ssl_cacerts };
        if !named.path.is_empty() {
            trusted.add(files::trusted(named)?, named)?;
        }
        trusted.add_system();
        if trusted.is_nobody() {
            return Err(Error::misuse(
                "SSL is on, but no certificates are trusted: SSL_CACERTS should name the file of the daemon's, or of those \
                 who sign it",
            ));
        }
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::misuse(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Servers::new(trusted, provider())?));
        let certificate = Named { setting: "SSL_CLIENTCERT", path: &config.ssl_clientcert };
        let key = Named { setting: "SSL_CLIENTKEY", path: &config.ssl_clientkey };
        let shows_certificate = !certificate.path.is_empty();
        let mut client = match shows_certificate {
            false => builder.with_no_client_auth(),
            true => {
                let Identity { chain, key, told } =
                    files::identity(certificate, key, ("SSL_CLIENTKEYPASSWD", &config.ssl_clientkeypasswd))?;
                builder.with_client_auth_cert(chain, key).map_err(|error| unusable(&told, &error))?
            }
        };
        client.resumption = Resumption::disabled();
        Ok(Self { connector: TlsConnector::from(Arc::new(client)), shows_certificate })
    }

    /// Makes a connection to this host secure.
    ///
    /// # Errors
    /// Where the daemon speaks no TLS, its certificate is not believed, or it refuses ours.
    pub(crate) async fn connect(&self, host: &str, socket: Stream) -> Result<Stream> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::misuse(format!("'{host}' is no host that a certificate could be for")))?;
        let stream = self.connector.connect(name, socket).await.map_err(|error| self.fault(&error))?;
        Ok(Stream::Tls(Secured::new(stream.into())))
    }

    /// What it means that a connection failed before the daemon answered anything.
    pub(crate) fn fault(&self, error: &io::Error) -> Error {
        fault::of_daemon(error, self.shows_certificate)
    }
}

/// What a client's settings were read from, and when that was changed.
#[derive(PartialEq)]
struct Read {
    paths: [String; 4],
    changed: [Option<SystemTime>; 3],
}

impl Read {
    fn of(config: &Config) -> Self {
        let files = [&config.ssl_cacerts, &config.ssl_clientcert, &config.ssl_clientkey];
        let changed = files.map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok());
        let [cacerts, certificate, key] = files.map(String::clone);
        Self { paths: [cacerts, certificate, key, config.ssl_clientkeypasswd.reveal().to_owned()], changed }
    }
}

/// So many different settings of clients are kept.
const MOST_KNOWN: usize = 16;

/// Clients' sides that have been read: proxies are made often, and reading takes long.
static KNOWN: Mutex<Vec<(Read, ClientTls)>> = Mutex::new(Vec::new());

fn lock() -> std::sync::MutexGuard<'static, Vec<(Read, ClientTls)>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerTls")
    }
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientTls").field("shows_certificate", &self.shows_certificate).finish_non_exhaustive()
    }
}
