//! [`Dialect`]: what the two ends of a connection speak. To all that is above here, messages of Pyro 4 look like those of Pyro 5.

use std::sync::Arc;

use bytes::BytesMut;
use salamander_codec::{Codec, Generation, Output, Settings};
use salamander_wire::pyro5::{AnnotationId, Annotations, Flags, Header, Message, MessageType};
use salamander_wire::{WireError, pyro4, pyro5};

pub(crate) use salamander_wire::pyro4::Key;

/// A generation of Pyro, and what belongs to it.
#[derive(Debug)]
pub(crate) struct Dialect {
    pub(crate) generation: Generation,
    /// By which both ends know each other; Pyro 4 alone has it.
    key: Option<Key>,
    pub(crate) codec_settings: Arc<Settings>,
}

/// In the handshake of Pyro 4: metadata is asked for, or comes along. The bit is free in Pyro 5, where it always does.
pub(crate) const META_ON_CONNECT: Flags = Flags::from_bits(1 << 15);

/// The flags by their bits in both generations.
const FLAGS: [(Flags, pyro4::Flags); 7] = [
    (Flags::EXCEPTION, pyro4::Flags::EXCEPTION),
    (Flags::COMPRESSED, pyro4::Flags::COMPRESSED),
    (Flags::ONEWAY, pyro4::Flags::ONEWAY),
    (Flags::BATCH, pyro4::Flags::BATCH),
    (META_ON_CONNECT, pyro4::Flags::META_ON_CONNECT),
    (Flags::ITEM_STREAM_RESULT, pyro4::Flags::ITEM_STREAM_RESULT),
    (Flags::KEEP_SERIALIZED, pyro4::Flags::KEEP_SERIALIZED),
];

impl Dialect {
    /// That of a generation.
    pub(crate) fn new(generation: Generation, key: Option<&Key>, settings: &Settings) -> Arc<Self> {
        let mut codec_settings = settings.clone();
        codec_settings.generation = generation;
        let key = key.filter(|_| generation == Generation::Pyro4).cloned();
        Arc::new(Self { generation, key, codec_settings: Arc::new(codec_settings) })
    }

    /// The codec of a number.
    pub(crate) fn codec(&self, id: u8) -> Option<Codec> {
        Codec::from_id_in(self.generation, id)
    }

    /// Whether messages can be in this codec.
    pub(crate) fn has(&self, codec: Codec) -> bool {
        codec.id_in(self.generation).is_some()
    }

    /// The header of a message in a codec that there is.
    pub(crate) fn header(&self, message_type: MessageType, codec: Codec, sequence: u16) -> Header {
        Header::new(message_type, codec.id_in(self.generation).unwrap_or_default(), sequence)
    }

    pub(crate) fn decoder(&self, max_message_size: usize) -> Decoder {
        match self.generation {
            Generation::Pyro5 => Decoder::Pyro5(pyro5::Decoder::new(max_message_size)),
            Generation::Pyro4 => Decoder::Pyro4(pyro4::Decoder::new(max_message_size).with_key(self.key.clone())),
        }
    }

    /// Begins a message; see [`pyro5::begin`].
    pub(crate) fn begin(
        &self,
        out: &mut Output,
        header: &Header,
        annotations: &Annotations,
    ) -> Result<Started, WireError> {
        match self.generation {
            Generation::Pyro5 => pyro5::begin(out, header, annotations).map(Started::Pyro5),
            Generation::Pyro4 => {
                let (header, annotations) = to_pyro4(header, annotations);
                pyro4::begin(out, &header, &annotations, self.key.as_ref())
                    .map(|started| Started::Pyro4(Box::new(started)))
            }
        }
    }
}

/// A message that has been begun.
#[must_use = "the message is not whole before it is finished"]
pub(crate) enum Started {
    Pyro5(pyro5::Started),
    Pyro4(Box<pyro4::Started>),
}

/// Ends a message; see [`pyro5::finish`].
pub(crate) fn finish(
    out: &mut Output,
    started: Started,
    max_message_size: usize,
    compressed: bool,
) -> Result<(), WireError> {
    match started {
        Started::Pyro5(started) => pyro5::finish(out, started, max_message_size, compressed),
        Started::Pyro4(started) => pyro4::finish(out, *started, max_message_size, compressed),
    }
}

/// Cuts messages out of what is received; see [`pyro5::Decoder`].
#[derive(Debug)]
pub(crate) enum Decoder {
    Pyro5(pyro5::Decoder),
    Pyro4(pyro4::Decoder),
}

impl Decoder {
    pub(crate) fn accept(&mut self, types: &'static [MessageType]) {
        match self {
            Decoder::Pyro5(decoder) => decoder.accept(types),
            Decoder::Pyro4(decoder) => decoder.accept(types),
        }
    }

    #[inline]
    pub(crate) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, WireError> {
        match self {
            Decoder::Pyro5(decoder) => decoder.decode(buffer),
            Decoder::Pyro4(decoder) => Ok(decoder.decode(buffer)?.map(of_pyro4)),
        }
    }

    /// Makes room for the message that is coming in; tells whether one is known to be.
    #[inline]
    pub(crate) fn reserve(&self, buffer: &mut BytesMut) -> bool {
        match self {
            Decoder::Pyro5(decoder) if decoder.pending().is_some() => decoder.reserve(buffer),
            Decoder::Pyro4(decoder) if decoder.pending().is_some() => decoder.reserve(buffer),
            _ => return false,
        }
        true
    }
}

fn of_pyro4(message: pyro4::Message) -> Message {
    let correlation = message.correlation();
    let pyro4::Message { header, mut annotations, body } = message;
    if correlation.is_some() {
        annotations.remove(AnnotationId::CORRELATION);
    }
    let mut flags = Flags::NONE;
    for (ours, theirs) in FLAGS {
        if header.flags.contains(theirs) {
            flags.insert(ours);
        }
    }
    // There is no serializer of a higher number.
    let serializer = u8::try_from(header.serializer).unwrap_or(u8::MAX);
    let header =
        Header::new(header.message_type, serializer, header.sequence).with_flags(flags).with_correlation(correlation);
    Message { header: Header { data_len: body.len() as u32, ..header }, annotations, body }
}

/// What a message of Pyro 5 is in Pyro 4.
pub(crate) fn to_pyro4(header: &Header, annotations: &Annotations) -> (pyro4::Header, Annotations) {
    let mut flags = pyro4::Flags::NONE;
    for (ours, theirs) in FLAGS {
        if header.flags.contains(ours) {
            flags.insert(theirs);
        }
    }
    let mut annotations = annotations.clone();
    if let Some(id) = header.correlation() {
        annotations.insert(AnnotationId::CORRELATION, id.to_vec());
    }
    let message_type = header.message_type;
    (pyro4::Header::new(message_type, header.serializer.into(), header.sequence).with_flags(flags), annotations)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn messages_pass_through_pyro_4_unchanged() {
        let settings = Settings::default();
        for key in [None, Key::new(b"secret")] {
            let dialect = Dialect::new(Generation::Pyro4, key.as_ref(), &settings);
            let all =
                [Flags::EXCEPTION, Flags::ONEWAY, Flags::BATCH, Flags::ITEM_STREAM_RESULT, Flags::KEEP_SERIALIZED];
            for flags in all.into_iter().chain([META_ON_CONNECT, Flags::NONE]) {
                for correlation in [None, Some([7; 16])] {
                    let header = dialect
                        .header(MessageType::Invoke, Codec::Msgpack, 9)
                        .with_flags(flags)
                        .with_correlation(correlation);
                    assert_eq!(header.serializer, 6);
                    let annotations = [(AnnotationId::STREAM, Bytes::from_static(b"x"))].into_iter().collect();
                    let mut out = Output::new();
                    let started = dialect.begin(&mut out, &header, &annotations).unwrap();
                    out.extend_from_slice(b"body");
                    finish(&mut out, started, 1000, false).unwrap();
                    let mut buffer = BytesMut::from(&out.into_vec()[..]);
                    let message = dialect.decoder(1000).decode(&mut buffer).unwrap().unwrap();
                    assert_eq!(
                        message,
                        Message { header: Header { data_len: 4, ..header }, annotations, body: "body".into() }
                    );
                }
            }
        }
    }

    #[test]
    fn a_generation_has_its_own_numbers_for_serializers() {
        let settings = Settings::default();
        let pyro4 = Dialect::new(Generation::Pyro4, None, &settings);
        let pyro5 = Dialect::new(Generation::Pyro5, Key::new(b"x").as_ref(), &settings);
        assert_eq!((pyro4.codec(2), pyro4.codec(4), pyro4.codec(5)), (Some(Codec::Json), Some(Codec::Pickle), None));
        assert_eq!(
            (pyro5.codec(2), pyro5.codec(4), pyro5.codec(0)),
            (Some(Codec::Marshal), Some(Codec::Msgpack), None)
        );
        assert!(pyro4.has(Codec::Pickle) && !pyro5.has(Codec::Pickle) && pyro5.key.is_none());
    }
}
