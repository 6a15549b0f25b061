//! Signals: those that a worker gets, and names and numbers of those that it sends.

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind};

use crate::{Error, Kind, Result};

/// The signals by which a worker is asked to end; none where its program takes care of them.
pub(super) struct Signals(Option<Caught>);

struct Caught {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    quit: unix::Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGTERM
    Terminate,
    /// SIGINT
    Interrupt,
    /// SIGQUIT
    Quit,
}

impl Signals {
    /// From now on they do not kill the process.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(super) fn catch() -> Result<Self> {
        let failed = |error| Error::with_source(Kind::Refused, "cannot catch signals", error);
        Ok(Self(Some(Caught {
            terminate: unix::signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: unix::signal(SignalKind::interrupt()).map_err(failed)?,
            quit: unix::signal(SignalKind::quit()).map_err(failed)?,
        })))
    }

    /// They are somebody else's.
    pub(super) fn ignored() -> Self {
        Self(None)
    }

    pub(super) async fn next(&mut self) -> Asked {
        let Some(caught) = &mut self.0 else { return std::future::pending().await };
        tokio::select! {
            _ = caught.terminate.recv() => Asked::Terminate,
            _ = caught.interrupt.recv() => Asked::Interrupt,
            _ = caught.quit.recv() => Asked::Quit,
        }
    }
}

const NAMES: &[(&str, Signal)] = &[
    ("SIGHUP", Signal::HUP),
    ("SIGINT", Signal::INT),
    ("SIGQUIT", Signal::QUIT),
    ("SIGILL", Signal::ILL),
    ("SIGTRAP", Signal::TRAP),
    ("SIGABRT", Signal::ABORT),
    ("SIGBUS", Signal::BUS),
    ("SIGFPE", Signal::FPE),
    ("SIGKILL", Signal::KILL),
    ("SIGUSR1", Signal::USR1),
    ("SIGSEGV", Signal::SEGV),
    ("SIGUSR2", Signal::USR2),
    ("SIGPIPE", Signal::PIPE),
    ("SIGALRM", Signal::ALARM),
    ("SIGTERM", Signal::TERM),
    ("SIGXCPU", Signal::XCPU),
    ("SIGXFSZ", Signal::XFSZ),
];

/// The one that ends a process at once.
pub(crate) const KILL: i32 = Signal::KILL.as_raw();

/// The one that asks a process to end.
pub(crate) const TERM: i32 = Signal::TERM.as_raw();

/// The name of a signal.
pub(crate) fn name(signal: i32) -> Option<&'static str> {
    NAMES.iter().find(|(_, known)| known.as_raw() == signal).map(|(name, _)| *name)
}

/// The signal of a name, with or without `SIG`.
pub(crate) fn named(name: &str) -> Option<i32> {
    let name = name.to_ascii_uppercase();
    let bare = |name: &'static str| name.trim_start_matches("SIG");
    let wanted = name.trim_start_matches("SIG");
    NAMES.iter().find(|(known, _)| bare(known) == wanted).map(|(_, signal)| signal.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names() {
        assert_eq!((named("SIGKILL"), named("term"), named("SIGNOTHING")), (Some(KILL), Some(TERM), None));
        assert_eq!((name(9), name(15), name(64)), (Some("SIGKILL"), Some("SIGTERM"), None));
    }
}
