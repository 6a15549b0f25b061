//! Programs of ours and of Python's, run and started as processes of their own.
// Not every file of tests uses all of this.
#![allow(dead_code, unreachable_pub, clippy::disallowed_methods, clippy::unwrap_used)]

pub mod worker;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use interop::python;

/// Our program, built if it is not.
pub fn salamander(args: &[&str]) -> Command {
    without_settings(Command::new(built().join("salamander")), args)
}

/// One of our examples.
pub fn example(name: &str, args: &[&str]) -> Command {
    without_settings(Command::new(built().join("examples").join(name)), args)
}

/// A program of the recipe book.
pub fn recipe(name: &str) -> Command {
    without_settings(Command::new(built().join(name)), &[])
}

/// A program of Python's, as `-m module` or a script.
pub fn python(args: &[&str]) -> Command {
    let mut command = without_settings(Command::new(python::interpreter()), args);
    command.env("PYTHONUNBUFFERED", "1").env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONWARNINGS", "ignore");
    command
}

/// Lines of Python, with arguments.
pub fn script(lines: &str, args: &[&str]) -> Command {
    python(&[&["-c", lines], args].concat())
}

/// The folder of the examples, for Python.
pub fn examples() -> PathBuf {
    python::workspace().join("crates/salamander/examples")
}

fn without_settings(mut command: Command, args: &[&str]) -> Command {
    command.args(args).env_remove("RUST_LOG").current_dir(python::workspace());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PYRO_")) {
        command.env_remove(name);
    }
    command
}

/// Where cargo puts programs, after all of them have been built.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // This test is TARGET/PROFILE/deps/NAME.
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap().to_owned();
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // All of it, as `cargo xtask test` has done before: then nothing is left to do.
        build.args(["build", "--quiet", "--workspace", "--bins", "--examples"]).current_dir(python::workspace());
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the programs cannot be built");
        folder
    })
}

/// Runs a program; gives what it printed. It has to end well.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let (ok, out, err) = outcome(command, "");
    assert!(ok, "{command:?}\n{out}{err}");
    out
}

/// Runs a program with this for its input; tells whether it ended well, and what it printed and told.
pub fn outcome(command: &mut Command, input: &str) -> (bool, String, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended without a look at its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// A program that serves until this is dropped.
pub struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it printed until it was ready.
    pub told: String,
}

impl Server {
    /// Starts a program and waits until it prints a line that begins so.
    #[track_caller]
    pub fn start(command: &mut Command, ready: &str) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, stdout, told: String::new() };
        loop {
            let line = server.line();
            server.told += &line;
            if line.starts_with(ready) {
                return server;
            }
        }
    }

    /// The next line that it prints.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        if self.stdout.read_line(&mut line).unwrap() == 0 {
            let mut told = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
            panic!("it has ended: {}{told}", self.told);
        }
        line
    }

    /// What it has told between these words and the next white space.
    #[track_caller]
    pub fn told_after(&self, words: &str) -> &str {
        let at = self.told.find(words).unwrap_or_else(|| panic!("no {words:?} in {}", self.told));
        self.told[at + words.len()..].split_whitespace().next().unwrap()
    }

    /// The first URI of an object that it has told.
    pub fn uri(&self) -> &str {
        self.told.split_whitespace().find(|word| word.starts_with("PYRO:")).unwrap()
    }

    /// Asks it to end, and waits until it has.
    #[cfg(unix)]
    pub fn terminate(mut self) -> std::process::ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(asked.unwrap().success());
        self.child.wait().unwrap()
    }

    /// The id of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The port in that URI.
    pub fn port(&self) -> &str {
        self.uri().rsplit(':').next().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
