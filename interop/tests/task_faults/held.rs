//! Tasks that are held until their time, while time passes after which brokers or others may think that they are forgotten.

use std::time::{Duration, Instant};

use interop::queues::Queues;
use interop::servers::{RabbitMq, Redis};
use salamander_tasks::App;

use crate::{Engine, Notes, Worker, note, sender, turn, wait};

/// How many tasks are held.
const TASKS: usize = 20;
/// How long Redis lets a message be held of which nobody says that it is still needed.
const VISIBILITY: u64 = 3;
/// After how many seconds tasks are due.
const ETA: u64 = 9;

fn url(server: &Redis) -> String {
    format!("{}&visibility_timeout={VISIBILITY}", Engine::url(server))
}

/// Sends tasks for later, and waits until this worker has them.
fn send(app: &App, worker: &mut Worker) -> Instant {
    let start = Instant::now();
    for number in 0..TASKS {
        wait(note(number, 0).countdown(ETA as f64).send(app)).unwrap();
    }
    worker.until("tally.note[", TASKS);
    start
}

/// Waits until all are done, and looks that none was done before its time, nor twice.
fn once(notes: &mut Notes, app: &App, start: Instant) {
    notes.until("the first is done", |notes| !notes.done.is_empty());
    assert!(start.elapsed() >= Duration::from_secs(ETA), "none was done before its time");
    notes.until_done(TASKS);
    // What comes behind all of them comes behind those that come once more, too.
    wait(note(TASKS, 0).send(app)).unwrap();
    notes.until_done(TASKS + 1);
    let twice: Vec<_> = notes.done.iter().filter(|(_, (first, again))| first + again != 1).collect();
    assert!(twice.is_empty(), "each is done once: {twice:?}");
}

#[test]
fn an_eta_beyond_the_visibility_timeout_runs_once() {
    let _turn = turn();
    let Some(server) = Redis::start(&[]) else { return };
    let mut notes = Notes::new();
    let app = sender(&url(&server), &[]);
    let mut worker = Worker::ours(&url(&server), &notes, "holds", &[]);
    let start = send(&app, &mut worker);
    // Another one, which looks for what is forgotten.
    let other = Worker::ours(&url(&server), &notes, "looks", &[]);
    once(&mut notes, &app, start);
    assert_eq!(server.cli(&["EXISTS", "unacked", "unacked_index"]), "0", "all is acknowledged");
    assert!(worker.terminate() && other.terminate());
}

#[test]
fn an_eta_beyond_the_visibility_timeout_runs_once_where_its_worker_is_killed() {
    let _turn = turn();
    let Some(server) = Redis::start(&[]) else { return };
    let mut notes = Notes::new();
    let app = sender(&url(&server), &[]);
    let mut worker = Worker::ours(&url(&server), &notes, "dies", &[]);
    let start = send(&app, &mut worker);
    worker.kill();
    let mut other = Worker::ours(&url(&server), &notes, "lives", &[]);
    other.until("tally.note[", TASKS);
    once(&mut notes, &app, start);
    assert!(other.terminate());
}

#[test]
fn an_eta_runs_once_where_the_broker_is_away_beyond_the_visibility_timeout() {
    let _turn = turn();
    let Some(mut server) = Redis::start(&[]) else { return };
    let mut notes = Notes::new();
    let app = sender(&url(&server), &[]);
    let mut worker = Worker::ours(&url(&server), &notes, "holds", &[]);
    let start = send(&app, &mut worker);
    let other = Worker::ours(&url(&server), &notes, "looks", &[]);
    server.kill();
    // For so long nobody can say that something is still needed.
    std::thread::sleep(Duration::from_secs(VISIBILITY + 1));
    server.restart();
    once(&mut notes, &app, start);
    assert!(worker.terminate() && other.terminate());
}

#[test]
fn an_eta_runs_once_where_rabbitmq_is_killed_meanwhile() {
    let _turn = turn();
    let Some(mut server) = RabbitMq::start() else { return };
    crashed(&mut server);
}

#[test]
fn an_eta_runs_once_where_queues_of_our_own_are_killed_meanwhile() {
    let _turn = turn();
    crashed(&mut Queues::start());
}

/// What is held comes again from a broker that was killed: whoever held it does not run it as well.
fn crashed(engine: &mut dyn Engine) {
    let mut notes = Notes::new();
    let app = sender(&engine.url(), &[]);
    let mut worker = Worker::ours(&engine.url(), &notes, "worker", &[]);
    let start = send(&app, &mut worker);
    engine.kill();
    engine.restart();
    worker.until("tally.note[", 2 * TASKS);
    once(&mut notes, &app, start);
    assert!(worker.terminate());
}
