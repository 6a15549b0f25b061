//! `salamander send` and `salamander receive`

use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use salamander::Dict;
use salamander::files::{self, Report};

use super::World;
use crate::connect::Calling;
use crate::failure::Failure;
use crate::output::Output;

/// Send a file to a folder that is served by `salamander files`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander send report.pdf PYRO:salamander.files@localhost:4712
  salamander send report.pdf PYRONAME:salamander.files --name 2026/report.pdf --fsync

Both ends compare a checksum (SHA-256) in the end. Where it is cut, the same command goes on behind what has come, and begins anew \
if the file is another one now.")]
pub(crate) struct Send {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    calling: Calling,

    #[command(flatten)]
    how: How,
}

/// Receive a file from a folder that is served by `salamander files`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander receive PYRO:salamander.files@localhost:4712 report.pdf
  salamander receive PYRONAME:salamander.files /tmp/r.pdf --name 2026/report.pdf
  salamander call PYRONAME:salamander.files list

What comes is in FILE.salamander-part until it is whole and both ends agree on its checksum (SHA-256). Where it is cut, the same \
command goes on behind what has come, and begins anew if the file is another one now. A file that is there is replaced.")]
pub(crate) struct Receive {
    #[command(flatten)]
    calling: Calling,

    /// Where to put the file: its name, or a folder that is there, with --name
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Do not replace a file that is there
    #[arg(long)]
    keep: bool,

    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// The name of the file at the server [default: the last part of FILE]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Begin anew, whatever has come before
    #[arg(long)]
    restart: bool,

    /// Wait in the end until the disk has the file, at the end where it is written
    #[arg(long)]
    fsync: bool,

    /// Show no progress, and print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

impl Send {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let name = self.how.name(&self.file)?;
        let proxy = self.calling.connected(&world.config).await?;
        let (transfer, shown) = self.how.transfer(&proxy, world.output);
        let sent = transfer.send(&self.file, &name).await;
        shown.finish(sent, "sent", &name, &self.how, world.output)
    }
}

impl Receive {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let name = self.how.name(&self.file)?;
        let mut file = self.file;
        if file.is_dir() {
            let last = name.rsplit('/').next().unwrap_or_default();
            file.push(last);
        }
        let proxy = self.calling.connected(&world.config).await?;
        let (transfer, shown) = self.how.transfer(&proxy, world.output);
        let received = transfer.overwrite(!self.keep).receive(&name, &file).await;
        shown.finish(received, "received", &name, &self.how, world.output)
    }
}

impl How {
    /// The name at the server.
    fn name(&self, file: &Path) -> Result<String, Failure> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let name = file.file_name().and_then(|name| name.to_str()).filter(|_| !file.is_dir());
        let unnamed = || Failure::usage(format!("{} does not name the file: --name does", file.display()));
        name.map(str::to_owned).ok_or_else(unnamed)
    }

    /// The transfer, and what shows how it goes on, if a human looks on.
    fn transfer(&self, proxy: &salamander::Proxy, output: Output) -> (files::Transfer, Shown) {
        let hidden = self.quiet || output.is_json() || !stderr().is_terminal();
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        let template = "{wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let shown = bar.clone();
        let transfer =
            files::Transfer::new(proxy).restart(self.restart).fsync(self.fsync).on_progress(move |progress| {
                if shown.length().is_none() {
                    // What was there before is not what this transfer is fast with.
                    shown.set_length(progress.size);
                    shown.set_position(progress.resumed);
                    shown.reset_eta();
                }
                shown.set_position(progress.done);
            });
        (transfer, Shown { bar, start: Instant::now() })
    }
}

/// How a transfer goes on.
struct Shown {
    bar: ProgressBar,
    start: Instant,
}

impl Shown {
    /// Tells what it has come to.
    fn finish(
        self,
        done: files::Result<Report>,
        what: &str,
        name: &str,
        how: &How,
        output: Output,
    ) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let report = done.map_err(failure)?;
        let seconds = self.start.elapsed().as_secs_f64();
        let Report { size, resumed, checksum, .. } = &report;
        if !how.quiet {
            let before = if *resumed > 0 { format!(", {resumed} of them before") } else { String::new() };
            output.line(format_args!("{what} {name}: {size} bytes in {seconds:.2} s{before}"))?;
            output.line(format_args!("SHA-256 {checksum}"))?;
        }
        output.document(Dict::from_iter([
            ("name", salamander::Value::from(name)),
            ("size", (*size).into()),
            ("resumed", (*resumed).into()),
            ("sha256", checksum.as_str().into()),
            ("seconds", seconds.into()),
        ]))
    }
}

fn failure(error: files::Error) -> Failure {
    match error.call() {
        Some(call) => call.clone().into(),
        None => Failure::failed(error),
    }
}
