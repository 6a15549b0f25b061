//! Where the workflows run: brokers, workers of either language, and what their tasks do.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use interop::python;
use interop::queues::Queues;
use interop::servers::Redis;
use salamander_macros::task;
use salamander_tasks::worker::ShutdownKind;
use salamander_tasks::workflow::{State as TaskState, Tree};
use salamander_tasks::{App, Signature, State, TaskContext, Worker, WorkerHandle, WorkerOptions, Workflow};
use salamander_value::{Exception, Value};
use tokio::sync::Notify;

use crate::programs::salamander;

/// How long something may take on a machine that is busy.
pub(crate) const LONG: Duration = Duration::from_secs(60);

#[task(crate = "salamander_tasks::__private", name = "tasks.add")]
async fn add(x: i64, y: i64) -> i64 {
    x + y
}

#[task(crate = "salamander_tasks::__private", name = "tasks.xsum")]
fn xsum(numbers: Vec<i64>) -> i64 {
    numbers.iter().sum()
}

#[task(crate = "salamander_tasks::__private", name = "tasks.fail")]
fn fail(#[args] _given: Vec<Value>) -> Result<(), Exception> {
    Err(Exception::value_error("broken"))
}

/// Opened by a test, so that what waits goes on.
#[derive(Default)]
pub(crate) struct Door(Notify);

impl Door {
    pub(crate) fn open(&self) {
        self.0.notify_one();
    }
}

/// Waits at the door.
#[task(crate = "salamander_tasks::__private", name = "tasks.hold", track_started = true)]
async fn hold(door: State<Arc<Door>>, #[default(0)] x: i64) -> i64 {
    door.0.notified().await;
    x
}

/// Sends two others.
#[task(crate = "salamander_tasks::__private", name = "tasks.send")]
async fn send(context: &TaskContext) -> Result<(), Exception> {
    let app = context.app().cloned().ok_or_else(|| Exception::runtime_error("no application"))?;
    for number in [1, 2] {
        app.send_task("tasks.add", (number, 0)).await.map_err(|error| Exception::runtime_error(error.to_string()))?;
    }
    Ok(())
}

/// Somewhere with a broker and results.
pub(crate) enum Place {
    Redis(Redis),
    Own(Queues),
}

impl Place {
    /// Those that are there.
    pub(crate) fn all() -> Vec<Self> {
        Redis::start(&[]).map(Self::Redis).into_iter().chain([Self::Own(Queues::start())]).collect()
    }

    pub(crate) fn broker(&self) -> String {
        match self {
            Self::Redis(redis) => redis.url(),
            Self::Own(queues) => queues.url(),
        }
    }

    pub(crate) fn results(&self) -> String {
        match self {
            Self::Redis(redis) => redis.url(),
            Self::Own(_) => "embedded".to_owned(),
        }
    }

    pub(crate) fn app(&self, door: &Arc<Door>) -> App {
        let app = App::builder().broker_url(self.broker()).result_backend(self.results()).state(door.clone());
        let app = app.configure(|settings| settings.result_extended = true);
        app.task(add).task(xsum).task(fail).task(hold).task(send).build().unwrap()
    }

    /// `salamander tasks workflow ID` there.
    pub(crate) fn program(&self, id: &str, further: &[&str]) -> std::process::Command {
        let (broker, results) = (self.broker(), self.results());
        let mut args = vec!["tasks", "workflow", id, "-b", &broker, "--interval", "0.05"];
        // Beside our own queues they are found where nothing is said.
        if matches!(self, Self::Redis(_)) {
            args.extend(["--result-backend", &results]);
        }
        args.extend(further);
        salamander(&args)
    }
}

/// Our worker, until this is dropped.
pub(crate) struct Working(WorkerHandle);

impl Working {
    pub(crate) fn start(app: &App) -> Self {
        let mut options = WorkerOptions::default();
        options.concurrency = Some(8);
        let worker = Worker::new(app.clone(), options).without_signals();
        let handle = worker.handle();
        tokio::spawn(async move { worker.run().await.unwrap() });
        Self(handle)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.shutdown(ShutdownKind::Cold);
    }
}

/// Celery's worker, until this is dropped.
pub(crate) struct Theirs(Child);

impl Theirs {
    pub(crate) fn start(url: &str) -> Self {
        let mut command = python::script("celery_trees.py");
        command.args(["worker", url]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
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
}

impl Drop for Theirs {
    fn drop(&mut self) {
        // Its children end with it.
        let _ = std::process::Command::new("kill").args(["-QUIT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

pub(crate) fn task(name: &str, args: impl salamander_codec::Arguments) -> Signature<Value> {
    Signature::new(format!("tasks.{name}"), args)
}

/// Looks until something is so.
pub(crate) async fn until(workflow: &mut Workflow, what: &str, is: impl Fn(&Tree) -> bool) {
    let start = std::time::Instant::now();
    while !is(workflow.look().await.unwrap()) {
        assert!(start.elapsed() < LONG, "not so for long: {what}\n{}", workflow.tree().to_text());
        // Between two looks; it tells nobody of it.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a task of this name is in this state.
pub(crate) fn is(tree: &Tree, name: &str, state: TaskState) -> bool {
    tree.tasks().any(|task| task.name.as_deref() == Some(&format!("tasks.{name}")) && task.state == state)
}

/// The lines of a tree, without ids.
pub(crate) fn without_ids(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let words = line.split("  ").filter(|word| !(word.len() == 36 && word.contains('-')));
        let words: Vec<&str> = words.flat_map(|word| word.split(' ')).filter(|word| word.len() != 36).collect();
        words.join(" ").trim_end().to_owned()
    };
    text.lines().map(line).collect()
}
