//! The exchanges and queues of remote control.

use std::time::Duration;

use salamander_value::Str;
use salamander_wire::celery::Command;

use crate::broker::{Exchange, ExchangeKind, Queue};
use crate::routing::pattern::Pattern;

/// By which commands go out.
const COMMANDS: &str = "celery.pidbox";

/// By which replies come back.
pub(crate) const REPLIES: &str = "reply.celery.pidbox";

/// After how long a queue goes that nobody listens to: `control_queue_expires`.
const EXPIRES: Duration = Duration::from_secs(10);

/// After how long a command or reply is thrown away that nobody takes: `control_queue_ttl`.
const LIFETIME: Duration = Duration::from_secs(300);

/// The exchange that leads to all workers.
pub(crate) fn command_exchange() -> Exchange {
    Exchange { durable: false, ..Exchange::new(COMMANDS, ExchangeKind::Fanout) }
}

/// An exchange by which replies go to whoever asked.
pub(crate) fn reply_exchange(name: impl Into<Str>) -> Exchange {
    Exchange { durable: false, ..Exchange::new(name, ExchangeKind::Direct) }
}

/// The queue in which a worker finds its commands.
pub(crate) fn mailbox(worker: &str) -> Queue {
    let exchange = command_exchange();
    Queue { exchange, routing_key: Str::default(), ..passing(format!("{worker}.{COMMANDS}")) }
}

/// The queue in which somebody of this id finds replies.
pub(crate) fn reply_queue(id: &Str) -> Queue {
    let exchange = reply_exchange(REPLIES);
    Queue { exchange, routing_key: id.clone(), ..passing(format!("{id}.{REPLIES}")) }
}

/// A queue that goes with its owner.
fn passing(name: String) -> Queue {
    Queue {
        durable: false,
        exclusive: true,
        auto_delete: true,
        expires: Some(EXPIRES),
        message_ttl: Some(LIFETIME),
        ..Queue::new(name)
    }
}

/// Whether a command is for the worker of this name.
pub(crate) fn is_for(command: &Command, worker: &str) -> bool {
    command.is_for(worker, |pattern, matcher| {
        let compiled = match matcher {
            "glob" => Pattern::glob(pattern),
            "pcre" => Pattern::regex(pattern),
            other => {
                tracing::error!("a command is for workers that {other:?} finds, which is neither glob nor pcre");
                return false;
            }
        };
        match compiled {
            Ok(compiled) => compiled.matches(worker),
            Err(error) => {
                tracing::error!("a command is for workers that cannot be told: {error}");
                false
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kombus() {
        let mailbox = mailbox("celery@host");
        assert_eq!((&*mailbox.name, &*mailbox.exchange.name), ("celery@host.celery.pidbox", "celery.pidbox"));
        assert!(mailbox.exchange.kind == ExchangeKind::Fanout && mailbox.routing_key.is_empty());
        let replies = reply_queue(&"1-2".into());
        assert_eq!((&*replies.name, &*replies.exchange.name), ("1-2.reply.celery.pidbox", "reply.celery.pidbox"));
        assert!(replies.exchange.kind == ExchangeKind::Direct && replies.routing_key == "1-2");
        assert!(!replies.durable && replies.exclusive && replies.auto_delete && !replies.exchange.durable);
    }

    #[test]
    fn workers_are_found_by_pattern() {
        let matches = |pattern: &str, matcher: &str| {
            let mut command = Command::new("ping", Default::default());
            (command.pattern, command.matcher) = (Some(pattern.into()), Some(matcher.into()));
            is_for(&command, "celery@host")
        };
        assert!(matches("celery@*", "glob") && !matches("other@*", "glob"));
        assert!(matches("cel.*@", "pcre") && !matches("host", "pcre"));
        assert!(!matches("(", "pcre") && !matches("*", "other"));
        assert!(matches("", "glob"), "it is for all");
    }
}
