//! Redis.

mod beside;
mod faults;
mod shapes;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use interop::broker_contract::Place;
use interop::servers::Store;
use salamander_tasks::Result;
use salamander_tasks::broker::{Broker, Consume, Consumer, Delivery, Publication, Queue, RedisBroker};
use salamander_value::Dict;
use salamander_wire::celery::{Message, Serializer};

const PATIENCE: Duration = Duration::from_secs(60);

/// A server of its own for each test.
pub(crate) struct Own(Store);

impl Own {
    pub(crate) fn new() -> Option<Self> {
        Store::redis().map(Self)
    }
}

impl Place for Own {
    fn connect(&self) -> Arc<dyn Broker> {
        connect(&self.0.url())
    }

    fn kill(&mut self) {
        self.0.kill();
    }

    fn restart(&mut self) {
        self.0.restart();
    }
}

pub(crate) fn connect(url: &str) -> Arc<dyn Broker> {
    Arc::new(RedisBroker::new(url, &Dict::new()).unwrap())
}

mod contract {
    use super::Own;

    interop::broker_contract!(Own::new(), Own::new());
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

async fn soon<T>(what: &str, future: impl Future<Output = Result<T>>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
        .unwrap()
}

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < end, "not within {PATIENCE:?}: {what}");
        // Between two looks; nobody tells.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn message(body: &str) -> Message {
    Message::new(body.as_bytes().to_vec(), Serializer::Json)
}

async fn publish(broker: &dyn Broker, exchange: &str, key: &str, message: Message) {
    let publication = Publication { exchange: exchange.into(), routing_key: key.into(), message, delay: None };
    soon("publishing", broker.publish(publication)).await;
}

async fn consume(broker: &dyn Broker, queue: &Queue, prefetch: u32) -> Box<dyn Consumer> {
    soon("declaring", broker.declare(&queue.clone().into())).await;
    let consume = Consume { queues: vec![queue.clone()], prefetch, no_ack: false, tag: "test".into() };
    soon("consuming", broker.consume(consume)).await
}

async fn receive(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    while deliveries.len() < count {
        soon("receiving", consumer.receive(&mut deliveries)).await;
    }
    assert_eq!(deliveries.len(), count, "no more than were asked for");
    deliveries
}

fn body(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.message.body).into_owned()
}

fn bodies(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(body).collect()
}
