//! Many tasks, while workers are killed again and again, and the broker is as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use interop::queues::Queues;
use interop::servers::{RabbitMq, Redis};
use salamander_tasks::App;

use crate::{Engine, Notes, Worker, note, sender, soak, turn, wait};

/// How many workers there are at once, and what each may hold.
const WORKERS: usize = 2;
const CONCURRENCY: &str = "worker_concurrency=4";
const PREFETCH: usize = 16;
/// How many publications are under way at once.
const WINDOW: usize = 50;

struct Size {
    tasks: usize,
    kills: usize,
    restarts: usize,
}

fn size() -> Size {
    match soak() {
        true => Size { tasks: 20_000, kills: 20, restarts: 10 },
        false => Size { tasks: 2000, kills: 4, restarts: 2 },
    }
}

#[test]
fn nothing_is_lost_on_redis() {
    let _turn = turn();
    let Some(mut server) = Redis::start(&[]) else { return };
    counted("Redis", &mut server, &[], true);
}

#[test]
fn nothing_is_lost_on_rabbitmq() {
    let _turn = turn();
    let Some(mut server) = RabbitMq::start() else { return };
    counted("RabbitMQ", &mut server, &[("task_default_queue_type", "quorum")], true);
}

/// A queue of this kind keeps acknowledgements in memory for a time, and forgets them when the server is killed: a thousand messages that were
/// published, consumed and acknowledged, after which the queue is empty, are all in it again. So more than what is under way is done again, which
/// nobody but the broker can help.
#[test]
fn nothing_is_lost_on_rabbitmq_in_a_classic_queue() {
    let _turn = turn();
    let Some(mut server) = RabbitMq::start() else { return };
    counted("RabbitMQ, classic queue", &mut server, &[], false);
}

#[test]
fn nothing_is_lost_on_queues_of_our_own() {
    let _turn = turn();
    counted("our own queues", &mut Queues::start(), &[], true);
}

/// Publishes tasks while workers do them, and workers and broker are killed at regular distances of what is done.
fn counted(what: &str, engine: &mut dyn Engine, settings: &[(&str, &str)], bounded: bool) {
    let Size { tasks, kills, restarts } = size();
    let mut notes = Notes::new();
    let url = engine.url();
    let told: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let told: Vec<&str> = told.iter().map(String::as_str).chain([CONCURRENCY]).collect();
    let mut started = 0;
    let mut start = |notes: &Notes| {
        started += 1;
        Worker::ours(&url, notes, &format!("worker-{started}"), &told)
    };
    let mut workers: Vec<Worker> = (0..WORKERS).map(|_| start(&notes)).collect();
    let app = sender(&url, settings);
    let failed = Arc::new(AtomicBool::new(false));
    let publishing = std::thread::spawn({
        let (app, failed) = (app.clone(), failed.clone());
        move || failed.store(wait(publish(&app, tasks)).is_err(), Ordering::Relaxed)
    });
    if !settings.is_empty() {
        engine.ready();
    }
    // At distances of their own, so that they meet in different ways.
    let (mut killed, mut restarted) = (0, 0);
    let steps = kills * restarts + 1;
    for step in 1..steps {
        notes.until_done(tasks * step / steps);
        if step % restarts == 0 {
            workers.remove(0).kill();
            workers.push(start(&notes));
            killed += 1;
        }
        if step % kills == 0 {
            engine.kill();
            engine.restart();
            restarted += 1;
        }
    }
    notes.until_done(tasks);
    publishing.join().unwrap();
    assert!(!failed.load(Ordering::Relaxed), "nothing is refused");
    assert_eq!((killed, restarted), (kills, restarts));
    finish(what, &app, notes, workers, (tasks, kills, restarts), bounded);
}

/// Looks that all is done, and that nothing is left.
fn finish(
    what: &str,
    app: &App,
    mut notes: Notes,
    workers: Vec<Worker>,
    (tasks, kills, restarts): (usize, usize, usize),
    bounded: bool,
) {
    // One more, behind all that may still come again.
    wait(note(tasks, 0).send(app)).unwrap();
    notes.until_done(tasks + 1);
    for worker in workers {
        assert!(worker.terminate(), "a worker ends well after all that");
    }
    let left = wait(async {
        let left = app.broker().len("celery").await.unwrap();
        app.broker().close().await.unwrap();
        left
    });
    notes.look();
    let again: u32 = notes.done.values().map(|(first, again)| (first + again - 1).min(*again)).sum();
    let published: u32 = notes.done.values().map(|(first, _)| first.saturating_sub(1)).sum();
    eprintln!(
        "{what}: {tasks} tasks, {kills} workers killed, the broker killed {restarts} times: none lost, {again} done again after they \
         were delivered again, {published} after they were published again"
    );
    assert!((0..=tasks as i64).all(|number| notes.done.contains_key(&number)), "nothing is lost");
    assert_eq!(left, Some(0), "all is acknowledged");
    if bounded {
        let under_way = (kills + restarts * WORKERS) * PREFETCH;
        assert!(again as usize <= under_way, "{again} were done again, where {under_way} were under way");
        assert!(published as usize <= restarts * WINDOW, "{published} were published again");
    }
}

/// Publishes tasks by their numbers, over whatever happens to the broker.
async fn publish(app: &App, tasks: usize) -> Result<(), salamander_tasks::Error> {
    use futures_util::{StreamExt, TryStreamExt, stream};
    let sent = (0..tasks).map(|number| async move { note(number, 4).send(app).await.map(drop) });
    stream::iter(sent).buffer_unordered(WINDOW).try_for_each(|()| async { Ok(()) }).await
}
