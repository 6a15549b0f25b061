//! The example programs themselves, in Python, as they came.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use salamander::Generation;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;

use super::printed::Printed;
use super::stage::Stage;
use crate::python;

/// How long a program may take for all that it does.
const RUN: Duration = Duration::from_secs(120);

/// The folder of the examples of a generation: in the virtual environment, where the set-up unpacks them.
///
/// # Panics
/// Where they are not.
pub fn folder(generation: Generation) -> PathBuf {
    let package = match generation {
        Generation::Pyro5 => "pyro5-",
        Generation::Pyro4 => "pyro4-",
    };
    let sources = python::interpreter().parent().and_then(|bin| bin.parent()).map(|venv| venv.join("src"));
    let entries =
        sources.as_ref().and_then(|sources| std::fs::read_dir(sources).ok()).into_iter().flatten().flatten();
    let own = entries.filter(|entry| entry.file_name().to_string_lossy().to_lowercase().starts_with(package));
    let found = own.map(|entry| entry.path().join("examples")).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("there are no examples of {generation} in {sources:?}: run `cargo xtask setup`"))
}

/// A program that runs; it is killed when this is dropped.
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    readers: [JoinHandle<()>; 2],
    /// What it prints.
    pub printed: Printed,
    /// What it says on its standard error.
    pub told: Printed,
    what: String,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; none where a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub printed: String,
    /// What it said on its standard error.
    pub told: String,
}

impl Program {
    /// Starts Python with these arguments in the folder of an example, for which the stage's name server is the one.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(stage: &Stage, example: &str, arguments: &[&str]) -> Self {
        Self::start_with(stage, example, arguments, &[])
    }

    /// The same with more settings in its environment.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start_with(stage: &Stage, example: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        Self::run(stage, example, &stage.folder().join(example), arguments, settings)
    }

    /// Starts a script of an example in another folder, where it finds other files.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start_in(stage: &Stage, example: &str, place: &Path, script: &str) -> Self {
        let script = stage.folder().join(example).join(script);
        Self::run(stage, example, place, &[&script.display().to_string()], &[])
    }

    fn run(stage: &Stage, example: &str, place: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let what = format!("{example}: python {}", arguments.join(" "));
        let mut command = interruptible(python::interpreter());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PYRO_")) {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(place).kill_on_drop(true);
        command.env("PYRO_NS_HOST", "127.0.0.1").env("PYRO_NS_PORT", stage.port().to_string());
        command.envs(settings.iter().copied());
        command.env("PYTHONUNBUFFERED", "1").env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONWARNINGS", "ignore");
        command.env("PYTHONHASHSEED", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{what} does not start: {error}"));
        let (printed, told) = (Printed::default(), Printed::default());
        let readers = [collect(child.stdout.take(), &printed), collect(child.stderr.take(), &told)];
        let input = child.stdin.take();
        Self { child, input, readers, printed, told, what }
    }

    /// Types something, as it is.
    ///
    /// # Panics
    /// Where it does not listen any more.
    pub async fn input(&mut self, text: &str) {
        let input = self.input.as_mut().expect("its input is open");
        let written = async { input.write_all(text.as_bytes()).await.and(input.flush().await) };
        if let Err(error) = written.await {
            panic!("{} takes no input: {error}\n{}{}", self.what, self.printed.text(), self.told.text());
        }
    }

    /// Waits until it prints this.
    ///
    /// # Panics
    /// Where it does not within a minute, with what it said instead.
    pub async fn until(&self, wanted: &str) {
        self.until_times(wanted, 1).await;
    }

    /// Waits until it has printed this so many times.
    ///
    /// # Panics
    /// As [`Program::until`].
    pub async fn until_times(&self, wanted: &str, times: usize) {
        if let Err(error) = self.printed.until_times(wanted, times).await {
            panic!("{}: {error}{}", self.what, self.told.text());
        }
    }

    /// The first URI of an object that it prints.
    ///
    /// # Panics
    /// Where it prints none.
    pub async fn uri(&self) -> String {
        self.until("PYRO:").await;
        let printed = self.printed.text();
        let from = printed.find("PYRO:").unwrap_or_default();
        // It may be in the middle of printing it.
        if let Some(end) = printed[from..].find(char::is_whitespace) {
            return printed[from..from + end].to_owned();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        Box::pin(self.uri()).await
    }

    /// Presses Ctrl-C.
    ///
    /// # Panics
    /// Where it has ended.
    pub async fn interrupt(&self) {
        let id = self.child.id().expect("it runs").to_string();
        let done = Command::new("kill").args(["-INT", &id]).status().await;
        assert!(done.is_ok_and(|status| status.success()), "{} cannot be interrupted", self.what);
    }

    /// Waits for its end, with nothing more to read for it.
    ///
    /// # Panics
    /// Where it does not end in time, with what it said instead.
    pub async fn end(mut self) -> Ended {
        self.input = None;
        let Ok(status) = tokio::time::timeout(RUN, self.child.wait()).await else {
            panic!("{} does not end within {RUN:?}\n{}{}", self.what, self.printed.text(), self.told.text());
        };
        let [printed, told] = self.readers;
        let _ = (printed.await, told.await);
        let code = status.expect("it can be waited for").code();
        Ended { code, printed: self.printed.text(), told: self.told.text() }
    }

    /// Waits for its end, which has to be a good one, and gives what it printed.
    ///
    /// # Panics
    /// Where it fails.
    pub async fn done(self) -> String {
        let what = self.what.clone();
        let ended = self.end().await;
        assert_eq!(ended.code, Some(0), "{what}\n{}{}", ended.printed, ended.told);
        ended.printed
    }
}

/// A command that takes Ctrl-C. Whoever starts the tests in the background of a shell has them ignore it, and what they start
/// with them.
fn interruptible(program: impl AsRef<OsStr>) -> Command {
    static ENV: LazyLock<bool> = LazyLock::new(|| {
        let tried = std::process::Command::new("env").args(["--default-signal=INT", "true"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    });
    if !*ENV {
        return Command::new(program);
    }
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(program);
    command
}

/// Reads a stream to its end into a text.
fn collect(stream: Option<impl AsyncRead + Unpin + Send + 'static>, into: &Printed) -> JoinHandle<()> {
    let into = into.clone();
    tokio::spawn(async move {
        let Some(mut stream) = stream else { return };
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut bytes).await {
            into.add(&String::from_utf8_lossy(&bytes[..count]));
        }
    })
}
