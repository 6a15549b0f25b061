//! What failed TLS handshakes mean, in words that say what would be right.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

use crate::error::{Error, Kind};

/// TLS's own error inside one of the socket, if it is one.
fn inner(error: &io::Error) -> Option<&TlsError> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>())
}

/// From a client's side: what it means that the daemon cannot be connected to.
pub(super) fn of_daemon(error: &io::Error, shows_certificate: bool) -> Error {
    let refused = |message: String| Error::new(Kind::Refused, message);
    match inner(error) {
        Some(TlsError::InvalidCertificate(wrong)) => {
            refused(format!("the daemon's certificate is not accepted: {}", certificate(wrong, "the daemon's")))
        }
        Some(TlsError::AlertReceived(alert)) => refused(of_alert(*alert, shows_certificate)),
        Some(TlsError::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            Error::protocol("the daemon does not speak TLS; there, SSL has to be off")
        }
        Some(other) => refused(format!("no secure connection: {other}")),
        None if is_closed(error) => {
            let why = match shows_certificate {
                false => "it may want a certificate, and SSL_CLIENTCERT names none",
                true => "it may not accept the certificate in SSL_CLIENTCERT, or not speak TLS",
            };
            Error::connection(format!("the daemon closed the connection during the TLS handshake: {why}"))
        }
        None => Error::connection(error.to_string()),
    }
}

/// Whether a socket's error says no more than that the other end has gone.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// What a daemon said.
fn of_alert(alert: AlertDescription, shows_certificate: bool) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            "the daemon wants a client certificate: SSL_CLIENTCERT should name one that it trusts".to_owned()
        }
        AlertDescription::HandshakeFailure if !shows_certificate => {
            "the daemon refuses: it may want a certificate, and SSL_CLIENTCERT names none".to_owned()
        }
        AlertDescription::UnknownCA => {
            "the daemon does not trust the certificate in SSL_CLIENTCERT; the daemon's SSL_CACERTS should have who signed it"
                .to_owned()
        }
        AlertDescription::CertificateExpired => "the certificate in SSL_CLIENTCERT has expired".to_owned(),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown => {
            format!("the daemon does not accept the certificate in SSL_CLIENTCERT ({alert:?})")
        }
        other => format!("the daemon refuses a secure connection ({other:?})"),
    }
}

/// From a daemon's side: what it means that a client could not be let in; nothing where it just left.
pub(super) fn of_client(error: &io::Error) -> Option<String> {
    Some(match inner(error) {
        Some(TlsError::InvalidMessage(_)) => "it does not speak TLS; SSL is on here".to_owned(),
        Some(TlsError::NoCertificatesPresented) => {
            "it shows no certificate, and SSL_REQUIRECLIENTCERT is on".to_owned()
        }
        Some(TlsError::InvalidCertificate(wrong)) => {
            format!("its certificate is not accepted: {}", certificate(wrong, "its"))
        }
        Some(TlsError::AlertReceived(alert)) => match alert {
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown => {
                format!("it does not accept the certificate in SSL_SERVERCERT ({alert:?})")
            }
            other => format!("it refuses a secure connection ({other:?})"),
        },
        Some(other) => format!("no secure connection: {other}"),
        None if is_closed(error) => return None,
        None => error.to_string(),
    })
}

/// What is wrong with a certificate, and what would be right.
fn certificate(wrong: &CertificateError, whose: &str) -> String {
    match wrong {
        CertificateError::UnknownIssuer => {
            format!(
                "nobody who signed it is trusted; SSL_CACERTS should have {whose} certificate, or that of who signed it"
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; is the clock right?".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            format!("it is for {}, not for {}", list(presented), expected.to_str())
        }
        CertificateError::NotValidForName => "it is for another host".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is made for another purpose (its extended key usage)".to_owned()
        }
        CertificateError::BadSignature => "its signature is wrong".to_owned(),
        other => format!("{other:?}"),
    }
}

fn list(presented: &[String]) -> String {
    if presented.is_empty() { "no host".to_owned() } else { presented.join(", ") }
}
