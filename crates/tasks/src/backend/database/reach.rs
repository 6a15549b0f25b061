//! How a PostgreSQL is reached: in plain text, or encrypted.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use salamander_net::{Config as Settings, Dialer, Socket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, NoTls};

use crate::{Error, Kind, Result};

/// How long the server may take to let us in.
const CONNECT: Duration = Duration::from_secs(5);
const PORT: u16 = 5432;

/// A server, and how one comes there.
pub(super) struct Server {
    config: Config,
    /// Settings for connections that are encrypted.
    secure: Option<Arc<Settings>>,
}

/// Why a server was not reached.
pub(super) enum Missed {
    /// What it says, or that it says nothing.
    Server(tokio_postgres::Error),
    /// It is not there, or not who it should be. In the second case trying again does not help.
    Network(salamander_net::Error),
}

impl Server {
    /// The server of what comes after the scheme of a URL. Of libpq's parameters `sslmode`, `sslrootcert`, `sslcert` and `sslkey` are known here,
    /// the others to the driver.
    pub(super) fn parse(rest: &str) -> Result<Self> {
        let misuse = |message: String| Error::new(Kind::Misuse, message);
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut settings = Settings::default();
        let (mut mode, mut files) = (String::new(), false);
        let mut others = Vec::new();
        for entry in query.split('&').filter(|entry| !entry.is_empty()) {
            let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
            let file = match name {
                "sslrootcert" => &mut settings.ssl_cacerts,
                "sslcert" => &mut settings.ssl_clientcert,
                "sslkey" => &mut settings.ssl_clientkey,
                "sslmode" => {
                    mode = value.to_owned();
                    continue;
                }
                _ => {
                    others.push(entry);
                    continue;
                }
            };
            files = true;
            let text = percent_encoding::percent_decode_str(value).decode_utf8();
            *file = text.map_err(|_| misuse(format!("{name} has to be UTF-8")))?.into_owned();
        }
        let encrypted = match &*mode {
            "require" | "verify-ca" | "verify-full" => true,
            // Whoever names an authority wants it to be asked.
            "" | "allow" | "prefer" => files,
            "disable" if !files => false,
            "disable" => return Err(misuse("certificates belong to sslmode=verify-full".to_owned())),
            other => return Err(misuse(format!("sslmode is disable, require or verify-full, not {other}"))),
        };
        let url = format!("postgresql://{place}?{}", others.join("&"));
        let config = url.parse();
        let mut config: Config = config.map_err(|error| misuse(format!("that is no URL of PostgreSQL: {error}")))?;
        config.connect_timeout(CONNECT);
        config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
        Ok(Self { config, secure: encrypted.then(|| Arc::new(settings)) })
    }

    /// Connects.
    pub(super) async fn connect(&self) -> Result<Client, Missed> {
        let Some(settings) = &self.secure else {
            let (client, connection) = self.config.connect(NoTls).await.map_err(Missed::Server)?;
            tokio::spawn(end(connection));
            return Ok(client);
        };
        let (plain, secure) = (Dialer::new(settings.clone(), false), Dialer::new(settings.clone(), true));
        let (plain, secure) = (plain.map_err(Missed::Network)?, Arc::new(secure.map_err(Missed::Network)?));
        let mut missed = None;
        for (number, host) in self.config.get_hosts().iter().enumerate() {
            let Host::Tcp(host) = host else { continue };
            let ports = self.config.get_ports();
            let port = ports.get(number).or(ports.first()).copied().unwrap_or(PORT);
            let reaching = async {
                let socket = plain.dial(host, port).await.map_err(Missed::Network)?;
                let encrypting = Encrypting { dialer: secure.clone(), host: host.clone() };
                let connected = self.config.connect_raw(socket, encrypting).await;
                let (client, connection) = connected.map_err(Missed::Server)?;
                tokio::spawn(end(connection));
                Ok(client)
            };
            match tokio::time::timeout(CONNECT, reaching).await {
                Ok(Ok(client)) => return Ok(client),
                Ok(Err(error)) => missed = Some(error),
                Err(_) => missed = missed.or(Some(Missed::Network(silent()))),
            }
        }
        Err(missed.unwrap_or_else(|| Missed::Network(silent())))
    }
}

fn silent() -> salamander_net::Error {
    salamander_net::Error::new(salamander_net::Kind::Connection, "no server answers")
}

async fn end(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!("the connection to the results has ended: {error}");
    }
}

/// Makes an encrypted connection of a plain one, when the server has agreed to it.
struct Encrypting {
    dialer: Arc<Dialer>,
    host: String,
}

impl TlsConnect<Socket> for Encrypting {
    type Stream = Encrypted;
    type Error = salamander_net::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Encrypted, salamander_net::Error>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move { self.dialer.secure(&self.host, socket).await.map(Encrypted) })
    }
}

/// An encrypted connection.
struct Encrypted(Socket);

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_encryption_is_understood_or_refused() {
        for (query, encrypted) in [
            ("", false),
            ("?sslmode=disable", false),
            ("?sslmode=prefer&application_name=x", false),
            ("?sslmode=require", true),
            ("?sslmode=verify-full&sslrootcert=%2Fca.pem", true),
            ("?sslrootcert=ca.pem", true),
        ] {
            let server =
                Server::parse(&format!("me@host:7000/db{query}")).map_err(|error| error.to_string()).unwrap();
            assert_eq!(server.secure.is_some(), encrypted, "{query}");
            assert_eq!(server.config.get_application_name().is_some(), query.contains("application_name"));
            assert_eq!(server.config.get_ports(), [7000]);
        }
        let server = Server::parse("h/d?sslrootcert=%2Fca.pem&sslcert=c&sslkey=k").ok().unwrap();
        let settings = server.secure.unwrap();
        assert_eq!(
            (&*settings.ssl_cacerts, &*settings.ssl_clientcert, &*settings.ssl_clientkey),
            ("/ca.pem", "c", "k")
        );
        for wrong in ["h/d?sslmode=perhaps", "h/d?sslmode=disable&sslrootcert=x", "h/d?nonsense=1", "h:x/d"] {
            assert_eq!(Server::parse(wrong).map(drop).unwrap_err().kind(), Kind::Misuse, "{wrong}");
        }
    }
}
