//! [`Database`]: results in Celery's own tables, in SQLite or PostgreSQL.

mod groups;
mod permits;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod reach;
mod row;
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use salamander_codec::Settings;
use salamander_wire::celery::{ResultMeta, Serializer, settings};

use super::ledger::Ledger;
use super::{Answer, Ask, Backend, Capabilities, Chords, Expected, Found, Groups, Open, ResultOptions, Update};
use crate::permits::Permits;
use crate::{Error, Kind, Result, Waits};
use row::Row;
use sqlite::Sqlite;

/// The pauses between two looks: they double up to the pause of Celery.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A result backend in Celery's tables `celery_taskmeta` and `celery_tasksetmeta`, which Python's Celery reads and writes as well.
///
/// Who waits has to look again and again, as with Celery. A table that Celery made without the columns of `result_extended` is used as it is.
///
/// # Wire
/// Celery 5.7, `celery.backends.database`: results are encoded by the serializer of results. The pickles of earlier versions are read too, as
/// data.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    url: String,
    tables: Tables,
    serializer: Serializer,
    expires: Option<Duration>,
    settings: Settings,
    open: Open,
}

enum Tables {
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Postgres>),
}

impl Database {
    /// The tables of a URL such as Celery's settings have it: `db+sqlite:///relative/file`, `db+sqlite:////absolute/file`,
    /// `db+postgresql://user:password@host/database`. A file is opened at once, a server when it is first used.
    ///
    /// A connection to PostgreSQL is encrypted with `?sslmode=verify-full` (or `verify-ca`, `require`), and then the server's certificate is always
    /// checked, by the system's authorities or those in `sslrootcert`; `sslcert` and `sslkey` are shown to it. Else it is not.
    ///
    /// # Errors
    /// [`Kind::Misuse`] for another URL, [`Kind::Unsupported`] for another database, [`Kind::Refused`] where the file cannot be opened.
    pub fn open(url: &str, options: ResultOptions) -> Result<Self> {
        let plain = url.strip_prefix("db+").unwrap_or(url);
        let (scheme, rest) = plain.split_once("://").ok_or_else(|| {
            Error::new(
                Kind::Misuse,
                "the URL of a database looks like db+sqlite:///file or db+postgresql://host/name",
            )
        })?;
        // What comes after a plus is the driver that SQLAlchemy is to use.
        let tables = match scheme.split('+').next().unwrap_or_default() {
            "sqlite" => Tables::Sqlite(Sqlite::open(file(rest)?)?),
            #[cfg(feature = "postgres")]
            "postgresql" | "postgres" => Tables::Postgres(Box::new(postgres::Postgres::new(rest)?)),
            other => {
                let message = format!("results in {other} are nothing that this program was made for");
                return Err(Error::new(Kind::Unsupported, message));
            }
        };
        let ResultOptions { serializer, expires, .. } = options;
        let inner =
            Inner { url: shown(url), tables, serializer, expires, settings: settings(), open: Open::default() };
        Ok(Self(Arc::new(inner)))
    }

    async fn find(&self, task_id: &str) -> Result<Option<ResultMeta>> {
        let row = match &self.0.tables {
            Tables::Sqlite(tables) => tables.find(task_id).await,
            #[cfg(feature = "postgres")]
            Tables::Postgres(tables) => tables.find(task_id).await,
        };
        row?.map(|row| row.meta(self.0.serializer, &self.0.settings)).transpose()
    }
}

/// The file of a URL.
fn file(rest: &str) -> Result<PathBuf> {
    let path = rest.strip_prefix('/').unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    if path.is_empty() || path == ":memory:" {
        return Err(Error::new(Kind::Misuse, "results in SQLite need a file, as in db+sqlite:///results.sqlite"));
    }
    Ok(path.into())
}

/// A URL without its password.
fn shown(url: &str) -> String {
    let parts = url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)));
    match parts {
        Some((scheme, (user, place))) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{place}")
        }
        None => url.to_owned(),
    }
}

impl Backend for Database {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: true, push: false, shared: true, expires: true, relations: false, unknown: false }
    }

    fn url(&self) -> String {
        self.0.url.clone()
    }

    fn expect(&self, _task_id: &str) -> Expected {
        Expected::nothing()
    }

    fn store(&self, update: Update) -> Waits<'_, ()> {
        Box::pin(async move {
            self.0.open.check()?;
            let row = Row::of(&update.meta, self.0.serializer, &self.0.settings)?;
            match &self.0.tables {
                Tables::Sqlite(tables) => tables.store(row).await,
                #[cfg(feature = "postgres")]
                Tables::Postgres(tables) => tables.store(row).await,
            }
        })
    }

    fn get<'a>(&'a self, task_id: &'a str) -> Waits<'a, Found> {
        Box::pin(async move {
            let found = self.find(task_id).await?;
            Ok(found.map_or(Found::Pending, |meta| Found::Known(Box::new(meta))))
        })
    }

    fn changed<'a>(&'a self, task_id: &'a str, seen: Option<&'a ResultMeta>) -> Waits<'a, ResultMeta> {
        Box::pin(self.0.open.during(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                if let Some(meta) = self.find(task_id).await?
                    && seen.is_none_or(|seen| *seen != meta)
                {
                    return Ok(meta);
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }))
    }

    fn forget<'a>(&'a self, task_id: &'a str) -> Waits<'a, ()> {
        Box::pin(async move {
            match &self.0.tables {
                Tables::Sqlite(tables) => tables.forget(task_id).await,
                #[cfg(feature = "postgres")]
                Tables::Postgres(tables) => tables.forget(task_id).await,
            }
        })
    }

    fn cleanup(&self) -> Waits<'_, u64> {
        Box::pin(async move {
            let Some(expires) = self.0.expires else { return Ok(0) };
            let before = row::now().saturating_sub(i64::try_from(expires.as_micros()).unwrap_or(i64::MAX));
            match &self.0.tables {
                Tables::Sqlite(tables) => tables.expire(before).await,
                #[cfg(feature = "postgres")]
                Tables::Postgres(tables) => tables.expire(before).await,
            }
        })
    }

    fn permits(&self) -> Option<&dyn Permits> {
        Some(self)
    }

    fn chords(&self) -> Option<&dyn Chords> {
        Some(self)
    }

    fn groups(&self) -> Option<&dyn Groups> {
        Some(self)
    }

    fn close(&self) -> Waits<'_, ()> {
        self.0.open.close();
        // Each store is done when it says so.
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Ledger for Database {
    fn ask(&self, ask: Ask) -> Waits<'_, Answer> {
        Box::pin(async move {
            self.0.open.check()?;
            match &self.0.tables {
                Tables::Sqlite(tables) => tables.chord(ask).await,
                #[cfg(feature = "postgres")]
                Tables::Postgres(tables) => tables.chord(&ask).await,
            }
        })
    }

    fn find<'a>(&'a self, task_id: &'a str) -> Waits<'a, Option<ResultMeta>> {
        Box::pin(Self::find(self, task_id))
    }

    fn serializer(&self) -> (Serializer, &Settings) {
        (self.0.serializer, &self.0.settings)
    }

    fn lifetime(&self) -> Option<u64> {
        self.0.expires.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    fn is_shared_with_python(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.0.url).finish()
    }
}

#[cfg(test)]
mod tests {
    use salamander_wire::celery::State;

    use super::*;

    #[tokio::test]
    async fn what_is_stored_is_found_and_what_is_less_final_does_not_take_its_place() {
        let file = std::env::temp_dir().join(format!("salamander-results-{}", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let url = format!("db+sqlite:///{}", file.display());
        let backend =
            Database::open(&url, ResultOptions { expires: Some(Duration::ZERO), ..Default::default() }).unwrap();
        assert!(matches!(backend.get("a").await.unwrap(), Found::Pending));
        for (state, then) in [
            (State::Started, State::Started),
            (State::Failure, State::Failure),
            (State::Started, State::Failure),
            (State::Success, State::Success),
            (State::Failure, State::Success),
        ] {
            let meta = ResultMeta::new("a", state, 5);
            backend.store(Update { meta, reply_to: None, correlation_id: None }).await.unwrap();
            assert_eq!(backend.changed("a", None).await.unwrap().status, then);
        }
        assert_eq!((backend.cleanup().await.unwrap(), backend.cleanup().await.unwrap()), (1, 0));
        backend.forget("a").await.unwrap();
        drop(backend);
        let _ = std::fs::remove_file(&file);
    }

    #[test]
    fn urls_are_those_of_celery() {
        assert_eq!(file("/a/b.sqlite").unwrap(), PathBuf::from("a/b.sqlite"));
        assert_eq!(file("//a/b.sqlite?x=1").unwrap(), PathBuf::from("/a/b.sqlite"));
        for none in ["", "/", "/:memory:"] {
            assert_eq!(file(none).unwrap_err().kind(), Kind::Misuse);
        }
        assert_eq!(shown("db+postgresql://me:secret@h/d"), "db+postgresql://me@h/d");
        assert_eq!(Database::open("db+oracle://h", ResultOptions::default()).unwrap_err().kind(), Kind::Unsupported);
    }
}
