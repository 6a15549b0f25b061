//! [`Annotations`]: binary data beside the body, each under an id of four characters.

use std::fmt;

use bytes::Bytes;
use salamander_codec::Output;

use crate::{WireError, WireErrorKind};

/// How many bytes a protocol has for the length of an annotation, which stands behind its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    Two,
    Four,
}

impl Lengths {
    /// How many bytes an annotation takes beside its data.
    fn header(self) -> usize {
        match self {
            Lengths::Two => 6,
            Lengths::Four => 8,
        }
    }
}

/// The id of an annotation: four ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnnotationId([u8; 4]);

impl AnnotationId {
    /// What a `SerializedBlob` says of itself: its info, the object and the method, by marshal.
    pub const BLOB_INFO: AnnotationId = AnnotationId(*b"BLBI");
    /// The correlation id, where the header has no place for it.
    pub const CORRELATION: AnnotationId = AnnotationId(*b"CORR");
    /// The digest by which those who share a key know that a message is of one of them.
    pub const HMAC: AnnotationId = AnnotationId(*b"HMAC");
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

    /// Takes out what is under an id.
    pub fn remove(&mut self, id: AnnotationId) -> Option<Bytes> {
        let found = self.get(id).cloned();
        self.0.retain(|(other, _)| *other != id);
        found
    }

    /// Reads annotations, which are slices of `bytes` then.
    pub(crate) fn parse(bytes: &Bytes, lengths: Lengths) -> Result<Self, WireError> {
        let mut annotations = Self::new();
        let mut at = 0;
        let overrun = || invalid("annotation chunk length exceeds remaining data");
        while at < bytes.len() {
            let rest = &bytes[at..];
            let &id = rest.first_chunk().ok_or_else(overrun)?;
            let len = match (lengths, &rest[4..]) {
                (Lengths::Two, &[a, b, ..]) => u16::from_be_bytes([a, b]).into(),
                (Lengths::Four, &[a, b, c, d, ..]) => u32::from_be_bytes([a, b, c, d]) as usize,
                _ => return Err(overrun()),
            };
            let id =
                AnnotationId::new(id).ok_or_else(|| invalid("annotation identifier must be 4 ascii characters"))?;
            at += lengths.header();
            if len > bytes.len() - at {
                return Err(overrun());
            }
            annotations.0.push((id, bytes.slice(at..at + len)));
            at += len;
        }
        Ok(annotations)
    }

    /// How many bytes they take in a message.
    pub(crate) fn wire_len(&self, lengths: Lengths) -> u64 {
        self.0.iter().map(|(_, data)| (lengths.header() + data.len()) as u64).sum()
    }

    /// Appends them to a message; they have been found small enough before.
    pub(crate) fn write(&self, out: &mut Output, lengths: Lengths) {
        for (id, data) in &self.0 {
            out.extend_from_slice(&id.0);
            match lengths {
                Lengths::Two => out.extend_from_slice(&(data.len() as u16).to_be_bytes()),
                Lengths::Four => out.extend_from_slice(&(data.len() as u32).to_be_bytes()),
            }
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
        Annotations::parse(&Bytes::from_static(bytes), Lengths::Four).map_err(|error| error.to_string())
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
        assert_eq!((annotations.len(), annotations.wire_len(Lengths::Four)), (1, 9));
    }
}
