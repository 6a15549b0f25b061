//! Whose certificates are believed: what OpenSSL believes for Pyro, by way of webpki where that will do.
//!
//! Pyro's users sign their certificates themselves and name them as the ones to trust, as `openssl req -x509` makes them: an
//! authority that signed itself, used by a server, whose host is its common name. Webpki refuses each of these three, and
//! OpenSSL does not. So a certificate that is trusted by itself, byte by byte, needs no signature, only to be in time, for
//! this purpose and, a server's, for this host; and a common name counts where there are no alternative names.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use x509_cert::der::asn1::ObjectIdentifier;

use super::certificate::Certificate;
use super::files::Named;
use crate::error::Result;

/// What a certificate may be used for.
const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// The certificates that others' are checked by.
#[derive(Debug)]
pub(super) struct Trusted {
    /// Those whose signatures count.
    authorities: RootCertStore,
    /// Those that are believed as they are.
    themselves: Vec<CertificateDer<'static>>,
}

impl Trusted {
    /// Nobody.
    pub(super) fn nobody() -> Self {
        Self { authorities: RootCertStore::empty(), themselves: Vec::new() }
    }

    /// Trusts these certificates too, which stand in this file or directory.
    pub(super) fn add(&mut self, found: Vec<CertificateDer<'static>>, named: Named<'_>) -> Result<()> {
        for der in found {
            let certificate = Certificate::from_der(der.to_vec())
                .map_err(|error| named.wrong(format_args!("has a certificate that cannot be read: {error}")))?;
            if certificate.is_authority() {
                self.authorities
                    .add(der.clone())
                    .map_err(|error| named.wrong(format_args!("the certificate of {certificate}: {error}")))?;
            }
            self.themselves.push(der);
        }
        Ok(())
    }

    /// Trusts the authorities that this machine trusts, as far as they can be read: a broken one should stop nobody.
    pub(super) fn add_system(&mut self) {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::debug!("reading the system's certificates: {error}");
        }
        self.authorities.add_parsable_certificates(found.certs);
    }

    pub(super) fn is_nobody(&self) -> bool {
        self.authorities.is_empty() && self.themselves.is_empty()
    }

    /// Whether a certificate is trusted by itself for this use; nothing is said of others.
    fn itself(&self, der: &CertificateDer<'_>, usage: ObjectIdentifier, now: UnixTime) -> Option<Result<(), Error>> {
        if !self.themselves.iter().any(|trusted| trusted == der) {
            return None;
        }
        let refused = |error| Some(Err(Error::InvalidCertificate(error)));
        let Ok(certificate) = Certificate::from_der(der.to_vec()) else {
            return refused(CertificateError::BadEncoding);
        };
        let [from, until] = [certificate.not_before(), certificate.not_after()].map(|time| {
            time.duration_since(std::time::UNIX_EPOCH)
                .map_or(UnixTime::since_unix_epoch(std::time::Duration::ZERO), UnixTime::since_unix_epoch)
        });
        if now < from {
            return refused(CertificateError::NotValidYetContext { time: now, not_before: from });
        }
        if now > until {
            return refused(CertificateError::ExpiredContext { time: now, not_after: until });
        }
        if !certificate.may(usage) {
            return refused(CertificateError::InvalidPurpose);
        }
        Some(Ok(()))
    }
}

/// Checks the certificates of servers.
#[derive(Debug)]
pub(super) struct Servers {
    trusted: Trusted,
    /// None where nobody's signature counts.
    chains: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

/// Checks the certificates of clients.
#[derive(Debug)]
pub(super) struct Clients {
    trusted: Trusted,
    chains: Option<Arc<dyn ClientCertVerifier>>,
    provider: Arc<CryptoProvider>,
    required: bool,
}

impl Servers {
    pub(super) fn new(trusted: Trusted, provider: Arc<CryptoProvider>) -> Result<Self> {
        let roots = Arc::new(trusted.authorities.clone());
        let build = || WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build().map_err(misuse);
        let chains = (!trusted.authorities.is_empty()).then(build).transpose()?;
        Ok(Self { trusted, chains, provider })
    }
}

impl Clients {
    pub(super) fn new(trusted: Trusted, provider: Arc<CryptoProvider>, required: bool) -> Result<Self> {
        let roots = Arc::new(trusted.authorities.clone());
        let build = || WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build().map_err(misuse);
        let chains = (!trusted.authorities.is_empty()).then(build).transpose()?;
        Ok(Self { trusted, chains, provider, required })
    }
}

fn misuse(error: impl std::fmt::Display) -> crate::error::Error {
    crate::error::Error::misuse(format!("the certificates to trust cannot be used: {error}"))
}

/// What both of rustls's traits ask for in the same words: whether a peer has the key of its certificate is for the provider to say.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    };
}

impl ServerCertVerifier for Servers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let done = match (self.trusted.itself(end_entity, SERVER, now), &self.chains) {
            (Some(checked), _) => checked.and_then(|()| {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)
            }),
            (None, None) => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
            (None, Some(chains)) => chains
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map(drop)
                .map_err(|error| of_authority(error, end_entity)),
        };
        match done {
            // The name is looked at last: all else is well.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => by_common_name(end_entity, server_name),
            done => done.map(|()| ServerCertVerified::assertion()),
        }
    }

    signatures!();
}

/// Webpki has an error of its own for authorities that are not trusted by themselves. They can be.
fn of_authority(error: Error, end_entity: &CertificateDer<'_>) -> Error {
    match &error {
        Error::InvalidCertificate(CertificateError::Other(_))
            if Certificate::from_der(end_entity.to_vec()).is_ok_and(|it| it.is_authority()) =>
        {
            Error::InvalidCertificate(CertificateError::UnknownIssuer)
        }
        _ => error,
    }
}

/// The last chance of a certificate that is not for the host by its alternative names.
fn by_common_name(end_entity: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<ServerCertVerified, Error> {
    let certificate = Certificate::from_der(end_entity.to_vec())
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    match name {
        ServerName::DnsName(host) if certificate.is_for_common_name(host.as_ref()) => {
            Ok(ServerCertVerified::assertion())
        }
        _ => Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected: name.to_owned(),
            presented: certificate.names(),
        })),
    }
}

impl ClientCertVerifier for Clients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // None: the client shows what it has, as to Pyro's servers.
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match (self.trusted.itself(end_entity, CLIENT, now), &self.chains) {
            (Some(checked), _) => checked.map(|()| ClientCertVerified::assertion()),
            (None, None) => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
            (None, Some(chains)) => chains
                .verify_client_cert(end_entity, intermediates, now)
                .map_err(|error| of_authority(error, end_entity)),
        }
    }

    signatures!();
}
