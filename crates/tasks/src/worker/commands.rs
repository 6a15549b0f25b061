//! [`WorkerHandle`]: what a worker is asked while it works, by its program and by its mailbox.

use salamander_value::{Dict, Str, Value};
use tokio::sync::{mpsc, oneshot};

use super::control::{Answer, Then};
use super::engine::Engine;
use super::shutdown::ShutdownKind;
use crate::broker::Consumer;

/// What a worker is asked.
pub(super) enum Command {
    /// To end.
    Shutdown(ShutdownKind),
    /// By the name and the arguments that remote control has for it. Where nothing is to be answered, `reply` is dropped.
    Call { method: Str, arguments: Dict, reply: oneshot::Sender<Value> },
}

/// A worker as others in its program see it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WorkerHandle {
    commands: mpsc::UnboundedSender<Command>,
    name: Str,
}

impl WorkerHandle {
    pub(super) fn new(commands: mpsc::UnboundedSender<Command>, name: Str) -> Self {
        Self { commands, name }
    }

    /// The worker's name, as `celery@host`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks the worker to end. It has ended when [`Worker::run`](super::Worker::run) has.
    pub fn shutdown(&self, kind: ShutdownKind) {
        // One that has ended already is not asked.
        _ = self.commands.send(Command::Shutdown(kind));
    }

    /// Makes a command of remote control, such as `ping` or `revoke`, and gives what the worker answers; none where it has ended, and to
    /// `shutdown`, which has no answer.
    ///
    /// # Wire
    /// Commands and answers are those of Celery 5.7, as far as [`COMMANDS`](crate::control::COMMANDS) has them.
    pub async fn control(&self, method: &str, arguments: Dict) -> Option<Value> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Call { method: method.into(), arguments, reply }).ok()?;
        answer.await.ok()
    }
}

impl Engine {
    pub(super) async fn command(&mut self, command: Command, consumer: &mut dyn Consumer) {
        match command {
            Command::Shutdown(kind) => self.shut_down(kind, consumer).await,
            Command::Call { method, arguments, reply } => {
                let Answer { value, then } = self.answer(&method, arguments);
                if let Some(value) = value {
                    // Whoever asked may be gone.
                    _ = reply.send(value);
                }
                match then {
                    Some(Then::Shutdown(kind)) => self.shut_down(kind, consumer).await,
                    None => {}
                }
            }
        }
    }
}
