//! Runs rows, side by side, and says of each how it went, in the words of Rust's test harness.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::{self, FuturesUnordered};

use crate::document;
use crate::scene::Scene;
use crate::table::{Check, Kind, Row, Table};

/// How long a row may take.
const LIMIT: Duration = Duration::from_secs(180);
/// How many rows of a broker run at once here; Python has as many clients as it has.
const AT_ONCE: usize = 8;

/// What stands on the command line.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) document: bool,
    list: bool,
    exact: bool,
    names: Vec<String>,
    skip: Vec<String>,
}

impl Options {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
            match &*argument {
                "--document" => options.document = true,
                "--list" => options.list = true,
                "--exact" => options.exact = true,
                "--skip" => options.skip.push(value()?),
                // Said to all test programs at once.
                "--include-ignored" | "--nocapture" | "--no-capture" | "--quiet" | "-q" | "--show-output" => {}
                "--test-threads" | "--format" | "--color" => _ = value()?,
                other if other.starts_with("--test-threads=") || other.starts_with("--color=") => {}
                other if other.starts_with('-') => return Err(format!("there is no option {other}")),
                name => options.names.push(name.to_owned()),
            }
        }
        Ok(options)
    }

    fn wants(&self, test: &str) -> bool {
        let fits = |name: &String| if self.exact { test == *name } else { test.contains(&**name) };
        (self.names.is_empty() || self.names.iter().any(fits)) && !self.skip.iter().any(|name| test.contains(&**name))
    }
}

/// How a row went.
enum Outcome {
    Ok,
    Failed(String),
    /// It cannot run here, for this reason.
    Ignored(String),
}

#[derive(Default)]
struct Report {
    passed: usize,
    ignored: usize,
    failed: BTreeMap<String, String>,
}

impl Report {
    fn add(&mut self, test: String, outcome: Outcome) {
        match outcome {
            Outcome::Ok => {
                self.passed += 1;
                println!("test {test} ... ok");
            }
            Outcome::Ignored(reason) => {
                self.ignored += 1;
                println!("test {test} ... ignored, {reason}");
            }
            Outcome::Failed(why) => {
                println!("test {test} ... FAILED");
                self.failed.insert(test, why);
            }
        }
    }
}

/// Runs what is wanted; whether all of it went well.
pub(crate) fn run(table: Table, options: &Options) -> bool {
    let tests = |kind: Kind| {
        let rows = table.rows.iter().filter(move |row| row.reason(kind) != Some(""));
        rows.map(move |row| (row, row.test(kind))).filter(|(_, test)| options.wants(test))
    };
    if options.list {
        for (_, test) in Kind::ALL.into_iter().flat_map(tests) {
            println!("{test}: test");
        }
        println!("{DOCUMENT}: test");
        return true;
    }
    let wanted: HashMap<Kind, Vec<(&Row, String)>> =
        Kind::ALL.into_iter().map(|kind| (kind, tests(kind).collect())).collect();
    let in_all = wanted.values().map(Vec::len).sum::<usize>() + usize::from(options.wants(DOCUMENT));
    println!("\nrunning {in_all} tests");
    keep_panics();
    let start = Instant::now();
    let report = Mutex::new(Report::default());
    if options.wants(DOCUMENT) {
        let outcome = document::compare(&table).map_or_else(Outcome::Failed, |()| Outcome::Ok);
        lock(&report).add(DOCUMENT.to_owned(), outcome);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let brokers: FuturesUnordered<_> =
            wanted.into_iter().map(|(kind, rows)| broker(&table, kind, rows, &report)).collect();
        brokers.collect::<Vec<()>>().await;
    });
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (test, why) in &report.failed {
        println!("\n---- {test} ----\n{why}");
    }
    if !report.failed.is_empty() {
        println!("\nfailures:");
        report.failed.keys().for_each(|test| println!("    {test}"));
    }
    let well = report.failed.is_empty();
    println!(
        "\ntest result: {}. {} passed; {} failed; {} ignored; 0 measured; 0 filtered out; finished in {:.2}s\n",
        if well { "ok" } else { "FAILED" },
        report.passed,
        report.failed.len(),
        report.ignored,
        start.elapsed().as_secs_f64(),
    );
    well
}

const DOCUMENT: &str = "docs/celery.md says what is checked";

/// All rows of one broker.
async fn broker(table: &Table, kind: Kind, rows: Vec<(&Row, String)>, report: &Mutex<Report>) {
    let (possible, not): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(row, _)| row.reason(kind).is_none());
    for (row, test) in not {
        lock(report).add(test, Outcome::Ignored(row.reason(kind).unwrap_or_default().to_owned()));
    }
    if possible.is_empty() {
        return;
    }
    let scene = match Scene::start(table, kind).await {
        Ok(scene) => scene,
        Err(missing) => {
            possible.into_iter().for_each(|(_, test)| lock(report).add(test, Outcome::Ignored(missing.clone())));
            return;
        }
    };
    let (python, rust): (Vec<_>, Vec<_>) =
        possible.into_iter().partition(|(row, _)| matches!(row.check, Check::Python { .. }));
    // Python does one row after the other in each of its clients, so it has all of them.
    let python =
        python.into_iter().map(|(row, test)| one(&scene, row, test, report)).collect::<FuturesUnordered<_>>();
    let rust = stream::iter(rust).map(|(row, test)| one(&scene, row, test, report)).buffer_unordered(AT_ONCE);
    tokio::join!(python.collect::<Vec<()>>(), rust.collect::<Vec<()>>());
    scene.end().await;
}

async fn one(scene: &Scene, row: &Row, test: String, report: &Mutex<Report>) {
    let outcome = match &row.check {
        Check::Python { queue } => match scene.python().check(&row.name, queue).await {
            None => Outcome::Ok,
            Some(error) => Outcome::Failed(error),
        },
        Check::Rust(check) => {
            let running = tokio::spawn(tokio::time::timeout(LIMIT, check(scene.clone())));
            let id = running.id();
            match running.await {
                Ok(Ok(())) => Outcome::Ok,
                Ok(Err(_)) => Outcome::Failed(format!("not within {LIMIT:?}")),
                Err(_) => Outcome::Failed(lock(&PANICS).remove(&id).unwrap_or_else(|| "it panicked".to_owned())),
            }
        }
    };
    lock(report).add(test, outcome);
}

/// What tasks said when they panicked.
static PANICS: LazyLock<Arc<Mutex<HashMap<tokio::task::Id, String>>>> = LazyLock::new(Arc::default);

/// Keeps what is said by a row that panics until it can be told whose it was.
fn keep_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| match tokio::task::try_id() {
        Some(id) => _ = lock(&PANICS).insert(id, info.to_string()),
        None => before(info),
    }));
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
