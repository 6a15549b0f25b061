//! [`Link`]: a connection for everything that is asked and answered.

use std::sync::{Arc, Mutex, PoisonError};

use redis::{Cmd, Pipeline, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::connection::{Connection, Script, Trouble, refusal};
use super::{Pauses, Place};
use crate::{Error, Kind, Result};

/// How many requests go in one write.
const TOGETHER: usize = 128;

/// A connection that is made when it is first needed, and again when it has broken. What many ask for at the same time goes in one write.
///
/// Commands whose answer was lost with a connection are sent again.
pub(crate) struct Link {
    place: Arc<Place>,
    scripts: &'static [&'static Script],
    state: Mutex<State>,
    /// Why there is no connection.
    trouble: Arc<Mutex<Option<Error>>>,
}

enum State {
    Unused,
    Open(mpsc::UnboundedSender<Request>, JoinHandle<()>),
    Closed,
}

struct Request {
    commands: Vec<Cmd>,
    answer: oneshot::Sender<Result<Vec<Value>>>,
}

impl Link {
    pub(crate) fn new(place: Arc<Place>, scripts: &'static [&'static Script]) -> Self {
        Self { place, scripts, state: Mutex::new(State::Unused), trouble: Arc::default() }
    }

    /// Why there is no connection, where one is tried for in vain.
    pub(crate) fn trouble(&self) -> Option<Error> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Carries out commands. While there is no connection it waits for one.
    ///
    /// # Errors
    /// What the server refuses, a login among it; [`Kind::Closed`].
    pub(crate) async fn run(&self, commands: Vec<Cmd>) -> Result<Vec<Value>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let (answer, answered) = oneshot::channel();
        self.sender()?.send(Request { commands, answer }).map_err(|_| closed())?;
        let replies = answered.await.map_err(|_| closed())??;
        match replies.iter().find_map(refusal) {
            Some(error) => Err(error),
            None => Ok(replies),
        }
    }

    /// Carries out one command.
    pub(crate) async fn one(&self, command: Cmd) -> Result<Value> {
        Ok(self.run(vec![command]).await?.pop().unwrap_or_default())
    }

    /// Whether it was closed.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(*self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Closed)
    }

    /// Notes why there is no connection, or that there is one: others connect to the same server beside this.
    pub(crate) fn note(&self, trouble: Option<Error>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn sender(&self) -> Result<mpsc::UnboundedSender<Request>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open(sender, _) => Ok(sender.clone()),
            State::Closed => Err(closed()),
            State::Unused => {
                let (sender, requests) = mpsc::unbounded_channel();
                let (place, trouble) = (Arc::clone(&self.place), Arc::clone(&self.trouble));
                let driver = tokio::spawn(drive(place, self.scripts, requests, trouble));
                *state = State::Open(sender.clone(), driver);
                Ok(sender)
            }
        }
    }

    /// Waits for the answers to what was asked so far, and closes the connection.
    pub(crate) async fn close(&self) {
        let before =
            std::mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Closed);
        if let State::Open(sender, driver) = before {
            drop(sender);
            let _ = driver.await;
        }
    }
}

pub(crate) fn closed() -> Error {
    Error::new(Kind::Closed, "the connection to Redis was closed")
}

async fn drive(
    place: Arc<Place>,
    scripts: &'static [&'static Script],
    mut requests: mpsc::UnboundedReceiver<Request>,
    trouble: Arc<Mutex<Option<Error>>>,
) {
    let note = |now: Option<Error>| *trouble.lock().unwrap_or_else(PoisonError::into_inner) = now;
    let mut connection: Option<Connection> = None;
    let mut pauses = Pauses::new();
    let mut came = Vec::with_capacity(TOGETHER);
    let mut batch = Batch::default();
    loop {
        if batch.waiting.is_empty() {
            if requests.recv_many(&mut came, TOGETHER).await == 0 {
                return;
            }
            came.drain(..).for_each(|request| batch.add(request));
        }
        batch.tidy();
        if batch.waiting.is_empty() {
            continue;
        }
        let open = match &mut connection {
            Some(open) => open,
            None => match Connection::open(&place, scripts, None).await {
                Ok(opened) => {
                    note(None);
                    connection.insert(opened)
                }
                Err(error) if error.kind() == Kind::Connection => {
                    let pause = pauses.next();
                    tracing::warn!("{error}; trying again in {pause:.1?}");
                    note(Some(error));
                    tokio::time::sleep(pause).await;
                    continue;
                }
                Err(error) => {
                    for (_, answer) in std::mem::take(&mut batch).waiting {
                        let _ = answer.send(Err(error.clone()));
                    }
                    continue;
                }
            },
        };
        match open.send(&batch.commands).await {
            Ok(replies) => {
                pauses.reset();
                let mut replies = replies.into_iter();
                for (count, answer) in batch.waiting.drain(..) {
                    let own = replies.by_ref().take(count).collect();
                    let _ = answer.send(Ok(own));
                }
                batch.commands.clear();
            }
            Err(Trouble::Broken(error) | Trouble::Refused(error)) => {
                let pause = pauses.next();
                tracing::warn!("{error}; trying again in {pause:.1?}");
                note(Some(error));
                connection = None;
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// What goes in one write, and who waits for how many of the replies.
struct Batch {
    commands: Pipeline,
    waiting: Vec<(usize, oneshot::Sender<Result<Vec<Value>>>)>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { commands: Pipeline::new(), waiting: Vec::new() }
    }
}

impl Batch {
    fn add(&mut self, request: Request) {
        let Request { commands, answer } = request;
        self.waiting.push((commands.len(), answer));
        for command in commands {
            self.commands.add_command(command);
        }
    }

    /// Whoever has given up while there was no connection does not want it any more.
    fn tidy(&mut self) {
        if self.waiting.iter().all(|(_, answer)| !answer.is_closed()) {
            return;
        }
        let Self { commands, waiting } = std::mem::take(self);
        let mut commands = commands.cmd_iter().cloned();
        for (count, answer) in waiting {
            let commands = commands.by_ref().take(count).collect();
            if !answer.is_closed() {
                self.add(Request { commands, answer });
            }
        }
    }
}
