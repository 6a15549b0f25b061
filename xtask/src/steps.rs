//! A run of steps: each is announced, timed and remembered, and a failed one does not stop the others.

use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What has been done so far.
pub struct Steps {
    root: PathBuf,
    started: Instant,
    failed: Vec<String>,
}

impl Steps {
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), started: Instant::now(), failed: Vec::new() }
    }

    /// Runs a step; tells whether it succeeded.
    pub fn run(&mut self, name: &str, step: impl FnOnce() -> Result<(), String>) -> bool {
        announce(&format!("==> {name}"));
        let start = Instant::now();
        let done = step();
        let time = seconds(start.elapsed());
        match &done {
            Ok(()) => announce(&format!("  ok  {name} ({time})")),
            Err(message) => {
                announce(&format!("FAIL  {name} ({time}): {message}"));
                self.failed.push(name.to_owned());
            }
        }
        done.is_ok()
    }

    /// Runs a command as a step, with its output as it comes.
    pub fn command(&mut self, name: &str, command: &mut Command) -> bool {
        command.current_dir(&self.root).stdin(Stdio::null());
        self.run(name, || {
            let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
            if status.success() { Ok(()) } else { Err(status.to_string()) }
        })
    }

    /// The names of the steps that failed.
    pub fn failed(&self) -> &[String] {
        &self.failed
    }

    /// How long all of it has taken.
    pub fn elapsed(&self) -> String {
        seconds(self.started.elapsed())
    }
}

/// Runs a command, shows its standard output as it comes, and hands each line of it on.
pub fn watch(command: &mut Command, mut line: impl FnMut(&str)) -> Result<(), String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let shown = format!("{command:?}");
    let mut child = command.spawn().map_err(|error| format!("{shown}: {error}"))?;
    if let Some(output) = child.stdout.take() {
        // What a test prints may be no text.
        for bytes in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&bytes);
            println!("{text}");
            line(&text);
        }
    }
    let status = child.wait().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

/// A line that stands out among what the steps print.
fn announce(line: &str) {
    if std::io::stdout().is_terminal() { println!("\x1b[1m{line}\x1b[0m") } else { println!("{line}") }
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        all => format!("{} min {} s", all / 60, all % 60),
    }
}
