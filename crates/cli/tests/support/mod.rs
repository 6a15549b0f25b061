//! The real program, run and started.
// Tests start processes and read their environment; not every file of tests uses all of this.
#![allow(dead_code, unreachable_pub, clippy::disallowed_methods, clippy::unwrap_used)]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The program, without settings from outside.
pub fn salamander<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_salamander"));
    command.args(args).env_remove("RUST_LOG");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PYRO_")) {
        command.env_remove(name);
    }
    command
}

/// What the program did.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs the program to its end.
pub fn run(args: &[&str]) -> Done {
    finish(salamander(args).stdin(Stdio::null()))
}

/// Runs the program with an answer to its question.
pub fn run_answering(args: &[&str], answer: &str) -> Done {
    let mut child =
        salamander(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    done(child)
}

/// Runs a command to its end.
pub fn finish(command: &mut Command) -> Done {
    done(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

fn done(child: Child) -> Done {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Done {
    /// What was printed by a program that has done what it should.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// What was told by a program that ended with this code and printed nothing else; it is one line.
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.err
    }

    /// The JSON document that was printed.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

/// A program that serves until it is stopped, or dropped.
pub struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it has printed until it was ready.
    pub told: String,
}

impl Server {
    /// Starts the program and waits until it prints a line that begins so.
    pub fn start(args: &[&str], ready: &str) -> Self {
        Self::of(&mut salamander(args), ready)
    }

    /// Starts a command and waits until it prints a line that begins so.
    pub fn of(command: &mut Command, ready: &str) -> Self {
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

    /// `salamander up` on a free port, with its data in a directory.
    pub fn up(data: &Path, more: &[&str]) -> Self {
        let data = data.to_str().unwrap();
        let args = [&["up", "--port", "0", "--data", data], more].concat();
        Self::start(&args, "Ctrl-C stops it.")
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        if self.stdout.read_line(&mut line).unwrap() == 0 {
            let mut told = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
            panic!("it has ended: {told}");
        }
        line
    }

    /// The first word after this one in what it has told.
    pub fn told_after(&self, words: &str) -> &str {
        let at = self.told.find(words).unwrap_or_else(|| panic!("no {words:?} in {}", self.told));
        self.told[at + words.len()..].split_whitespace().next().unwrap()
    }

    /// The port of `salamander up`.
    pub fn port(&self) -> &str {
        self.told_after(" is up on ").rsplit(':').next().unwrap()
    }

    /// The URI of a name at its name server.
    pub fn named(&self, name: &str) -> String {
        format!("PYRONAME:{name}@localhost:{}", self.port())
    }

    /// Waits until it ends by itself.
    pub fn ended(mut self) -> Done {
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Done { code: self.child.wait().unwrap().code(), out, err }
    }

    /// Stops it by a signal.
    #[cfg(unix)]
    pub fn stopped_by(self, signal: &str) -> Done {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.ended()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory that is removed in the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("salamander-cli-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
