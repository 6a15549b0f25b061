//! Remote control, the worker's side: a handler for each command of the table in [`crate::control`].
//!
//! A [`Mailbox`] takes commands out of the worker's queue, and the engine answers them in its loop, so that nothing changes meanwhile. A
//! handler is a function of the engine and the arguments; what it cannot do at once, because it has to wait, the engine does after it.

mod inspect;
mod mailbox;
mod tasks;

use salamander_value::{Dict, Exception, Str, Value};

use super::engine::Engine;
use super::shutdown::ShutdownKind;
use crate::control::{Argument, CommandInfo, Expects};
pub(super) use mailbox::Mailbox;

/// What comes of a command.
pub(super) struct Answer {
    /// What is answered; none where nothing is.
    pub(super) value: Option<Value>,
    /// What the engine does after it.
    pub(super) then: Option<Then>,
}

/// What the engine does after a command.
pub(super) enum Then {
    /// It ends.
    Shutdown(ShutdownKind),
}

type Handler = fn(&mut Engine, &Arguments) -> Answer;

/// What does a command.
fn handler(command: &CommandInfo) -> Option<Handler> {
    Some(match command.name {
        "active" => inspect::active,
        "active_queues" => inspect::active_queues,
        "clock" => inspect::clock,
        "hello" => inspect::hello,
        "ping" => |_, _| ok("pong"),
        "query_task" => inspect::query_task,
        "rate_limit" => tasks::rate_limit,
        "registered" => inspect::registered,
        "reserved" => inspect::reserved,
        "revoke" => tasks::revoke,
        "revoked" => inspect::revoked,
        "scheduled" => inspect::scheduled,
        "shutdown" => shutdown,
        "stats" => inspect::stats,
        "terminate" => tasks::terminate,
        _ => return None,
    })
}

impl Engine {
    /// Does what a command says.
    pub(super) fn answer(&mut self, method: &str, arguments: Dict) -> Answer {
        let found = CommandInfo::named(method).and_then(|command| Some((command, handler(command)?)));
        let Some((command, handler)) = found else {
            tracing::error!(target: "celery.worker.pidbox", "No such control command: {method}");
            return raised(&Exception::key_error(method));
        };
        match Arguments::check(command, arguments) {
            Ok(arguments) => handler(self, &arguments),
            Err(exception) => {
                tracing::error!(target: "celery.worker.pidbox", "pidbox command error: {exception}");
                raised(&exception)
            }
        }
    }
}

fn shutdown(_: &mut Engine, _: &Arguments) -> Answer {
    tracing::warn!(target: "celery.worker.control", "Got shutdown from remote");
    // As in Celery, whoever asked sees that it has gone.
    Answer { value: None, then: Some(Then::Shutdown(ShutdownKind::Warm)) }
}

/// The arguments of a command, which are those that it needs and of the right kind.
pub(super) struct Arguments(Dict);

impl Arguments {
    fn check(command: &CommandInfo, arguments: Dict) -> Result<Self, Exception> {
        for Argument { name, expects, required, .. } in command.arguments {
            let fits = match arguments.get(name) {
                None | Some(Value::None) => !required,
                Some(value) => match expects {
                    Expects::Text => value.as_str().is_some(),
                    Expects::Texts => texts(value).is_some(),
                    Expects::Number => matches!(value, Value::Int(_) | Value::Float(_)),
                    Expects::Flag => true,
                    Expects::Any => matches!(value, Value::Str(_) | Value::Int(_) | Value::Float(_)),
                },
            };
            if !fits {
                let wrong = if arguments.get(name).is_none() { "missing" } else { "wrong" };
                let message = format!("{}() has a {wrong} argument: '{name}'", command.name);
                return Err(Exception::type_error(message));
            }
        }
        Ok(Self(arguments))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !matches!(value, Value::None))
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn texts(&self, name: &str) -> Vec<Str> {
        self.get(name).and_then(texts).unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(Value::truth)
    }
}

/// One text, or several.
fn texts(value: &Value) -> Option<Vec<Str>> {
    let text = |value: &Value| value.as_str().map(Str::from);
    match value {
        Value::Str(one) => Some(vec![one.clone()]),
        Value::Set(items) => items.iter().map(text).collect(),
        // Celery's mailboxes of earlier versions tell of revoked tasks with their times.
        Value::Dict(items) => items.iter().map(|(name, _)| text(name)).collect(),
        value => value.as_slice()?.iter().map(text).collect(),
    }
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self { value: Some(value), then: None }
    }
}

fn ok(what: impl Into<Value>) -> Answer {
    Value::from(Dict::from_iter([("ok", what.into())])).into()
}

fn error(what: impl Into<Value>) -> Answer {
    Value::from(Dict::from_iter([("error", what.into())])).into()
}

/// What a handler of Python's would have raised, as its `repr()`.
fn raised(exception: &Exception) -> Answer {
    error(Value::from(exception.clone()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::COMMANDS;

    #[test]
    fn every_command_has_a_handler() {
        for command in COMMANDS {
            assert!(handler(command).is_some(), "{}", command.name);
        }
    }

    #[test]
    fn arguments_are_checked() {
        let checked = |name: &str, arguments: Dict| {
            let checked = Arguments::check(CommandInfo::named(name).unwrap(), arguments);
            checked.map(|arguments| arguments.texts("task_id")).map_err(|error| error.to_string())
        };
        let ids = |value: Value| Dict::from_iter([("task_id", value)]);
        assert_eq!(checked("revoke", ids("a".into())), Ok(vec!["a".into()]));
        assert_eq!(checked("revoke", ids(vec!["a", "b"].into())), Ok(vec!["a".into(), "b".into()]));
        let missing = Err("TypeError: revoke() has a missing argument: 'task_id'".to_owned());
        assert_eq!(checked("revoke", Dict::new()), missing);
        let wrong = Err("TypeError: revoke() has a wrong argument: 'task_id'".to_owned());
        assert_eq!(checked("revoke", ids(vec![1, 2].into())), wrong);
        let further = Dict::from_iter([("task_id", "a"), ("further", "is no error")]);
        assert_eq!(checked("revoke", further), Ok(vec!["a".into()]));
    }
}
