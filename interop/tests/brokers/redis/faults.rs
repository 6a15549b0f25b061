//! Processes and connections that end in the middle.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use interop::servers::Redis;
use salamander_tasks::broker::{Consumer, Queue};

use super::{Delivery, bodies, body, connect, consume, message, publish, receive, run, soon, until};

/// Something in a process that can be killed: what it was doing stops, and nothing is given back or said.
struct Doomed(Option<tokio::runtime::Runtime>);

impl Doomed {
    fn new() -> Self {
        Self(Some(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()))
    }

    fn kill(mut self) {
        self.0.take().unwrap().shutdown_background();
    }

    async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        self.0.as_ref().unwrap().spawn(work).await.unwrap()
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[test]
fn what_a_dead_consumer_held_is_put_back_long_before_the_visibility_timeout() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = format!("{}?consumer_timeout=1", server.url());
    run(async {
        let broker = connect(&url);
        let queue = Queue::new("q");
        soon("declaring", broker.declare(&queue.clone().into())).await;
        for number in 0..300 {
            publish(&*broker, "", "q", message(&number.to_string())).await;
        }
        let doomed = Doomed::new();
        let (url, same) = (url.clone(), queue.clone());
        let held: (Box<dyn Consumer>, Vec<Delivery>) = doomed
            .run(async move {
                let mut consumer = consume(&*connect(&url), &same, 300).await;
                let held = receive(&mut *consumer, 300).await;
                (consumer, held)
            })
            .await;
        doomed.kill();
        std::mem::forget(held);
        let mut consumer = consume(&*broker, &queue, 0).await;
        let deliveries = receive(&mut *consumer, 300).await;
        assert!(deliveries.iter().all(|it| it.redelivered && it.deliveries == Some(1)));
        let mut numbers: Vec<u32> = bodies(&deliveries).iter().map(|body| body.parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..300).collect::<Vec<_>>());
        for delivery in deliveries {
            delivery.settlement.ack();
        }
        until("nothing is held, and only one consumer is left", || async {
            server.cli(&["EXISTS", "unacked", "unacked_index"]) == "0"
                && server.cli(&["HLEN", "_salamander.consumers"]) == "1"
        })
        .await;
    });
}

#[test]
fn what_lives_is_held_beyond_the_visibility_timeout() {
    let Some(server) = Redis::start(&[]) else { return };
    let url = format!("{}?visibility_timeout=1", server.url());
    run(async {
        let (one, two) = (connect(&url), connect(&url));
        let queue = Queue::new("q");
        let mut holds = consume(&*one, &queue, 1).await;
        publish(&*one, "", "q", message("long")).await;
        let held = receive(&mut *holds, 1).await.pop().unwrap();
        let mut looks = consume(&*two, &queue, 1).await;
        // Another message comes after three of the timeouts; the one that is held does not.
        let later = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            publish(&*one, "", "q", message("later")).await;
        };
        let (found, ()) = tokio::join!(receive(&mut *looks, 1), later);
        assert_eq!(bodies(&found), ["later"]);
        held.settlement.ack();
    });
}

#[test]
fn nothing_is_lost_when_consumers_are_killed_again_and_again() {
    const MESSAGES: usize = 2000;
    let Some(server) = Redis::start(&[]) else { return };
    let url = format!("{}?consumer_timeout=1", server.url());
    run(async {
        let broker = connect(&url);
        let queue = Queue::new("q");
        soon("declaring", broker.declare(&queue.clone().into())).await;
        for number in 0..MESSAGES {
            publish(&*broker, "", "q", message(&number.to_string())).await;
        }
        let (done, mut dones) = tokio::sync::mpsc::unbounded_channel();
        let start = |done: tokio::sync::mpsc::UnboundedSender<String>| {
            let doomed = Doomed::new();
            let (url, queue) = (url.clone(), queue.clone());
            doomed.0.as_ref().unwrap().spawn(async move {
                let mut consumer = consume(&*connect(&url), &queue, 50).await;
                let mut batch = Vec::new();
                while consumer.receive(&mut batch).await.is_ok() {
                    for delivery in batch.drain(..) {
                        let _ = done.send(body(&delivery));
                        delivery.settlement.ack();
                        tokio::task::yield_now().await;
                    }
                }
            });
            doomed
        };
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut doomed = Some(start(done.clone()));
        for kill in 1..=20 {
            while counts.len() < MESSAGES * kill / 22 {
                *counts
                    .entry(tokio::time::timeout(super::PATIENCE, dones.recv()).await.unwrap().unwrap())
                    .or_default() += 1;
            }
            doomed.take().unwrap().kill();
            doomed = Some(start(done.clone()));
        }
        while counts.len() < MESSAGES {
            *counts
                .entry(tokio::time::timeout(super::PATIENCE, dones.recv()).await.unwrap().unwrap())
                .or_default() += 1;
        }
        let twice: usize = counts.values().map(|count| count - 1).sum();
        eprintln!("{twice} of {MESSAGES} were done twice in 20 kills of 50 each in flight");
        assert!(twice <= 20 * 50);
    });
}

#[test]
fn what_is_no_message_stops_nobody() {
    let Some(server) = Redis::start(&[]) else { return };
    run(async {
        let broker = connect(&server.url());
        let mut consumer = consume(&*broker, &Queue::new("q"), 2).await;
        for nonsense in ["", "{", "nonsense", "{}", "[1,2,3]", "\"x\"", "{\"body\": 1, \"properties\": {}}"] {
            server.cli(&["LPUSH", "q", nonsense]);
        }
        publish(&*broker, "", "q", message("sense")).await;
        let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
        assert_eq!(body(&delivery), "sense");
        delivery.settlement.ack();
        until("nothing is held", || async { server.cli(&["EXISTS", "unacked", "unacked_index", "q"]) == "0" }).await;
        // Nor does what is held that nobody can read.
        server.cli(&["HSET", "unacked", "tag", "nonsense"]);
        server.cli(&["ZADD", "unacked_index", "1", "tag"]);
        server.cli(&["ZADD", "unacked_index", "1", "orphan"]);
        let other = connect(&format!("{}?visibility_timeout=1", server.url()));
        let _consumer = consume(&*other, &Queue::new("other"), 1).await;
        until("it is gone", || async { server.cli(&["EXISTS", "unacked", "unacked_index"]) == "0" }).await;
    });
}

#[test]
fn an_idle_consumer_gets_messages_at_once() {
    let Some(server) = Redis::start(&["--appendfsync", "everysec"]) else { return };
    run(async {
        let broker = connect(&server.url());
        let mut consumer = consume(&*connect(&server.url()), &Queue::new("q"), 1).await;
        let mut times = Vec::new();
        for _ in 0..300 {
            let start = Instant::now();
            publish(&*broker, "", "q", message("x")).await;
            receive(&mut *consumer, 1).await.pop().unwrap().settlement.ack();
            times.push(start.elapsed());
        }
        times.sort_unstable();
        eprintln!("from publishing to receiving: median {:?}, 99th percentile {:?}", times[150], times[297]);
    });
}
