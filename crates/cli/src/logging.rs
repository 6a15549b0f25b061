//! The log: Pyro's settings, `RUST_LOG` and `-v`.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal};

use salamander::{Config, LogLevel};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::{self, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::failure::Failure;

/// Starts the log. `RUST_LOG` says what is logged; without it `-v`, then `LOGLEVEL`. It goes to the standard error output,
/// or to the file `LOGFILE` where that or the level is set.
///
/// # Errors
/// Where the file cannot be written, or `RUST_LOG` is no filter.
pub(crate) fn start(config: &Config, verbose: u8, worker: Option<&str>) -> Result<(), Failure> {
    let filter = match (env::var("RUST_LOG"), worker) {
        (Ok(filter), _) if !filter.is_empty() => filter,
        (_, Some(level)) if verbose == 0 => {
            level.to_ascii_lowercase().replace("critical", "error").replace("warning", "warn")
        }
        _ => filter_of(config, verbose),
    };
    let filter = EnvFilter::try_new(&filter)
        .map_err(|error| Failure::usage(format!("RUST_LOG={filter} is no filter: {error}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    if worker.is_some() {
        log.event_format(CeleryLines).with_writer(io::stderr).init();
        return Ok(());
    }
    match file_of(config) {
        None => log.with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).init(),
        Some(name) => {
            let file = OpenOptions::new().create(true).append(true).open(name).map_err(|error| {
                Failure::usage(format!(
                    "cannot write the log to LOGFILE={name}: {error}; it should be a file, or {STDERR}"
                ))
            })?;
            log.with_writer(file).with_ansi(false).init();
        }
    }
    Ok(())
}

/// Lines as a worker of Celery's writes them: `[2026-01-31 12:00:00,123: INFO/MainProcess] ...`.
struct CeleryLines;

impl<S, N> FormatEvent<S, N> for CeleryLines
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &fmt::FmtContext<'_, S, N>,
        mut writer: fmt::format::Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> std::fmt::Result {
        let now = jiff::Zoned::now();
        let level = match *event.metadata().level() {
            tracing::Level::WARN => "WARNING",
            tracing::Level::TRACE => "DEBUG",
            ref other => other.as_str(),
        };
        let millis = now.millisecond();
        write!(writer, "[{},{millis:03}: {level}/MainProcess] ", now.strftime("%Y-%m-%d %H:%M:%S"))?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// What stands for the standard error output.
const STDERR: &str = "{stderr}";

/// The file that the log goes to, if it does. Pyro's default is used only where a level is set.
fn file_of(config: &Config) -> Option<&str> {
    let named = config.logfile != Config::default().logfile;
    (named || config.loglevel.is_some())
        .then_some(&*config.logfile)
        .filter(|name| !name.is_empty() && *name != STDERR)
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

    #[test]
    fn a_level_sends_the_log_to_pyros_file() {
        let file = |vars: &[(&str, &str)]| {
            let config = Config::from_vars(vars.iter().copied()).unwrap();
            file_of(&config).map(str::to_owned)
        };
        assert_eq!(file(&[]), None);
        assert_eq!(file(&[("PYRO_LOGLEVEL", "INFO")]).as_deref(), Some("pyro5.log"));
        assert_eq!(file(&[("PYRO_LOGFILE", "x")]).as_deref(), Some("x"));
        assert_eq!(file(&[("PYRO_LOGLEVEL", "INFO"), ("PYRO_LOGFILE", "{stderr}")]), None);
    }
}
