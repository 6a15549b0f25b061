//! Many chords, while workers are killed again and again, and the broker is as well: each ends in its body or in its error callback.

use futures_util::{StreamExt, TryStreamExt, stream};
use interop::queues::Queues;
use interop::servers::Redis;
use salamander_tasks::canvas::chord;
use salamander_tasks::{App, Error, Signature};
use salamander_value::Value;

use crate::{Engine, LONG, Notes, Worker, soak, turn, wait};

/// How many workers there are at once.
const WORKERS: usize = 2;
/// One chord of so many has a part that fails.
const FAILING: usize = 10;
/// Parts note numbers from here on; below, there are the chords.
const PARTS: i64 = 1_000_000;

struct Size {
    chords: usize,
    parts: usize,
    kills: usize,
    restarts: usize,
}

fn size() -> Size {
    match soak() {
        true => Size { chords: 200, parts: 50, kills: 20, restarts: 3 },
        false => Size { chords: 10, parts: 10, kills: 3, restarts: 1 },
    }
}

#[test]
fn each_chord_ends_on_redis() {
    let _turn = turn();
    let Some(mut server) = Redis::start(&[]) else { return };
    let results = Redis::url(&server);
    ended("Redis", &mut server, &results);
}

#[test]
fn each_chord_ends_on_queues_of_our_own() {
    let _turn = turn();
    let mut queues = Queues::start();
    let results = queues.url();
    ended("our own queues", &mut queues, &results);
}

fn ended(what: &str, engine: &mut dyn Engine, results: &str) {
    let Size { chords, parts, kills, restarts } = size();
    let mut notes = Notes::new();
    let url = engine.url();
    let told = format!("result_backend={results}");
    let mut started = 0;
    let mut start = |notes: &Notes| {
        started += 1;
        Worker::ours(&url, notes, &format!("worker-{started}"), &["worker_concurrency=4", &told])
    };
    let mut workers: Vec<Worker> = (0..WORKERS).map(|_| start(&notes)).collect();
    let app = App::builder().broker_url(url.clone()).result_backend(results).build().unwrap();
    let sending = std::thread::spawn({
        let app = app.clone();
        move || wait(send(&app, chords, parts))
    });
    // At distances of their own in what is done, so that they meet in different ways.
    let all = chords * parts;
    let mut moments: Vec<(usize, bool)> = (1..=kills).map(|kill| (all * kill / (kills + 1), true)).collect();
    moments.extend((1..=restarts).map(|restart| (all * (2 * restart - 1) / (2 * restarts) + 7, false)));
    moments.sort_unstable();
    for (moment, is_worker) in moments {
        notes.until_done(moment.min(all));
        if is_worker {
            workers.remove(0).kill();
            workers.push(start(&notes));
        } else {
            engine.kill();
            engine.restart();
        }
    }
    sending.join().unwrap().unwrap();
    notes.until("each chord has ended", |notes| (0..chords).all(|chord| notes.done.contains_key(&(chord as i64))));
    for worker in workers {
        assert!(worker.terminate(), "a worker ends well after all that");
    }
    notes.look();
    // What its worker was killed with, and was delivered once more, is not what is counted here.
    let of = |numbers: std::ops::Range<i64>| {
        let ends = notes.done.iter().filter(|(number, _)| numbers.contains(number));
        ends.fold((0, 0, 0), |(count, twice, again), (_, (first, more))| {
            (count + 1, twice + first.saturating_sub(1), again + more)
        })
    };
    let (ends, twice, again) = of(0..PARTS);
    // An errback is called by whoever has the chord fail; if he is killed before he can say so, it is called by the next one as well.
    let errbacks = |number: &i64| *number % FAILING as i64 == FAILING as i64 - 1;
    let bodies = notes.done.iter().filter(|(number, _)| **number < PARTS && !errbacks(number));
    let bodies_twice = bodies.filter(|(_, (first, _))| *first > 1).count();
    let (_, _, parts_again) = of(PARTS..i64::MAX);
    eprintln!(
        "{what}: {chords} chords of {parts}, {kills} workers killed, the broker killed {restarts} times: {ends} have ended, {twice} of them \
         twice, {again} ends and {parts_again} parts done again after they were delivered again"
    );
    assert_eq!(ends, chords, "each has ended");
    assert_eq!(bodies_twice, 0, "a body is sent once");
    assert!(twice as usize <= kills, "nothing is done twice but by who was killed");
    wait(app.broker().close()).unwrap();
}

/// Sends chords, over whatever happens to the broker.
async fn send(app: &App, chords: usize, parts: usize) -> Result<(), Error> {
    let sent = (0..chords).map(|number| async move {
        let failing = number % FAILING == FAILING - 1;
        let header = (0..parts).map(|part| {
            let mark = PARTS + (number * parts + part) as i64;
            let name = if failing && part == parts / 2 { "tally.fails" } else { "tally.note" };
            Signature::<Value>::new(name, (mark, 4)).publish_timeout(LONG)
        });
        // The end of each is one task, by one id.
        let end = |name: &str| Signature::<Value>::new(name, (number as i64,)).immutable();
        let body = Signature::<Value>::new("tally.ends", (number as i64, parts as i64, failing));
        let chord = chord(header, body.link_error(end("tally.note")));
        chord.send(app).await.map(drop)
    });
    stream::iter(sent).buffer_unordered(8).try_for_each(|()| async { Ok(()) }).await
}
