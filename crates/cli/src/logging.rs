//! The log: Pyro's settings, `RUST_LOG` and `-v`.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal};

use salamander::{Config, LogLevel};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::failure::Failure;

/// Starts the log. `RUST_LOG` says what is logged; without it `-v`, then `PYRO_LOGLEVEL`. It goes to the standard error
/// output, or to the file that `PYRO_LOGFILE` names.
///
/// # Errors
/// Where the file cannot be written, or `RUST_LOG` is no filter.
pub(crate) fn start(config: &Config, verbose: u8) -> Result<(), Failure> {
    let filter = match env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => filter,
        _ => filter_of(config, verbose),
    };
    let filter = EnvFilter::try_new(&filter)
        .map_err(|error| Failure::usage(format!("RUST_LOG={filter} is no filter: {error}")))?;
    let log = fmt().with_env_filter(filter);
    // Pyro has a default for the file, which is used only together with LOGLEVEL.
    match env::var_os("PYRO_LOGFILE").filter(|name| !name.is_empty() && name != "{stderr}") {
        None => log.with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).init(),
        Some(name) => {
            let file = OpenOptions::new().create(true).append(true).open(&name).map_err(|error| {
                Failure::usage(format!("cannot write the log to PYRO_LOGFILE={}: {error}", name.display()))
            })?;
            log.with_writer(file).with_ansi(false).init();
        }
    }
    Ok(())
}

fn filter_of(config: &Config, verbose: u8) -> String {
    let level = match (verbose, config.loglevel) {
        (0, None | Some(LogLevel::Warning)) => "warn",
        (0, Some(LogLevel::NotSet)) => "trace",
        (0, Some(LogLevel::Info)) | (1, _) => "info",
        (0, Some(LogLevel::Error | LogLevel::Critical)) => "error",
        (0, Some(_)) | (2, _) => "debug",
        _ => "trace",
    };
    let wire = if config.logwire { ",salamander::wire=debug" } else { "" };
    format!("{level}{wire}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_flags_choose_the_level() {
        let filter =
            |vars: &[(&str, &str)], verbose| filter_of(&Config::from_vars(vars.iter().copied()).unwrap(), verbose);
        assert_eq!(filter(&[], 0), "warn");
        assert_eq!(filter(&[], 2), "debug");
        assert_eq!(filter(&[("PYRO_LOGLEVEL", "DEBUG")], 0), "debug");
        assert_eq!(filter(&[("PYRO_LOGLEVEL", "ERROR")], 1), "info");
        assert_eq!(filter(&[("PYRO_LOGLEVEL", "ERROR"), ("PYRO_LOGWIRE", "1")], 0), "error,salamander::wire=debug");
    }
}
