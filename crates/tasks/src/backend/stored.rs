//! [`Stored`]: from states of tasks to what is kept of them, and back.

use std::time::Duration;

use bytes::Bytes;
use salamander_codec::Settings;
use salamander_wire::WireError;
use salamander_wire::celery::{Compression, ResultMeta, Serializer, State, settings};

use crate::{Error, Kind, Result};

/// The most that a result may have when it is decompressed.
const DECOMPRESSED: usize = 64 << 20;

/// By what Celery marks results that are compressed: this, the content type of the compression, a zero.
const COMPRESSED: &[u8] = b"\0celery-compressed\0";

/// How results are kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResultOptions {
    /// By what they are encoded: `result_serializer`.
    pub serializer: Serializer,
    /// By what they are compressed, where the backend can: `result_compression`. What others have compressed is read in any case.
    pub compression: Option<Compression>,
    /// For how long they are kept; none for ever: `result_expires`.
    pub expires: Option<Duration>,
    /// For how long failures are kept, where the backend can; none for as long as the others, zero for ever: `result_failure_expires`.
    pub failure_expires: Option<Duration>,
}

impl Default for ResultOptions {
    /// JSON, for a day.
    fn default() -> Self {
        Self {
            serializer: Serializer::Json,
            compression: None,
            expires: Some(Duration::from_secs(86_400)),
            failure_expires: None,
        }
    }
}

impl ResultOptions {
    /// For how long a task of this state is kept.
    pub(crate) fn lifetime(&self, state: &State) -> Option<Duration> {
        match (state, self.failure_expires) {
            (State::Failure, Some(time)) => Some(time).filter(|time| !time.is_zero()),
            _ => self.expires,
        }
    }
}

/// How final a state is: one that is less so does not take the place of another, and nothing takes that of a success.
pub(crate) fn finality(state: &State) -> u8 {
    match state {
        State::Success => 2,
        state if state.is_ready() => 1,
        _ => 0,
    }
}

/// What stands for states where a backend keeps each as one value.
///
/// # Wire
/// Celery 5.7: encoded by the serializer of results; compressed, with a mark in front that says so and by what.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) options: ResultOptions,
    pub(crate) settings: Settings,
}

impl Stored {
    pub(crate) fn new(options: ResultOptions) -> Self {
        Self { options, settings: settings() }
    }

    /// For how long a task of this state is kept.
    pub(crate) fn lifetime(&self, state: &State) -> Option<Duration> {
        self.options.lifetime(state)
    }

    /// What is kept of a state.
    pub(crate) fn encode(&self, meta: &ResultMeta) -> Result<Bytes> {
        self.compressed(meta.encode(self.options.serializer, &self.settings)).map_err(|error| {
            let message = format!("the result of {} cannot be encoded: {error}", meta.task_id);
            Error::with_source(Kind::Misuse, message, error)
        })
    }

    /// What is kept of another value.
    #[cfg(feature = "redis")]
    pub(crate) fn encode_value(&self, value: &salamander_value::Value) -> Result<Bytes> {
        self.compressed(self.options.serializer.encode(value, &self.settings)).map_err(|error| {
            Error::with_source(Kind::Misuse, format!("it cannot be encoded to be kept: {error}"), error)
        })
    }

    fn compressed(&self, encoded: Result<Bytes, WireError>) -> Result<Bytes, WireError> {
        encoded.and_then(|encoded| match self.options.compression {
            Some(compression) => {
                let body = compression.compress(&encoded)?;
                Ok([COMPRESSED, compression.content_type().as_bytes(), b"\0", &body].concat().into())
            }
            None => Ok(encoded),
        })
    }

    /// The value that is kept so.
    #[cfg(feature = "redis")]
    pub(crate) fn decode_value(&self, stored: &Bytes) -> Result<salamander_value::Value> {
        let serializer = self.options.serializer;
        let decoded = match decompressed(stored) {
            Some(plain) => plain.and_then(|plain| serializer.decode(&plain, &self.settings)),
            None => serializer.decode(stored, &self.settings),
        };
        decoded.map_err(|error| wrong(&error))
    }

    /// The state that is kept so.
    #[cfg(any(feature = "redis", test))]
    pub(crate) fn decode(&self, stored: &Bytes) -> Result<ResultMeta> {
        self.decode_by(self.options.serializer, stored)
    }

    fn decode_by(&self, serializer: Serializer, stored: &Bytes) -> Result<ResultMeta> {
        let decoded = match decompressed(stored) {
            Some(plain) => plain.and_then(|plain| ResultMeta::decode(&plain, serializer, &self.settings)),
            None => ResultMeta::decode(stored, serializer, &self.settings),
        };
        decoded.map_err(|error| wrong(&error))
    }

    /// The same, which says itself by what it is encoded: the number of the serializer stands in front.
    pub(crate) fn pack(&self, meta: &ResultMeta) -> Result<Bytes> {
        let encoded = self.encode(meta)?;
        let number = Serializer::ALL.iter().position(|one| *one == self.options.serializer).unwrap_or_default();
        let mut packed = Vec::with_capacity(1 + encoded.len());
        packed.push(u8::try_from(number).unwrap_or_default());
        packed.extend_from_slice(&encoded);
        Ok(packed.into())
    }

    /// The state that was packed.
    pub(crate) fn unpack(&self, packed: &Bytes) -> Result<ResultMeta> {
        let number = packed.first().copied().unwrap_or(u8::MAX);
        let serializer = Serializer::ALL.get(usize::from(number)).ok_or_else(|| wrong(&"by no known serializer"))?;
        self.decode_by(*serializer, &packed.slice(1..))
    }
}

/// What was compressed, if it was.
fn decompressed(stored: &[u8]) -> Option<Result<Bytes, WireError>> {
    let rest = stored.strip_prefix(COMPRESSED)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let name = String::from_utf8_lossy(&rest[..end]).into_owned();
    Some(Compression::from_name(&name).and_then(|it| it.decompress(&rest[end + 1..], DECOMPRESSED)))
}

#[cold]
fn wrong(why: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Message, format!("what is stored is no result: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(serializer: Serializer, compression: Option<Compression>) -> Stored {
        Stored::new(ResultOptions { serializer, compression, ..ResultOptions::default() })
    }

    #[test]
    fn what_is_kept_is_the_same_again_whoever_reads_it() {
        let meta = ResultMeta::new("a", State::Success, "some text ".repeat(100));
        for serializer in [Serializer::Json, Serializer::Msgpack, Serializer::Yaml, Serializer::Pickle] {
            for compression in Compression::ALL.into_iter().map(Some).chain([None]) {
                let writer = stored(serializer, compression);
                let encoded = writer.encode(&meta).unwrap();
                assert_eq!(encoded.starts_with(COMPRESSED), compression.is_some());
                assert_eq!(stored(serializer, None).decode(&encoded).unwrap(), meta);
                assert_eq!(stored(Serializer::Json, None).unpack(&writer.pack(&meta).unwrap()).unwrap(), meta);
            }
        }
        let compressed = stored(Serializer::Json, Some(Compression::Zlib)).encode(&meta).unwrap();
        assert!(compressed.len() < 300 && compressed.starts_with(b"\0celery-compressed\0application/x-gzip\0\x78"));
    }

    #[test]
    fn what_is_no_result_is_said() {
        let json = stored(Serializer::Json, None);
        let bomb = Compression::Zlib.compress(&vec![b' '; DECOMPRESSED + 1]).unwrap();
        let bomb = [COMPRESSED, b"gzip\0", &bomb].concat();
        for wrong in [&b""[..], b"\0", b"\0celery-compressed\0", b"\0celery-compressed\0none\0x", b"[]", &bomb] {
            assert_eq!(json.decode(&Bytes::copy_from_slice(wrong)).unwrap_err().kind(), Kind::Message);
            assert_eq!(json.unpack(&[b"\0", wrong].concat().into()).unwrap_err().kind(), Kind::Message);
        }
        for wrong in [&b""[..], b"\x09{}"] {
            assert_eq!(json.unpack(&Bytes::copy_from_slice(wrong)).unwrap_err().kind(), Kind::Message);
        }
    }

    #[test]
    fn failures_may_have_a_time_of_their_own() {
        let mut options = ResultOptions { expires: Some(Duration::from_secs(9)), ..ResultOptions::default() };
        let times = |options: &ResultOptions| {
            [State::Success, State::Failure, State::Revoked]
                .map(|state| options.lifetime(&state).map(|t| t.as_secs()))
        };
        assert_eq!(times(&options), [Some(9), Some(9), Some(9)]);
        options.failure_expires = Some(Duration::from_secs(5));
        assert_eq!(times(&options), [Some(9), Some(5), Some(9)]);
        options.failure_expires = Some(Duration::ZERO);
        assert_eq!(times(&options), [Some(9), None, Some(9)]);
    }
}
