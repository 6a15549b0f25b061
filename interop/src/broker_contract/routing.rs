//! Exchanges, priorities, delays and lifetimes.

use std::time::{Duration, Instant};

use salamander_tasks::broker::{Broker, Exchange, ExchangeKind, Queue, Topology};

use super::{
    Place, ack_all, bodies, body, bound, consume, declare, publish, queue, receive, receive_one, soon, text, to,
    until, waiting,
};

/// Publishes the key as the text, to each key in turn.
async fn publish_to(broker: &dyn Broker, exchange: &str, keys: &[&str]) {
    for key in keys {
        soon("publishing", broker.publish(to(exchange, key, text(key)))).await;
    }
}

pub async fn a_direct_exchange_goes_by_the_key(place: Box<dyn Place>) {
    let broker = place.connect();
    let queues = [("red", "r"), ("green", "g"), ("also-red", "r")];
    let queues = queues.map(|(name, key)| bound(name, "colours", ExchangeKind::Direct, key)).to_vec();
    soon("declaring", broker.declare(&Topology::from(queues))).await;
    publish_to(&*broker, "colours", &["r", "g", "nobody", "g"]).await;
    for (name, count) in [("red", 1), ("green", 2), ("also-red", 1)] {
        waiting(&*broker, name, count).await;
    }
    let other = place.connect();
    assert_eq!(soon("taking", other.take("green")).await.unwrap().body, "g");
}

pub async fn a_topic_exchange_goes_by_patterns(place: Box<dyn Place>) {
    let broker = place.connect();
    let patterns = ["a.*", "a.#", "#", "*.b", "*.b.#", "a.b"];
    let queues: Vec<Queue> =
        patterns.iter().map(|key| bound(&format!("q {key}"), "topics", ExchangeKind::Topic, key)).collect();
    if !broker.capabilities().topic {
        assert!(broker.declare(&Topology::from(queues)).await.is_err(), "what it cannot do, it refuses");
        return;
    }
    soon("declaring", broker.declare(&Topology::from(queues.clone()))).await;
    publish_to(&*broker, "topics", &["a", "a.b", "a.b.c", "x.b", "x.b.c.d", "b"]).await;
    for (queue, expected) in queues.iter().zip([
        &["a.b"][..],
        &["a", "a.b", "a.b.c"],
        &["a", "a.b", "a.b.c", "x.b", "x.b.c.d", "b"],
        &["a.b", "x.b"],
        &["a.b", "a.b.c", "x.b", "x.b.c.d"],
        &["a.b"],
    ]) {
        let mut consumer = consume(&*broker, queue, 0).await;
        let deliveries = receive(&mut *consumer, expected.len()).await;
        assert_eq!(bodies(&deliveries), expected, "{}", queue.routing_key);
        ack_all(deliveries);
        drop(consumer);
        waiting(&*broker, &queue.name, 0).await;
    }
}

pub async fn a_fanout_exchange_goes_to_all(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let queues = ["left", "right"].map(|name| bound(name, "everybody", ExchangeKind::Fanout, ""));
    if !one.capabilities().fanout {
        let refused = one.declare(&Topology::from(queues.to_vec())).await;
        assert!(refused.is_err(), "what it cannot do, it refuses");
        return;
    }
    declare(&*one, &queues[0]).await;
    declare(&*two, &queues[1]).await;
    // Only who listens already is sure to get it.
    let mut left = consume(&*one, &queues[0], 0).await;
    let mut right = consume(&*two, &queues[1], 0).await;
    for n in 0..5 {
        soon("publishing", one.publish(to("everybody", "any", text(&n.to_string())))).await;
    }
    for consumer in [&mut left, &mut right] {
        let deliveries = receive(&mut **consumer, 5).await;
        assert_eq!(bodies(&deliveries), ["0", "1", "2", "3", "4"]);
        ack_all(deliveries);
    }
}

pub async fn an_exchange_may_lead_nowhere(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let exchanges = [ExchangeKind::Direct, ExchangeKind::Fanout]
        .map(|kind| Exchange { durable: false, ..Exchange::new(format!("nowhere.{}", kind.name()), kind) });
    soon("declaring", one.declare(&Topology { exchanges: exchanges.to_vec(), ..Topology::default() })).await;
    for exchange in &exchanges {
        // Twice changes nothing, and nobody listens.
        soon("declaring again", one.declare(&exchange.clone().into())).await;
        publish_to(&*one, &exchange.name, &["k", ""]).await;
        let mut queue = bound(&format!("late.{}", exchange.name), &exchange.name, exchange.kind, "k");
        queue.exchange.durable = false;
        declare(&*two, &queue).await;
        let mut consumer = consume(&*two, &queue, 0).await;
        publish_to(&*one, &exchange.name, &["k"]).await;
        let deliveries = receive(&mut *consumer, 1).await;
        assert_eq!(bodies(&deliveries), ["k"]);
        ack_all(deliveries);
    }
}

pub async fn the_empty_exchange_goes_to_the_queue_of_the_name(place: Box<dyn Place>) {
    let broker = place.connect();
    let mut queue = bound("by-name", "elsewhere", ExchangeKind::Direct, "other-key");
    declare(&*broker, &queue).await;
    // One that no exchange leads to.
    queue.name = "unbound".into();
    queue.exchange.name = "".into();
    declare(&*broker, &queue).await;
    publish_to(&*broker, "", &["by-name", "unbound", "nobody", "other-key"]).await;
    waiting(&*broker, "by-name", 1).await;
    waiting(&*broker, "unbound", 1).await;
    let message = soon("taking", broker.take("unbound")).await.unwrap();
    let info = &message.properties.delivery_info;
    assert_eq!((&*info.exchange, &*info.routing_key), ("", "unbound"));
}

pub async fn priorities_are_honoured(place: Box<dyn Place>) {
    let broker = place.connect();
    let capabilities = broker.capabilities();
    let mut queue = Queue::new("urgent");
    queue.max_priority = Some(9);
    declare(&*broker, &queue).await;
    // Those that Redis tells apart; the order within one stays.
    for (body, priority) in [("6", 6), ("0", 0), ("9", 9), ("3", 3), ("6 too", 6), ("0 too", 0)] {
        let mut message = text(body);
        message.properties.priority = Some(priority);
        soon("publishing", broker.publish(to("urgent", "urgent", message))).await;
    }
    waiting(&*broker, "urgent", 6).await;
    let expected = match (capabilities.priorities, capabilities.greater_is_more_urgent) {
        (0, _) => ["6", "0", "9", "3", "6 too", "0 too"],
        (_, true) => ["9", "6", "6 too", "3", "0", "0 too"],
        (_, false) => ["0", "0 too", "3", "6", "6 too", "9"],
    };
    let mut consumer = consume(&*broker, &queue, 1).await;
    for wanted in expected {
        let delivery = receive_one(&mut *consumer).await;
        assert_eq!(body(&delivery), wanted);
        delivery.settlement.ack();
    }
}

pub async fn a_delay_is_kept(place: Box<dyn Place>) {
    let broker = place.connect();
    let queue = queue(&*broker, "delayed").await;
    let mut consumer = consume(&*broker, &queue, 0).await;
    let delay = Duration::from_millis(700);
    let mut publication = to("delayed", "delayed", text("later"));
    publication.delay = Some(delay);
    let start = Instant::now();
    soon("publishing", broker.publish(publication)).await;
    publish(&*broker, "delayed", "now").await;
    let deliveries = receive(&mut *consumer, 2).await;
    if broker.capabilities().delay {
        assert_eq!(bodies(&deliveries), ["now", "later"]);
        // Some clocks count milliseconds.
        assert!(start.elapsed() + Duration::from_millis(2) >= delay, "{:?}", start.elapsed());
    } else {
        assert_eq!(bodies(&deliveries), ["later", "now"]);
    }
    ack_all(deliveries);
}

pub async fn messages_expire(place: Box<dyn Place>) {
    let broker = place.connect();
    if !broker.capabilities().message_ttl {
        return;
    }
    let mut short = Queue::new("short");
    short.message_ttl = Some(Duration::from_millis(50));
    declare(&*broker, &short).await;
    publish(&*broker, "short", "gone").await;
    waiting(&*broker, "short", 0).await;
    assert_eq!(soon("taking", broker.take("short")).await, None);
    // And where the message says it itself.
    queue(&*broker, "mixed").await;
    let mut message = text("gone");
    message.properties.expiration = Some("50".into());
    soon("publishing", broker.publish(to("mixed", "mixed", message))).await;
    publish(&*broker, "mixed", "stays").await;
    waiting(&*broker, "mixed", 1).await;
    assert_eq!(soon("taking", broker.take("mixed")).await.unwrap().body, "stays");
}

pub async fn queues_expire(place: Box<dyn Place>) {
    let broker = place.connect();
    if !broker.capabilities().queue_ttl {
        return;
    }
    let mut queue = Queue::new("passing");
    queue.expires = Some(Duration::from_millis(300));
    declare(&*broker, &queue).await;
    until("it is gone", || async {
        // To ask is to use it.
        tokio::time::sleep(Duration::from_millis(900)).await;
        soon("counting", broker.len("passing")).await.is_none()
    })
    .await;
}

pub async fn queues_go_with_their_last_consumer(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let mut queue = Queue::new("attended");
    queue.auto_delete = true;
    declare(&*one, &queue).await;
    let (a, b) = (consume(&*one, &queue, 1).await, consume(&*one, &queue, 1).await);
    publish(&*two, "attended", "x").await;
    drop(a);
    drop(b);
    until("it is gone", || async { soon("counting", two.len("attended")).await.is_none() }).await;
}
