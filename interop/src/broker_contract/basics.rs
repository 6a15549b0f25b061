//! Publishing, consuming, taking, counting.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::try_join_all;
use salamander_tasks::Kind;
use salamander_tasks::broker::{Consume, Queue, Topology};
use salamander_value::{Dict, Value};
use salamander_wire::celery::{Message, Serializer};

use super::{
    Place, ack_all, bodies, body, consume, declare, publish, queue, receive, receive_one, soon, text, to, waiting,
};

/// A message with something in each of its places, of the kinds that JSON has.
fn full() -> Message {
    let mut message = Message::new(&b"[[2, 3], {}, {}]"[..], Serializer::Json);
    let mut inner = Dict::new();
    inner.insert("deep", Value::List(vec![Value::Int(1), Value::None, Value::Bool(true)]));
    for (name, value) in [
        ("task", Value::from("tasks.add")),
        ("retries", Value::Int(0)),
        ("eta", Value::None),
        ("large", Value::Int(1 << 40)),
        ("negative", Value::Int(-1)),
        ("half", Value::Float(0.5)),
        ("yes", Value::Bool(true)),
        ("letters", Value::from("\u{e9}\u{1f98e}")),
        ("timelimit", Value::List(vec![Value::None, Value::Int(3)])),
        ("stamps", Value::from(inner)),
    ] {
        message.headers.insert(name, value);
    }
    let properties = &mut message.properties;
    properties.correlation_id = Some("one".into());
    properties.reply_to = Some("answers".into());
    properties.delivery_mode = Some(2);
    properties.priority = Some(3);
    message
}

pub async fn what_is_published_is_consumed(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let queue = queue(&*one, "published").await;
    let mut consumer = consume(&*two, &queue, 10).await;
    soon("publishing", one.publish(to("published", "published", full()))).await;
    let delivery = receive_one(&mut *consumer).await;
    let (message, expected) = (&delivery.message, full());
    assert_eq!((&message.body, &message.headers), (&expected.body, &expected.headers));
    assert_eq!((&*message.content_type, &*message.content_encoding), ("application/json", "utf-8"));
    let (got, wanted) = (&message.properties, &expected.properties);
    assert_eq!((&got.correlation_id, &got.reply_to), (&wanted.correlation_id, &wanted.reply_to));
    assert_eq!((got.delivery_mode, got.priority), (wanted.delivery_mode, wanted.priority));
    assert_eq!((&*got.delivery_info.exchange, &*got.delivery_info.routing_key), ("published", "published"));
    assert_eq!((&*delivery.queue, delivery.redelivered), ("published", false));
    assert!(!delivery.message.properties.delivery_info.redelivered);
    delivery.settlement.ack();
}

pub async fn order_is_kept(place: Box<dyn Place>) {
    let broker = place.connect();
    let queue = queue(&*broker, "ordered").await;
    let sent: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    for body in &sent[..100] {
        publish(&*broker, "ordered", body).await;
    }
    let mut consumer = consume(&*broker, &queue, 0).await;
    for body in &sent[100..] {
        publish(&*broker, "ordered", body).await;
    }
    let deliveries = receive(&mut *consumer, 200).await;
    assert_eq!(bodies(&deliveries), sent);
    ack_all(deliveries);
}

pub async fn bodies_are_of_any_size(place: Box<dyn Place>) {
    let broker = place.connect();
    let queue = queue(&*broker, "sizes").await;
    let mut consumer = consume(&*broker, &queue, 0).await;
    // Of any bytes, and more than fit in a frame.
    for size in [0, 1, 1000, 131_064, 131_065, 3 << 20] {
        let bytes: Vec<u8> = (0..size).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let mut message = Message::new(bytes.clone(), Serializer::Pickle);
        message.properties.delivery_mode = Some(1);
        soon("publishing", broker.publish(to("sizes", "sizes", message))).await;
        let delivery = receive_one(&mut *consumer).await;
        assert!(delivery.message.body == bytes, "{size} bytes");
        assert_eq!(&*delivery.message.content_type, "application/x-python-serialize");
        assert_eq!(&*delivery.message.content_encoding, "binary");
        delivery.settlement.ack();
    }
}

pub async fn names_are_of_any_letters(place: Box<dyn Place>) {
    let broker = place.connect();
    for name in ["w\u{e4}rts \u{1f98e}", "a.b-c_d:e/f", "%2F", "*"] {
        let queue = queue(&*broker, name).await;
        publish(&*broker, name, "here").await;
        let mut consumer = consume(&*broker, &queue, 1).await;
        let delivery = receive_one(&mut *consumer).await;
        assert_eq!((body(&delivery).as_str(), &*delivery.queue), ("here", name));
        delivery.settlement.ack();
    }
}

pub async fn a_message_can_be_taken(place: Box<dyn Place>) {
    let broker = place.connect();
    queue(&*broker, "taken").await;
    assert_eq!(soon("taking", broker.take("taken")).await, None);
    publish(&*broker, "taken", "1").await;
    waiting(&*broker, "taken", 1).await;
    let first = soon("taking", broker.take("taken")).await.unwrap();
    assert_eq!(first.body, "1");
    soon("publishing", broker.publish(to("taken", "taken", full()))).await;
    waiting(&*broker, "taken", 1).await;
    let second = soon("taking", broker.take("taken")).await.unwrap();
    assert_eq!((second.headers, second.properties.correlation_id), (full().headers, Some("one".into())));
    assert_eq!(soon("taking", broker.take("taken")).await, None);
    broker.close().await.unwrap();
    let other = place.connect();
    assert_eq!(soon("counting", other.len("taken")).await, Some(0), "it counts as acknowledged");
}

pub async fn queues_are_counted_purged_and_deleted(place: Box<dyn Place>) {
    let broker = place.connect();
    assert_eq!(soon("counting", broker.len("counted")).await, None);
    queue(&*broker, "counted").await;
    assert_eq!(soon("counting", broker.len("counted")).await, Some(0));
    assert_eq!(soon("purging", broker.purge("counted")).await, 0);
    for n in 1..=5 {
        publish(&*broker, "counted", "x").await;
        waiting(&*broker, "counted", n).await;
    }
    assert_eq!(soon("purging", broker.purge("counted")).await, 5);
    waiting(&*broker, "counted", 0).await;
    publish(&*broker, "counted", "x").await;
    soon("deleting", broker.delete("counted")).await;
    assert_eq!(soon("counting", broker.len("counted")).await, None);
    // Once more, which does nothing, and anew, when nothing is left of it.
    soon("deleting", broker.delete("counted")).await;
    queue(&*broker, "counted").await;
    assert_eq!(soon("counting", broker.len("counted")).await, Some(0));
}

pub async fn declaring_again_changes_nothing(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let topology = Topology::from(vec![Queue::new("again"), Queue::new("other")]);
    soon("declaring", one.declare(&topology)).await;
    publish(&*one, "again", "stays").await;
    soon("declaring", one.declare(&topology)).await;
    soon("declaring", two.declare(&topology)).await;
    waiting(&*two, "again", 1).await;
}

pub async fn ten_thousand_are_published_at_once(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let queue = queue(&*one, "many").await;
    let mut consumer = consume(&*two, &queue, 1000).await;
    let publishing = try_join_all((0..10_000).map(|n| one.publish(to("many", "many", text(&n.to_string())))));
    let receiving = async {
        let (mut got, mut batch) = (HashSet::new(), Vec::new());
        while got.len() < 10_000 {
            soon("receiving", consumer.receive(&mut batch)).await;
            for delivery in batch.drain(..) {
                assert!(got.insert(body(&delivery)), "each comes once");
                delivery.settlement.ack();
            }
        }
    };
    let (published, ()) = tokio::join!(tokio::time::timeout(super::PATIENCE, publishing), receiving);
    published.unwrap().unwrap();
    drop(consumer);
    soon("closing", two.close()).await;
    assert_eq!(soon("counting", one.len("many")).await, Some(0), "all are acknowledged");
}

pub async fn queues_are_added_and_cancelled(place: Box<dyn Place>) {
    let broker = place.connect();
    let (first, second) = (queue(&*broker, "first").await, queue(&*broker, "second").await);
    let mut consumer = consume(&*broker, &first, 10).await;
    soon("adding", consumer.add(second.clone())).await;
    publish(&*broker, "first", "1").await;
    publish(&*broker, "second", "2").await;
    let mut got: Vec<(String, String)> = Vec::new();
    for delivery in receive(&mut *consumer, 2).await {
        got.push((delivery.queue.to_string(), body(&delivery)));
        delivery.settlement.ack();
    }
    got.sort();
    assert_eq!(got, [("first".to_owned(), "1".to_owned()), ("second".to_owned(), "2".to_owned())]);
    soon("cancelling", consumer.cancel("first")).await;
    publish(&*broker, "first", "3").await;
    publish(&*broker, "second", "4").await;
    let delivery = receive_one(&mut *consumer).await;
    assert_eq!((&*delivery.queue, body(&delivery).as_str()), ("second", "4"));
    delivery.settlement.ack();
    waiting(&*broker, "first", 1).await;
    // Once more from the beginning.
    soon("adding", consumer.add(first)).await;
    let delivery = receive_one(&mut *consumer).await;
    assert_eq!((&*delivery.queue, body(&delivery).as_str()), ("first", "3"));
    delivery.settlement.ack();
}

pub async fn receiving_can_be_given_up_any_time(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let queue = queue(&*one, "given-up").await;
    let mut consumer = consume(&*two, &queue, 50).await;
    let publishing = async {
        for n in 0..500 {
            publish(&*one, "given-up", &n.to_string()).await;
        }
    };
    let receiving = async {
        let (mut got, mut batch, mut turn) = (Vec::new(), Vec::new(), 0_u64);
        while got.len() < 500 {
            turn += 1;
            let patience = Duration::from_micros(turn * 37 % 1500);
            tokio::select! {
                biased;
                received = consumer.receive(&mut batch) => received.unwrap(),
                () = tokio::time::sleep(patience) => {}
            }
            for delivery in batch.drain(..) {
                got.push(body(&delivery));
                delivery.settlement.ack();
            }
        }
        got
    };
    let (got, ()) =
        tokio::time::timeout(super::PATIENCE, async { tokio::join!(receiving, publishing) }).await.unwrap();
    assert_eq!(got, (0..500).map(|n| n.to_string()).collect::<Vec<_>>());
}

pub async fn consumers_share(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let queue = queue(&*one, "shared").await;
    let (mut a, mut b) = (consume(&*one, &queue, 5).await, consume(&*two, &queue, 5).await);
    for n in 0..10 {
        publish(&*one, "shared", &n.to_string()).await;
    }
    // Neither can hold more than its five.
    let (a, b) = tokio::join!(receive(&mut *a, 5), receive(&mut *b, 5));
    let mut got = [bodies(&a), bodies(&b)].concat();
    got.sort();
    assert_eq!(got, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    ack_all(a);
    ack_all(b);
}

pub async fn what_is_closed_says_so(place: Box<dyn Place>) {
    let (broker, other) = (place.connect(), place.connect());
    let queue = queue(&*broker, "closed").await;
    let mut consumer = consume(&*broker, &queue, 10).await;
    publish(&*broker, "closed", "1").await;
    let delivery = receive_one(&mut *consumer).await;
    delivery.settlement.ack();
    soon("closing", broker.close()).await;
    soon("closing again", broker.close()).await;
    let failed = tokio::time::timeout(super::PATIENCE, consumer.receive(&mut Vec::new())).await.unwrap();
    assert_eq!(failed.unwrap_err().kind(), Kind::Closed);
    let failed = tokio::time::timeout(super::PATIENCE, broker.publish(to("closed", "closed", text("2")))).await;
    assert_eq!(failed.unwrap().unwrap_err().kind(), Kind::Closed);
    let consume = Consume { queues: vec![queue.clone()], prefetch: 1, no_ack: false, tag: "late".into() };
    let failed = tokio::time::timeout(super::PATIENCE, broker.consume(consume)).await.unwrap();
    assert_eq!(failed.map(|_| ()).unwrap_err().kind(), Kind::Closed);
    assert_eq!(soon("counting", other.len("closed")).await, Some(0), "what was acknowledged before is");
    declare(&*other, &queue).await;
}
