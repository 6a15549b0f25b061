//! What the fuzz targets do with their input. Each is a plain function of bytes that panics where something is wrong, so that
//! any runner will do: cargo-fuzz on nightly Rust, and `interop/tests/fuzz_replay.rs` on stable.

pub mod amqp;
mod gateway;
mod tasks;
pub mod zmtp;

use bytes::Bytes;
use salamander_codec::{Codec, Settings};
use salamander_net::naming::NameRegistry;
use salamander_net::naming::storage::MemoryStorage;
use salamander_net::{Location, NAME_SERVER_PORT, Uri};
use salamander_value::{Kind, Value, read_value};

/// A target: its name, which is that of its corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// A stream as it comes in reads of these sizes, over and over; squares, so that one byte says much or little. All at once where there are none.
fn reads<'a>(stream: &'a [u8], sizes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = sizes.iter().map(|&size| usize::from(size).pow(2) + 1).cycle();
    let mut rest = stream;
    std::iter::from_fn(move || {
        let (read, later) = rest.split_at(sizes.next().unwrap_or(rest.len()).min(rest.len()));
        rest = later;
        Some(read).filter(|read| !read.is_empty())
    })
}

/// All targets.
pub const TARGETS: [Target; 18] = [
    ("serpent", serpent),
    ("json", json),
    ("marshal", marshal),
    ("msgpack", msgpack),
    ("pickle", pickle),
    ("xmlrpc", xmlrpc),
    ("yaml", yaml),
    ("envelope", envelope),
    ("task", task),
    ("jsonrpc", jsonrpc),
    ("wire", wire),
    ("wire_pyro4", wire_pyro4),
    ("multiprocessing", multiprocessing),
    ("zmtp", zmtp::zmtp),
    ("amqp", amqp::amqp),
    ("uri", uri),
    ("name_pattern", name_pattern),
    ("http", http),
];

/// An encoded value or call in serpent.
pub fn serpent(data: &[u8]) {
    codec(Codec::Serpent, data);
}

/// An encoded value or call in JSON.
pub fn json(data: &[u8]) {
    codec(Codec::Json, data);
}

/// An encoded value or call in marshal.
pub fn marshal(data: &[u8]) {
    codec(Codec::Marshal, data);
}

/// An encoded value or call in msgpack.
pub fn msgpack(data: &[u8]) {
    codec(Codec::Msgpack, data);
}

/// An encoded value or call in pickle.
pub fn pickle(data: &[u8]) {
    codec(Codec::Pickle, data);
}

/// An encoded value or call in YAML.
pub fn yaml(data: &[u8]) {
    codec(Codec::Yaml, data);
}

/// An envelope of kombu's, as it stands in a list of Redis.
pub fn envelope(data: &[u8]) {
    tasks::envelope(data);
}

/// The body of a message of Celery's. The first byte says by which serializer it is encoded and how it is compressed.
pub fn task(data: &[u8]) {
    tasks::body(data);
}

/// A message of JSON-RPC, to a daemon that serves nothing but `rpc.discover`.
pub fn jsonrpc(data: &[u8]) {
    thread_local! {
        static SERVER: (tokio::runtime::Runtime, salamander_net::Daemon) = {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let daemon = runtime.block_on(salamander_net::Daemon::bind("127.0.0.1:0")).expect("a free port");
            (runtime, daemon)
        };
    }
    SERVER.with(|(runtime, daemon)| {
        let rpc = salamander_http::JsonRpc::new().max_calls(100);
        let Some(answer) = runtime.block_on(rpc.answer(daemon, Bytes::copy_from_slice(data))) else { return };
        // Ids come back as they came, with more digits perhaps than our own reader takes.
        match Codec::Json.decode_value(&Bytes::from(answer), &Settings::default()) {
            Ok(Value::Dict(_) | Value::List(_)) => {}
            Err(error) if error.kind() == Kind::TooLarge => {}
            other => panic!("no response: {other:?}"),
        }
    });
}

/// A value, a call or a response in XML-RPC.
pub fn xmlrpc(data: &[u8]) {
    codec(Codec::XmlRpc, data);
    let (settings, bytes) = (Settings::default(), Bytes::copy_from_slice(data));
    if let Ok((_, values)) = salamander_codec::xmlrpc::read_call(&bytes, &settings) {
        check_size(&Value::List(values), data.len(), &settings);
    }
    let _ = salamander_codec::xmlrpc::read_response(&bytes, &settings);
}

/// Reads a value and a call. What was read is no larger than the limits allow, and is written or refused; what is written can
/// be read.
fn codec(codec: Codec, data: &[u8]) {
    let settings = Settings::default();
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(value) = codec.decode_value(&bytes, &settings) {
        check_size(&value, data.len(), &settings);
        if let Ok(encoded) = codec.encode_value(&value, &settings) {
            let again = codec.decode_value(&Bytes::from(encoded), &settings);
            if let Err(error) = again {
                // A converted value may nest deeper than the one before it.
                assert!(error.kind() == Kind::TooDeep, "{codec:?} cannot read what it has written: {error}");
            }
        }
    }
    let _ = codec.decode::<Vec<Option<String>>>(&bytes, &settings);
    if let Ok((_, mut reader)) = codec.call_reader(&bytes, &settings) {
        let _ = read_value(&mut reader).and_then(|_| read_value(&mut reader)).and_then(|_| reader.finish());
    }
}

/// Counts what a value is made of, shared parts each time. Values may be nested deep, so there is no recursion.
fn check_size(value: &Value, len: usize, settings: &Settings) {
    let most_values = len.saturating_mul(settings.limits.expansion).max(4096);
    let most_bytes = most_values.saturating_mul(16);
    let (mut values, mut size) = (0usize, 0usize);
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        values += 1;
        match value {
            Value::Str(text) => size += text.len(),
            Value::Bytes(data) | Value::ByteArray(data) => size += data.len(),
            Value::List(items) | Value::Tuple(items) => open.extend(items),
            Value::Set(items) | Value::FrozenSet(items) => open.extend(items.iter()),
            Value::Dict(dict) => open.extend(dict.iter().flat_map(|(key, value)| [key, value])),
            Value::Object(object) => open.extend(object.fields().iter().flat_map(|(key, value)| [key, value])),
            Value::Exception(exception) => {
                open.extend(exception.args());
                open.extend(exception.attributes().iter().flat_map(|(key, value)| [key, value]));
            }
            _ => {}
        }
    }
    assert!(values <= most_values, "{values} values out of {len} bytes");
    assert!(size <= most_bytes, "{size} bytes of text and data out of {len} bytes");
}

/// How large the messages of `wire` may be.
const MAX_MESSAGE_SIZE: usize = 1 << 20;

/// What is to be true of the messages of a protocol: the module of one of them, and how it begins a message.
macro_rules! frames {
    ($protocol:ident, $begin:expr) => {
        pub(super) mod $protocol {
            use bytes::BytesMut;
            use salamander_codec::Output;
            use salamander_wire::WireErrorKind;
            use salamander_wire::$protocol::{Decoder, Message, STEP, finish};

            use super::MAX_MESSAGE_SIZE;

            /// However the stream is split, the same messages come out of it and the same error; no buffer grows ahead of it; and a message
            /// that was read is read the same when it has been written again.
            pub(crate) fn stream(data: &[u8]) {
                let Some((&count, data)) = data.split_first() else { return };
                let Some((sizes, stream)) = data.split_at_checked(usize::from(count % 8)) else { return };
                let whole = messages(stream, &[]);
                let split = messages(stream, sizes);
                assert!(whole == split, "other messages where they come in pieces: {whole:?}, {split:?}");
                for message in &whole.0 {
                    assert!(message.body.len() <= MAX_MESSAGE_SIZE, "a message of {} bytes", message.body.len());
                    let mut out = Output::new();
                    let Ok(started) = $begin(&mut out, message) else { continue };
                    out.attach(&message.body);
                    if finish(&mut out, started, MAX_MESSAGE_SIZE, false).is_err() {
                        continue;
                    }
                    let (again, error) = messages(&out.into_vec(), &[]);
                    assert!(error.is_none() && again.len() == 1, "a message that was written is not read: {error:?}");
                    assert_eq!((&again[0].body, &again[0].annotations), (&message.body, &message.annotations));
                }
            }

            /// The messages of a stream that comes in reads of these sizes, and what ended it before its end.
            fn messages(stream: &[u8], sizes: &[u8]) -> (Vec<Message>, Option<WireErrorKind>) {
                let mut decoder = Decoder::new(MAX_MESSAGE_SIZE);
                let mut buffer = BytesMut::new();
                let mut found = Vec::new();
                for read in super::reads(stream, sizes) {
                    buffer.extend_from_slice(read);
                    loop {
                        match decoder.decode(&mut buffer) {
                            Ok(Some(message)) => found.push(message),
                            Ok(None) => break,
                            Err(error) => return (found, Some(error.kind())),
                        }
                    }
                    let before = buffer.capacity();
                    decoder.reserve(&mut buffer);
                    let grown = buffer.capacity().saturating_sub(before);
                    assert!(
                        grown <= 2 * (buffer.len() + STEP),
                        "room for {grown} bytes behind {} bytes",
                        buffer.len()
                    );
                }
                (found, None)
            }
        }
    };
}

mod frames {
    use super::{MAX_MESSAGE_SIZE, reads};

    frames!(pyro5, |out, message: &Message| salamander_wire::pyro5::begin(
        out,
        &message.header,
        &message.annotations
    ));
    frames!(pyro4, |out, message: &Message| salamander_wire::pyro4::begin(
        out,
        &message.header,
        &message.annotations,
        None
    ));
}

/// A stream of Pyro5's messages. The first byte, modulo 8, says how many bytes follow that are the sizes of reads (squared, plus one),
/// in turn; then comes the stream.
pub fn wire(data: &[u8]) {
    frames::pyro5::stream(data);
}

/// The same of Pyro4's messages.
pub fn wire_pyro4(data: &[u8]) {
    frames::pyro4::stream(data);
}

/// A stream of frames of `multiprocessing.connection`, after the sizes of reads as in [`wire`]. However the stream is split, the same
/// frames come out of it; no buffer grows ahead of it; and as messages of an exchange of keys they let nobody in who has no key, at either
/// end.
pub fn multiprocessing(data: &[u8]) {
    let Some((&count, data)) = data.split_first() else { return };
    let Some((sizes, stream)) = data.split_at_checked(usize::from(count % 8)) else { return };
    let whole = connection::frames(stream, &[]);
    let split = connection::frames(stream, sizes);
    assert!(whole == split, "other frames where they come in pieces: {whole:?}, {split:?}");
    connection::written_and_read(&whole.0);
    connection::nobody_gets_in(&whole.0);
}

mod connection {
    use bytes::{Bytes, BytesMut};
    use salamander_codec::Output;
    use salamander_wire::WireErrorKind;
    use salamander_wire::multiprocessing::{
        AuthKey, Decoder, KeyExchange, MAX_EXCHANGED, RANDOM_LEN, Role, STEP, write_frame,
    };

    use super::MAX_MESSAGE_SIZE;

    /// The frames of a stream that comes in reads of these sizes, and what ended it before its end.
    pub(super) fn frames(stream: &[u8], sizes: &[u8]) -> (Vec<Bytes>, Option<WireErrorKind>) {
        let mut decoder = Decoder::new(MAX_MESSAGE_SIZE);
        let mut buffer = BytesMut::new();
        let mut found = Vec::new();
        for read in super::reads(stream, sizes) {
            buffer.extend_from_slice(read);
            loop {
                match decoder.decode(&mut buffer) {
                    Ok(Some(frame)) => found.push(frame),
                    Ok(None) => break,
                    Err(error) => return (found, Some(error.kind())),
                }
            }
            assert!(decoder.needed(&buffer) > 0, "a whole frame was not seen");
            let before = buffer.capacity();
            decoder.reserve(&mut buffer);
            let grown = buffer.capacity().saturating_sub(before);
            assert!(grown <= 2 * (buffer.len() + STEP), "room for {grown} bytes behind {} bytes", buffer.len());
        }
        (found, None)
    }

    pub(super) fn written_and_read(all: &[Bytes]) {
        let mut out = Output::new();
        for frame in all {
            assert!(write_frame(&mut out, frame, MAX_MESSAGE_SIZE).is_ok());
        }
        let (again, error) = frames(&out.into_vec(), &[]);
        assert!(again == all && error.is_none(), "frames that were written are not read: {error:?}");
    }

    /// The frames as what the other end says, who has no key: it is a client, or a server.
    pub(super) fn nobody_gets_in(frames: &[Bytes]) {
        for role in [Role::Server, Role::Client] {
            let Some(key) = AuthKey::new(*b"a key that no corpus holds") else { return };
            let mut exchange = KeyExchange::new(key, role, [7; RANDOM_LEN]);
            for frame in frames.iter().filter(|frame| frame.len() <= MAX_EXCHANGED) {
                let taken = exchange.receive(frame);
                while let Some(message) = exchange.take_message() {
                    assert!(message.len() <= MAX_EXCHANGED, "a message of {} bytes", message.len());
                }
                assert!(!exchange.is_done(), "{role:?} was content with b\"{}\"", frame.escape_ascii());
                if taken.is_err() {
                    break;
                }
            }
        }
    }
}

/// A URI or a location. What was read is shown; what is shown, if it can be read, is shown the same. (Tags are sorted, and one that
/// holds an `@` then may stand where another URI has its location, in Pyro as here: these are only read.)
pub fn uri(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Location::parse(text, Some(NAME_SERVER_PORT));
    if let Ok(uri) = Uri::parse(text, NAME_SERVER_PORT) {
        let shown = uri.to_string();
        if uri.tags().iter().any(|tag| tag.contains('@')) {
            return;
        }
        if let Ok(again) = Uri::parse(&shown, NAME_SERVER_PORT) {
            assert_eq!(again.to_string(), shown, "{text:?} is not shown twice the same");
        }
    }
}

/// A regular expression, and behind a zero byte the name that it is to match, as a name server's clients may send them.
pub fn name_pattern(data: &[u8]) {
    let (pattern, name) = match data.iter().position(|&byte| byte == 0) {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &b"example.name"[..]),
    };
    let (Ok(pattern), Ok(name)) = (std::str::from_utf8(pattern), std::str::from_utf8(name)) else { return };
    let Ok(uri) = Uri::parse("PYRO:object@localhost:1", NAME_SERVER_PORT) else { return };
    let names = NameRegistry::new(MemoryStorage::new());
    let _ = names.add(name, &uri, false, [].into());
    let _ = names.select(None, Some(pattern), false);
}

/// A request to the HTTP gateway, which calls an object of this process.
pub fn http(data: &[u8]) {
    gateway::answered(data);
}
