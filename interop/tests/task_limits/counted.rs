//! Limits over all workers, counted under load.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use interop::queues::{Directory, Queues};
use interop::servers::Redis;
use salamander_macros::task;
use salamander_tasks::worker::ShutdownKind;
use salamander_tasks::{App, Kind, Signature, State, Worker, WorkerOptions};
use salamander_value::Value;

use crate::stores::LONG;

/// After how long a place is free again; not so short that a machine that is busy lets it lapse.
const LEASE: &str = "limit_lease=12";

/// `tally`, until this is dropped.
struct Tally(Child);

impl Tally {
    fn start(url: &str, notes: &Path, name: &str, further: &[&str]) -> Self {
        let program = std::env::current_exe().unwrap().parent().and_then(Path::parent).unwrap().join("tally");
        let mut command = Command::new(program);
        command.arg(url).arg(notes).arg(name).args(further).arg(LEASE);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (mut said, mut line) = (String::new(), String::new());
        while !line.contains(" ready.") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the worker has ended: {said}");
            said += &line;
        }
        // What it says is read, so that it does not wait for that.
        std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(drop));
        Self(child)
    }

    /// `kill -9`
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What tasks have noted.
struct Notes(PathBuf);

impl Notes {
    /// Each line as a number, what, and who.
    fn lines(&self) -> Vec<(i64, String, String)> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let line = |line: &str| {
            let mut words = line.split(' ');
            let mut next = || words.next().unwrap().to_owned();
            (next().parse().unwrap(), next(), next())
        };
        whole.lines().map(line).collect()
    }

    /// Looks until something is so.
    async fn until(&self, what: &str, is: impl Fn(&[(i64, String, String)]) -> bool) {
        let start = Instant::now();
        loop {
            let lines = self.lines();
            if is(&lines) {
                return;
            }
            assert!(start.elapsed() < 2 * LONG, "not so for long: {what}; {} lines", lines.len());
            // Between two looks; it tells nobody of it.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn add(&self, line: &str) {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().append(true).open(&self.0).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

fn ended(lines: &[(i64, String, String)]) -> usize {
    lines
        .iter()
        .filter(|(_, what, _)| what.starts_with("out-"))
        .map(|(number, _, _)| number)
        .collect::<HashSet<_>>()
        .len()
}

fn place(number: i64, key: &str, milliseconds: Option<u64>) -> Signature<Value> {
    Signature::new("tally.place", (number, key, milliseconds)).publish_timeout(LONG)
}

/// The most that ran at once of each key; what ran in a worker that was killed does not run any more.
fn most(lines: &[(i64, String, String)]) -> HashMap<String, usize> {
    let mut running: HashSet<(String, i64, String)> = HashSet::new();
    let mut most: HashMap<String, usize> = HashMap::new();
    for (number, what, who) in lines {
        match what.split_once('-') {
            Some(("in", key)) => {
                running.insert((key.to_owned(), *number, who.clone()));
                let now = running.iter().filter(|(other, ..)| other == key).count();
                let most = most.entry(key.to_owned()).or_default();
                *most = now.max(*most);
            }
            Some(("out", key)) => _ = running.remove(&(key.to_owned(), *number, who.clone())),
            _ if what == "killed" => running.retain(|(_, _, other)| other != who),
            _ => {}
        }
    }
    most
}

/// Two workers, one of which is killed in the middle of its work.
async fn counted(url: &str) {
    let directory = Directory::new();
    let notes = Notes(directory.file("notes"));
    let further = ["worker_concurrency=8", "worker_prefetch_multiplier=1"];
    let mut first = Tally::start(url, &notes.0, "first", &further);
    let _second = Tally::start(url, &notes.0, "second", &further);
    let app = App::builder().broker_url(url).build().unwrap();
    let (tasks, keys) = (120, ["a", "b"]);
    for number in 0..tasks {
        let key = keys[usize::try_from(number).unwrap() % keys.len()];
        place(number, key, Some(20)).send(&app).await.unwrap();
    }
    let all = usize::try_from(tasks).unwrap();
    notes
        .until("some have ended, and it has some", |lines| {
            let first = || lines.iter().filter(|(_, _, who)| who == "first");
            let count = |what: &str| first().filter(|(_, other, _)| other.starts_with(what)).count();
            (ended(lines) >= 30 && count("in-") > count("out-")) || ended(lines) == all
        })
        .await;
    first.kill();
    notes.add("0 killed first");
    notes.until("all have ended", |lines| ended(lines) == all).await;
    let most = most(&notes.lines());
    assert!(keys.iter().all(|key| (1..=3).contains(&most[*key])), "{most:?}");
    assert!(most.values().sum::<usize>() > 3, "keys do not wait for each other: {most:?}");
}

/// What is held back takes no place of what could run.
async fn held_back(url: &str) {
    let directory = Directory::new();
    let notes = Notes(directory.file("notes"));
    let _worker = Tally::start(url, &notes.0, "worker", &["worker_concurrency=4", "worker_prefetch_multiplier=1"]);
    let app = App::builder().broker_url(url).build().unwrap();
    for number in 0..40 {
        place(number, "held", None).send(&app).await.unwrap();
    }
    notes.until("three run", |lines| lines.len() == 3).await;
    for number in 100..110 {
        Signature::<Value>::new("tally.note", (number, 0)).send(&app).await.unwrap();
    }
    notes
        .until("others run meanwhile", |lines| lines.iter().filter(|(_, what, _)| what == "done").count() == 10)
        .await;
    assert_eq!(most(&notes.lines())["held"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_run_at_once_than_may_on_redis() {
    let Some(redis) = Redis::start(&[]) else { return };
    counted(&format!("{}?consumer_timeout=5", redis.url())).await;
    drop(redis);
    let Some(redis) = Redis::start(&[]) else { return };
    held_back(&redis.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_run_at_once_than_may_on_queues_of_our_own() {
    let queues = Queues::start();
    counted(&queues.url()).await;
    drop(queues);
    let queues = Queues::start();
    held_back(&queues.url()).await;
}

#[derive(Default)]
struct Starts {
    count: AtomicU64,
    last: Mutex<Option<Instant>>,
}

/// 25 in a second, over all workers.
#[task(
    crate = "salamander_tasks::__private",
    name = "tasks.paced",
    limit_key = "{0}",
    limit_rate = "25/s",
    limit_concurrency = 100
)]
async fn paced(starts: State<Arc<Starts>>, _key: String) {
    *starts.last.lock().unwrap() = Some(Instant::now());
    starts.count.fetch_add(1, Ordering::AcqRel);
}

/// It can take longer than the rate says on a machine that is busy, and not less.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_begin_than_may() {
    let Some(redis) = Redis::start(&[]) else { return };
    let starts = Arc::<Starts>::default();
    let app = || App::builder().broker_url(redis.url()).state(starts.clone()).task(paced).build().unwrap();
    let mut handles = Vec::new();
    for _ in 0..2 {
        let worker = Worker::new(app(), WorkerOptions::default()).without_signals();
        handles.push(worker.handle());
        tokio::spawn(async move { worker.run().await.unwrap() });
    }
    let (client, began, count) = (app(), Instant::now(), 26);
    for _ in 0..count {
        client.send_task("tasks.paced", ("x",)).await.unwrap();
    }
    while starts.count.load(Ordering::Acquire) < count {
        assert!(began.elapsed() < LONG, "{} have begun", starts.count.load(Ordering::Acquire));
        // Between two looks; it tells nobody of it.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = starts.last.lock().unwrap().unwrap() - began;
    assert!(took >= Duration::from_millis(950), "{count} began within {took:?}");
    handles.iter().for_each(|handle| handle.shutdown(ShutdownKind::Cold));
}

#[tokio::test]
async fn a_worker_without_a_store_does_not_begin() {
    // Nobody connects there.
    let app =
        App::builder().broker_url("amqp://127.0.0.1:1").state(Arc::<Starts>::default()).task(paced).build().unwrap();
    let error = Worker::new(app, WorkerOptions::default()).without_signals().run().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.to_string().contains("tasks.paced"), "{error}");
}

#[task(crate = "salamander_tasks::__private", name = "tasks.wrong", limit_key = "{nobody}", limit_concurrency = 1)]
async fn wrong(_somebody: i64) {}

#[test]
fn keys_name_parameters() {
    let error = App::builder().broker_url("memory://").task(wrong).build().unwrap_err();
    assert_eq!(error.kind(), Kind::Misuse);
    assert!(error.to_string().contains("{nobody}"), "{error}");
}
