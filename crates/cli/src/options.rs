//! [`Options`]: the command line.

use std::path::PathBuf;

use clap::{ArgAction, Parser};

use crate::commands::Command;

/// Distributed objects that speak Python's protocols: a name server, demonstration objects, and calls of any object.
#[derive(Debug, Parser)]
#[command(name = "salamander", version, propagate_version = true, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Log what happens to the standard error output; twice: log details too
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Print JSON, for other programs to read
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Read settings from this TOML file; variables of the environment go before it [default: SALAMANDER_CONFIG, or none]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  salamander up                                              a name server with objects to play with
  salamander call PYRONAME:example.calculator add 2 3        prints 5
  salamander nsc list                                        all names that the name server knows

The exit code is 0 for done, 1 where the peer or the work failed, 2 for wrong usage, 3 where nothing answers.
Settings are Pyro's environment variables, or stand in a file (see `salamander check-config --help`); RUST_LOG selects what \
is logged.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Options::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n  salamander "), "{} has no examples", command.get_name());
        }
    }
}
