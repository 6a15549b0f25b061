//! The `salamander` program: a name server, demonstration objects, and calls of remote objects from the command line.
//!
//! [`run`] reads the command line and does what it says. A command is a file in `commands`; what it cannot do is a
//! `Failure`, which knows its exit code: 0 done, 1 the peer or the work failed, 2 wrong usage, 3 nothing answers there.
// A program reads the clock and the environment.
#![allow(clippy::disallowed_methods)]

mod calls;
mod commands;
mod connect;
mod data_dir;
mod demo;
mod doors;
mod failure;
mod json;
mod logging;
mod options;
mod output;
mod signals;
mod tls;

use std::process::ExitCode;

use clap::Parser;
use salamander::Config;

use failure::Failure;
use options::Options;
use output::Output;

/// Does what the command line says.
pub fn run() -> ExitCode {
    let options = Options::parse();
    let output = Output::new(options.json);
    match start(options, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report(output);
            failure.exit_code()
        }
    }
}

fn start(options: Options, output: Output) -> Result<(), Failure> {
    let config = match &options.config {
        None => Config::global()?,
        Some(file) => Config::from_file_and_env(file)?.into_global()?,
    };
    logging::start(&config, options.verbose, options.command.log_level())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
    let done = runtime
        .block_on(commands::run(options.command, commands::World { config, output, verbose: options.verbose }));
    // Work that still blocks a thread is not waited for.
    runtime.shutdown_background();
    done
}
