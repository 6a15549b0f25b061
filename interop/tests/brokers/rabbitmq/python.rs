//! Beside kombu and py-amqp: what the one publishes, the other one consumes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use interop::python;
use interop::servers::RabbitMq;
use salamander_tasks::broker::{Amqp, Broker, Consume, Consumer, Delivery, Publication, Queue};
use salamander_value::{Blob, DateTime, Decimal, Dict, Value};
use salamander_wire::celery::{Message, Serializer};

/// Python, with what it is to do.
pub(super) fn peer(arguments: &[&str]) -> Command {
    let mut command = python::script("celery/amqp_peer.py");
    command.args(arguments);
    command
}

/// What Python prints, when it has ended well.
fn printed(arguments: &[&str]) -> String {
    let output = peer(arguments).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

pub(super) async fn consumer(broker: &Amqp, queue: &Queue) -> Box<dyn Consumer> {
    let consume = Consume { queues: vec![queue.clone()], prefetch: 10, no_ack: false, tag: "test".into() };
    broker.consume(consume).await.unwrap()
}

pub(super) async fn receive(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    while deliveries.len() < count {
        let received = consumer.receive(&mut deliveries);
        tokio::time::timeout(std::time::Duration::from_secs(60), received).await.expect("in time").unwrap();
    }
    deliveries
}

fn dict(entries: &[(&str, Value)]) -> Dict {
    let mut dict = Dict::new();
    for (name, value) in entries {
        dict.insert(*name, value.clone());
    }
    dict
}

/// The headers of the peer.
fn headers() -> Dict {
    let time = DateTime::from_civil_micros(1_704_164_645_000_000).unwrap();
    let inner = Value::from(dict(&[("b", Value::Float(2.5))]));
    let empty = Value::from(dict(&[("b", Value::from(Dict::new()))]));
    dict(&[
        ("none", Value::None),
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("zero", Value::Int(0)),
        ("edge", Value::Int(2_147_483_647)),
        ("long", Value::Int(1 << 40)),
        ("least", Value::Int(i64::MIN)),
        ("half", Value::Float(0.5)),
        ("decimal", Value::from("-1.50".parse::<Decimal>().unwrap())),
        ("time", Value::DateTime(Box::new(time))),
        ("text", Value::from("\u{e9}\u{1f98e}")),
        ("bytes", Value::Bytes(Blob::from(vec![0xFF, 0xFE]))),
        ("list", Value::List(vec![Value::Int(1), Value::None, Value::List(vec!["a".into(), inner])])),
        ("dict", Value::from(dict(&[("a", empty)]))),
    ])
}

#[tokio::test]
async fn what_kombu_publishes_is_consumed() {
    let Some(server) = RabbitMq::shared() else { return };
    let url = server.vhost();
    let broker = Amqp::new(&url).unwrap();
    let queue = Queue::new("from-kombu");
    broker.declare(&queue.clone().into()).await.unwrap();
    printed(&["publish", &url, "from-kombu"]);
    let mut consumer = consumer(&broker, &queue).await;
    let got: Vec<Message> = receive(&mut *consumer, 5)
        .await
        .into_iter()
        .map(|delivery| {
            delivery.settlement.ack();
            delivery.message
        })
        .collect();
    assert_eq!(&got[0].body[..], br#"{"a": [1, "\u00e9", null]}"#);
    assert_eq!(got[0].headers, headers());
    // In their order, too.
    assert!(got[0].headers.keys().eq(headers().keys()));
    assert_eq!((&*got[0].content_type, &*got[0].content_encoding), ("application/json", "utf-8"));
    let properties = &got[1].properties;
    let texts = [&properties.correlation_id, &properties.reply_to, &properties.expiration, &properties.message_id];
    assert_eq!(texts.map(|text| text.as_deref().unwrap()), ["c", "r", "60000", "m"]);
    let texts = [&properties.kind, &properties.user_id, &properties.app_id];
    assert_eq!(texts.map(|text| text.as_deref().unwrap()), ["t", "guest", "a"]);
    assert_eq!((properties.priority, properties.delivery_mode), (Some(7), Some(2)));
    assert_eq!(properties.timestamp, Some(1_704_164_645));
    assert_eq!((&*got[1].content_type, &got[1].body[..]), ("text/plain", &b"text"[..]));
    // What is compressed stays so, and says so.
    assert_eq!(got[2].header("compression"), Some("application/x-gzip"));
    assert_eq!(&got[2].body[..2], b"x\x9c");
    assert_eq!((&*got[3].content_type, got[3].properties.delivery_mode), ("application/x-python-serialize", Some(1)));
    assert_eq!(&got[4].body[..], [0, 0xFF]);
    assert_eq!(got[4].header(&"k".repeat(255)), Some(&*"v".repeat(70_000)));
}

#[tokio::test]
async fn what_is_published_kombu_consumes() {
    let Some(server) = RabbitMq::shared() else { return };
    let url = server.vhost();
    let broker = Amqp::new(&url).unwrap();
    broker.declare(&Queue::new("to-kombu").into()).await.unwrap();
    let mut first = Message::new(&b"[1]"[..], Serializer::Json);
    first.headers = headers();
    let mut second = Message::new(&b"\x00\xff"[..], Serializer::Pickle);
    second.headers.insert("compression", "application/x-gzip");
    let properties = &mut second.properties;
    properties.correlation_id = Some("c".into());
    properties.reply_to = Some("r".into());
    properties.priority = Some(7);
    properties.delivery_mode = Some(2);
    properties.expiration = Some("60000".into());
    properties.message_id = Some("m".into());
    properties.timestamp = Some(1_704_164_645);
    properties.kind = Some("t".into());
    properties.user_id = Some("guest".into());
    properties.app_id = Some("a".into());
    for message in [first, second] {
        let (exchange, routing_key) = ("to-kombu".into(), "to-kombu".into());
        broker.publish(Publication { exchange, routing_key, message, delay: None }).await.unwrap();
    }
    let printed = printed(&["consume", &url, "to-kombu", "2"]);
    let lines: Vec<&str> = printed.lines().collect();
    let expected = "(b'[1]', {'none': None, 'true': True, 'false': False, 'zero': 0, 'edge': 2147483647, 'long': 1099511627776, \
        'least': -9223372036854775808, 'half': 0.5, 'decimal': Decimal('-1.5'), 'time': datetime.datetime(2024, 1, 2, 3, 4, 5), \
        'text': '\u{e9}\u{1f98e}', 'bytes': b'\\xff\\xfe', 'list': [1, None, ['a', {'b': 2.5}]], 'dict': {'a': {'b': {}}}}, \
        [('content_encoding', 'utf-8'), ('content_type', 'application/json')], 'to-kombu', 'to-kombu', False)";
    assert_eq!(lines[0], expected);
    let expected = "(b'\\x00\\xff', {'compression': 'application/x-gzip'}, [('app_id', 'a'), ('content_encoding', 'binary'), \
        ('content_type', 'application/x-python-serialize'), ('correlation_id', 'c'), ('delivery_mode', 2), ('expiration', '60000'), \
        ('message_id', 'm'), ('priority', 7), ('reply_to', 'r'), ('timestamp', 1704164645), ('type', 't'), ('user_id', 'guest')], \
        'to-kombu', 'to-kombu', False)";
    assert_eq!(lines[1], expected);
}

#[tokio::test]
async fn what_a_killed_kombu_held_comes_again() {
    let Some(server) = RabbitMq::shared() else { return };
    let url = server.vhost();
    let broker = Amqp::new(&url).unwrap();
    let queue = Queue::new("held");
    broker.declare(&queue.clone().into()).await.unwrap();
    let message = Message::new(&b"precious"[..], Serializer::Json);
    broker
        .publish(Publication { exchange: "".into(), routing_key: "held".into(), message, delay: None })
        .await
        .unwrap();
    let mut holder = peer(&["hold", &url, "held"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "held precious");
    assert_eq!(broker.len("held").await.unwrap(), Some(0));
    holder.kill().unwrap();
    holder.wait().unwrap();
    let mut consumer = consumer(&broker, &queue).await;
    let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
    assert_eq!((&delivery.message.body[..], delivery.redelivered), (&b"precious"[..], true));
    delivery.settlement.ack();
}
