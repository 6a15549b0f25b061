//! What lies in a long queue comes as it would from memory, and does not lie there.

use std::collections::VecDeque;
use std::time::Duration;

use salamander_wire::celery::{Message, Serializer};

use super::tests::Directory;
use super::{Earlier, Embedded, EmbeddedOptions};
use crate::broker::{Broker, Consume, Consumer, Delivery, Memory, Publication, Queue};

const PATIENCE: Duration = Duration::from_secs(60);

fn publication(text: &str, priority: u8) -> Publication {
    let mut message = Message::new(text.to_owned(), Serializer::Text);
    message.properties.priority = Some(priority);
    message.headers.insert("task", "t");
    message.headers.insert("id", text);
    Publication { exchange: "".into(), routing_key: "q".into(), message, delay: None }
}

fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.body).into_owned()
}

async fn consume(broker: &dyn Broker, prefetch: u32) -> Box<dyn Consumer> {
    broker.declare(&Queue::new("q").into()).await.unwrap();
    let consume = Consume { queues: vec![Queue::new("q")], prefetch, no_ack: false, tag: "test".into() };
    broker.consume(consume).await.unwrap()
}

async fn receive(consumer: &mut dyn Consumer, into: &mut Vec<Delivery>, count: usize) {
    while into.len() < count {
        tokio::time::timeout(PATIENCE, consumer.receive(into)).await.expect("messages come").unwrap();
    }
}

/// Numbers that look like chance, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A broker, a consumer of it, and what that holds.
struct Side {
    broker: Box<dyn Broker>,
    consumer: Box<dyn Consumer>,
    held: VecDeque<Delivery>,
}

impl Side {
    async fn new(broker: impl Broker, prefetch: u32) -> Self {
        let consumer = consume(&broker, prefetch).await;
        Self { broker: Box::new(broker), consumer, held: VecDeque::new() }
    }

    async fn receive(&mut self, count: usize) -> Vec<(String, Option<u32>)> {
        let mut deliveries = Vec::new();
        receive(&mut *self.consumer, &mut deliveries, count).await;
        let told = deliveries.iter().map(|one| (text(&one.message), one.deliveries)).collect();
        self.held.extend(deliveries);
        told
    }

    fn settle(&mut self, which: usize, how: u64) {
        let Some(delivery) = self.held.remove(which) else { return };
        match how {
            0 => delivery.settlement.reject(true),
            1 => delivery.settlement.reject(false),
            _ => delivery.settlement.ack(),
        }
    }
}

/// The same is done to a queue of which little is at hand, and to one in memory.
async fn same(seed: u64) {
    let mut chance = Chance(seed);
    let directory = Directory::new();
    let little = || {
        let earlier = Earlier::with_room(4 + (seed % 13) as usize, 400 + 200 * (seed % 17) as usize);
        Embedded::begin(&directory.0.join("tasks"), EmbeddedOptions::default(), earlier).unwrap()
    };
    let prefetch = 1 + chance.below(20) as u32;
    let mut memory = Side::new(Memory::new(), prefetch).await;
    let mut file = Side::new(little(), prefetch).await;
    for step in 0..200 {
        match chance.below(12) {
            0..=4 => {
                for number in 0..chance.below(30) {
                    let filler = "x".repeat(chance.below(200) as usize);
                    let mut one = publication(&format!("{step}-{number}-{filler}"), chance.below(3) as u8);
                    one.delay = (chance.below(8) == 0).then_some(Duration::from_secs(3600));
                    memory.broker.publish(one.clone()).await.unwrap();
                    file.broker.publish(one).await.unwrap();
                }
            }
            5 | 6 => {
                for _ in 0..chance.below(20) {
                    let taken =
                        tokio::time::timeout(PATIENCE, file.broker.take("q")).await.expect("it comes").unwrap();
                    let expected = memory.broker.take("q").await.unwrap();
                    assert_eq!(taken.as_ref().map(text), expected.as_ref().map(text), "seed {seed}, step {step}");
                }
            }
            7 | 8 => {
                let mut deliveries = Vec::new();
                if let Some(Ok(())) =
                    futures_util::future::FutureExt::now_or_never(memory.consumer.receive(&mut deliveries))
                {
                    let expected: Vec<_> =
                        deliveries.iter().map(|one| (text(&one.message), one.deliveries)).collect();
                    memory.held.extend(deliveries);
                    assert_eq!(file.receive(expected.len()).await, expected, "seed {seed}, step {step}");
                }
            }
            9 | 10 => {
                for _ in 0..chance.below(20) {
                    let (which, how) = (chance.below(20) as usize, chance.below(6));
                    memory.settle(which, how);
                    file.settle(which, how);
                }
            }
            _ if chance.below(5) == 0 => {
                assert_eq!(file.broker.purge("q").await.unwrap(), memory.broker.purge("q").await.unwrap());
            }
            _ if chance.below(4) == 0 => {
                // Closed and opened again: what was held is there again.
                let Side { broker, consumer, held } = file;
                drop((held, consumer, broker));
                file = Side::new(little(), prefetch).await;
                memory.held.clear();
                memory.consumer = consume(&*memory.broker, prefetch).await;
            }
            _ => {}
        }
        let lengths = (file.broker.len("q").await.unwrap(), memory.broker.len("q").await.unwrap());
        assert_eq!(lengths.0, lengths.1, "seed {seed}, step {step}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn little_at_hand_is_the_same_as_everything() {
    for seed in 0..30 {
        tokio::time::timeout(PATIENCE, same(seed)).await.unwrap_or_else(|_| panic!("seed {seed} does not end"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_lies_in_its_file() {
    const MANY: usize = 40_000;
    let directory = Directory::new();
    let open = || Embedded::open(directory.0.join("tasks"), EmbeddedOptions::default()).unwrap();
    let room = super::super::hub::Room::default().messages;
    {
        let broker = open();
        broker.declare(&Queue::new("q").into()).await.unwrap();
        for chunk in 0..MANY / 1000 {
            let texts = (0..1000).map(|number| (chunk * 1000 + number).to_string());
            let published = texts.map(|text| broker.publish(publication(&text, 0)));
            futures_util::future::try_join_all(published).await.unwrap();
            assert!(broker.hub().here("q") <= room);
        }
    }
    let broker = open();
    assert_eq!(broker.hub().here("q"), 0, "nothing is read before somebody wants it");
    assert_eq!(broker.len("q").await.unwrap(), Some(MANY as u64));
    assert!(broker.hub().knows("39999") && !broker.hub().knows("40000"));
    let mut consumer = consume(&broker, 100).await;
    let mut next = 0;
    while next < MANY {
        let mut deliveries = Vec::new();
        receive(&mut *consumer, &mut deliveries, 1).await;
        for delivery in deliveries {
            assert_eq!(text(&delivery.message), next.to_string());
            delivery.settlement.ack();
            next += 1;
        }
        assert!(broker.hub().here("q") <= room);
    }
    assert_eq!(broker.len("q").await.unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_comes_out_of_the_file_when_it_is() {
    let directory = Directory::new();
    let open = || {
        let earlier = Earlier::with_room(10, 1 << 20);
        Embedded::begin(&directory.0.join("tasks"), EmbeddedOptions::default(), earlier).unwrap()
    };
    {
        let broker = open();
        broker.declare(&Queue::new("q").into()).await.unwrap();
        for number in 0..100 {
            let mut one = publication(&number.to_string(), 0);
            one.delay = Some(Duration::from_millis(500 + number % 7));
            broker.publish(one).await.unwrap();
        }
        assert!(broker.hub().here("q") <= 10);
    }
    for turn in 0..2 {
        let broker = open();
        let mut consumer = consume(&broker, 0).await;
        let mut deliveries = Vec::new();
        receive(&mut *consumer, &mut deliveries, 100).await;
        let mut texts: Vec<u64> = deliveries.iter().map(|one| text(&one.message).parse().unwrap()).collect();
        texts.sort_unstable();
        assert!(texts.into_iter().eq(0..100));
        // Given back and taken up again, they are ready at once, and lie there as others do.
        for delivery in deliveries {
            if turn == 0 {
                delivery.settlement.reject(true);
            } else {
                delivery.settlement.ack();
            }
        }
        broker.hub().flush().await.unwrap();
        assert!(broker.hub().here("q") <= 10);
    }
    assert_eq!(open().len("q").await.unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_lie_in_the_file_alone_are_known_until_they_are_thrown_away() {
    let directory = Directory::new();
    let broker =
        Embedded::begin(&directory.0.join("tasks"), EmbeddedOptions::default(), Earlier::with_room(4, 1 << 20))
            .unwrap();
    for end in ["purged", "deleted"] {
        let mut consumer = consume(&broker, 2).await;
        for number in 0..50 {
            broker.publish(publication(&number.to_string(), 0)).await.unwrap();
        }
        let mut held = Vec::new();
        receive(&mut *consumer, &mut held, 2).await;
        assert!(broker.hub().knows("49"));
        match end {
            "purged" => assert_eq!(broker.purge("q").await.unwrap(), 48),
            _ => broker.delete("q").await.unwrap(),
        }
        broker.hub().flush().await.unwrap();
        assert_eq!([0, 1, 2, 49].map(|id| broker.hub().knows(&id.to_string())), [true, true, false, false], "{end}");
        // What was held is not part of it.
        held.drain(..).for_each(|delivery| delivery.settlement.reject(false));
        assert!(!broker.hub().knows("0") && !broker.hub().knows("1"), "{end}");
    }
}
