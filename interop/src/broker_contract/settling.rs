//! Acknowledging, refusing, holding.

use std::collections::BTreeSet;

use salamander_tasks::broker::Consume;

use super::{Place, ack_all, bodies, body, consume, publish, queue, receive, receive_one, soon, waiting};

pub async fn what_is_acknowledged_is_gone(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let queue = queue(&*one, "acknowledged").await;
    for n in 0..5 {
        publish(&*one, "acknowledged", &n.to_string()).await;
    }
    let mut consumer = consume(&*two, &queue, 0).await;
    let mut deliveries = receive(&mut *consumer, 5).await;
    // Not in their order, and not all.
    for (index, left) in [(3, 4), (0, 3), (1, 2)] {
        deliveries.remove(index).settlement.ack();
        assert_eq!(deliveries.len(), left);
    }
    assert_eq!(bodies(&deliveries), ["1", "4"]);
    soon("closing", two.close()).await;
    let mut consumer = consume(&*one, &queue, 0).await;
    let rest = receive(&mut *consumer, 2).await;
    assert_eq!(bodies(&rest).into_iter().collect::<BTreeSet<_>>(), ["1".into(), "4".into()].into());
    ack_all(rest);
}

pub async fn what_a_dropped_consumer_held_comes_again(place: Box<dyn Place>) {
    let broker = place.connect();
    let queue = queue(&*broker, "dropped").await;
    publish(&*broker, "dropped", "1").await;
    publish(&*broker, "dropped", "2").await;
    let mut consumer = consume(&*broker, &queue, 2).await;
    let mut deliveries = receive(&mut *consumer, 2).await;
    deliveries.remove(0).settlement.ack();
    drop(consumer);
    waiting(&*broker, "dropped", 1).await;
    // Too late: it has no effect, and does no harm.
    ack_all(deliveries);
    let mut consumer = consume(&*broker, &queue, 2).await;
    let delivery = receive_one(&mut *consumer).await;
    assert_eq!((body(&delivery).as_str(), delivery.redelivered), ("2", true));
    assert!(delivery.message.properties.delivery_info.redelivered);
    delivery.settlement.ack();
}

pub async fn what_a_closed_connection_held_comes_again(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let queue = queue(&*one, "held").await;
    let mut consumer = consume(&*one, &queue, 2).await;
    for n in 0..4 {
        publish(&*two, "held", &n.to_string()).await;
    }
    let held = receive(&mut *consumer, 2).await;
    soon("closing", one.close()).await;
    drop(held);
    let mut consumer = consume(&*two, &queue, 0).await;
    let all = receive(&mut *consumer, 4).await;
    assert_eq!(bodies(&all).into_iter().collect::<BTreeSet<_>>().len(), 4);
    let again: BTreeSet<_> = all.iter().filter(|one| one.redelivered).map(body).collect();
    assert_eq!(again, ["0".to_owned(), "1".to_owned()].into());
    ack_all(all);
}

pub async fn what_is_rejected_comes_again_or_goes(place: Box<dyn Place>) {
    let broker = place.connect();
    let queue = queue(&*broker, "rejected").await;
    let mut consumer = consume(&*broker, &queue, 1).await;
    publish(&*broker, "rejected", "again").await;
    for turn in 0..3 {
        let delivery = receive_one(&mut *consumer).await;
        assert_eq!((body(&delivery).as_str(), delivery.redelivered), ("again", turn > 0));
        delivery.settlement.reject(turn < 2);
    }
    publish(&*broker, "rejected", "other").await;
    let delivery = receive_one(&mut *consumer).await;
    assert_eq!((body(&delivery).as_str(), delivery.redelivered), ("other", false));
    delivery.settlement.ack();
}

pub async fn prefetch_is_a_limit(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let queue = queue(&*one, "limited").await;
    let mut few = consume(&*one, &queue, 3).await;
    for n in 0..10 {
        publish(&*two, "limited", &n.to_string()).await;
    }
    let mut held = receive(&mut *few, 3).await;
    // All the others are there for somebody else.
    let mut rest = consume(&*two, &queue, 0).await;
    ack_all(receive(&mut *rest, 7).await);
    drop(rest);
    publish(&*two, "limited", "10").await;
    publish(&*two, "limited", "11").await;
    waiting(&*two, "limited", 2).await;
    // For each that is settled comes another one.
    held.remove(0).settlement.ack();
    assert_eq!(body(&receive_one(&mut *few).await), "10");
    waiting(&*two, "limited", 1).await;
    held.remove(0).settlement.reject(false);
    assert_eq!(body(&receive_one(&mut *few).await), "11");
    waiting(&*two, "limited", 0).await;
}

pub async fn prefetch_can_be_changed(place: Box<dyn Place>) {
    let broker = place.connect();
    let queue = queue(&*broker, "changed").await;
    for n in 0..12 {
        publish(&*broker, "changed", &n.to_string()).await;
    }
    let mut consumer = consume(&*broker, &queue, 2).await;
    let mut held = receive(&mut *consumer, 2).await;
    waiting(&*broker, "changed", 10).await;
    consumer.set_prefetch(5);
    held.extend(receive(&mut *consumer, 3).await);
    waiting(&*broker, "changed", 7).await;
    // Fewer than it holds: the next comes when it holds fewer.
    consumer.set_prefetch(2);
    for settled in held.drain(..4) {
        settled.settlement.ack();
    }
    held.push(receive_one(&mut *consumer).await);
    waiting(&*broker, "changed", 6).await;
    consumer.set_prefetch(0);
    held.extend(receive(&mut *consumer, 6).await);
    let mut last = bodies(&held);
    last.sort();
    assert_eq!(last, ["10", "11", "4", "5", "6", "7", "8", "9"]);
    ack_all(held);
}

pub async fn without_acknowledgements_nothing_is_held(place: Box<dyn Place>) {
    let broker = place.connect();
    let queue = queue(&*broker, "careless").await;
    for n in 0..10 {
        publish(&*broker, "careless", &n.to_string()).await;
    }
    let consume = Consume { queues: vec![queue], prefetch: 2, no_ack: true, tag: "careless".into() };
    let mut consumer = soon("consuming", broker.consume(consume)).await;
    let mut deliveries = Vec::new();
    while deliveries.len() < 10 {
        soon("receiving", consumer.receive(&mut deliveries)).await;
    }
    assert_eq!(bodies(&deliveries), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    // Settling them does nothing.
    ack_all(deliveries);
    publish(&*broker, "careless", "more").await;
    assert_eq!(body(&receive_one(&mut *consumer).await), "more");
    drop(consumer);
    soon("closing", broker.close()).await;
    assert_eq!(soon("counting", place.connect().len("careless")).await, Some(0));
}

pub async fn what_was_cancelled_can_be_settled(place: Box<dyn Place>) {
    let (one, two) = (place.connect(), place.connect());
    let queue = queue(&*one, "cancelled").await;
    publish(&*one, "cancelled", "1").await;
    publish(&*one, "cancelled", "2").await;
    let mut consumer = consume(&*one, &queue, 2).await;
    let mut held = receive(&mut *consumer, 2).await;
    soon("cancelling", consumer.cancel("cancelled")).await;
    held.remove(0).settlement.ack();
    held.remove(0).settlement.reject(true);
    waiting(&*two, "cancelled", 1).await;
    assert_eq!(soon("taking", two.take("cancelled")).await.unwrap().body, "2");
}

pub async fn deliveries_are_counted(place: Box<dyn Place>) {
    let broker = place.connect();
    let mut queue = salamander_tasks::broker::Queue::new("repeated");
    if !broker.capabilities().counts_deliveries {
        // Where that takes a kind of queue that has to be asked for, the driver's own tests ask for it.
        queue.name = "uncounted".into();
    }
    super::declare(&*broker, &queue).await;
    soon("publishing", broker.publish(super::to("", &queue.name, super::text("x")))).await;
    let mut consumer = consume(&*broker, &queue, 1).await;
    for turn in 0..4 {
        let delivery = receive_one(&mut *consumer).await;
        match delivery.deliveries {
            Some(count) => assert_eq!(count, turn),
            None => assert!(!broker.capabilities().counts_deliveries),
        }
        delivery.settlement.reject(turn < 3);
    }
}
