//! [`RedisResults`]: results in Redis, as Celery keeps them there.

mod chords;
mod groups;
mod watch;

use std::sync::{Arc, LazyLock};

use redis::{Cmd, cmd};
use salamander_value::Dict;
use salamander_wire::celery::ResultMeta;

use self::watch::{Watches, Watching};
use super::{Backend, Capabilities, Chords, Expected, Found, Groups, ResultOptions, Stored, Update, finality};
use crate::permits::{Permit, Permits, Taken};
use crate::redis::{Link, Place, Script, bytes, integer, permits};
use crate::{Result, Waits};

static STORE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("store.lua")));

/// What the script says where it cannot tell whether a state may be replaced.
const UNREADABLE: i64 = -1;

/// A result backend on Redis. Its URLs are those of [`RedisBroker`](crate::broker::RedisBroker).
///
/// Options are Celery's `result_backend_transport_options`: `global_keyprefix`, `master_name`, `sentinel_kwargs`, and what is said of
/// connections.
///
/// A success stays, and a failure or revocation gives way to a result alone; in Celery's own a failure gives way to anything.
///
/// # Wire
/// Celery 5.7: `celery-task-meta-ID`, which expires, and a message on the channel of the same name.
pub struct RedisResults(Arc<Inner>);

struct Inner {
    place: Arc<Place>,
    link: Link,
    watches: Arc<Watches>,
    /// In front of all keys.
    global_prefix: String,
    prefix: String,
    /// The results of chords' parts are kept in their order.
    ordered: bool,
    stored: Arc<Stored>,
}

impl RedisResults {
    /// Results at a URL; it connects when it is first used.
    ///
    /// # Errors
    /// [`Kind::Misuse`](crate::Kind::Misuse) where URL or options are wrong, [`Kind::Unsupported`](crate::Kind::Unsupported) where they ask for what there is not here.
    pub fn new(url: &str, options: ResultOptions, transport_options: &Dict) -> Result<Self> {
        let (mut place, mut named) = Place::parse(url, transport_options)?;
        let mut prefix = named.text("global_keyprefix")?.unwrap_or_default();
        place.in_slot_of(&mut prefix);
        if !prefix.is_empty() && !prefix.ends_with([':', '_', '-', '.']) {
            prefix.push('_');
        }
        // For brokers, and for how Celery's own client tries again.
        let ordered = named.take("result_chord_ordered").is_none_or(|ordered| ordered.truth());
        for other in ["visibility_timeout", "retry_policy"] {
            named.take(other);
        }
        named.done()?;
        let global_prefix = prefix.clone();
        prefix.push_str("celery-task-meta-");
        let place = Arc::new(place);
        let link = Link::new(Arc::clone(&place), scripts());
        let stored = Arc::new(Stored::new(options));
        let watches = Arc::new(Watches::new(Arc::clone(&place), Arc::clone(&stored)));
        Ok(Self(Arc::new(Inner { place, link, watches, global_prefix, prefix, ordered, stored })))
    }
}

fn scripts() -> &'static [&'static Script] {
    static ALL: LazyLock<[&Script; 8]> = LazyLock::new(|| {
        [
            &*STORE,
            &*chords::PART,
            &*chords::EXTEND,
            &*chords::FINISH,
            &*chords::DUE,
            &*chords::LOOK,
            &*permits::TAKE,
            &*permits::RENEW,
        ]
    });
    &*ALL
}

impl Backend for RedisResults {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: true, push: true, shared: true, expires: true, relations: true, unknown: false }
    }

    fn url(&self) -> String {
        self.0.place.shown.clone()
    }

    fn expect(&self, task_id: &str) -> Expected {
        // Without a runtime nobody could listen; who waits looks for what is stored at first in any case.
        match tokio::runtime::Handle::try_current() {
            Ok(_) => {
                let watching = self.0.watch(task_id);
                Expected::new(move || drop(watching))
            }
            Err(_) => Expected::nothing(),
        }
    }

    fn store(&self, update: Update) -> Waits<'_, ()> {
        Box::pin(self.0.store(update.meta))
    }

    fn get<'a>(&'a self, task_id: &'a str) -> Waits<'a, Found> {
        Box::pin(async move {
            let found = self.0.find(task_id).await?;
            Ok(found.map_or(Found::Pending, |meta| Found::Known(Box::new(meta))))
        })
    }

    fn changed<'a>(&'a self, task_id: &'a str, seen: Option<&'a ResultMeta>) -> Waits<'a, ResultMeta> {
        Box::pin(self.0.changed(task_id, seen))
    }

    fn forget<'a>(&'a self, task_id: &'a str) -> Waits<'a, ()> {
        Box::pin(async move { self.0.link.one(self.0.command("DEL", task_id)).await.map(|_| ()) })
    }

    fn chords(&self) -> Option<&dyn Chords> {
        Some(self)
    }

    fn permits(&self) -> Option<&dyn Permits> {
        Some(self)
    }

    fn groups(&self) -> Option<&dyn Groups> {
        Some(self)
    }

    fn close(&self) -> Waits<'_, ()> {
        Box::pin(async move {
            self.0.link.close().await;
            self.0.watches.close().await;
            Ok(())
        })
    }
}

impl Permits for RedisResults {
    fn take(&self, wanted: Vec<Permit>) -> Waits<'_, Taken> {
        Box::pin(async move { permits::take(&self.0.link, &self.0.global_prefix, &wanted).await })
    }

    fn renew(&self, held: Vec<Permit>) -> Waits<'_, ()> {
        Box::pin(async move { permits::renew(&self.0.link, &self.0.global_prefix, &held).await })
    }

    fn give_back(&self, held: Vec<Permit>) -> Waits<'_, ()> {
        Box::pin(async move { permits::give_back(&self.0.link, &self.0.global_prefix, &held).await })
    }
}

impl std::fmt::Debug for RedisResults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisResults").field("url", &self.0.place.shown).finish_non_exhaustive()
    }
}

impl Inner {
    fn key(&self, task_id: &str) -> String {
        format!("{}{task_id}", self.prefix)
    }

    fn command(&self, name: &str, task_id: &str) -> Cmd {
        let mut command = cmd(name);
        command.arg(self.key(task_id));
        command
    }

    fn watch(&self, task_id: &str) -> Watching {
        self.watches.watch(self.key(task_id))
    }

    async fn store(&self, meta: ResultMeta) -> Result<()> {
        let (encoded, final_) = (self.stored.encode(&meta)?, finality(&meta.status));
        let expires = self.stored.lifetime(&meta.status).map_or(0, |time| time.as_secs().max(1));
        let mut store = STORE.command(1);
        store.arg(self.key(&meta.task_id)).arg(&*encoded).arg(expires).arg(final_);
        if self.link.one(store.clone()).await.map(|done| integer(&done))? != Some(UNREADABLE) {
            return Ok(());
        }
        // A script can read nothing but JSON. What it cannot read is read here, and stays what it is until it is replaced.
        loop {
            let before = bytes(self.link.one(self.command("GET", &meta.task_id)).await?);
            let stays = before.as_ref().and_then(|before| self.stored.decode(before).ok());
            if stays.map(|stays| finality(&stays.status)).is_some_and(|before| before == 2 || before > final_) {
                return Ok(());
            }
            let mut store = store.clone();
            store.arg(before.as_deref().unwrap_or_default());
            if self.link.one(store).await.map(|done| integer(&done))? != Some(UNREADABLE) {
                return Ok(());
            }
        }
    }

    async fn find(&self, task_id: &str) -> Result<Option<ResultMeta>> {
        let stored = bytes(self.link.one(self.command("GET", task_id)).await?);
        stored.map(|stored| self.stored.decode(&stored)).transpose()
    }

    async fn changed(&self, task_id: &str, seen: Option<&ResultMeta>) -> Result<ResultMeta> {
        let mut watching = self.watch(task_id);
        loop {
            let heard = watching.heard.borrow_and_update().clone();
            if let Some(last) = &heard.last {
                let meta = self.stored.decode(last)?;
                if seen.is_none_or(|seen| *seen != meta) {
                    return Ok(meta);
                }
            }
            if let Some(error) = heard.failed {
                return Err(error);
            }
            if watching.heard.changed().await.is_err() {
                return Err(crate::redis::closed());
            }
        }
    }
}
