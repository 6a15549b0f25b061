//! What holds for all of Pyro5's messages, however they are split, and for any bytes at all.

// Here a failure is a failed test.
#![allow(clippy::unwrap_used)]

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use salamander_codec::Output;
use salamander_wire::pyro5::{
    AnnotationId, Annotations, Decoder, Flags, HEADER_LEN, Header, MessageType, begin, finish,
};

#[derive(Clone, Debug)]
struct Sent {
    header: Header,
    annotations: Annotations,
    body: Vec<u8>,
    compressed: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let header = (any::<u8>(), any::<u8>(), any::<u16>(), any::<u16>(), any::<Option<[u8; 16]>>()).prop_map(
        |(number, serializer, bits, sequence, id)| {
            let flags = Flags::from_bits(bits & !Flags::COMPRESSED.bits() & !Flags::CORRELATION_ID.bits());
            Header::new(MessageType::from(number), serializer, sequence).with_flags(flags).with_correlation(id)
        },
    );
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..50),
        prop::collection::vec(any::<u8>(), 0..2000),
        (any::<u8>(), 0..70_000usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    let id = prop::array::uniform4(0u8..128).prop_map(|id| AnnotationId::new(id).unwrap());
    let annotations = prop::collection::vec((id, bytes.clone()), 0..4)
        .prop_map(|all| all.into_iter().map(|(id, data)| (id, Bytes::from(data))).collect());
    (header, annotations, bytes, any::<bool>()).prop_map(|(header, annotations, body, compressed)| Sent {
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
    ) {
        let mut out = Output::new();
        for Sent { header, annotations, body, compressed } in &all {
            let started = begin(&mut out, header, annotations).unwrap();
            out.attach(&Bytes::copy_from_slice(body));
            finish(&mut out, started, 1 << 20, *compressed).unwrap();
        }
        let bytes = out.into_vec();
        let mut decoder = Decoder::new(1 << 20);
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
            let expected = Header {
                data_len: sent.body.len() as u32,
                annotations_len: message.header.annotations_len,
                ..sent.header
            };
            prop_assert_eq!(message.header, expected);
            prop_assert_eq!(&message.annotations, &sent.annotations);
            prop_assert_eq!(&message.body[..], &sent.body[..]);
        }
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(
        start in prop_oneof![
            Just(Vec::new()),
            (0..8u8, any::<u8>(), 0..80u16, 0..200u32, 0..100u32).prop_map(|(number, serializer, bits, data, notes)| {
                let mut header = Header::new(number.into(), serializer, 1).with_flags(Flags::from_bits(bits));
                (header.data_len, header.annotations_len) = (data, notes);
                header.to_bytes().to_vec()
            }),
        ],
        rest in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(b'A'), Just(0x78), Just(0x9c)], 0..400),
        ],
        cut in 0..HEADER_LEN,
    ) {
        let bytes = [start, rest].concat();
        for from in [0, cut.min(bytes.len())] {
            let mut buffer = BytesMut::from(&bytes[from..]);
            let mut decoder = Decoder::new(10_000);
            while let Ok(Some(message)) = decoder.decode(&mut buffer) {
                prop_assert!(message.body.len() <= 10_000);
            }
            prop_assert!(decoder.needed(&buffer) <= 10_040);
        }
    }
}
