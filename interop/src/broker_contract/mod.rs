//! What every broker has to do, and what it says that it can.
//!
//! [`broker_contract!`](macro@crate::broker_contract) makes a test of each part.
// The parts have names that are sentences.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, missing_docs)]

pub mod basics;
pub mod faults;
pub mod routing;
pub mod settling;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use salamander_tasks::Result;
use salamander_tasks::broker::{Broker, Consume, Consumer, Delivery, Exchange, ExchangeKind, Publication, Queue};
use salamander_value::Str;
use salamander_wire::celery::{Message, Serializer};

/// How long anything may take. Nothing is ever waited for that is to stay away.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a broker is.
pub trait Place: Send + Sync {
    /// Another connection to it.
    fn connect(&self) -> Arc<dyn Broker>;

    /// Ends it as a crash does. Never called for brokers that are not [durable](salamander_tasks::broker::Capabilities::durable).
    fn kill(&mut self) {}

    /// Starts it again, at the same place.
    fn restart(&mut self) {}
}

/// Makes a test of each part of the contract.
///
/// The first expression gives the place for a part, or none where the test is left out; the second one a place that may be killed.
///
/// ```text
/// interop::broker_contract!(Shared::new(), Own::new());
/// ```
#[macro_export]
macro_rules! broker_contract {
    ($place:expr, $own:expr) => {
        $crate::broker_contract!(@ $place, basics:
            what_is_published_is_consumed
            order_is_kept
            bodies_are_of_any_size
            names_are_of_any_letters
            a_message_can_be_taken
            queues_are_counted_purged_and_deleted
            declaring_again_changes_nothing
            ten_thousand_are_published_at_once
            queues_are_added_and_cancelled
            receiving_can_be_given_up_any_time
            consumers_share
            what_is_closed_says_so
        );
        $crate::broker_contract!(@ $place, settling:
            what_is_acknowledged_is_gone
            what_a_dropped_consumer_held_comes_again
            what_a_closed_connection_held_comes_again
            what_is_rejected_comes_again_or_goes
            prefetch_is_a_limit
            prefetch_can_be_changed
            without_acknowledgements_nothing_is_held
            what_was_cancelled_can_be_settled
            deliveries_are_counted
        );
        $crate::broker_contract!(@ $place, routing:
            a_direct_exchange_goes_by_the_key
            a_topic_exchange_goes_by_patterns
            a_fanout_exchange_goes_to_all
            an_exchange_may_lead_nowhere
            the_empty_exchange_goes_to_the_queue_of_the_name
            priorities_are_honoured
            a_delay_is_kept
            messages_expire
            queues_expire
            queues_go_with_their_last_consumer
        );
        $crate::broker_contract!(@ $own, faults:
            what_is_kept_survives_a_crash
            consumers_go_on_after_a_crash
            publishing_goes_on_after_a_crash
            nothing_is_lost_in_many_crashes
        );
    };
    (@ $place:expr, $module:ident: $($part:ident)*) => {
        $(
            #[test]
            fn $part() {
                let Some(place) = $place else { return };
                $crate::broker_contract::run($crate::broker_contract::$module::$part, place);
            }
        )*
    };
}

/// Runs one part.
pub fn run<P: Place + 'static, F: Future<Output = ()>>(part: impl FnOnce(Box<dyn Place>) -> F, place: P) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(part(Box::new(place)));
}

/// What comes within the patience that tests have.
async fn soon<T>(what: &str, future: impl Future<Output = Result<T>>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => panic!("{what}: {error:?}"),
        Err(_) => panic!("{what}: not within {PATIENCE:?}"),
    }
}

/// Looks again and again until something is so.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < end, "not within {PATIENCE:?}: {what}");
        // Between two looks; nobody tells.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A message with this text.
fn text(text: &str) -> Message {
    let mut message = Message::new(text.as_bytes().to_vec(), Serializer::Json);
    message.properties.delivery_mode = Some(2);
    message
}

fn to(exchange: &str, key: &str, message: Message) -> Publication {
    Publication { exchange: exchange.into(), routing_key: key.into(), message, delay: None }
}

/// Publishes a text to a queue, through its own exchange.
async fn publish(broker: &dyn Broker, queue: &str, body: &str) {
    soon("publishing", broker.publish(to(queue, queue, text(body)))).await;
}

async fn declare(broker: &dyn Broker, queue: &Queue) {
    soon("declaring", broker.declare(&queue.clone().into())).await;
}

/// A queue of this name that is there and empty.
async fn queue(broker: &dyn Broker, name: &str) -> Queue {
    let queue = Queue::new(name);
    declare(broker, &queue).await;
    queue
}

async fn consume(broker: &dyn Broker, queue: &Queue, prefetch: u32) -> Box<dyn Consumer> {
    let consume = Consume { queues: vec![queue.clone()], prefetch, no_ack: false, tag: "contract".into() };
    soon("consuming", broker.consume(consume)).await
}

/// So many deliveries, in their order.
async fn receive(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    while deliveries.len() < count {
        let before = deliveries.len();
        soon(&format!("receiving {before} of {count}"), consumer.receive(&mut deliveries)).await;
        assert!(deliveries.len() > before, "at least one comes");
    }
    assert_eq!(deliveries.len(), count, "no more than were asked for: {:?}", bodies(&deliveries));
    deliveries
}

async fn receive_one(consumer: &mut dyn Consumer) -> Delivery {
    receive(consumer, 1).await.pop().unwrap()
}

fn body(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.message.body).into_owned()
}

fn bodies(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(body).collect()
}

fn ack_all(deliveries: Vec<Delivery>) {
    for delivery in deliveries {
        delivery.settlement.ack();
    }
}

/// Waits until so many messages wait in a queue.
async fn waiting(broker: &dyn Broker, queue: &str, count: u64) {
    until(&format!("{count} wait in {queue}"), || async { soon("counting", broker.len(queue)).await == Some(count) })
        .await;
}

/// A queue with an exchange of another name.
fn bound(name: &str, exchange: &str, kind: ExchangeKind, key: &str) -> Queue {
    let mut queue = Queue::new(name);
    queue.exchange = Exchange::new(exchange, kind);
    queue.routing_key = Str::from(key);
    queue
}
