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
