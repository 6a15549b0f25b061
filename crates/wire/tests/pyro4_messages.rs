//! Pyro4's messages: what Pyro4 4.82 wrote, and what holds for all of them however they are split.

// Here a failure is a failed test.
#![allow(clippy::unwrap_used)]

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use salamander_codec::{ATTACH_FROM, Output};
use salamander_wire::pyro4::{
    AnnotationId, Annotations, Decoder, Flags, HEADER_LEN, Header, Key, Message, MessageType, STEP, begin, finish,
    write_message,
};
use salamander_wire::{WireError, WireErrorKind};

/// `Message(5, b"payload", 3, 5, 65535, {"TEST": b"abcde", "ABCD": b"", "WXYZ": b"\0\1"})`
const ANNOTATED: &[u8] = b"PYRO\x000\x00\x05\x00\x05\xff\xff\x00\x00\x00\x07\x00\x03\x00\x19\x00\x005E\
                           TEST\x00\x05abcdeABCD\x00\x00WXYZ\x00\x02\x00\x01payload";
/// `Message(5, b"payload", 3, 5, 65535, {"TEST": b"abcde", "ABCD": b""}, hmac_key=b"secret")`
const SIGNED: &[u8] = b"PYRO\x000\x00\x05\x00\x05\xff\xff\x00\x00\x00\x07\x00\x03\x00+\x00\x005W\
                        TEST\x00\x05abcdeABCD\x00\x00HMAC\x00\x14\xf28,\xa7\x97Y\x08\xcda\xa0(\xaa+\xf9\xaf#C\xa9\xa7{payload";
/// `Message(4, zlib.compress(b"abc" * 80), 1, 32 | 2, 9, {"ABCD": b"zz"})`
const COMPRESSED: &[u8] = b"PYRO\x000\x00\x04\x00\x22\x00\x09\x00\x00\x00\x0e\x00\x01\x00\x08\x00\x005_\
                            ABCD\x00\x02zzx\x9cKLJN\x1cI\x08\x00A\xc5[\xe1";

fn key() -> Option<Key> {
    Key::new(b"secret")
}

fn decode(bytes: &[u8], key: Option<Key>) -> Result<Option<Message>, WireError> {
    Decoder::new(1000).with_key(key).decode(&mut bytes.into())
}

fn annotation(id: &str, data: &'static [u8]) -> (AnnotationId, Bytes) {
    (id.try_into().unwrap(), Bytes::from_static(data))
}

#[test]
fn messages_of_pyro_are_read() {
    let message = decode(ANNOTATED, None).unwrap().unwrap();
    assert_eq!((message.header.sequence, message.header.serializer), (65535, 3));
    assert_eq!(message.flags(), Flags::EXCEPTION | Flags::ONEWAY);
    assert_eq!(format!("{:?}", message.annotations), r#"{"TEST": b"abcde", "ABCD": b"", "WXYZ": b"\0\x01"}"#);
    assert_eq!(message.body, "payload");
    let message = decode(COMPRESSED, None).unwrap().unwrap();
    assert_eq!(message.flags(), Flags::ITEM_STREAM_RESULT);
    assert_eq!((message.header.data_len, message.body), (240, b"abc".repeat(80).into()));
    let signed = decode(SIGNED, key()).unwrap().unwrap();
    assert_eq!(format!("{:?}", signed.annotations), r#"{"TEST": b"abcde", "ABCD": b""}"#);
}

#[test]
fn messages_are_written_as_pyro_writes_them() {
    let header =
        Header::new(MessageType::Result, 3, 65535).with_flags(Flags::EXCEPTION | Flags::ONEWAY | Flags::COMPRESSED);
    let mut out = Output::new();
    let annotations = [annotation("TEST", b"abcde"), annotation("ABCD", b""), annotation("WXYZ", b"\0\x01")];
    write_message(&mut out, &header, &annotations.into_iter().collect(), None, b"payload", 100).unwrap();
    assert_eq!(out.into_vec(), ANNOTATED);
    let mut out = Output::new();
    out.extend_from_slice(b"before");
    let annotations = [annotation("TEST", b"abcde"), annotation("ABCD", b"")].into_iter().collect();
    write_message(&mut out, &header, &annotations, key().as_ref(), b"payload", 100).unwrap();
    assert_eq!(out.into_vec(), [b"before", SIGNED].concat());
}

#[test]
fn who_does_not_share_the_key_is_refused() {
    let refused = |bytes: &[u8], key: Option<Key>| {
        let error = decode(bytes, key).unwrap_err();
        assert_eq!(error.kind(), WireErrorKind::Hmac);
        assert_eq!(error.exception().class(), "Pyro5.errors.SecurityError");
        error.to_string()
    };
    assert_eq!(refused(SIGNED, Key::new(b"wrong")), "message hmac mismatch");
    assert_eq!(refused(SIGNED, None), "hmac key config not symmetric");
    assert_eq!(refused(ANNOTATED, key()), "hmac key config not symmetric");
    for at in [SIGNED.len() - 1, HEADER_LEN + 6, SIGNED.len() - 8] {
        let mut tampered = SIGNED.to_vec();
        tampered[at] ^= 1;
        assert_eq!(refused(&tampered, key()), "message hmac mismatch", "{at}");
    }
}

#[test]
fn the_digest_is_looked_at_before_anything_is_decompressed() {
    let header = Header::new(MessageType::Invoke, 1, 1);
    let mut out = Output::new();
    let started = begin(&mut out, &header, &Annotations::new(), key().as_ref()).unwrap();
    out.extend_from_slice(&[b'a'; 500]);
    finish(&mut out, started, 1000, true).unwrap();
    let bytes = out.into_vec();
    assert!(bytes.len() < 150 && bytes[9] == 2);
    assert_eq!(decode(&bytes, key()).unwrap().unwrap().body, [b'a'; 500][..]);
    // Neither this message nor what it would decompress to is let in.
    assert_eq!(decode(&bytes, Key::new(b"wrong")).unwrap_err().kind(), WireErrorKind::Hmac);
    let small = Decoder::new(499).with_key(key()).decode(&mut bytes[..].into()).unwrap_err();
    assert_eq!(small.kind(), WireErrorKind::TooLarge { size: 500, max: 499 });
}

#[test]
fn bytes_may_come_one_by_one_and_room_is_made_step_by_step() {
    let mut decoder = Decoder::new(1000);
    let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
    for &byte in ANNOTATED.iter().chain(COMPRESSED) {
        buffer.extend_from_slice(&[byte]);
        messages.extend(decoder.decode(&mut buffer).unwrap());
    }
    assert!(buffer.is_empty() && decoder.needed(&buffer) == HEADER_LEN);
    assert_eq!(messages, [decode(ANNOTATED, None).unwrap().unwrap(), decode(COMPRESSED, None).unwrap().unwrap()]);
    let mut decoder = Decoder::new(1 << 31);
    let large = Header { data_len: 1 << 30, ..Header::new(MessageType::Invoke, 1, 1) };
    let mut buffer = BytesMut::from(&large.to_bytes()[..]);
    assert!(decoder.decode(&mut buffer).unwrap().is_none());
    assert_eq!((decoder.needed(&buffer), decoder.pending().unwrap().data_len), (1 << 30, 1 << 30));
    decoder.reserve(&mut buffer);
    assert!(buffer.capacity() < 2 * STEP);
}

#[test]
fn bad_messages_are_refused_before_their_body_comes() {
    let refused = |bytes: &[u8]| decode(bytes, None).unwrap_err();
    assert_eq!(refused(b"GET /").kind(), WireErrorKind::NotPyro);
    assert_eq!(refused(b"PYRO\x01\xf6").kind(), WireErrorKind::WrongVersion(502));
    let header = Header { data_len: 900, annotations_len: 101, ..Header::new(MessageType::Invoke, 1, 1) };
    assert_eq!(refused(&header.to_bytes()).to_string(), "message too large (1001, max=1000)");
    let mut decoder = Decoder::new(1000);
    decoder.accept(&[MessageType::Connect]);
    let error = decoder.decode(&mut Header { data_len: 5, ..header }.to_bytes()[..].into()).unwrap_err();
    assert_eq!(error.to_string(), "invalid msg type 4 received (expected: 1)");
    let mut bytes = Header { data_len: 8, annotations_len: 4, ..header }.to_bytes().to_vec();
    bytes.extend(b"ABCD\0\0wxyz12");
    assert_eq!(refused(&bytes).kind(), WireErrorKind::Annotation);
}

#[test]
fn too_much_is_taken_back() {
    let header = Header::new(MessageType::Invoke, 1, 1);
    let mut out = Output::new();
    out.extend_from_slice(b"before");
    let error = write_message(&mut out, &header, &Annotations::new(), None, b"123", 2).unwrap_err();
    assert_eq!(error.to_string(), "message too large (3, max=2)");
    let large = [(AnnotationId::try_from("ABCD").unwrap(), Bytes::from(vec![0; 65_530]))].into_iter().collect();
    assert!(begin(&mut out, &header, &large, None).is_err());
    let almost = [(AnnotationId::try_from("ABCD").unwrap(), Bytes::from(vec![0; 65_529]))].into_iter().collect();
    begin(&mut out, &header, &almost, None).unwrap().abandon(&mut out);
    assert!(begin(&mut out, &header, &almost, key().as_ref()).is_err());
    assert_eq!(&out[..], b"before");
}

#[derive(Clone, Debug)]
struct Sent {
    header: Header,
    annotations: Annotations,
    body: Vec<u8>,
    compressed: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let header =
        (any::<u16>(), any::<u16>(), any::<u16>(), any::<u16>()).prop_map(|(number, serializer, bits, sequence)| {
            let flags = Flags::from_bits(bits & !Flags::COMPRESSED.bits());
            Header::new(MessageType::from(number), serializer, sequence).with_flags(flags)
        });
    let id = prop::array::uniform4(b'a'..=b'z').prop_map(|id| AnnotationId::new(id).unwrap());
    let annotations = prop::collection::vec((id, prop::collection::vec(any::<u8>(), 0..500)), 0..4)
        .prop_map(|all| all.into_iter().map(|(id, data)| (id, Bytes::from(data))).collect());
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        (any::<u8>(), 0..2 * ATTACH_FROM).prop_map(|(byte, len)| vec![byte; len]),
    ];
    (header, annotations, body, any::<bool>()).prop_map(|(header, annotations, body, compressed)| Sent {
        header,
        annotations,
        body,
        compressed,
    })
}

proptest! {
    #[test]
    fn messages_arrive_as_they_were_sent(
        all in prop::collection::vec(sent(), 1..5),
        reads in prop::collection::vec(prop_oneof![1..50usize, 1..100_000usize], 1..20),
        key in prop::option::of(prop::collection::vec(any::<u8>(), 1..100)),
    ) {
        let key = key.and_then(|key| Key::new(&key));
        let mut out = Output::new();
        for Sent { header, annotations, body, compressed } in &all {
            let started = begin(&mut out, header, annotations, key.as_ref()).unwrap();
            out.attach(&Bytes::copy_from_slice(body));
            finish(&mut out, started, 1 << 20, *compressed).unwrap();
        }
        let bytes = out.into_vec();
        let mut decoder = Decoder::new(1 << 20).with_key(key);
        let mut buffer = BytesMut::new();
        let mut arrived = Vec::new();
        let mut rest = &bytes[..];
        for read in reads.iter().cycle() {
            decoder.reserve(&mut buffer);
            let (now, later) = rest.split_at(*read.min(&rest.len()));
            buffer.extend_from_slice(now);
            rest = later;
            while let Some(message) = decoder.decode(&mut buffer).unwrap() {
                arrived.push(message);
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(buffer.is_empty());
        prop_assert_eq!(arrived.len(), all.len());
        for (message, sent) in arrived.iter().zip(&all) {
            prop_assert_eq!(message.header.message_type, sent.header.message_type);
            prop_assert_eq!(message.header.flags, sent.header.flags);
            prop_assert_eq!(&message.annotations, &sent.annotations);
            prop_assert_eq!(&message.body[..], &sent.body[..]);
        }
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(
        start in prop_oneof![
            Just(Vec::new()),
            (0..8u16, any::<u16>(), 0..80u16, 0..200u32, 0..100u16).prop_map(|(number, serializer, bits, data, notes)| {
                let mut header = Header::new(number.into(), serializer, 1).with_flags(Flags::from_bits(bits));
                (header.data_len, header.annotations_len) = (data, notes);
                header.to_bytes().to_vec()
            }),
        ],
        rest in prop::collection::vec(prop_oneof![any::<u8>(), Just(0u8), Just(1), Just(b'A'), Just(0x78)], 0..400),
    ) {
        let mut buffer = BytesMut::from(&[start, rest].concat()[..]);
        let mut decoder = Decoder::new(10_000);
        while let Ok(Some(message)) = decoder.decode(&mut buffer) {
            prop_assert!(message.body.len() <= 10_000);
        }
        prop_assert!(decoder.needed(&buffer) <= 10_024);
    }
}
