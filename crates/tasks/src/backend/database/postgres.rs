//! Celery's tables in PostgreSQL.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Mutex;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Statement};

use super::row::{BASE, COLUMNS, REPLACES, Row};
use crate::{Error, Kind, Result};

/// How long the server may take to let us in.
const CONNECT: Duration = Duration::from_secs(5);
/// Pauses between attempts to reach it.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What SQLAlchemy makes; two who make it at once are told of each other by an error, and look again.
const TABLES: &str = "
    CREATE SEQUENCE IF NOT EXISTS task_id_sequence;
    CREATE SEQUENCE IF NOT EXISTS taskset_id_sequence;
    CREATE TABLE IF NOT EXISTS celery_taskmeta (
        id INTEGER NOT NULL PRIMARY KEY, task_id VARCHAR(155) UNIQUE, status VARCHAR(50), result BYTEA,
        date_done TIMESTAMP WITHOUT TIME ZONE, traceback TEXT, children BYTEA, name VARCHAR(155), args BYTEA,
        kwargs BYTEA, worker VARCHAR(155), retries INTEGER, queue VARCHAR(155), stamps BYTEA);
    CREATE INDEX IF NOT EXISTS ix_celery_taskmeta_date_done ON celery_taskmeta (date_done);
    CREATE TABLE IF NOT EXISTS celery_tasksetmeta (
        id INTEGER NOT NULL PRIMARY KEY, taskset_id VARCHAR(155) UNIQUE, result BYTEA,
        date_done TIMESTAMP WITHOUT TIME ZONE);
    CREATE INDEX IF NOT EXISTS ix_celery_tasksetmeta_date_done ON celery_tasksetmeta (date_done);";

/// A server, and the connection to it.
pub(super) struct Postgres {
    config: Config,
    session: Mutex<Option<Arc<Session>>>,
}

/// A connection with what is asked over it.
struct Session {
    client: Client,
    columns: usize,
    store: Statement,
    find: Statement,
}

impl Postgres {
    /// The server of what comes after the scheme of a URL.
    pub(super) fn new(rest: &str) -> Result<Self> {
        let config = format!("postgresql://{rest}").parse();
        let mut config: Config =
            config.map_err(|error| Error::new(Kind::Misuse, format!("that is no URL of PostgreSQL: {error}")))?;
        config.connect_timeout(CONNECT);
        Ok(Self { config, session: Mutex::new(None) })
    }

    pub(super) async fn store(&self, row: Row) -> Result<()> {
        let date = row.date_done.map(time);
        let values: [&(dyn ToSql + Sync); 13] = [
            &row.task_id,
            &row.status,
            &row.result,
            &date,
            &row.traceback,
            &row.children,
            &row.name,
            &row.args,
            &row.kwargs,
            &row.worker,
            &row.retries,
            &row.queue,
            &row.stamps,
        ];
        loop {
            let session = self.session().await?;
            match session.client.execute(&session.store, &values[..session.columns]).await {
                Ok(_) => return Ok(()),
                Err(error) => session.failed(&error).await?,
            }
        }
    }

    pub(super) async fn find(&self, task_id: &str) -> Result<Option<Row>> {
        let (found, columns) = loop {
            let session = self.session().await?;
            match session.client.query_opt(&session.find, &[&task_id]).await {
                Ok(found) => break (found, session.columns),
                Err(error) => session.failed(&error).await?,
            }
        };
        let Some(found) = found else { return Ok(None) };
        let read = || {
            let mut row = Row {
                task_id: found.try_get(0)?,
                status: found.try_get(1)?,
                result: found.try_get(2)?,
                date_done: found.try_get::<_, Option<SystemTime>>(3)?.map(micros),
                traceback: found.try_get(4)?,
                children: found.try_get(5)?,
                ..Row::default()
            };
            if columns > BASE {
                row.name = found.try_get(6)?;
                row.args = found.try_get(7)?;
                row.kwargs = found.try_get(8)?;
                row.worker = found.try_get(9)?;
                row.retries = found.try_get(10)?;
                row.queue = found.try_get(11)?;
                row.stamps = found.try_get(12)?;
            }
            Ok(row)
        };
        read().map(Some).map_err(|error| refused(&error))
    }

    pub(super) async fn forget(&self, task_id: &str) -> Result<()> {
        let sql = "DELETE FROM celery_taskmeta WHERE task_id = $1";
        self.delete(sql, &task_id).await.map(drop)
    }

    pub(super) async fn expire(&self, before: i64) -> Result<u64> {
        let before = time(before);
        let tasks = self.delete("DELETE FROM celery_taskmeta WHERE date_done < $1", &before).await?;
        Ok(tasks + self.delete("DELETE FROM celery_tasksetmeta WHERE date_done < $1", &before).await?)
    }

    async fn delete(&self, sql: &str, which: &(dyn ToSql + Sync)) -> Result<u64> {
        loop {
            let session = self.session().await?;
            match session.client.execute(sql, &[which]).await {
                Ok(count) => return Ok(count),
                Err(error) => session.failed(&error).await?,
            }
        }
    }

    /// The connection; where there is none, another is tried for again and again.
    async fn session(&self) -> Result<Arc<Session>> {
        let mut session = self.session.lock().await;
        if let Some(session) = session.as_ref().filter(|session| !session.client.is_closed()) {
            return Ok(session.clone());
        }
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.connect().await {
                Ok(new) => {
                    let new = Arc::new(new);
                    *session = Some(new.clone());
                    return Ok(new);
                }
                // It answers, and says no.
                Err(error) if error.as_db_error().is_some_and(|error| !is_starting(error)) => {
                    return Err(refused(&error));
                }
                Err(error) => error,
            };
            tracing::debug!("the results are not reached ({error}); tried again in {pause:?}");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connect(&self) -> Result<Session, tokio_postgres::Error> {
        let (client, connection) = self.config.connect(NoTls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("the connection to the results has ended: {error}");
            }
        });
        Session::begin(client).await
    }
}

impl Session {
    /// What failed because the connection broke can be done again: all that is done here can be done twice.
    async fn failed(&self, error: &tokio_postgres::Error) -> Result<()> {
        if !self.client.is_closed() && !error.is_closed() {
            return Err(refused(error));
        }
        tokio::time::sleep(FIRST_PAUSE).await;
        Ok(())
    }

    async fn begin(client: Client) -> Result<Self, tokio_postgres::Error> {
        let names = "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'celery_taskmeta'
            AND table_schema = ANY (current_schemas(false))";
        let mut there = client.query(names, &[]).await?;
        if there.is_empty() {
            if let Err(error) = client.batch_execute(TABLES).await {
                tracing::debug!("somebody else makes the tables of results: {error}");
            }
            there = client.query(names, &[]).await?;
        }
        let there: Vec<String> = there.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let all = COLUMNS.iter().all(|column| there.iter().any(|name| name == column));
        let columns = &COLUMNS[..if all { COLUMNS.len() } else { BASE }];
        let set: Vec<String> = columns[1..].iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let values: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
        let store = format!(
            "INSERT INTO celery_taskmeta (id, {}) VALUES (nextval('task_id_sequence')::integer, {})
             ON CONFLICT (task_id) DO UPDATE SET {} WHERE {REPLACES}",
            columns.join(", "),
            values.join(", "),
            set.join(", "),
        );
        let find = format!("SELECT {} FROM celery_taskmeta WHERE task_id = $1", columns.join(", "));
        let (store, find) = (client.prepare(&store).await?, client.prepare(&find).await?);
        Ok(Self { columns: columns.len(), store, find, client })
    }
}

/// The server is not there yet, or not there any more.
fn is_starting(error: &tokio_postgres::error::DbError) -> bool {
    error.code().code().starts_with("57P")
}

fn refused(error: &tokio_postgres::Error) -> Error {
    let detail = error.as_db_error().map(|error| error.message().to_owned()).unwrap_or_else(|| error.to_string());
    Error::new(Kind::Refused, format!("the results cannot be used: {detail}"))
}

fn time(micros: i64) -> SystemTime {
    let away = Duration::from_micros(micros.unsigned_abs());
    let time = if micros < 0 { UNIX_EPOCH.checked_sub(away) } else { UNIX_EPOCH.checked_add(away) };
    time.unwrap_or(UNIX_EPOCH)
}

fn micros(time: SystemTime) -> i64 {
    let signed = |away: Duration| i64::try_from(away.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(away) => signed(away),
        Err(before) => -signed(before.duration()),
    }
}
