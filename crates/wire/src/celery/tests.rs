//! What Celery sent is read, and what is written is equal to it.

use bytes::Bytes;
use salamander_codec::{Args, Codec};
use salamander_value::{Dict, Exception, Value, read_value};

use super::options::plain;
use super::*;
use crate::WireErrorKind;

const ID: &str = "d3b07384-d113-4ec5-a5d6-1f3b4a5c6d7e";

fn json(bytes: impl Into<Bytes>) -> Value {
    Codec::Json.decode_value(&bytes.into(), plain()).unwrap()
}

fn message(recorded: &'static [u8]) -> Message {
    Message::from_envelope(&Bytes::from_static(recorded)).unwrap()
}

fn all() -> Decoding {
    Decoding::default().accepting(Accept::new(["json", "msgpack", "yaml", "pickle"]).unwrap())
}

fn task(recorded: &'static [u8]) -> TaskMessage {
    TaskMessage::from_message(message(recorded), &all()).unwrap()
}

#[test]
fn envelopes_are_written_as_kombu_writes_them() {
    for recorded in [
        recorded::PLAIN,
        recorded::FULL,
        recorded::PROTOCOL_1,
        recorded::TASK_MSGPACK,
        recorded::TASK_ZLIB,
        recorded::COMMAND,
        recorded::REPLY,
    ] {
        let message = message(recorded);
        let written = message.to_envelope().unwrap();
        assert_eq!(json(written.clone()), json(recorded));
        assert_eq!(Message::from_envelope(&written).unwrap(), message);
        assert_eq!(Message::from_value(&json(recorded)).unwrap(), message);
        assert_eq!(Message::from_value(&message.to_value()).unwrap(), message);
    }
}

#[test]
fn a_task_is_written_as_celery_writes_it() {
    for recorded in [recorded::PLAIN, recorded::FULL, recorded::TASK_MSGPACK] {
        let task = task(recorded);
        let embed = task.body.embed(plain()).unwrap();
        let args = task.body.decode(plain()).unwrap();
        assert_eq!(TaskBody::encode(task.body.serializer, &args, &embed, plain()).unwrap(), task.body);
        let written = task.into_message().to_envelope().unwrap();
        assert_eq!(json(written), json(recorded));
    }
}

#[test]
fn every_header_has_its_place() {
    let task = task(recorded::FULL);
    let headers = &task.headers;
    assert_eq!((&*headers.lang, &*headers.task, &*headers.id), ("py", "tasks.add", ID));
    assert_eq!((headers.shadow.as_deref(), headers.shown_name()), (Some("shown"), "shown"));
    assert_eq!(headers.eta.as_deref(), Some("2026-01-02T03:04:05+00:00"));
    assert_eq!(headers.expires.as_deref(), Some("2026-01-02T04:04:05+00:00"));
    assert_eq!((headers.group.as_deref(), headers.group_index), (Some("group-1"), Some(4)));
    assert_eq!((headers.retries, headers.replaced_task_nesting), (2, 0));
    assert_eq!(headers.timelimit, TimeLimits { hard: Some(60.0), soft: Some(2.5) });
    assert_eq!((headers.root_id.as_deref(), headers.parent_id.as_deref()), (Some("root-1"), Some("parent-1")));
    assert_eq!((headers.argsrepr.as_deref(), headers.kwargsrepr.as_deref()), (Some("(2,)"), Some("{'y': 'é'}")));
    assert_eq!((headers.origin.as_deref(), headers.ignore_result), (Some("gen1@host"), Some(true)));
    assert_eq!(headers.stamped_headers, Some(vec!["mark".into()]));
    assert_eq!(headers.stamps.get("mark"), Some(&"m".into()));
    assert!(headers.other.contains_key("own"));
    let properties = &task.properties;
    assert_eq!((properties.priority, properties.delivery_mode), (Some(7), Some(2)));
    assert_eq!(
        (properties.expiration.as_deref(), properties.reply_to.as_deref()),
        (Some("3599999"), Some("replies"))
    );
    assert_eq!(properties.delivery_info, DeliveryInfo::new("", "celery"));
    assert!(properties.delivery_tag.as_deref().is_some_and(|tag| tag.starts_with("tag-")));
    let embed = task.body.embed(plain()).unwrap();
    let tasks = |value: &Value| value.as_slice().map(|signatures| signatures.len());
    assert_eq!((tasks(&embed.callbacks), tasks(&embed.errbacks), tasks(&embed.chain)), (Some(1), Some(1), Some(2)));
    assert_eq!(embed.chord.get("task"), Some(&"tasks.add".into()));
    assert!(!embed.is_empty());
}

#[test]
fn arguments_are_read_where_they_stand() {
    for recorded in [recorded::TASK_MSGPACK, recorded::TASK_PICKLE, recorded::TASK_YAML] {
        let task = task(recorded);
        let mut reader = task.body.arguments(plain()).unwrap();
        let positional = read_value(&mut reader).unwrap();
        assert_eq!(positional.as_slice(), Some(&[2.into(), "é".into()][..]));
        assert_eq!(read_value(&mut reader).unwrap(), Dict::from_iter([("y", 3)]).into());
        assert!(task.body.embed(plain()).unwrap().is_empty());
    }
}

#[test]
fn what_python_compressed_is_decompressed() {
    for recorded in [recorded::TASK_ZLIB, recorded::TASK_BZIP2, recorded::TASK_LZMA, recorded::TASK_ZSTD] {
        let mut task = task(recorded);
        let args = task.body.decode(plain()).unwrap();
        assert_eq!(args.positional, [Value::from("x".repeat(100))]);
        let compression = Compression::from_name(message(recorded).header("compression").unwrap()).unwrap();
        let mut again = task.clone().into_message();
        again.compress(compression).unwrap();
        assert_eq!(again.headers, message(recorded).headers);
        task.properties = again.properties.clone();
        assert_eq!(TaskMessage::from_message(again, &all()).unwrap(), task);
    }
}

#[test]
fn headers_that_are_not_what_they_should_be_keep_their_order() {
    let dict = Dict::from_iter([("id", "1"), ("own", "a"), ("task", "t"), ("retries", "many"), ("last", "z")]);
    let headers = TaskHeaders::from(dict);
    let names: Vec<_> = headers.other.keys().map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["own", "retries", "last"]);
    // As text, because dicts are equal in any order.
    let again = TaskHeaders::from(headers.to_dict());
    assert_eq!(format!("{again:?}"), format!("{headers:?}"));
}

#[test]
fn protocol_1_becomes_protocol_2() {
    let task = task(recorded::PROTOCOL_1);
    assert_eq!((&*task.headers.task, &*task.headers.id, task.headers.retries), ("tasks.add", ID, 1));
    assert_eq!(task.headers.group.as_deref(), Some("group-1"));
    assert_eq!(task.headers.timelimit, TimeLimits { hard: Some(9.0), soft: None });
    assert!(task.utc && task.headers.other.is_empty());
    let args = Args { positional: vec![2.into()], keywords: Dict::from_iter([("y", 3)]) };
    assert_eq!(task.body.decode(plain()).unwrap(), args);
    assert!(task.body.embed(plain()).unwrap().is_empty());
}

#[test]
fn what_is_no_task_is_refused_as_what_it_is() {
    let kind = |message: Message| TaskMessage::from_message(message, &Decoding::default()).unwrap_err().kind();
    assert_eq!(kind(message(recorded::COMMAND)), WireErrorKind::UnknownMessage);
    assert_eq!(kind(message(recorded::TASK_PICKLE)), WireErrorKind::ContentDisallowed);
    let of = |body: &'static [u8]| Message::new(body, Serializer::Json);
    assert_eq!(kind(of(b"[1, 2]")), WireErrorKind::UnknownMessage);
    assert_eq!(kind(of(b"{}")), WireErrorKind::UnknownMessage);
    assert_eq!(kind(of(b"{")), WireErrorKind::Decode);
    assert_eq!(kind(of(br#"{"task": "t", "id": "1", "args": 1}"#)), WireErrorKind::InvalidTask);
    assert_eq!(kind(of(br#"{"task": "t", "id": "1", "kwargs": []}"#)), WireErrorKind::InvalidTask);
    assert_eq!(kind(of(br#"{"task": "t"}"#)), WireErrorKind::InvalidTask);
    let mut without_id = of(b"[[], {}, {}]");
    without_id.headers.insert("task", "t");
    assert_eq!(kind(without_id.clone()), WireErrorKind::InvalidTask);
    without_id.headers.insert("id", "1");
    let small = Decoding { max_size: 5, ..Decoding::default() };
    let error = TaskMessage::from_message(without_id, &small).unwrap_err();
    assert_eq!(error.kind(), WireErrorKind::TooLarge { size: 12, max: 5 });
}

#[test]
fn results_are_read_in_every_serializer() {
    let metas = [
        [
            recorded::META_SUCCESS_JSON,
            recorded::META_SUCCESS_MSGPACK,
            recorded::META_SUCCESS_PICKLE,
            recorded::META_SUCCESS_YAML,
        ],
        [
            recorded::META_EXTENDED_JSON,
            recorded::META_EXTENDED_MSGPACK,
            recorded::META_EXTENDED_PICKLE,
            recorded::META_EXTENDED_YAML,
        ],
        [
            recorded::META_FAILURE_JSON,
            recorded::META_FAILURE_MSGPACK,
            recorded::META_FAILURE_PICKLE,
            recorded::META_FAILURE_YAML,
        ],
        [
            recorded::META_PROGRESS_JSON,
            recorded::META_PROGRESS_MSGPACK,
            recorded::META_PROGRESS_PICKLE,
            recorded::META_PROGRESS_YAML,
        ],
        [
            recorded::META_STARTED_JSON,
            recorded::META_STARTED_MSGPACK,
            recorded::META_STARTED_PICKLE,
            recorded::META_STARTED_YAML,
        ],
    ];
    let serializers = [Serializer::Json, Serializer::Msgpack, Serializer::Pickle, Serializer::Yaml];
    for (at, recorded) in metas.iter().enumerate() {
        for (serializer, recorded) in serializers.into_iter().zip(recorded) {
            let bytes = Bytes::from_static(recorded);
            let meta = ResultMeta::decode(&bytes, serializer, plain()).unwrap();
            assert_eq!((&*meta.task_id, meta.date_done.is_some()), (ID, meta.status.is_ready()));
            let again = ResultMeta::decode(&meta.encode(serializer, plain()).unwrap(), serializer, plain());
            assert_eq!(again.unwrap(), meta);
            let whole = serializer.decode(&bytes, plain()).unwrap();
            match at {
                0 => assert_eq!(meta.result, ResultValue::Value(Dict::from_iter([("sum", 5)]).into())),
                1 => {
                    let written = serializer.decode(&meta.encode(serializer, plain()).unwrap(), plain()).unwrap();
                    assert_eq!(written, whole, "{serializer}");
                    assert_eq!(meta.children[0].parent.as_ref().unwrap().id, "child-0");
                    assert_eq!(meta.children[1].children.as_ref().unwrap().len(), 2);
                    assert_eq!(meta.other.get("worker"), Some(&"celery@host".into()));
                }
                2 => {
                    let exception = meta.exception().unwrap();
                    assert_eq!(exception.class(), "builtins.KeyError");
                    assert_eq!(exception.args(), ["spam".into(), 3.into()]);
                    let failed = ResultMeta::failed(ID, State::Failure, &exception);
                    let written = failed.encode(serializer, plain()).unwrap();
                    assert_eq!(serializer.decode(&written, plain()).unwrap().get("result"), whole.get("result"));
                }
                3 => assert_eq!(meta.status, State::Custom("PROGRESS".into())),
                _ => assert_eq!(meta.status, State::Started),
            }
        }
    }
}

#[test]
fn a_result_that_is_encoded_already_is_put_in() {
    for serializer in [Serializer::Json, Serializer::Msgpack, Serializer::Pickle, Serializer::Yaml] {
        let value: Value = vec![Value::from("é"), 1.into()].into();
        let encoded = serializer.encode(&value, plain()).unwrap();
        for more in [0, 1, 20] {
            let mut meta = ResultMeta::new(ID, State::Success, value.clone());
            meta.other = (0..more).map(|at| (format!("more-{at}"), at)).collect();
            let plainly = meta.encode(serializer, plain()).unwrap();
            meta.result = ResultValue::Encoded(encoded.clone());
            let spliced = meta.encode(serializer, plain()).unwrap();
            let decode = |bytes| serializer.decode(&bytes, plain()).unwrap();
            assert_eq!(decode(spliced), decode(plainly), "{serializer}");
        }
    }
}

#[test]
fn remote_control_is_read_and_written() {
    for recorded in [recorded::COMMAND, recorded::COMMAND_PATTERN] {
        let message = message(recorded);
        let command = Command::from_message(&message, &Decoding::default()).unwrap();
        let written = command.to_message(Serializer::Json).unwrap();
        assert_eq!((&written.headers, json(written.body)), (&message.headers, json(message.body)));
    }
    let read = |recorded| Command::from_message(&message(recorded), &Decoding::default()).unwrap();
    let command = read(recorded::COMMAND);
    assert_eq!(
        (&*command.method, command.ticket.as_deref(), command.expires),
        ("revoke", Some("ticket-1"), 1_000_001.5)
    );
    assert_eq!(command.reply_to.as_ref().unwrap().routing_key, "oid-1");
    assert!(command.is_for("celery@b", |_, _| false) && !command.is_for("celery@c", |_, _| true));
    let command = read(recorded::COMMAND_PATTERN);
    assert!(command.is_for("celery@c", |pattern, matcher| (pattern, matcher) == ("celery@*", "glob")));
    assert!(!command.is_for("celery@c", |_, _| false));
    let message = message(recorded::REPLY);
    let replies = Reply::from_message(&message, &Decoding::default()).unwrap();
    assert_eq!((replies.len(), &*replies[0].hostname, replies[0].clock), (1, "celery@a", 3));
    let written = replies[0].to_message(Serializer::Json).unwrap();
    assert_eq!((written.headers, json(written.body)), (message.headers, json(message.body)));
}

#[test]
fn exceptions_keep_class_and_arguments() {
    let exception = Exception::with_args("shop.errors.SoldOut", vec!["x".into(), 2.into()]);
    let meta = ExceptionMeta::from(&exception);
    assert_eq!((&*meta.exc_type, meta.exc_module.as_deref()), ("SoldOut", Some("shop.errors")));
    assert_eq!(Exception::from(meta), exception);
}

#[test]
fn kombus_types_beyond_json_are_written_byte_for_byte() {
    let value = json(recorded::EXTENDED_JSON);
    assert!(matches!(value.get("datetime"), Some(Value::DateTime(_))));
    assert!(matches!(value.get("uuid"), Some(Value::Uuid(_))));
    assert!(matches!(value.get("text"), Some(Value::Surrogates(_))));
    assert_eq!(value.get("base64"), Some(&Value::from(&b"\xff\x00"[..])));
    let written = Serializer::Json.encode(&value, plain()).unwrap();
    assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(recorded::EXTENDED_JSON));
}
