//! How long it takes until a worker takes up work again when its broker is back.

use std::time::{Duration, Instant};

use interop::queues::Queues;
use interop::servers::{RabbitMq, Redis};

use crate::{Engine, Notes, Worker, note, sender, soak, turn, wait};

/// What is promised.
const MOST: Duration = Duration::from_secs(5);

#[test]
fn a_worker_takes_up_work_again_on_redis() {
    let _turn = turn();
    let Some(mut server) = Redis::start(&[]) else { return };
    resumed("Redis", &mut server);
}

#[test]
fn a_worker_takes_up_work_again_on_rabbitmq() {
    let _turn = turn();
    let Some(mut server) = RabbitMq::start() else { return };
    resumed("RabbitMQ", &mut server);
}

#[test]
fn a_worker_takes_up_work_again_on_queues_of_our_own() {
    let _turn = turn();
    resumed("our own queues", &mut Queues::start());
}

/// Kills the broker and starts it again, and then a task is done; all of it so often.
fn resumed(what: &str, engine: &mut dyn Engine) {
    let turns = if soak() { 50 } else { 3 };
    let mut notes = Notes::new();
    let worker = Worker::ours(&engine.url(), &notes, "worker", &[]);
    let mut times = Vec::new();
    for turn in 0..turns {
        engine.kill();
        engine.restart();
        let start = Instant::now();
        // By a connection of its own: the worker's is what matters.
        let app = sender(&engine.url(), &[]);
        wait(note(turn, 0).send(&app)).unwrap();
        notes.until_done(turn + 1);
        times.push(start.elapsed());
        wait(app.broker().close()).unwrap();
    }
    times.sort_unstable();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    eprintln!(
        "{what}: work was taken up again {turns} times of {turns}, in {median:.2?} at the median, {slowest:.2?} at most"
    );
    // Only where nothing else is going on can times be promised.
    assert!(!soak() || slowest < MOST, "it took {slowest:?}");
    assert!(worker.terminate());
}
