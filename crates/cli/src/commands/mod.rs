//! The commands, one a file.

mod bench;
mod call;
mod check_config;
mod echoserver;
mod files;
mod httpgateway;
mod meta;
mod ns;
mod nsc;
mod socket;
mod tasks;
mod transfer;
mod up;

use std::sync::Arc;

use clap::Subcommand;
use salamander::Config;

use crate::failure::Failure;
use crate::output::Output;

/// What every command is given.
pub(crate) struct World {
    /// The settings of the environment.
    pub(crate) config: Arc<Config>,
    pub(crate) output: Output,
    /// How often `-v` was given.
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(up::Up),
    Ns(ns::Ns),
    Nsc(nsc::Nsc),
    Echoserver(echoserver::Echoserver),
    Httpgateway(httpgateway::Httpgateway),
    Files(files::Files),
    Send(transfer::Send),
    Receive(transfer::Receive),
    Socket(socket::Socket),
    CheckConfig(check_config::CheckConfig),
    Call(call::Call),
    Meta(meta::Meta),
    Bench(bench::Bench),
    Tasks(tasks::Tasks),
}

impl Command {
    /// What is logged where nothing else is said: a level of Celery's, which also means Celery's form of lines.
    pub(crate) fn log_level(&self) -> Option<&str> {
        match self {
            Self::Tasks(tasks) => tasks.log_level(),
            _ => None,
        }
    }
}

/// Runs a command to its end.
pub(crate) async fn run(command: Command, world: World) -> Result<(), Failure> {
    match command {
        Command::Up(up) => up.run(world).await,
        Command::Ns(ns) => ns.run(world).await,
        Command::Nsc(nsc) => nsc.run(world).await,
        Command::Echoserver(echoserver) => echoserver.run(world).await,
        Command::Httpgateway(httpgateway) => httpgateway.run(world).await,
        Command::Files(files) => files.run(world).await,
        Command::Send(send) => send.run(world).await,
        Command::Receive(receive) => receive.run(world).await,
        Command::Socket(socket) => socket.run(world).await,
        Command::CheckConfig(check_config) => check_config.run(world),
        Command::Call(call) => call.run(world).await,
        Command::Meta(meta) => meta.run(world).await,
        Command::Bench(bench) => bench.run(world).await,
        Command::Tasks(tasks) => tasks.run(world).await,
    }
}
