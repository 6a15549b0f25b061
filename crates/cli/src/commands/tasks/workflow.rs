//! `salamander tasks workflow`

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use salamander::tasks::workflow::{Counts, Line, State};
use salamander::tasks::{App, Kind, Workflow as Sent};
use salamander::{Dict, Value};

use super::{Place, failed};
use crate::commands::World;
use crate::failure::Failure;
use crate::output::{Lines, Shown};

/// Show the tree of a workflow with the states of its tasks, until all have ended
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander tasks workflow 4f0a4b6e-1d0e-4a7f-8f2c-0c7e1a5b9d3e
  salamander tasks workflow ID -b redis://localhost --result-backend redis://localhost
  salamander tasks workflow ID --once --json
  salamander tasks workflow ID --once --svg workflow.svg
  salamander tasks workflow ID --dot | dot -Tpng -o workflow.png
  salamander tasks workflow ID --cancel

In a terminal the tree is drawn anew with each change; else it is printed with each change. A workflow that a Rust program sent by \
Workflow::send is known as a whole, by the id of its result or of its first task. Of others is known what a task has led to so far: give the id of \
the first one. Names are known where the worker stores them (result_extended).

Exit codes: 0 all have ended well (with --once: it was shown; with --cancel: nothing runs any more), 1 a task has failed or was revoked, or there is no such \
task, 2 wrong usage, 3 nothing answers there.")]
pub(super) struct Workflow {
    #[command(flatten)]
    place: Place,

    /// The id of the workflow's result, or of its first task
    id: String,

    /// Show it as it is now, and end
    #[arg(long)]
    once: bool,

    /// Write it as it is now in the language of Graphviz, and end
    #[arg(long, conflicts_with = "cancel")]
    dot: bool,

    /// Write it as a picture into this file as well, anew with each change
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Cancel all of it that has not ended, and show what has become of it
    #[arg(long)]
    cancel: bool,

    /// Show all members of long chains and groups
    #[arg(long)]
    all: bool,

    /// How many seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5)]
    interval: f64,

    /// How many seconds to wait for its end at most [default: for ever]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
}

/// Of more members than these the middle ones are left out.
const MOST: usize = 20;

/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(20);

impl Workflow {
    pub(super) async fn run(self, world: World) -> Result<(), Failure> {
        let wrong = |error: std::time::TryFromFloatSecsError| Failure::usage(error.to_string());
        let interval = Duration::try_from_secs_f64(self.interval).map_err(wrong)?.max(SHORTEST);
        let timeout = self.timeout.map(Duration::try_from_secs_f64).transpose().map_err(wrong)?;
        let app = self.place.app_that_looks()?;
        let mut workflow = in_time(&app, app.workflow(self.id.clone())).await?;
        let mut drawing =
            Drawing { world: &world, most: if self.all { usize::MAX } else { MOST }, before: None, high: 0 };
        if self.cancel {
            return self.cancel(&app, &mut workflow, &mut drawing).await;
        }
        let began = Instant::now();
        loop {
            in_time(&app, workflow.look()).await?;
            let state = &workflow.tree().state;
            if workflow.tree().id.as_deref() == Some(&self.id) && *state == State::Unknown {
                return Err(Failure::failed(format!(
                    "there is no task {}: it is in no queue, and nothing is stored of it. Its result may have expired, or the id may be another one's; \
                     --broker and --result-backend say where to look",
                    self.id
                )));
            }
            self.draw_svg(&workflow)?;
            if self.dot {
                let mut out = std::io::stdout().lock();
                out.write_all(workflow.tree().to_dot().as_bytes())?;
                return Ok(out.flush()?);
            }
            let counts = workflow.tree().counts();
            // Before anything is drawn, which is drawn over later.
            if drawing.before.is_none() && !self.once && !workflow.is_whole() && counts.waiting == counts.all {
                eprintln!(
                    "Nothing is stored of {} yet: it waits or runs, or there is no such task. Ctrl-C ends the waiting",
                    Shown(&self.id, Lines::One)
                );
            }
            drawing.draw(&workflow, &self.id)?;
            if self.once {
                return Ok(());
            }
            if counts.is_over() {
                return ended(&counts);
            }
            if timeout.is_some_and(|timeout| began.elapsed() >= timeout) {
                return Err(Failure::failed(format!(
                    "it has not ended within {} seconds",
                    self.timeout.unwrap_or_default()
                )));
            }
            tokio::time::sleep(interval).await;
        }
    }

    async fn cancel(&self, app: &App, workflow: &mut Sent, drawing: &mut Drawing<'_>) -> Result<(), Failure> {
        // It waits for workers, and each step of it has its own limit.
        let limit = Duration::from_secs(60) + app.settings().publish_timeout;
        let cancelled = match tokio::time::timeout(limit, workflow.cancel()).await {
            Ok(cancelled) => cancelled.map_err(told)?,
            Err(_) => return Err(silent(app)),
        };
        self.draw_svg(workflow)?;
        drawing.draw(workflow, &self.id)?;
        drawing.world.output.line(format_args!("{} revoked", cancelled.revoked.len()))?;
        match cancelled.running.len() {
            0 => Ok(()),
            still => Err(Failure::failed(format!(
                "{still} of its tasks still run: functions that do not wait cannot be ended, except in the pool prefork"
            ))),
        }
    }

    fn draw_svg(&self, workflow: &Sent) -> Result<(), Failure> {
        let Some(file) = &self.svg else { return Ok(()) };
        std::fs::write(file, workflow.tree().to_svg())
            .map_err(|error| Failure::failed(format!("cannot write {}: {error}", file.display())))
    }
}

/// Who does not answer is told of.
async fn in_time<T>(app: &App, asked: impl Future<Output = salamander::tasks::Result<T>>) -> Result<T, Failure> {
    match tokio::time::timeout(app.settings().publish_timeout, asked).await {
        Ok(answer) => answer.map_err(told),
        Err(_) => Err(silent(app)),
    }
}

fn silent(app: &App) -> Failure {
    let place = app.backend().map(|backend| backend.url()).unwrap_or_default();
    let why = app.broker().trouble().map(|trouble| format!(": {trouble}")).unwrap_or_default();
    Failure::nobody(format!("{place} does not answer{why}"))
}

/// An error of looking, with what to do.
fn told(error: salamander::tasks::Error) -> Failure {
    match error.kind() {
        Kind::Unsupported => Failure::usage(format!(
            "{error}; name the backend that the workers store in, as --result-backend redis://localhost, or `embedded` for the queues of salamander up"
        )),
        _ => failed(error),
    }
}

fn ended(counts: &Counts) -> Result<(), Failure> {
    match (counts.failed, counts.revoked) {
        (0, 0) => Ok(()),
        (failed, 0) => Err(Failure::failed(format!("{failed} of {} tasks have failed", counts.all))),
        (0, revoked) => Err(Failure::failed(format!("{revoked} of {} tasks were revoked", counts.all))),
        (failed, revoked) => {
            Err(Failure::failed(format!("of {} tasks {failed} have failed, and {revoked} were revoked", counts.all)))
        }
    }
}

/// What stands on the output so far.
struct Drawing<'a> {
    world: &'a World,
    most: usize,
    before: Option<String>,
    /// How many lines of it are to be drawn over.
    high: usize,
}

impl Drawing<'_> {
    fn draw(&mut self, workflow: &Sent, id: &str) -> Result<(), Failure> {
        let (tree, output) = (workflow.tree(), self.world.output);
        let counts = tree.counts();
        if output.is_json() {
            let number = |number: usize| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
            let counts = Dict::from_iter([
                ("all", number(counts.all)),
                ("succeeded", number(counts.succeeded)),
                ("failed", number(counts.failed)),
                ("revoked", number(counts.revoked)),
                ("running", number(counts.running)),
                ("waiting", number(counts.waiting)),
                ("never", number(counts.never)),
            ]);
            let state = tree.outcome();
            let document = Value::from(Dict::from_iter([
                ("id", Value::from(id)),
                ("state", state.as_str().into()),
                ("whole", workflow.is_whole().into()),
                ("counts", counts.into()),
                ("tree", tree.to_value()),
            ]));
            let text = crate::json::text(&document);
            if self.before.as_ref() != Some(&text) {
                output.document(document)?;
                self.before = Some(text);
            }
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        let coloured = out.is_terminal();
        let mut text = String::new();
        for line in tree.lines(self.most) {
            _ = writeln!(text, "{}", shown(&line, coloured));
        }
        _ = writeln!(text, "{}", summary(&tree.outcome(), &counts));
        if self.before.as_ref() == Some(&text) {
            return Ok(());
        }
        // What stands there is drawn over.
        let over = if coloured && self.high > 0 { format!("\x1b[{}A\x1b[J", self.high) } else { String::new() };
        self.high = text.lines().count();
        out.write_all(over.as_bytes())?;
        out.write_all(text.as_bytes())?;
        out.flush()?;
        self.before = Some(text);
        Ok(())
    }
}

/// `STARTED: 3 of 5 have ended, 1 runs`
fn summary(outcome: &State, counts: &Counts) -> String {
    let ended = counts.succeeded + counts.failed + counts.revoked;
    let mut text = format!("{outcome}: {ended} of {} have ended", counts.all);
    for (count, what) in [
        (counts.failed, "failed"),
        (counts.revoked, "revoked"),
        (counts.running, "running"),
        (counts.waiting, "waiting"),
        (counts.never, "not to run"),
    ] {
        if count > 0 {
            _ = write!(text, ", {count} {what}");
        }
    }
    text
}

fn shown(line: &Line, coloured: bool) -> String {
    let Line { branch, state, text, .. } = line;
    let (text, state) = (Shown(text, Lines::One), state.as_ref().map(|state| (state, state.to_string())));
    match state {
        None => format!("{branch}{text}"),
        Some((state, name)) if coloured => {
            format!("{branch}\x1b[{}m{}\x1b[0m  {text}", colour(state), Shown(&name, Lines::One))
        }
        Some((_, name)) => format!("{branch}{}  {text}", Shown(&name, Lines::One)),
    }
}

/// The number of a terminal's colour.
fn colour(state: &State) -> u8 {
    match state {
        State::Success => 32,
        State::Failure => 31,
        State::Revoked | State::Rejected => 35,
        State::Retry => 33,
        State::Pending | State::Unknown => 90,
        _ => 36,
    }
}

#[cfg(test)]
mod tests {
    use salamander::tasks::Signature;
    use salamander::tasks::workflow::Tree;

    use super::*;

    #[test]
    fn states_are_named_and_in_a_terminal_coloured_too() {
        let tree = Tree::of(&Signature::<Value>::new("a\x1b[2J", ()).into());
        let lines = tree.lines(MOST);
        assert_eq!(shown(&lines[0], false), "PENDING  a\\x1b[2J");
        assert_eq!(shown(&lines[0], true), "\x1b[90mPENDING\x1b[0m  a\\x1b[2J");
        assert_eq!(summary(&tree.outcome(), &tree.counts()), "PENDING: 0 of 1 have ended, 1 waiting");
    }
}
