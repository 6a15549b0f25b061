//! [`Greeting`]: what a daemon says and shows when a proxy connects, and whether that will do.

use std::fmt;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use salamander_value::{Exception, Value};

use super::proxy::Proxy;
use crate::error::{Error, Kind, Result};
use crate::tls::Certificate;
use crate::uri::Uri;

/// What a daemon answered when a proxy connected to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Greeting {
    /// Where the daemon is, and the object: a name has been looked up.
    pub uri: Uri,
    /// Its answer to the handshake; `"hello"` unless it was told otherwise.
    pub response: Value,
    /// The certificate that it showed; none where the connection is not encrypted.
    pub certificate: Option<Certificate>,
}

type Check = Arc<dyn Fn(&Greeting) -> Result<(), Exception> + Send + Sync>;

/// Whether a daemon is the right one, by what it answers and shows.
#[derive(Clone, Default)]
pub(crate) struct HandshakeCheck(Option<Check>);

impl HandshakeCheck {
    /// Whether there is anything to check.
    fn is_some(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn run(&self, greeting: &Greeting) -> Result<()> {
        match &self.0 {
            None => Ok(()),
            Some(check) => check(greeting).map_err(|exception| Error::with_exception(Kind::Refused, exception)),
        }
    }
}

impl Greeting {
    /// For this check. A certificate that was accepted and cannot be taken apart refuses the daemon only where somebody is to look
    /// at it.
    pub(super) fn new(
        uri: &Uri,
        response: Value,
        certificate: Option<Bytes>,
        check: &HandshakeCheck,
    ) -> Result<Self> {
        let certificate = match certificate.map(Certificate::from_der).transpose() {
            Ok(certificate) => certificate,
            Err(error) if check.is_some() => {
                let message = format!("the daemon's certificate cannot be read: {error}");
                return Err(Error::new(Kind::Refused, message));
            }
            Err(error) => {
                tracing::warn!("the certificate of {uri} cannot be read: {error}");
                None
            }
        };
        Ok(Self { uri: uri.clone(), response, certificate })
    }
}

impl Proxy {
    /// The same object over connections of its own, which are used only where `check` has nothing against what the daemon answers to
    /// the handshake, nor against the certificate that it shows. Its error refuses the daemon ([`Kind::Refused`]).
    #[must_use]
    pub fn with_handshake_check<E: Into<Exception>>(
        &self,
        check: impl Fn(&Greeting) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let check = HandshakeCheck(Some(Arc::new(move |greeting| check(greeting).map_err(Into::into))));
        self.changed(|options| options.check = check)
    }

    /// What the daemon answered to the handshake of the newest connection.
    ///
    /// # Errors
    /// Where no connection can be made.
    pub async fn handshake_response(&self) -> Result<Value> {
        Ok(self.greeting().await?.map(|greeting| greeting.response).unwrap_or_default())
    }

    /// The certificate that the daemon showed for the newest connection; none where that is not encrypted.
    ///
    /// # Errors
    /// Where no connection can be made.
    pub async fn peer_certificate(&self) -> Result<Option<Certificate>> {
        Ok(self.greeting().await?.and_then(|greeting| greeting.certificate))
    }

    async fn greeting(&self) -> Result<Option<Greeting>> {
        self.connection().await?;
        Ok(self.0.greeting.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl fmt::Debug for HandshakeCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_some() { "HandshakeCheck" } else { "None" })
    }
}
