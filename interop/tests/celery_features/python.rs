//! [`Python`]: Celery's side, a process for each broker.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use interop::python;
use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, oneshot};

/// How long the workers may take to begin.
const START: Duration = Duration::from_secs(120);
/// How long a row may wait for its turn and take.
const LIMIT: Duration = Duration::from_secs(600);
/// How many workers say that they are ready: `NAMES` in `workers.py`.
const WORKERS: usize = 4;

/// Clients and workers of Celery's, until this is dropped.
pub(crate) struct Python {
    child: Child,
    stdin: Mutex<ChildStdin>,
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Option<String>>>>>,
    /// The features that it can check.
    pub(crate) features: BTreeSet<String>,
}

impl Python {
    pub(crate) async fn start(broker: &str, backend: &str) -> Self {
        let mut command = python::script("celery_features");
        command.args([broker, backend]).env("C_FORCE_ROOT", "1").env("NO_COLOR", "1");
        // All of its processes end together.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        if std::env::var_os("SALAMANDER_CELERY_LOG").is_none() {
            command.stderr(Stdio::null());
        }
        let mut child = command.spawn().unwrap();
        let stdin = Mutex::new(child.stdin.take().unwrap());
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Option<String>>>>> = Arc::default();
        let (told, mut begun) = mpsc::unbounded_channel();
        let answers = waiting.clone();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let line: Json = serde_json::from_str(&line).unwrap_or_else(|_| panic!("it says {line}"));
                match line["feature"].as_str() {
                    None => _ = told.send(line),
                    Some(feature) => {
                        if let Some(answer) = answers.lock().unwrap().remove(feature) {
                            _ = answer.send(line["error"].as_str().map(str::to_owned));
                        }
                    }
                }
            }
            // Nobody answers any more.
            answers.lock().unwrap().clear();
        });
        let mut python = Self { child, stdin, waiting, features: BTreeSet::new() };
        let ready = async {
            let mut workers = 0;
            while workers < WORKERS {
                let line = begun.recv().await.expect("Celery's side has ended: SALAMANDER_CELERY_LOG=1 shows why");
                if let Some(features) = line["features"].as_array() {
                    python.features = features.iter().filter_map(Json::as_str).map(str::to_owned).collect();
                } else {
                    workers += 1;
                }
            }
        };
        tokio::time::timeout(START, ready).await.expect("Celery's workers begin");
        python
    }

    /// Has a feature checked, with tasks to this queue of ours; gives what is wrong with it.
    pub(crate) async fn check(&self, feature: &str, queue: &str) -> Option<String> {
        if !self.features.contains(feature) {
            return Some("Python has no check of this name".to_owned());
        }
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap().insert(feature.to_owned(), answer);
        let line = json!({"feature": feature, "queue": queue});
        writeln!(self.stdin.lock().unwrap(), "{line}").unwrap();
        match tokio::time::timeout(LIMIT, answered).await {
            Ok(Ok(error)) => error,
            Ok(Err(_)) => Some("Celery's side has ended".to_owned()),
            Err(_) => Some(format!("not within {LIMIT:?}")),
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
        let _ = self.child.wait();
    }
}
