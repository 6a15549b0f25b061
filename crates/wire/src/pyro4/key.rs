//! [`Key`]: what those share who know each other's messages.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::{AnnotationId, Annotations};

/// A key by which both sides know that a message comes from one who has it, and that its body and annotations are as they
/// were sent.
///
/// The digest is HMAC-SHA1 over the body as it is sent (compressed perhaps) and over the data of the annotations in the order
/// of their ids. It says nothing of the header, hides nothing, and does not keep anybody from sending a message once more:
/// that is how the protocol has it.
#[derive(Clone)]
pub struct Key(Hmac<Sha1>);

/// How many bytes a digest has.
pub(super) const DIGEST_LEN: usize = 20;

impl Key {
    /// The key of these bytes; of Pyro's text keys, the UTF-8. None where there are no bytes: an empty key is no key.
    pub fn new(key: &[u8]) -> Option<Self> {
        // A key of any length will do.
        Hmac::new_from_slice(key).ok().filter(|_| !key.is_empty()).map(Self)
    }

    /// The digest of a message.
    pub(super) fn digest<'a>(
        &self,
        body: impl Iterator<Item = &'a [u8]>,
        annotations: &Annotations,
    ) -> [u8; DIGEST_LEN] {
        self.mac(body, annotations).finalize().into_bytes().into()
    }

    /// Whether this is the digest of the message. How long that takes says nothing of where it is wrong.
    pub(super) fn verify<'a>(
        &self,
        digest: &[u8],
        body: impl Iterator<Item = &'a [u8]>,
        annotations: &Annotations,
    ) -> bool {
        self.mac(body, annotations).verify_slice(digest).is_ok()
    }

    fn mac<'a>(&self, body: impl Iterator<Item = &'a [u8]>, annotations: &Annotations) -> Hmac<Sha1> {
        let mut mac = self.0.clone();
        body.for_each(|piece| mac.update(piece));
        let mut ids: Vec<AnnotationId> = annotations.iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids.into_iter().filter(|id| *id != AnnotationId::HMAC) {
            mac.update(annotations.get(id).map_or(&[][..], |data| data));
        }
        mac
    }
}

impl fmt::Debug for Key {
    /// It is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_pythons_whatever_the_order_of_the_annotations() {
        let key = Key::new(b"secret").unwrap();
        let id = |id: &str| AnnotationId::try_from(id).unwrap();
        let mut annotations = Annotations::new();
        annotations.insert(id("ZZZZ"), &b"last"[..]);
        annotations.insert(id("AAAA"), &b"first"[..]);
        annotations.insert(AnnotationId::HMAC, &b"not counted"[..]);
        let body = [&b"hel"[..], b"lo"];
        let digest = key.digest(body.into_iter(), &annotations);
        // `hmac.new(b"secret", b"hello" + b"first" + b"last", "sha1").hexdigest()`
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "c7079164bcc2836fdc1f1f4e575eb2983837470c");
        assert!(key.verify(&digest, body.into_iter(), &annotations));
        assert!(!key.verify(&digest[..19], body.into_iter(), &annotations));
        assert!(!Key::new(b"other").unwrap().verify(&digest, body.into_iter(), &annotations));
        assert!(Key::new(b"").is_none() && !format!("{key:?}").contains("secret"));
    }
}
