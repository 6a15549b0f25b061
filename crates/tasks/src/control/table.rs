//! The table of commands: their names, their arguments, and what they do.

use std::time::Duration;

/// What is known of a command of remote control.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CommandInfo {
    /// Its name.
    pub name: &'static str,
    /// An older name, which workers know too.
    pub alias: Option<&'static str>,
    /// Whether it asks or changes something.
    pub kind: CommandKind,
    /// What it takes.
    pub arguments: &'static [Argument],
    /// What it does, in a line.
    pub help: &'static str,
    /// How long whoever asks usually waits for replies.
    pub timeout: Duration,
    /// It is shown to people; workers have others among themselves.
    pub visible: bool,
}

/// What kind of command it is, which decides where Celery's command line has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CommandKind {
    /// It asks: `celery inspect`.
    Inspect,
    /// It changes something: `celery control`.
    Control,
}

/// An argument of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it has to be.
    pub expects: Expects,
    /// It cannot be left out.
    pub required: bool,
}

/// What an argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expects {
    /// Text.
    Text,
    /// One text, or a list of them; on a command line all that is left.
    Texts,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// Text or a number.
    Any,
}

impl CommandInfo {
    /// The command of this name, or older name.
    pub fn named(name: &str) -> Option<&'static Self> {
        COMMANDS.iter().find(|command| command.name == name || command.alias == Some(name))
    }

    const fn inspect(name: &'static str, arguments: &'static [Argument], help: &'static str) -> Self {
        let (alias, kind, timeout) = (None, CommandKind::Inspect, Duration::from_secs(1));
        Self { name, alias, kind, arguments, help, timeout, visible: true }
    }

    const fn control(name: &'static str, arguments: &'static [Argument], help: &'static str) -> Self {
        Self { kind: CommandKind::Control, ..Self::inspect(name, arguments, help) }
    }

    const fn or(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }
}

const fn needs(name: &'static str, expects: Expects) -> Argument {
    Argument { name, expects, required: true }
}

const fn takes(name: &'static str, expects: Expects) -> Argument {
    Argument { name, expects, required: false }
}

/// All commands that workers here know.
///
/// # Wire
/// Names, arguments and answers are those of Celery 5.7.
pub const COMMANDS: &[CommandInfo] = &[
    CommandInfo::inspect("active", &[takes("safe", Expects::Flag)], "The tasks that run").or("dump_active"),
    CommandInfo::inspect("active_queues", &[], "The queues that tasks are taken from"),
    CommandInfo::inspect("clock", &[], "The logical clock"),
    CommandInfo {
        visible: false,
        ..CommandInfo::inspect(
            "hello",
            &[needs("from_node", Expects::Text), takes("revoked", Expects::Texts)],
            "Tell of revoked tasks, and hear of others: workers that begin ask it",
        )
    },
    CommandInfo { timeout: Duration::from_millis(200), ..CommandInfo::inspect("ping", &[], "Whether it is there") },
    CommandInfo::inspect("query_task", &[needs("ids", Expects::Texts)], "What is known of tasks, by their ids"),
    CommandInfo::inspect(
        "registered",
        &[takes("taskinfoitems", Expects::Texts), takes("builtins", Expects::Flag)],
        "The tasks that it has",
    )
    .or("dump_tasks"),
    CommandInfo::inspect("reserved", &[], "The tasks that wait for others to end").or("dump_reserved"),
    CommandInfo::inspect("revoked", &[], "The ids of revoked tasks").or("dump_revoked"),
    CommandInfo::inspect("scheduled", &[], "The tasks that wait for their time").or("dump_schedule"),
    CommandInfo::inspect("stats", &[], "Numbers about the worker"),
    CommandInfo::control(
        "rate_limit",
        &[needs("task_name", Expects::Text), needs("rate_limit", Expects::Any)],
        "Change how often a task may begin",
    ),
    CommandInfo::control(
        "revoke",
        &[needs("task_id", Expects::Texts), takes("terminate", Expects::Flag), takes("signal", Expects::Any)],
        "Do not run tasks any more",
    ),
    CommandInfo::control("shutdown", &[], "End the worker when what runs has ended; there is no reply"),
    CommandInfo::control(
        "terminate",
        &[needs("signal", Expects::Any), needs("task_id", Expects::Texts)],
        "Do not run tasks any more, and end them where they run",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_once() {
        let mut names: Vec<&str> =
            COMMANDS.iter().flat_map(|command| command.alias.into_iter().chain([command.name])).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert_eq!(CommandInfo::named("dump_tasks").map(|command| command.name), Some("registered"));
        assert_eq!(CommandInfo::named("nothing"), None);
    }
}
