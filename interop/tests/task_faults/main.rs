//! Workers and brokers that are killed in the middle, counted: what is lost, what is done twice, how long it takes.
//!
//! Each part runs as it is; `SALAMANDER_SOAK`, which `cargo xtask soak` sets, makes it as large as is promised, and asserts times.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod chords;
mod counted;
mod held;
mod malformed;
mod publishing;
mod resumed;
mod together;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use interop::python;
use interop::queues::{Directory, Queues};
use interop::servers::{RabbitMq, Redis};
use salamander_tasks::{App, Signature};
use salamander_value::Value;
use tokio::runtime::{Builder, Runtime};

/// How long something may take on a machine that is busy.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// Whether everything is to be as large as is promised.
pub(crate) fn soak() -> bool {
    std::env::var_os("SALAMANDER_SOAK").is_some()
}

/// One part at a time: they keep a machine busy, and measure.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A broker that is killed and started again with what it has kept.
pub(crate) trait Engine: Send {
    /// Where it is.
    fn url(&self) -> String;

    /// Waits until it may be killed without forgetting that there is the quorum queue `celery`.
    fn ready(&mut self) {}

    /// Ends it as a crash does.
    fn kill(&mut self);

    /// Starts it again, at the same place.
    fn restart(&mut self);
}

macro_rules! engine {
    ($($kind:ty: $url:expr, $ready:expr);+ $(;)?) => {$(
        impl Engine for $kind {
            fn url(&self) -> String {
                $url(self)
            }

            fn ready(&mut self) {
                $ready(self);
            }

            fn kill(&mut self) {
                <$kind>::kill(self);
            }

            fn restart(&mut self) {
                <$kind>::restart(self);
            }
        }
    )+};
}

engine! {
    // A consumer that is dead is known so after a time; a machine that is busy is not to seem dead.
    Redis: |it: &Redis| format!("{}?consumer_timeout=5", Redis::url(it)), |_: &mut _| ();
    RabbitMq: RabbitMq::url, |it: &mut RabbitMq| it.until_kept("celery");
    Queues: Queues::url, |_: &mut _| ();
}

/// What tasks have noted.
pub(crate) struct Notes {
    directory: Directory,
    /// How much of the file has been read.
    read: usize,
    /// How often each task was done: at its first delivery, and at another one.
    pub(crate) done: HashMap<i64, (u32, u32)>,
    /// How much each worker has done.
    pub(crate) by: HashMap<String, u32>,
    /// What has begun and does not end, and where.
    pub(crate) begun: Vec<(i64, String)>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        let (done, by) = (HashMap::new(), HashMap::new());
        Self { directory: Directory::new(), read: 0, done, by, begun: Vec::new() }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.file("notes")
    }

    /// Reads what is new.
    pub(crate) fn look(&mut self) {
        let all = std::fs::read(self.file()).unwrap_or_default();
        let new = &all[self.read..];
        let Some(end) = new.iter().rposition(|byte| *byte == b'\n') else { return };
        self.read += end + 1;
        for line in String::from_utf8_lossy(&new[..end]).lines() {
            let mut words = line.split(' ');
            let (number, what, who) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let number: i64 = number.parse().unwrap();
            if what == "begun" {
                self.begun.push((number, who.to_owned()));
                continue;
            }
            let times = self.done.entry(number).or_default();
            *(if what == "again" { &mut times.1 } else { &mut times.0 }) += 1;
            *self.by.entry(who.to_owned()).or_default() += 1;
        }
    }

    /// Looks until something is so.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, is: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        loop {
            self.look();
            if is(self) {
                return;
            }
            assert!(start.elapsed() < LONG, "not so for long: {what}; {} done by {:?}", self.done.len(), self.by);
            // Between two looks; it tells nobody of it.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until so many different tasks are done.
    #[track_caller]
    pub(crate) fn until_done(&mut self, count: usize) {
        self.until(&format!("{count} are done"), |notes| notes.done.len() >= count);
    }
}

/// A worker in a process of its own, until this is dropped.
pub(crate) struct Worker {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Worker {
    /// Starts `tally`, and waits until it is ready.
    #[track_caller]
    pub(crate) fn ours(url: &str, notes: &Notes, name: &str, further: &[&str]) -> Self {
        let program = std::env::current_exe().unwrap().parent().and_then(Path::parent).unwrap().join("tally");
        Self::start(Command::new(program), url, notes, name, further)
    }

    /// The same of Python's.
    #[track_caller]
    pub(crate) fn theirs(url: &str, notes: &Notes, name: &str, further: &[&str]) -> Self {
        Self::start(python::script("celery_tally.py"), url, notes, name, further)
    }

    #[track_caller]
    fn start(mut command: Command, url: &str, notes: &Notes, name: &str, further: &[&str]) -> Self {
        command.arg(url).arg(notes.file()).arg(name).args(further);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let (sender, lines) = channel();
        // What it says is read, so that it does not wait for that.
        std::thread::spawn(move || log.for_each(|line| _ = sender.send(line)));
        let mut worker = Self { child, lines, said: String::new() };
        worker.until(" ready.", 1);
        worker
    }

    /// Waits until it has said this so often.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str, times: usize) {
        while self.said.matches(words).count() < times {
            match self.lines.recv_timeout(LONG) {
                Ok(line) => self.said = format!("{}{line}\n", self.said),
                Err(_) => panic!("the worker does not say {words:?} {times} times: {}", self.said),
            }
        }
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// `kill -9`
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, and waits until it has; whether it ended well.
    pub(crate) fn terminate(mut self) -> bool {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        asked.success() && self.child.wait().unwrap().success()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What sends, with these settings.
pub(crate) fn sender(url: &str, settings: &[(&str, &str)]) -> App {
    let mut app = App::builder().broker_url(url);
    for (name, value) in settings {
        app = app.configure(|all| all.set(name, *value).unwrap());
    }
    app.build().unwrap()
}

/// Waits for what sends, which all has one runtime.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
    RUNTIME.block_on(work)
}

/// A task that notes its number after so many milliseconds.
pub(crate) fn note(number: usize, milliseconds: u64) -> Signature<Value> {
    Signature::new("tally.note", (number as i64, milliseconds)).publish_timeout(LONG)
}
