//! Celery's own worker and ours on one queue, and what becomes of the tasks of one that is killed.

use interop::servers::{RabbitMq, Redis};

use crate::{Engine, Notes, Worker, note, sender, turn, wait};

/// What both are told; the names are Celery's.
const SETTINGS: &[&str] = &["worker_concurrency=1", "worker_prefetch_multiplier=1"];
/// For Redis: after how many seconds what is held counts as forgotten, and for kombu how often it looks.
const FORGOTTEN: &str = r#"broker_transport_options={"visibility_timeout": 3, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}"#;
const OURS_FORGOTTEN: &str = r#"broker_transport_options={"visibility_timeout": 3}"#;

#[test]
fn both_work_on_one_queue_of_redis() {
    let _turn = turn();
    let Some(server) = Redis::start(&[]) else { return };
    both(&server, &server.url());
    assert_eq!(server.cli(&["EXISTS", "celery", "unacked", "unacked_index"]), "0", "nothing is left");
}

#[test]
fn both_work_on_one_queue_of_rabbitmq() {
    let _turn = turn();
    let Some(url) = RabbitMq::shared().map(RabbitMq::vhost) else { return };
    let app = both(&At(url.clone()), &url);
    assert_eq!(wait(app.broker().len("celery")).unwrap(), Some(0), "nothing is left");
}

/// A broker that is not killed.
struct At(String);

impl Engine for At {
    fn url(&self) -> String {
        self.0.clone()
    }

    fn kill(&mut self) {}

    fn restart(&mut self) {}
}

/// All tasks are done once, and both have their part.
fn both(engine: &dyn Engine, theirs: &str) -> salamander_tasks::App {
    const TASKS: usize = 200;
    let mut notes = Notes::new();
    let python = Worker::theirs(theirs, &notes, "python", SETTINGS);
    let rust = Worker::ours(&engine.url(), &notes, "rust", SETTINGS);
    let app = sender(&engine.url(), &[]);
    for number in 0..TASKS {
        wait(note(number, 10).send(&app)).unwrap();
    }
    notes.until_done(TASKS);
    assert!(python.terminate() && rust.terminate());
    notes.look();
    assert_eq!(notes.done.len(), TASKS);
    assert!(notes.done.values().all(|times| *times == (1, 0)), "each is done once: {:?}", notes.done);
    let (python, rust) = (notes.by["python"], notes.by["rust"]);
    eprintln!("of {TASKS} tasks Python's worker has done {python}, ours {rust}");
    app
}

#[test]
fn ours_does_on_rabbitmq_what_pythons_killed_worker_had() {
    let _turn = turn();
    let Some(url) = RabbitMq::shared().map(RabbitMq::vhost) else { return };
    let mut notes = Notes::new();
    let python = Worker::theirs(&url, &notes, "killed", &[SETTINGS, &["stays"]].concat());
    taken_over(&url, &mut notes, python, |notes| Worker::ours(&url, notes, "heir", SETTINGS));
}

#[test]
fn pythons_does_on_rabbitmq_what_our_killed_worker_had() {
    let _turn = turn();
    let Some(url) = RabbitMq::shared().map(RabbitMq::vhost) else { return };
    let mut notes = Notes::new();
    let rust = Worker::ours(&url, &notes, "killed", &[SETTINGS, &["stays"]].concat());
    taken_over(&url, &mut notes, rust, |notes| Worker::theirs(&url, notes, "heir", SETTINGS));
}

/// Whoever is there restores what kombu held, after the visibility timeout.
#[test]
fn ours_does_on_redis_what_pythons_killed_worker_had() {
    let _turn = turn();
    let Some(server) = Redis::start(&[]) else { return };
    let mut notes = Notes::new();
    let python = Worker::theirs(&server.url(), &notes, "killed", &[SETTINGS, &["stays", FORGOTTEN]].concat());
    let heir = [SETTINGS, &[OURS_FORGOTTEN]].concat();
    taken_over(&server.url(), &mut notes, python, |notes| Worker::ours(&server.url(), notes, "heir", &heir));
}

/// kombu restores what we held, after the visibility timeout: ours is dead, and renews nothing.
#[test]
fn pythons_does_on_redis_what_our_killed_worker_had() {
    let _turn = turn();
    let Some(server) = Redis::start(&[]) else { return };
    let mut notes = Notes::new();
    let rust = Worker::ours(&server.url(), &notes, "killed", &[SETTINGS, &["stays", OURS_FORGOTTEN]].concat());
    let heir = [SETTINGS, &[FORGOTTEN]].concat();
    taken_over(&server.url(), &mut notes, rust, |notes| Worker::theirs(&server.url(), notes, "heir", &heir));
}

/// One worker has begun, and holds more; it is killed, and the other one does all.
fn taken_over(url: &str, notes: &mut Notes, mut killed: Worker, heir: impl FnOnce(&Notes) -> Worker) {
    const TASKS: usize = 10;
    let app = sender(url, &[]);
    for number in 0..TASKS {
        wait(note(number, 0).send(&app)).unwrap();
    }
    notes.until("the first has begun", |notes| !notes.begun.is_empty());
    killed.kill();
    let heir = heir(notes);
    notes.until_done(TASKS);
    assert!(notes.by.keys().eq(["heir"]), "{:?}", notes.by);
    assert!(heir.terminate());
    notes.look();
    let first = notes.begun[0].0;
    assert_eq!(notes.done[&first], (0, 1), "what had begun is done once, and its message says that it came before");
    assert!(notes.done.values().all(|(first, again)| first + again == 1), "{:?}", notes.done);
    assert_eq!(wait(app.broker().len("celery")).unwrap(), Some(0), "nothing is left");
}
