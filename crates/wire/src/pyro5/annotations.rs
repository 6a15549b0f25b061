//! [`Annotations`]: binary data beside the body, each under an id of four characters.

use std::fmt;

use bytes::Bytes;
use salamander_codec::Output;

use crate::{WireError, WireErrorKind};

/// What an annotation begins with: its id and its length.
const CHUNK_HEADER: usize = 8;

/// The id of an annotation: four ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnnotationId([u8; 4]);

impl AnnotationId {
    /// What a `SerializedBlob` says of itself: its info, the object and the method, by marshal.
    pub const BLOB_INFO: AnnotationId = AnnotationId(*b"BLBI");
    /// The id of a stream of items.
    pub const STREAM: AnnotationId = AnnotationId(*b"STRM");

    /// The four characters.
    pub const fn bytes(self) -> [u8; 4] {
        self.0
    }

    /// The id of these characters, if they are ASCII.
    pub const fn new(id: [u8; 4]) -> Option<Self> {
        if id.is_ascii() { Some(Self(id)) } else { None }
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        // Always ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl TryFrom<&str> for AnnotationId {
    type Error = WireError;

    fn try_from(id: &str) -> Result<Self, WireError> {
        <[u8; 4]>::try_from(id.as_bytes())
            .ok()
            .and_then(AnnotationId::new)
            .ok_or_else(|| invalid("annotation identifier must be 4 ascii characters"))
    }
}

impl fmt::Display for AnnotationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AnnotationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The annotations of a message, in order. Having none costs nothing.
///
/// A peer may send an id twice: the later one counts, as in Python.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Annotations(Vec<(AnnotationId, Bytes)>);

impl Annotations {
    /// No annotations.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The data under an id.
    pub fn get(&self, id: AnnotationId) -> Option<&Bytes> {
        self.0.iter().rfind(|(other, _)| *other == id).map(|(_, data)| data)
    }

    /// Puts data under an id, in the place of what is there.
    pub fn insert(&mut self, id: AnnotationId, data: impl Into<Bytes>) {
        let data = data.into();
        match self.0.iter_mut().rfind(|(other, _)| *other == id) {
            Some(entry) => entry.1 = data,
            None => self.0.push((id, data)),
        }
    }

    /// All of them in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (AnnotationId, &Bytes)> {
        self.0.iter().map(|(id, data)| (*id, data))
    }

    /// Reads annotations, which are slices of `bytes` then.
    pub(super) fn parse(bytes: &Bytes) -> Result<Self, WireError> {
        let mut annotations = Self::new();
        let mut at = 0;
        while at < bytes.len() {
            let overrun = || invalid("annotation chunk length exceeds remaining data");
            let &[a, b, c, d, l1, l2, l3, l4] = bytes[at..].first_chunk::<CHUNK_HEADER>().ok_or_else(overrun)?;
            let id = AnnotationId::new([a, b, c, d])
                .ok_or_else(|| invalid("annotation identifier must be 4 ascii characters"))?;
            at += CHUNK_HEADER;
            let len = u32::from_be_bytes([l1, l2, l3, l4]) as usize;
            if len > bytes.len() - at {
                return Err(overrun());
            }
            annotations.0.push((id, bytes.slice(at..at + len)));
            at += len;
        }
        Ok(annotations)
    }

    /// How many bytes they take in a message.
    pub(super) fn wire_len(&self) -> u64 {
        self.0.iter().map(|(_, data)| (CHUNK_HEADER + data.len()) as u64).sum()
    }

    /// Appends them to a message; they have been found small enough before.
    pub(super) fn write(&self, out: &mut Output) {
        for (id, data) in &self.0 {
            out.extend_from_slice(&id.0);
            out.extend_from_slice(&(data.len() as u32).to_be_bytes());
            out.attach(data);
        }
    }
}

impl fmt::Debug for Annotations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Extend<(AnnotationId, Bytes)> for Annotations {
    fn extend<I: IntoIterator<Item = (AnnotationId, Bytes)>>(&mut self, annotations: I) {
        for (id, data) in annotations {
            self.insert(id, data);
        }
    }
}

impl FromIterator<(AnnotationId, Bytes)> for Annotations {
    fn from_iter<I: IntoIterator<Item = (AnnotationId, Bytes)>>(annotations: I) -> Self {
        let mut all = Self::new();
        all.extend(annotations);
        all
    }
}

fn invalid(message: &str) -> WireError {
    WireError::new(WireErrorKind::Annotation, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &'static [u8]) -> Result<Annotations, String> {
        Annotations::parse(&Bytes::from_static(bytes)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_later_of_two_counts() {
        let annotations = parse(b"ABCD\0\0\0\x01xTEST\0\0\0\0ABCD\0\0\0\x01y").unwrap();
        let id = AnnotationId::try_from("ABCD").unwrap();
        assert_eq!(annotations.get(id).unwrap(), "y");
        assert_eq!(annotations.len(), 3);
        assert_eq!(annotations.get(AnnotationId::STREAM), None);
        assert_eq!(format!("{annotations:?}"), r#"{"ABCD": b"x", "TEST": b"", "ABCD": b"y"}"#);
    }

    #[test]
    fn what_does_not_fit_exactly_is_refused() {
        let overrun = Err("annotation chunk length exceeds remaining data".to_owned());
        assert_eq!(parse(b"ABCD\0\0\0\x01"), overrun);
        assert_eq!(parse(b"ABCD"), overrun);
        assert_eq!(parse(b"ABCD\0\0\0\0X"), overrun);
        assert_eq!(parse(b"ABCD\xff\xff\xff\xffX"), overrun);
        assert_eq!(parse(b"ABC\xff\0\0\0\0"), Err("annotation identifier must be 4 ascii characters".to_owned()));
        assert!(parse(b"AB\0 \0\0\0\0").is_ok());
    }

    #[test]
    fn ids_have_four_ascii_characters() {
        for id in ["", "abc", "abcde", "\u{e9}bc", "\u{e9}bcd"] {
            let error = AnnotationId::try_from(id).unwrap_err();
            assert_eq!(error.to_string(), "annotation identifier must be 4 ascii characters");
        }
        let mut annotations = Annotations::new();
        annotations.insert(AnnotationId::STREAM, &b"1"[..]);
        annotations.insert(AnnotationId::STREAM, &b"2"[..]);
        assert_eq!((annotations.len(), annotations.wire_len()), (1, 9));
    }
}
