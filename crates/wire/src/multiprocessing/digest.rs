//! The digests by which ends show that they have the key.

use std::fmt;

use hmac::digest::array::typenum::Unsigned;
use hmac::digest::block_api::BlockSizeUser;
use hmac::digest::{Digest as Hash, OutputSizeUser};
use hmac::{KeyInit, Mac, SimpleHmac};

/// A key that both ends of a connection have.
///
/// It hides nothing of what is sent, and is never sent itself: each end shows by a digest of the other's random bytes that it
/// has it.
#[derive(Clone)]
pub struct AuthKey(Vec<u8>);

/// One of the digests that Python 3.12 and later know; those before know [`Digest::Md5`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Md5,
    Sha256,
    Sha384,
    Sha3_256,
    Sha3_384,
}

impl AuthKey {
    /// The key of these bytes; none where there are none, because an empty key is no key.
    pub fn new(key: impl Into<Vec<u8>>) -> Option<Self> {
        Some(key.into()).filter(|key| !key.is_empty()).map(Self)
    }

    /// The digest of a message.
    pub(super) fn digest(&self, digest: Digest, message: &[u8]) -> Vec<u8> {
        match digest {
            Digest::Md5 => self.digest_by::<md5::Md5>(message),
            Digest::Sha256 => self.digest_by::<sha2::Sha256>(message),
            Digest::Sha384 => self.digest_by::<sha2::Sha384>(message),
            Digest::Sha3_256 => self.digest_by::<sha3::Sha3_256>(message),
            Digest::Sha3_384 => self.digest_by::<sha3::Sha3_384>(message),
        }
    }

    /// Whether this is the digest of a message. How long that takes says nothing of where it is wrong.
    pub(super) fn verify(&self, digest: Digest, message: &[u8], given: &[u8]) -> bool {
        match digest {
            Digest::Md5 => self.verify_by::<md5::Md5>(message, given),
            Digest::Sha256 => self.verify_by::<sha2::Sha256>(message, given),
            Digest::Sha384 => self.verify_by::<sha2::Sha384>(message, given),
            Digest::Sha3_256 => self.verify_by::<sha3::Sha3_256>(message, given),
            Digest::Sha3_384 => self.verify_by::<sha3::Sha3_384>(message, given),
        }
    }

    fn digest_by<H: Hash + BlockSizeUser>(&self, message: &[u8]) -> Vec<u8> {
        self.mac::<H>(message).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
    }

    fn verify_by<H: Hash + BlockSizeUser>(&self, message: &[u8], given: &[u8]) -> bool {
        given.len() == <H as OutputSizeUser>::OutputSize::USIZE
            && self.mac::<H>(message).is_some_and(|mac| mac.verify_slice(given).is_ok())
    }

    /// A key of any length will do, so there always is one.
    fn mac<H: Hash + BlockSizeUser>(&self, message: &[u8]) -> Option<SimpleHmac<H>> {
        let mut mac = SimpleHmac::<H>::new_from_slice(&self.0).ok()?;
        mac.update(message);
        Some(mac)
    }
}

impl Digest {
    const ALL: [Digest; 5] = [Digest::Md5, Digest::Sha256, Digest::Sha384, Digest::Sha3_256, Digest::Sha3_384];

    /// What it is called in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Digest::Md5 => "md5",
            Digest::Sha256 => "sha256",
            Digest::Sha384 => "sha384",
            Digest::Sha3_256 => "sha3_256",
            Digest::Sha3_384 => "sha3_384",
        }
    }

    /// The digest that a message names in front, as `{sha256}`, and what follows; nothing where it names none that is known.
    pub(super) fn named(message: &[u8]) -> Option<(Self, &[u8])> {
        let rest = message.strip_prefix(b"{")?;
        Self::ALL.into_iter().find_map(|digest| {
            let payload = rest.strip_prefix(digest.name().as_bytes())?.strip_prefix(b"}")?;
            Some((digest, payload))
        })
    }
}

impl fmt::Debug for AuthKey {
    /// It is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multiprocessing::recorded::{DIGESTS, KEY};

    #[test]
    fn digests_are_pythons() {
        let key = AuthKey::new(KEY).unwrap();
        for (challenge, answer) in DIGESTS {
            let (digest, given) = Digest::named(answer).unwrap_or((Digest::Md5, answer));
            assert_eq!(key.digest(digest, challenge), given, "{digest:?}");
            assert!(key.verify(digest, challenge, given));
            assert!(!key.verify(digest, challenge, &given[1..]) && !key.verify(digest, challenge, b""));
            assert!(!AuthKey::new(*b"other").unwrap().verify(digest, challenge, given));
        }
    }

    #[test]
    fn names_are_exact() {
        assert_eq!(Digest::named(b"{sha3_384}rest"), Some((Digest::Sha3_384, &b"rest"[..])));
        for wrong in
            [&b""[..], b"{", b"{}", b"{sha1}x", b"{sha256", b"{SHA256}x", b" {md5}", b"{sha2566}", b"sha256}"]
        {
            assert_eq!(Digest::named(wrong), None);
        }
    }

    #[test]
    fn a_key_tells_nobody_what_it_is() {
        assert!(AuthKey::new(*b"").is_none());
        assert_eq!(format!("{:?}", AuthKey::new(*b"secret")), "Some(AuthKey(***))");
    }
}
