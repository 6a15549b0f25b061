//! [`Line`]: the connection to a store, made anew when it is lost.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::thread::PATIENCE;
use crate::naming::storage::StorageError;

/// What went wrong with a store.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// There is no connection to it: nothing has been sent.
    Away(String),
    /// The connection was lost while an answer was awaited.
    Lost(String),
    /// It has answered with an error: nothing has changed.
    Refused(String),
}

impl Fault {
    /// What the users of a storage get to see.
    pub(super) fn of(&self, store: &str, writing: bool) -> StorageError {
        StorageError::store(match self {
            Self::Away(why) => format!("the store of names at {store} cannot be reached: {why}"),
            Self::Lost(why) if writing => {
                format!("the store of names at {store} was lost: {why}; it is not known whether the change was made")
            }
            Self::Lost(why) => format!("the store of names at {store} was lost: {why}"),
            Self::Refused(why) => format!("the store of names at {store} refuses: {why}"),
        })
    }
}

/// A connection to a store, of which clones are one.
pub(super) trait Link: Clone + Send + Sync + 'static {
    /// What is needed to connect.
    type Target: Send + Sync;

    fn connect(target: &Self::Target) -> impl Future<Output = Result<Self, String>> + Send;

    /// Whether the other end answers.
    fn answers(&self) -> impl Future<Output = bool> + Send;
}

/// A connection that is there when it is wanted.
pub(super) struct Line<L: Link> {
    target: L::Target,
    state: Mutex<State<L>>,
}

struct State<L> {
    link: Option<L>,
    used: Instant,
    failed: Option<(Instant, String)>,
}

/// For so long after a failed attempt the next one is not made, so that callers do not queue up for it.
const PAUSE: Duration = Duration::from_millis(300);

/// A connection that has not been used for so long is tried before something is sent that must not be sent twice.
const IDLE: Duration = Duration::from_millis(500);

impl<L: Link> Line<L> {
    pub(super) fn new(target: L::Target) -> Self {
        Self { target, state: Mutex::new(State { link: None, used: Instant::now(), failed: None }) }
    }

    /// Does something with the connection; again on a new one where it was lost and `again` says that this does no harm.
    pub(super) async fn with<T, F>(&self, again: bool, work: impl Fn(L) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        match work(self.link().await?).await {
            Err(Fault::Lost(_)) if again => {
                self.hang_up().await;
                let done = work(self.link().await?).await;
                if matches!(done, Err(Fault::Lost(_))) {
                    self.hang_up().await;
                }
                done
            }
            Err(fault @ Fault::Lost(_)) => {
                self.hang_up().await;
                Err(fault)
            }
            done => done,
        }
    }

    async fn link(&self) -> Result<L, Fault> {
        let mut state = self.state.lock().await;
        if let Some(link) = &state.link {
            let link = link.clone();
            let fresh = state.used.elapsed() < IDLE;
            if fresh || tokio::time::timeout(PATIENCE / 4, link.answers()).await.unwrap_or(false) {
                state.used = Instant::now();
                return Ok(link);
            }
            state.link = None;
        }
        if let Some((when, why)) = &state.failed
            && when.elapsed() < PAUSE
        {
            return Err(Fault::Away(why.clone()));
        }
        let attempt = tokio::time::timeout(PATIENCE / 2, L::connect(&self.target)).await;
        match attempt.unwrap_or_else(|_| Err("it does not answer".to_owned())) {
            Ok(link) => {
                *state = State { link: Some(link.clone()), used: Instant::now(), failed: None };
                Ok(link)
            }
            Err(why) => {
                state.failed = Some((Instant::now(), why.clone()));
                Err(Fault::Away(why))
            }
        }
    }

    async fn hang_up(&self) {
        self.state.lock().await.link = None;
    }
}
