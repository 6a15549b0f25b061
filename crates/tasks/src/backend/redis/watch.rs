//! [`Watches`]: who waits for which key, over one connection that is subscribed to all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use redis::{Pipeline, PushInfo, PushKind};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::backend::{Stored, finality};
use crate::redis::{Connection, Pauses, Place, Trouble, array, bytes, text};
use crate::{Error, Kind};

/// How many keys one command subscribes to.
const TOGETHER: usize = 512;
/// How many keys one command looks at, which may be large.
const LOOKED_AT: usize = 64;

/// What is known of a key.
#[derive(Clone, Default)]
pub(super) struct Heard {
    /// What it was last, never what it was before that; once it is over, that it is over. A worker of Celery's may tell that a task is
    /// tried again when another one has done that already.
    pub(super) last: Option<Bytes>,
    /// Why nothing will come any more.
    pub(super) failed: Option<Error>,
}

/// Keys that somebody waits for.
pub(super) struct Watches {
    place: Arc<Place>,
    stored: Arc<Stored>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: HashMap<String, Watch>,
    changes: Option<mpsc::UnboundedSender<Change>>,
    listener: Option<JoinHandle<()>>,
    closed: bool,
}

struct Watch {
    heard: watch::Sender<Heard>,
    /// The server has told of it since it was subscribed to.
    told: bool,
    count: usize,
}

enum Change {
    Listen(String),
    Leave(String),
}

/// Listens to a key as long as it is kept.
pub(super) struct Watching {
    key: String,
    watches: Weak<Watches>,
    pub(super) heard: watch::Receiver<Heard>,
}

impl Watches {
    pub(super) fn new(place: Arc<Place>, stored: Arc<Stored>) -> Self {
        Self { place, stored, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to listen to a key.
    pub(super) fn watch(self: &Arc<Self>, key: String) -> Watching {
        let mut state = self.state();
        if state.changes.is_none() && !state.closed {
            let (changes, changed) = mpsc::unbounded_channel();
            state.changes = Some(changes);
            state.listener = Some(tokio::spawn(listen(Arc::downgrade(self), Arc::clone(&self.place), changed)));
        }
        let closed = state.closed;
        let watch = state.keys.entry(key.clone()).or_insert_with(|| {
            let failed = closed.then(crate::redis::closed);
            Watch { heard: watch::Sender::new(Heard { failed, ..Heard::default() }), told: false, count: 0 }
        });
        watch.count += 1;
        let (heard, new) = (watch.heard.subscribe(), watch.count == 1);
        if new && let Some(changes) = &state.changes {
            let _ = changes.send(Change::Listen(key.clone()));
        }
        Watching { key, watches: Arc::downgrade(self), heard }
    }

    /// Nobody hears anything any more.
    pub(super) async fn close(&self) {
        let listener = {
            let mut state = self.state();
            state.closed = true;
            state.changes = None;
            state.listener.take()
        };
        self.fail(&crate::redis::closed());
        if let Some(listener) = listener {
            listener.abort();
            let _ = listener.await;
        }
    }

    fn fail(&self, error: &Error) {
        for watch in self.state().keys.values() {
            watch.heard.send_modify(|heard| heard.failed = Some(error.clone()));
        }
    }

    /// The server tells of these from now on.
    fn subscribed(&self, keys: &[String]) {
        let mut state = self.state();
        for key in keys {
            if let Some(watch) = state.keys.get_mut(key) {
                watch.told = false;
            }
        }
    }

    /// What was stored when it was looked for. Where the server has told of a key meanwhile, that is as new or newer.
    fn found(&self, key: &str, stored: Bytes) {
        if let Some(watch) = self.state().keys.get(key).filter(|watch| !watch.told) {
            self.heard(watch, stored);
        }
    }

    fn heard(&self, watch: &Watch, state: Bytes) {
        let finality = |state: &Bytes| self.stored.decode(state).map_or(0, |meta| finality(&meta.status));
        watch.heard.send_modify(|heard| {
            // Most tasks have one state to tell of, which is read by who waits for it.
            let stays = heard.last.as_ref().map_or(0, finality);
            if stays == 0 || (stays == 1 && finality(&state) >= 1) {
                heard.last = Some(state);
            }
        });
    }

    fn told(&self, push: PushInfo) -> Result<(), Trouble> {
        match push.kind {
            PushKind::Disconnection => {
                return Err(Trouble::Broken(Error::new(Kind::Connection, "the connection to Redis broke")));
            }
            PushKind::Message => {
                let mut data = push.data.into_iter();
                let (key, payload) = (data.next().and_then(text), data.next().and_then(bytes));
                if let (Some(key), Some(payload)) = (key, payload)
                    && let Some(watch) = self.state().keys.get_mut(&key)
                {
                    watch.told = true;
                    self.heard(watch, payload);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let Some(watches) = self.watches.upgrade() else { return };
        let mut state = watches.state();
        let Some(watch) = state.keys.get_mut(&self.key) else { return };
        watch.count -= 1;
        if watch.count == 0 {
            state.keys.remove(&self.key);
            if let Some(changes) = &state.changes {
                let _ = changes.send(Change::Leave(std::mem::take(&mut self.key)));
            }
        }
    }
}

async fn listen(watches: Weak<Watches>, place: Arc<Place>, mut changed: mpsc::UnboundedReceiver<Change>) {
    let mut pauses = Pauses::new();
    loop {
        let (pushes, mut pushed) = mpsc::unbounded_channel();
        let ended = match Connection::open(&place, &[], Some(pushes)).await {
            Ok(mut connection) => match serve(&watches, &mut connection, &mut pushed, &mut changed).await {
                Ok(()) => return,
                Err(Trouble::Broken(error)) => {
                    pauses.reset();
                    Ok(error)
                }
                Err(Trouble::Refused(error)) => Err(error),
            },
            Err(error) if error.kind() == Kind::Connection => Ok(error),
            Err(error) => Err(error),
        };
        let error = match ended {
            Ok(error) => error,
            Err(error) => {
                let Some(watches) = watches.upgrade() else { return };
                watches.fail(&error);
                // The next one who waits tries again.
                let mut state = watches.state();
                (state.changes, state.listener) = (None, None);
                return;
            }
        };
        let pause = pauses.next();
        tracing::warn!("{error}; listening again in {pause:.1?}");
        tokio::time::sleep(pause).await;
    }
}

async fn serve(
    watches: &Weak<Watches>,
    connection: &mut Connection,
    pushed: &mut mpsc::UnboundedReceiver<PushInfo>,
    changed: &mut mpsc::UnboundedReceiver<Change>,
) -> Result<(), Trouble> {
    let Some(all) = watches.upgrade().map(|watches| watches.state().keys.keys().cloned().collect::<Vec<_>>()) else {
        return Ok(());
    };
    for keys in all.chunks(TOGETHER) {
        subscribe(watches, connection, pushed, keys).await?;
    }
    let mut batch = Vec::with_capacity(TOGETHER);
    loop {
        tokio::select! {
            push = pushed.recv() => {
                let (Some(push), Some(watches)) = (push, watches.upgrade()) else { return Ok(()) };
                watches.told(push)?;
                hear(&watches, pushed)?;
            }
            count = changed.recv_many(&mut batch, TOGETHER) => {
                let Some(watches) = watches.upgrade().filter(|_| count > 0) else { return Ok(()) };
                let (mut listen, mut leave) = (Vec::new(), Vec::new());
                {
                    // As it is now, whatever it was in between.
                    let state = watches.state();
                    for change in batch.drain(..) {
                        let (Change::Listen(key) | Change::Leave(key)) = change;
                        let keys = if state.keys.contains_key(&key) { &mut listen } else { &mut leave };
                        keys.push(key);
                    }
                }
                if !leave.is_empty() {
                    connection.subscribe("UNSUBSCRIBE", &leave).await?;
                }
                if !listen.is_empty() {
                    let watches = Arc::downgrade(&watches);
                    subscribe(&watches, connection, pushed, &listen).await?;
                }
            }
        }
    }
}

/// Subscribes to keys, and looks what is there already.
///
/// Both on one connection: whatever was stored before the server looked, it has told of before it answers.
async fn subscribe(
    watches: &Weak<Watches>,
    connection: &mut Connection,
    pushed: &mut mpsc::UnboundedReceiver<PushInfo>,
    keys: &[String],
) -> Result<(), Trouble> {
    connection.subscribe("SUBSCRIBE", keys).await?;
    for keys in keys.chunks(LOOKED_AT) {
        let Some(strong) = watches.upgrade() else { return Ok(()) };
        hear(&strong, pushed)?;
        strong.subscribed(keys);
        drop(strong);
        let mut look = Pipeline::new();
        look.cmd("MGET").arg(keys);
        let found = array(connection.run(&look).await?.pop().unwrap_or_default());
        let Some(watches) = watches.upgrade() else { return Ok(()) };
        hear(&watches, pushed)?;
        for (key, stored) in keys.iter().zip(found) {
            if let Some(stored) = bytes(stored) {
                watches.found(key, stored);
            }
        }
    }
    Ok(())
}

/// Takes all that the server has told.
fn hear(watches: &Watches, pushed: &mut mpsc::UnboundedReceiver<PushInfo>) -> Result<(), Trouble> {
    while let Ok(push) = pushed.try_recv() {
        watches.told(push)?;
    }
    Ok(())
}
