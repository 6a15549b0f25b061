//! What happens when the broker is killed, and starts again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::{Place, ack_all, bodies, body, consume, publish, queue, receive, receive_one, soon, text, to, waiting};

/// Kills and starts a broker, while others go on.
fn crash(place: &mut dyn Place) {
    tokio::task::block_in_place(|| {
        place.kill();
        place.restart();
    });
}

pub async fn what_is_kept_survives_a_crash(mut place: Box<dyn Place>) {
    let broker = place.connect();
    if !broker.capabilities().durable {
        return;
    }
    let queue = queue(&*broker, "kept").await;
    for n in 0..20 {
        publish(&*broker, "kept", &n.to_string()).await;
    }
    crash(&mut *place);
    let other = place.connect();
    let mut consumer = consume(&*other, &queue, 0).await;
    let deliveries = receive(&mut *consumer, 20).await;
    assert_eq!(bodies(&deliveries), (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
    ack_all(deliveries);
    // The connection of before goes on by itself.
    publish(&*broker, "kept", "more").await;
    assert_eq!(body(&receive_one(&mut *consumer).await), "more");
}

pub async fn consumers_go_on_after_a_crash(mut place: Box<dyn Place>) {
    let broker = place.connect();
    if !broker.capabilities().durable {
        return;
    }
    let queue = queue(&*broker, "goes-on").await;
    let mut consumer = consume(&*broker, &queue, 3).await;
    for n in 0..5 {
        publish(&*broker, "goes-on", &n.to_string()).await;
    }
    let before = receive(&mut *consumer, 3).await;
    let mut seen: HashMap<String, bool> = before.iter().map(|delivery| (body(delivery), false)).collect();
    let mut batch = Vec::new();
    {
        // One that waits already is not disturbed; nothing can come, because it holds all that it may.
        let receiving = consumer.receive(&mut batch);
        tokio::pin!(receiving);
        crash(&mut *place);
        // Settlements of before still count, or else have no effect, and what it held comes again.
        ack_all(before);
        soon("receiving goes on", receiving).await;
    }
    loop {
        for delivery in batch.drain(..) {
            seen.insert(body(&delivery), delivery.redelivered);
            delivery.settlement.ack();
        }
        if seen.len() == 5 {
            break;
        }
        soon("receiving", consumer.receive(&mut batch)).await;
    }
    waiting(&*place.connect(), "goes-on", 0).await;
    publish(&*broker, "goes-on", "after").await;
    assert_eq!(body(&receive_one(&mut *consumer).await), "after");
}

pub async fn publishing_goes_on_after_a_crash(mut place: Box<dyn Place>) {
    let broker = place.connect();
    if !broker.capabilities().durable {
        return;
    }
    queue(&*broker, "waits").await;
    publish(&*broker, "waits", "0").await;
    tokio::task::block_in_place(|| place.kill());
    // It waits for the broker, and can be given up.
    let given_up = broker.publish(to("waits", "waits", text("given up")));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), given_up).await.is_err());
    let publishing = futures_util::future::try_join_all(
        (1..100).map(|n| broker.publish(to("waits", "waits", text(&n.to_string())))),
    );
    let restarting = async { tokio::task::block_in_place(|| place.restart()) };
    tokio::join!(soon("publishing goes on", publishing), restarting);
    let other = place.connect();
    let mut count = 0;
    while let Some(message) = soon("taking", other.take("waits")).await {
        count += u32::from(message.body != "given up");
    }
    assert_eq!(count, 100);
}

pub async fn nothing_is_lost_in_many_crashes(mut place: Box<dyn Place>) {
    const MESSAGES: u32 = 3000;
    let (one, two) = (place.connect(), place.connect());
    if !one.capabilities().durable {
        return;
    }
    let queue = queue(&*one, "many-crashes").await;
    let mut consumer = consume(&*two, &queue, 100).await;
    let (published, done) = (AtomicU32::new(0), AtomicBool::new(false));
    let publishing = async {
        for batch in 0..MESSAGES / 50 {
            let batch = (batch * 50..(batch + 1) * 50)
                .map(|n| one.publish(to("many-crashes", "many-crashes", text(&n.to_string()))));
            soon("publishing", futures_util::future::try_join_all(batch)).await;
            published.fetch_add(50, Ordering::Relaxed);
        }
    };
    let receiving = async {
        let (mut got, mut batch) = (HashMap::<String, u32>::new(), Vec::new());
        while got.len() < MESSAGES as usize {
            soon(&format!("receiving after {}", got.len()), consumer.receive(&mut batch)).await;
            for delivery in batch.drain(..) {
                *got.entry(body(&delivery)).or_default() += 1;
                delivery.settlement.ack();
            }
        }
        done.store(true, Ordering::Relaxed);
        got
    };
    let crashing = async {
        for crash_number in 1..=3 {
            super::until("a quarter more is published", || async {
                done.load(Ordering::Relaxed) || published.load(Ordering::Relaxed) >= crash_number * MESSAGES / 4
            })
            .await;
            crash(&mut *place);
        }
    };
    let (got, (), ()) = tokio::join!(receiving, publishing, crashing);
    let twice: u32 = got.values().map(|count| count - 1).sum();
    // At most what was on its way, to the broker or from it, at each crash.
    assert!(twice <= 3 * (100 + 50), "{twice} came twice");
}
