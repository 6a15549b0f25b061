//! [`Memory`]: a broker in this process, for tests and programs that are alone.

use std::sync::Arc;

use super::hub::{Hub, Local, local_broker};
use crate::backend::Kept;
use crate::permits::KeptPermits;

/// A broker that keeps everything in memory. It can do all that a broker can, but survive its process.
///
/// Clones are the same connection; [`Memory::connect`] makes another one to the same queues.
#[derive(Clone)]
pub struct Memory {
    local: Local,
    results: Arc<Kept>,
    permits: Arc<KeptPermits>,
}

impl Memory {
    /// A broker without queues.
    pub fn new() -> Self {
        let hub = Hub::new();
        Self { local: Local::new(hub.clone()), results: Arc::new(Kept::in_memory(hub)), permits: Arc::default() }
    }

    /// Another connection to the same queues: what is exclusive is another's, and it is closed by itself.
    #[must_use]
    pub fn connect(&self) -> Self {
        Self { local: self.local.connect(), ..self.clone() }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        self.local.hub()
    }

    /// The results that are kept beside the queues.
    pub(crate) fn results(&self) -> &Arc<Kept> {
        &self.results
    }

    /// What is kept of permits.
    pub(crate) fn kept_permits(&self) -> &Arc<KeptPermits> {
        &self.permits
    }

    fn location(&self) -> String {
        "memory://".to_owned()
    }
}

local_broker!(Memory, durable: false);

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use salamander_wire::celery::{Message, Serializer};

    use super::*;
    use crate::broker::{Broker, Consume, Consumer, Delivery, Exchange, ExchangeKind, Publication, Queue, Topology};
    use crate::{Kind, Waits};

    fn to(exchange: &str, routing_key: &str, text: &str) -> Publication {
        let message = Message::new(text.to_owned(), Serializer::Text);
        Publication { exchange: exchange.into(), routing_key: routing_key.into(), message, delay: None }
    }

    fn urgent(text: &str, priority: u8) -> Publication {
        let mut publication = to("", "q", text);
        publication.message.properties.priority = Some(priority);
        publication
    }

    async fn with_queue() -> Memory {
        let broker = Memory::new();
        broker.declare(&Queue::new("q").into()).await.unwrap();
        broker
    }

    fn from(queues: &[&str], prefetch: u32) -> Consume {
        let queues = queues.iter().map(|queue| Queue::new(*queue)).collect();
        Consume { queues, prefetch, no_ack: false, tag: "test".into() }
    }

    fn texts(deliveries: &[Delivery]) -> Vec<String> {
        deliveries.iter().map(|one| String::from_utf8(one.message.body.to_vec()).unwrap()).collect()
    }

    async fn received(consumer: &mut Box<dyn Consumer>) -> Vec<Delivery> {
        let mut into = Vec::new();
        tokio::time::timeout(Duration::from_secs(60), consumer.receive(&mut into)).await.unwrap().unwrap();
        into
    }

    /// Whether a future has to wait.
    async fn waits<T>(future: &mut Waits<'_, T>) -> bool {
        futures_util::poll!(future).is_pending()
    }

    #[tokio::test]
    async fn the_urgent_come_first_and_then_the_oldest() {
        let broker = with_queue().await;
        for (text, priority) in [("a", 0), ("b", 5), ("c", 9), ("d", 5), ("e", 0)] {
            broker.publish(urgent(text, priority)).await.unwrap();
        }
        let mut consumer = broker.consume(from(&["q"], 0)).await.unwrap();
        assert_eq!(texts(&received(&mut consumer).await), ["c", "b", "d", "a", "e"]);
        assert_eq!(broker.len("q").await.unwrap(), Some(0));
    }

    #[tokio::test]
    async fn what_is_not_settled_comes_again_and_is_counted() {
        let broker = with_queue().await;
        for text in ["a", "b", "c"] {
            broker.publish(to("", "q", text)).await.unwrap();
        }
        let mut first = broker.consume(from(&["q"], 2)).await.unwrap();
        let mut held = received(&mut first).await;
        assert_eq!(texts(&held), ["a", "b"]);
        assert!(held.iter().all(|one| !one.redelivered && one.deliveries == Some(0)));
        held.remove(0).settlement.ack();
        drop(first);
        // Too late, and without effect.
        held.remove(0).settlement.ack();
        let mut second = broker.consume(from(&["q"], 0)).await.unwrap();
        let again = received(&mut second).await;
        assert_eq!(texts(&again), ["b", "c"]);
        let told: Vec<_> = again.iter().map(|one| (one.redelivered, one.deliveries)).collect();
        assert_eq!(told, [(true, Some(1)), (false, Some(0))]);
        for one in again {
            let back = one.redelivered;
            one.settlement.reject(back);
        }
        let again = received(&mut second).await;
        assert_eq!((texts(&again), again[0].deliveries), (vec!["b".to_owned()], Some(2)));
    }

    #[tokio::test]
    async fn no_more_are_held_than_may_be() {
        let broker = with_queue().await;
        for text in ["a", "b", "c"] {
            broker.publish(to("", "q", text)).await.unwrap();
        }
        let mut consumer = broker.consume(from(&["q"], 1)).await.unwrap();
        let held = received(&mut consumer).await.pop().unwrap();
        let mut into = Vec::new();
        {
            let mut more = consumer.receive(&mut into);
            assert!(waits(&mut more).await);
            held.settlement.ack();
            more.await.unwrap();
        }
        assert_eq!(texts(&into), ["b"]);
        {
            let mut more = consumer.receive(&mut into);
            assert!(waits(&mut more).await);
        }
        consumer.set_prefetch(2);
        consumer.receive(&mut into).await.unwrap();
        assert_eq!(texts(&into), ["b", "c"]);
    }

    #[tokio::test]
    async fn a_message_whose_consumer_went_away_wakes_another() {
        let broker = with_queue().await;
        let mut consumers = Vec::new();
        for _ in 0..2 {
            consumers.push(broker.consume(from(&["q"], 1)).await.unwrap());
        }
        let [first, second] = &mut consumers[..] else { unreachable!() };
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let mut one = first.receive(&mut a);
        let mut other = second.receive(&mut b);
        assert!(waits(&mut one).await && waits(&mut other).await);
        broker.publish(to("", "q", "x")).await.unwrap();
        // The one that was woken is not looked at again.
        drop(one);
        tokio::time::timeout(Duration::from_secs(60), other).await.unwrap().unwrap();
        assert_eq!(texts(&b), ["x"]);
    }

    #[tokio::test]
    async fn exchanges_find_their_queues() {
        let broker = Memory::new();
        let bound = |name: &str, exchange: &str, kind, key: &str| {
            let mut queue = Queue::new(name);
            queue.exchange = Exchange::new(exchange, kind);
            queue.routing_key = key.into();
            queue
        };
        let queues = vec![
            bound("d", "direct", ExchangeKind::Direct, "k"),
            bound("t1", "topic", ExchangeKind::Topic, "a.*"),
            bound("t2", "topic", ExchangeKind::Topic, "#"),
            bound("f1", "fanout", ExchangeKind::Fanout, ""),
            bound("f2", "fanout", ExchangeKind::Fanout, "x"),
        ];
        broker.declare(&Topology::from(queues.clone())).await.unwrap();
        broker.declare(&Topology::from(queues)).await.unwrap();
        for (exchange, key) in
            [("direct", "k"), ("direct", "no"), ("topic", "a.b"), ("topic", "b"), ("fanout", "?"), ("no", "k")]
        {
            broker.publish(to(exchange, key, "")).await.unwrap();
        }
        for (queue, count) in [("d", 1), ("t1", 1), ("t2", 2), ("f1", 1), ("f2", 1)] {
            assert_eq!(broker.len(queue).await.unwrap(), Some(count), "{queue}");
        }
        assert_eq!(broker.purge("t2").await.unwrap(), 2);
        broker.delete("d").await.unwrap();
        assert_eq!(broker.len("d").await.unwrap(), None);
        let other = bound("t1", "topic", ExchangeKind::Fanout, "");
        assert_eq!(broker.declare(&other.into()).await.unwrap_err().kind(), Kind::Refused);
    }

    #[tokio::test]
    async fn what_is_delayed_comes_later_and_what_has_expired_does_not() {
        let broker = with_queue().await;
        let mut consumer = broker.consume(from(&["q"], 0)).await.unwrap();
        let mut delayed = to("", "q", "late");
        delayed.delay = Some(Duration::from_millis(30));
        let mut expired = to("", "q", "expired");
        expired.message.properties.expiration = Some("0".into());
        broker.publish(delayed).await.unwrap();
        broker.publish(expired).await.unwrap();
        broker.publish(to("", "q", "now")).await.unwrap();
        assert_eq!(texts(&received(&mut consumer).await), ["now"]);
        assert_eq!(texts(&received(&mut consumer).await), ["late"]);
    }

    #[tokio::test]
    async fn exclusive_queues_go_with_their_connection_and_others_with_their_consumer() {
        let broker = Memory::new();
        let other = broker.connect();
        let mut exclusive = Queue::new("mine");
        exclusive.exclusive = true;
        let mut passing = Queue::new("passing");
        passing.auto_delete = true;
        broker.declare(&Topology::from(vec![exclusive, passing])).await.unwrap();
        assert_eq!(other.consume(from(&["mine"], 0)).await.err().unwrap().kind(), Kind::Refused);
        drop(broker.consume(from(&["passing"], 0)).await.unwrap());
        assert_eq!(broker.len("passing").await.unwrap(), None);
        let mut consumer = broker.consume(from(&["mine"], 0)).await.unwrap();
        let mut into = Vec::new();
        let mut waiting = consumer.receive(&mut into);
        assert!(waits(&mut waiting).await);
        broker.close().await.unwrap();
        assert_eq!(waiting.await.unwrap_err().kind(), Kind::Closed);
        assert_eq!(other.len("mine").await.unwrap(), None);
        assert_eq!(broker.publish(to("", "q", "x")).await.unwrap_err().kind(), Kind::Closed);
    }
}
