//! Messages between ours and kombu, both ways, in every serializer and with every compression.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use bytes::Bytes;
use interop::python;
use salamander_value::{Dict, Value};
use salamander_wire::celery::{Accept, Compression, Decoding, DeliveryInfo, Message, Serializer, settings};

/// The process of `python/kombu_messages.py`.
struct Kombu {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Kombu {
    fn start() -> Self {
        let mut command = python::script("kombu_messages.py");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("Python runs");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        Self { child, stdin, stdout: BufReader::new(stdout) }
    }

    fn ask(&mut self, request: &[(&str, Value)]) -> Dict {
        let request: Value = Dict::from_iter(request.iter().cloned()).into();
        let mut line = Serializer::Json.encode(&request, &settings()).expect("JSON").to_vec();
        line.push(b'\n');
        let stdin = self.stdin.as_mut().expect("the pipe is open");
        stdin.write_all(&line).and_then(|()| stdin.flush()).expect("Python listens");
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).expect("Python answers");
        match Serializer::Json.decode(&Bytes::from(answer), &settings()).expect("JSON") {
            Value::Dict(answer) => *answer,
            other => panic!("no answer: {other}"),
        }
    }
}

impl Drop for Kombu {
    fn drop(&mut self) {
        // At the end of its input it ends by itself.
        self.stdin = None;
        let _ = self.child.wait();
    }
}

const SERIALIZERS: [Serializer; 4] = [Serializer::Json, Serializer::Msgpack, Serializer::Yaml, Serializer::Pickle];

fn compressions() -> impl Iterator<Item = Option<Compression>> {
    Compression::ALL.into_iter().map(Some).chain([None])
}

fn values() -> Vec<Value> {
    let entries = [("sum", Value::from(5)), ("é", Value::from(-2.5)), ("none", Value::None), ("yes", "no".into())];
    let dict: Value = Dict::from_iter(entries).into();
    let items = (0..3000).map(|at| Value::from(format!("item {} \u{1F600} \"\\\n", at % 17)));
    vec![vec![dict.clone(), Value::Bool(true)].into(), Value::List(items.collect()), Value::List(vec![]), dict]
}

fn text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into_owned().into()
}

#[test]
fn what_kombu_makes_is_read() {
    let mut kombu = Kombu::start();
    let accept = Accept::new(["json", "msgpack", "yaml", "pickle"]).expect("known names");
    let decoding = Decoding::default().accepting(accept);
    for serializer in SERIALIZERS {
        for compression in compressions() {
            for value in values() {
                let json = Serializer::Json.encode(&value, &settings()).expect("JSON");
                let answer = kombu.ask(&[
                    ("do", "make".into()),
                    ("value", text(&json)),
                    ("serializer", serializer.name().into()),
                    ("compression", compression.map(|compression| compression.names()[0].to_owned()).into()),
                ]);
                let envelope = answer.get("envelope").and_then(Value::as_str).unwrap_or_else(|| panic!("{answer:?}"));
                let message = Message::from_envelope(&Bytes::from(envelope.to_owned())).expect("an envelope");
                assert_eq!(message.decode(&decoding), Ok(value), "{serializer} {compression:?}");
                assert_eq!(message.header("compression"), compression.map(Compression::content_type));
                assert_eq!(
                    (&*message.content_type, message.properties.priority),
                    (serializer.content_type(), Some(3))
                );
                assert_eq!(&*message.content_encoding, serializer.content_encoding());
                assert_eq!(message.properties.delivery_info, DeliveryInfo::new("", "queue"));
                let disallowed = Decoding::default().accepting(Accept::new([]).expect("no names"));
                let refused = message.decode(&disallowed).expect_err("nothing is accepted").to_string();
                assert!(refused.starts_with("Refusing to deserialize untrusted content of type"), "{refused}");
            }
        }
    }
}

#[test]
fn what_is_made_kombu_reads() {
    let mut kombu = Kombu::start();
    for serializer in SERIALIZERS {
        for compression in compressions() {
            for value in values() {
                let body = serializer.encode(&value, &settings()).expect("a plain value");
                let mut message = Message::new(body, serializer);
                message.headers.insert("own", vec![Value::from(1), "é".into()]);
                message.properties.correlation_id = Some("1".into());
                message.properties.priority = Some(3);
                message.properties.delivery_tag = Some("tag".into());
                message.properties.delivery_info = DeliveryInfo::new("", "queue");
                if let Some(compression) = compression {
                    message.compress(compression).expect("compressed");
                }
                let envelope = message.to_envelope().expect("an envelope");
                let answer = kombu.ask(&[("do", "read".into()), ("envelope", text(&envelope))]);
                let payload = answer.get("payload").and_then(Value::as_str);
                let payload = payload.unwrap_or_else(|| panic!("{serializer} {compression:?} {answer:?}"));
                let payload = Serializer::Json.decode(&Bytes::from(payload.to_owned()), &settings());
                assert_eq!(payload, Ok(value), "{serializer} {compression:?}");
                assert_eq!(answer.get("headers"), Some(&message.headers.into()));
                assert_eq!(answer.get("delivery_tag"), Some(&"tag".into()));
                assert_eq!(answer.get("priority"), Some(&3.into()));
            }
        }
    }
}

fn json(answer: &Dict, name: &str) -> Value {
    let text = answer.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name}: {answer:?}"));
    Serializer::Json.decode(&Bytes::from(text.to_owned()), &settings()).expect("JSON")
}

/// What kombu reads in an envelope, without the tag and the way of this very message.
fn seen(mut answer: Dict) -> Dict {
    answer.remove("envelope");
    answer
}

#[test]
fn random_messages_are_the_same_to_kombu_and_to_us() {
    let mut kombu = Kombu::start();
    let accept = Accept::new(["json", "msgpack", "yaml", "pickle"]).expect("known names");
    let decoding = Decoding::default().accepting(accept);
    for seed in 0..interop::cases(300) {
        let made = kombu.ask(&[("do", "random".into()), ("seed", (seed as i64).into())]);
        let envelope = made.get("envelope").and_then(Value::as_str).unwrap_or_else(|| panic!("{seed} {made:?}"));
        let message = Message::from_envelope(&Bytes::from(envelope.to_owned())).expect("an envelope");
        let payload = json(&made, "payload");
        assert_eq!(message.decode(&decoding), Ok(payload.clone()), "{seed}");
        assert_eq!(made.get("headers"), Some(&message.headers.clone().into()), "{seed}");
        // Written again as it is, it is the same message to kombu.
        let read = |kombu: &mut Kombu, message: &Message| {
            let envelope = message.to_envelope().expect("an envelope");
            kombu.ask(&[("do", "read".into()), ("envelope", text(&envelope))])
        };
        let again = read(&mut kombu, &message);
        assert_eq!(again, seen(made.clone()), "{seed}");
        // And with what it holds encoded and compressed by us.
        let (serializer, compression) = (SERIALIZERS[seed % 4], compressions().nth(seed % 6).expect("as many"));
        let mut ours = message.clone();
        ours.body = serializer.encode(&payload, &settings()).expect("a plain value");
        ours.content_type = serializer.content_type().into();
        ours.content_encoding = serializer.content_encoding().into();
        ours.headers.remove("compression");
        if let Some(compression) = compression {
            ours.compress(compression).expect("compressed");
        }
        let told = read(&mut kombu, &ours);
        assert_eq!(json(&told, "payload"), payload, "{seed} {serializer} {compression:?}");
        assert_eq!(told.get("headers"), Some(&ours.headers.clone().into()), "{seed}");
        assert_eq!(told.get("properties"), made.get("properties"), "{seed}");
    }
}

#[test]
fn what_pythons_libraries_compress_is_read_and_what_they_refuse_is_refused() {
    let mut kombu = Kombu::start();
    let (mut read, mut refused, mut unlike) = (0, 0, 0);
    for seed in 0..interop::cases(40) {
        let told = kombu.ask(&[("do", "compressed".into()), ("seed", (seed as i64).into())]);
        let cases = told.get("cases").and_then(Value::as_slice).unwrap_or_else(|| panic!("{seed} {told:?}"));
        for case in cases {
            let [name, how, body, plain] = case.as_slice().expect("four") else { panic!("{case}") };
            let (name, how) = (name.as_str().expect("a name"), how.as_str().expect("whole, cut or damaged"));
            let decoded = |value: &Value| {
                let engine = base64::engine::general_purpose::STANDARD;
                value.as_str().map(|text| base64::Engine::decode(&engine, text).expect("base64"))
            };
            let (body, plain) = (decoded(body).expect("a body"), decoded(plain));
            let ours = Compression::from_name(name).expect("kombu's").decompress(&body, 1 << 20);
            match (ours, plain) {
                (Ok(ours), Some(plain)) => {
                    assert!(ours == plain, "{seed} {name}: other data");
                    read += 1;
                    if let Some(limit) = plain.len().checked_sub(1) {
                        let small = Compression::from_name(name).expect("kombu's").decompress(&body, limit);
                        assert!(small.is_err(), "{seed} {name}: the limit is not kept");
                    }
                }
                (Err(_), None) => refused += 1,
                // Python's bzip2 and xz take damage for something behind the end that is none of theirs; here it is damage. And of the head of a
                // frame of Zstandard not all is looked at.
                (ours, theirs) => {
                    let (ours, theirs) = (ours.map(|data| data.len()), theirs.map(|data| data.len()));
                    assert_eq!(how, "damaged", "{seed} {name}: {ours:?}, {theirs:?}");
                    eprintln!("{seed} {name}: {ours:?}, {theirs:?}");
                    unlike += 1;
                }
            }
        }
    }
    assert!(read > 200 && refused > 200, "{read} read, {refused} refused");
    assert!(unlike * 20 < read + refused, "{unlike} of {} are unlike", read + refused + unlike);
}
