//! Certificates and private keys out of files, with errors that name the setting, the file and what would be right.

use std::path::Path;

use pem::Pem;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::key;
use crate::config::Secret;
use crate::error::{Error, Result};

/// A certificate with those that signed it, and its private key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// Both files by the names of their settings, for errors.
    pub(super) told: String,
}

/// A setting that names a file.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) setting: &'a str,
    pub(super) path: &'a str,
}

impl Named<'_> {
    /// An error about this file.
    pub(super) fn wrong(self, what: impl std::fmt::Display) -> Error {
        Error::misuse(format!("{}: {}: {what}", self.setting, self.path))
    }

    fn read(self) -> Result<Vec<Pem>> {
        let bytes = std::fs::read(self.path).map_err(|error| self.wrong(format_args!("cannot be read: {error}")))?;
        pem::parse_many(&bytes).map_err(|error| self.wrong(format_args!("is not in PEM format: {error}")))
    }
}

/// Reads the certificate of one end, and its key: from a file of its own, or else from that of the certificate.
pub(super) fn identity(certificate: Named<'_>, key: Named<'_>, password: (&str, &Secret)) -> Result<Identity> {
    let blocks = certificate.read()?;
    let chain = certificates(&blocks);
    if chain.is_empty() {
        return Err(certificate.wrong("has no certificate in it (-----BEGIN CERTIFICATE-----)"));
    }
    let (named, blocks) = if key.path.is_empty() { (certificate, blocks) } else { (key, key.read()?) };
    let found = blocks.iter().find(|block| block.tag().ends_with("PRIVATE KEY")).ok_or_else(|| {
        let where_else =
            if key.path.is_empty() { format!("; {} may name another file", key.setting) } else { String::new() };
        named.wrong(format_args!("has no private key in it (-----BEGIN PRIVATE KEY-----){where_else}"))
    })?;
    let private = key::read(found, password.1.reveal()).map_err(|why| {
        named.wrong(match why {
            key::Wrong::NoPassword => format!("is encrypted: {} should be its password", password.0),
            key::Wrong::Password => format!("cannot be decrypted with the password in {}", password.0),
            key::Wrong::Unknown(what) => format!("{what}; `openssl pkey` makes a key that can be read (PKCS#8)"),
        })
    })?;
    let told = match key.path {
        "" => format!("{}: {}", certificate.setting, certificate.path),
        path => format!("{}: {} and {}: {path}", certificate.setting, certificate.path, key.setting),
    };
    Ok(Identity { chain, key: private, told })
}

/// Reads the certificates that others' are checked by: those of a file, or of a directory that `openssl rehash` made.
pub(super) fn trusted(named: Named<'_>) -> Result<Vec<CertificateDer<'static>>> {
    if !Path::new(named.path).is_dir() {
        let found = certificates(&named.read()?);
        return match found.is_empty() {
            true => Err(named.wrong("has no certificate in it (-----BEGIN CERTIFICATE-----)")),
            false => Ok(found),
        };
    }
    let unreadable = |error| named.wrong(format_args!("cannot be read: {error}"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(named.path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_hashed(name) {
            let path = path.to_string_lossy();
            found.extend(certificates(&Named { path: &path, ..named }.read()?));
        }
    }
    if found.is_empty() {
        return Err(named.wrong(
            "no certificate in this directory has a name like 9d66eef0.0, by which OpenSSL finds them; \
             `openssl rehash` makes these names",
        ));
    }
    Ok(found)
}

/// Whether a file's name is the hash of a subject and a number: the only ones that OpenSSL looks for.
fn is_hashed(name: &str) -> bool {
    name.split_once('.').is_some_and(|(hash, number)| {
        hash.len() == 8
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn certificates(blocks: &[Pem]) -> Vec<CertificateDer<'static>> {
    let certificates = blocks.iter().filter(|block| matches!(block.tag(), "CERTIFICATE" | "X509 CERTIFICATE"));
    certificates.map(|block| block.contents().to_vec().into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hashes_are_known() {
        assert!(is_hashed("9d66eef0.0") && is_hashed("9d66eef0.12"));
        for other in ["9d66eef0", "9d66eef0.r0", "9d66eef.0", "ca.pem", "9d66eefg.0", "9d66eef0."] {
            assert!(!is_hashed(other), "{other}");
        }
    }
}
