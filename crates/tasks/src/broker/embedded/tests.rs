//! What was confirmed is there when the file is opened again.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use salamander_wire::celery::{Message, ResultMeta, Serializer, State};

use super::*;
use crate::Kind;
use crate::backend::{Backend, EmbeddedResults, Found, ResultOptions, Update};
use crate::broker::{Broker, Consume, Delivery, Exchange, ExchangeKind, Publication, Queue};

/// A directory of its own, which is gone afterwards.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("salamander-queues-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn open(&self) -> Embedded {
        Embedded::open(self.0.join("tasks"), EmbeddedOptions::default()).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn publication(exchange: &str, key: &str, text: &str) -> Publication {
    let message = Message::new(text.to_owned(), Serializer::Text);
    Publication { exchange: exchange.into(), routing_key: key.into(), message, delay: None }
}

fn consume(queue: &Queue, prefetch: u32) -> Consume {
    Consume { queues: vec![queue.clone()], prefetch, no_ack: false, tag: "test".into() }
}

fn told(deliveries: &[Delivery]) -> Vec<(String, Option<u32>)> {
    let text = |one: &Delivery| String::from_utf8(one.message.body.to_vec()).unwrap();
    deliveries.iter().map(|one| (text(one), one.deliveries)).collect()
}

#[tokio::test]
async fn what_was_confirmed_is_there_when_it_is_opened_again() {
    let (directory, killed) = (Directory::new(), Directory::new());
    let mut queue = Queue::new("q");
    queue.exchange = Exchange::new("topic", ExchangeKind::Topic);
    queue.routing_key = "a.#".into();
    queue.message_ttl = Some(Duration::from_secs(3600));
    {
        let broker = directory.open();
        broker.declare(&queue.clone().into()).await.unwrap();
        for text in ["done", "held", "waiting"] {
            broker.publish(publication("topic", "a.b", text)).await.unwrap();
        }
        let mut passing = publication("topic", "a.b", "passing");
        passing.message.properties.delivery_mode = Some(1);
        broker.publish(passing).await.unwrap();
        let mut consumer = broker.consume(consume(&queue, 2)).await.unwrap();
        let mut deliveries = Vec::new();
        consumer.receive(&mut deliveries).await.unwrap();
        deliveries.remove(0).settlement.ack();
        broker.local.hub().flush().await.unwrap();
        // As if it was killed now.
        for file in ["tasks", "tasks-wal"] {
            std::fs::copy(directory.0.join(file), killed.0.join(file)).unwrap();
        }
    }
    {
        let broker = killed.open();
        assert_eq!(broker.len("q").await.unwrap(), Some(2));
        broker.declare(&queue.clone().into()).await.unwrap();
        broker.publish(publication("topic", "a", "new")).await.unwrap();
        let mut deliveries = Vec::new();
        let mut consumer = broker.consume(consume(&queue, 0)).await.unwrap();
        consumer.receive(&mut deliveries).await.unwrap();
        let expected = [("held", 1), ("waiting", 0), ("new", 0)];
        assert_eq!(told(&deliveries), expected.map(|(text, count)| (text.to_owned(), Some(count))));
        deliveries.into_iter().for_each(|one| one.settlement.ack());
    }
    assert_eq!(killed.open().len("q").await.unwrap(), Some(0));
    assert_eq!(directory.open().len("q").await.unwrap(), Some(2), "closed, it is the same, without what was passing");
}

#[tokio::test]
async fn results_last() {
    let directory = Directory::new();
    let meta = ResultMeta::new("a", State::Success, 5);
    {
        let backend = EmbeddedResults::new(&directory.open(), ResultOptions::default());
        let update = |meta: &ResultMeta| Update { meta: meta.clone(), reply_to: None, correlation_id: None };
        backend.store(update(&meta)).await.unwrap();
        backend.store(update(&ResultMeta::new("a", State::Started, ()))).await.unwrap();
    }
    let backend = EmbeddedResults::new(&directory.open(), ResultOptions::default());
    assert!(matches!(backend.get("a").await.unwrap(), Found::Known(found) if *found == meta));
    assert_eq!(backend.changed("a", None).await.unwrap(), meta);
    assert!(matches!(backend.get("b").await.unwrap(), Found::Unknown));
}

#[tokio::test]
async fn the_file_is_one_process_s_and_no_other_file_is_taken() {
    let directory = Directory::new();
    let open = |name: &str| Embedded::open(directory.0.join(name), EmbeddedOptions::default());
    let first = open("tasks").unwrap();
    let error = open("tasks").unwrap_err();
    assert!(error.to_string().contains("another process uses it"), "{error}");
    assert_eq!(error.kind(), Kind::Refused);
    drop(first);
    drop(open("tasks").unwrap());
    std::fs::write(directory.0.join("text"), "some text that is no database, and long enough to tell").unwrap();
    assert!(open("text").unwrap_err().to_string().contains("file is not a database"));
    let db = rusqlite::Connection::open(directory.0.join("other")).unwrap();
    db.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(db);
    assert!(open("other").unwrap_err().to_string().contains("a database of something else"));
    let db = rusqlite::Connection::open(directory.0.join("tasks")).unwrap();
    db.pragma_update(None, "user_version", 9).unwrap();
    drop(db);
    assert!(open("tasks").unwrap_err().to_string().contains("has version 9, and this program knows 1"));
}

/// What lies in a long queue comes as it would from memory, and does not lie there.
mod backlog {
    use std::collections::VecDeque;

    use super::{Directory, Duration};
    use crate::broker::embedded::{Earlier, Embedded, EmbeddedOptions};
    use crate::broker::{Broker, Consume, Consumer, Delivery, Memory, Publication, Queue};
    use salamander_wire::celery::{Message, Serializer};

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
        let room = crate::broker::hub::Room::default().messages;
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
            assert_eq!(
                [0, 1, 2, 49].map(|id| broker.hub().knows(&id.to_string())),
                [true, true, false, false],
                "{end}"
            );
            // What was held is not part of it.
            held.drain(..).for_each(|delivery| delivery.settlement.reject(false));
            assert!(!broker.hub().knows("0") && !broker.hub().knows("1"), "{end}");
        }
    }
}
