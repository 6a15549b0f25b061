//! Celery's tables in PostgreSQL.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::permits::{Act, IN_POSTGRES};
use super::reach::{Missed, Server};
use super::row::{self, Cell, Columns, Row, Statements};
use crate::backend::ledger::postgres::{TABLES as CHORDS, answer};
use crate::backend::{Answer, Ask};
use crate::permits::{Permit, Taken};
use crate::{Error, Kind, Result};

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
    server: Server,
    session: Mutex<Option<Arc<Session>>>,
    /// Another connection, for what takes several statements.
    chords: Mutex<Option<Client>>,
}

/// A connection with what is asked over it.
struct Session {
    client: Client,
    columns: usize,
    store: Statement,
    find: Statement,
    /// There is what permits need.
    permits: tokio::sync::OnceCell<()>,
}

impl Postgres {
    /// The server of what comes after the scheme of a URL.
    pub(super) fn new(rest: &str) -> Result<Self> {
        Ok(Self { server: Server::parse(rest)?, session: Mutex::new(None), chords: Mutex::new(None) })
    }

    pub(super) async fn store(&self, row: Row) -> Result<()> {
        let values: Vec<Box<dyn ToSql + Send + Sync>> = row.cells().into_iter().map(value).collect();
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
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
        found.map(|found| Row::read(&found, columns)).transpose().map_err(|error| refused(&error))
    }

    /// Answers a question about chords, in one transaction.
    pub(super) async fn chord(&self, ask: &Ask) -> Result<Answer> {
        let mut chords = self.chords.lock().await;
        loop {
            let client = match &mut *chords {
                Some(client) if !client.is_closed() => client,
                gone => {
                    // By that one it is known that the server is there, and Celery's tables as well.
                    self.session().await?;
                    match self.chord_tables().await {
                        Ok(client) => gone.insert(client),
                        Err(Missed::Server(error))
                            if error.as_db_error().is_some_and(|error| !is_starting(error)) =>
                        {
                            return Err(refused(&error));
                        }
                        Err(_) => {
                            tokio::time::sleep(FIRST_PAUSE).await;
                            continue;
                        }
                    }
                }
            };
            match within(client, ask).await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_closed() || client.is_closed() => tokio::time::sleep(FIRST_PAUSE).await,
                Err(error) => match error.code() {
                    // Two that begin the same chord, or wait for each other: one of them is told to try again.
                    Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => {}
                    _ => return Err(refused(&error)),
                },
            }
        }
    }

    async fn chord_tables(&self) -> Result<Client, Missed> {
        let client = self.server.connect().await?;
        let there = client.query_one("SELECT to_regclass('salamander_chord_parts')::text", &[]).await;
        let there: Option<String> = there.and_then(|row| row.try_get(0)).map_err(Missed::Server)?;
        if there.is_none()
            && let Err(error) = client.batch_execute(CHORDS).await
        {
            tracing::debug!("somebody else makes the tables of chords: {error}");
            client.batch_execute(CHORDS).await.map_err(Missed::Server)?;
        }
        Ok(client)
    }

    pub(super) async fn forget(&self, task_id: &str) -> Result<()> {
        let sql = "DELETE FROM celery_taskmeta WHERE task_id = $1";
        self.delete(sql, &task_id).await.map(drop)
    }

    /// The steps are functions of the server, made once for each connection that needs them.
    pub(super) async fn permits(&self, act: Act, permits: Vec<Permit>) -> Result<Taken> {
        let mut permits = permits;
        permits.sort_by(|one, other| one.name.cmp(&other.name));
        let texts = |text: fn(&Permit) -> &str| permits.iter().map(text).collect::<Vec<&str>>();
        let (names, holders) = (texts(|permit| &permit.name), texts(|permit| &permit.holder));
        let mosts: Vec<i64> = permits.iter().map(|permit| i64::from(permit.most)).collect();
        let times: Vec<i64> = permits.iter().map(Permit::millis).collect();
        loop {
            let session = self.session().await?;
            let done = async {
                session.make_permits().await?;
                let client = &session.client;
                match act {
                    Act::Take => {
                        let sql = "SELECT refused, first, wait FROM salamander_permits_take($1, $2, $3, $4)";
                        client.query_opt(sql, &[&names, &holders, &mosts, &times]).await
                    }
                    Act::Renew => {
                        let sql = "SELECT salamander_permits_renew($1, $2, $3)";
                        client.execute(sql, &[&names, &holders, &times]).await.map(|_| None)
                    }
                    Act::GiveBack => {
                        let sql = "SELECT salamander_permits_give_back($1, $2)";
                        client.execute(sql, &[&names, &holders]).await.map(|_| None)
                    }
                }
            };
            let row = match done.await {
                Ok(None) => return Ok(Taken::Granted),
                Ok(Some(row)) => row,
                Err(error) => {
                    session.failed(&error).await?;
                    continue;
                }
            };
            let text = |at| row.try_get::<_, Option<String>>(at).map_err(|error| refused(&error));
            let left: Option<i64> = row.try_get(2).map_err(|error| refused(&error))?;
            return Ok(match text(0)? {
                None => Taken::Granted,
                Some(name) => Taken::refused(name, text(1)?.unwrap_or_default(), left.unwrap_or_default()),
            });
        }
    }

    pub(super) async fn expire(&self, before: i64) -> Result<u64> {
        let before = time(before);
        let tasks = self.delete("DELETE FROM celery_taskmeta WHERE date_done < $1", &before).await?;
        // There is no such table where nobody has ever taken one.
        let now = super::row::now() / 1000;
        _ = self.delete("DELETE FROM salamander_permits WHERE lapses <= $1", &now).await;
        Ok(tasks + self.delete("DELETE FROM celery_tasksetmeta WHERE date_done < $1", &before).await?)
    }

    /// Keeps a group, in the place of another of its id.
    pub(super) async fn save_group(&self, id: &str, saved: &[u8], now: i64) -> Result<()> {
        let sql = "INSERT INTO celery_tasksetmeta (id, taskset_id, result, date_done)
            VALUES (nextval('taskset_id_sequence')::integer, $1, $2, $3)
            ON CONFLICT (taskset_id) DO UPDATE SET result = excluded.result, date_done = excluded.date_done";
        self.execute(sql, &[&id, &saved, &time(now)]).await.map(drop)
    }

    pub(super) async fn find_group(&self, id: &str) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT result FROM celery_tasksetmeta WHERE taskset_id = $1";
        let found = loop {
            let session = self.session().await?;
            match session.client.query_opt(sql, &[&id]).await {
                Ok(found) => break found,
                Err(error) => session.failed(&error).await?,
            }
        };
        let result = found.map(|found| found.try_get::<_, Option<Vec<u8>>>(0)).transpose();
        result.map(Option::flatten).map_err(|error| refused(&error))
    }

    pub(super) async fn forget_group(&self, id: &str) -> Result<()> {
        self.delete("DELETE FROM celery_tasksetmeta WHERE taskset_id = $1", &id).await.map(drop)
    }

    async fn delete(&self, sql: &str, which: &(dyn ToSql + Sync)) -> Result<u64> {
        self.execute(sql, &[which]).await
    }

    async fn execute(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        loop {
            let session = self.session().await?;
            match session.client.execute(sql, values).await {
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
                Err(Missed::Server(error)) if error.as_db_error().is_some_and(|error| !is_starting(error)) => {
                    return Err(refused(&error));
                }
                Err(Missed::Server(error)) => match cause(&error) {
                    Some(error) if is_distrust(error) => return Err(distrusted(error)),
                    _ => error.to_string(),
                },
                Err(Missed::Network(error)) if is_distrust(&error) => return Err(distrusted(&error)),
                Err(Missed::Network(error)) => error.to_string(),
            };
            tracing::debug!("the results are not reached ({error}); tried again in {pause:?}");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connect(&self) -> Result<Session, Missed> {
        Session::begin(self.server.connect().await?).await.map_err(Missed::Server)
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

    /// Two who make it at once are told of each other by an error; then it is there, or is made the next time.
    async fn make_permits(&self) -> Result<(), tokio_postgres::Error> {
        let make = || async {
            let first = self.client.batch_execute(IN_POSTGRES).await;
            if first.is_ok() { first } else { self.client.batch_execute(IN_POSTGRES).await }
        };
        self.permits.get_or_try_init(make).await.map(drop)
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
        let id = Some("nextval('task_id_sequence')::integer");
        let Statements { columns, store, find } = Statements::of(&there, id, |number| format!("${number}"));
        let (store, find) = (client.prepare(&store).await?, client.prepare(&find).await?);
        Ok(Self { columns, store, find, client, permits: tokio::sync::OnceCell::new() })
    }
}

async fn within(client: &mut Client, ask: &Ask) -> Result<Answer, tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    let answer = answer(&transaction, row::now() / 1000, ask).await?;
    transaction.commit().await?;
    Ok(answer)
}

/// What stands in a column, as the driver wants it.
fn value(cell: Cell) -> Box<dyn ToSql + Send + Sync> {
    match cell {
        Cell::Text(text) => Box::new(text),
        Cell::Bytes(bytes) => Box::new(bytes),
        Cell::Number(number) => Box::new(number),
        Cell::Time(micros) => Box::new(micros.map(time)),
    }
}

impl Columns for tokio_postgres::Row {
    type Error = tokio_postgres::Error;

    fn text(&self, at: usize) -> Result<Option<String>, tokio_postgres::Error> {
        self.try_get(at)
    }

    fn bytes(&self, at: usize) -> Result<Option<Vec<u8>>, tokio_postgres::Error> {
        self.try_get(at)
    }

    fn number(&self, at: usize) -> Result<Option<i32>, tokio_postgres::Error> {
        self.try_get(at)
    }

    fn time(&self, at: usize) -> Result<Option<i64>, tokio_postgres::Error> {
        self.try_get::<_, Option<SystemTime>>(at).map(|time| time.map(micros))
    }
}

/// The server is not there yet, or not there any more.
fn is_starting(error: &tokio_postgres::error::DbError) -> bool {
    error.code().code().starts_with("57P")
}

/// What went wrong under the driver.
fn cause(error: &tokio_postgres::Error) -> Option<&salamander_net::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

/// It is not who it should be, or the files of certificates are wrong: that stays so.
fn is_distrust(error: &salamander_net::Error) -> bool {
    !matches!(error.kind(), salamander_net::Kind::Connection | salamander_net::Kind::Deadline)
}

fn distrusted(error: &salamander_net::Error) -> Error {
    Error::with_source(Kind::Refused, format!("the results cannot be reached: {error}"), error.clone())
}

fn refused(error: &tokio_postgres::Error) -> Error {
    let mut detail = error.as_db_error().map(|error| error.message().to_owned()).unwrap_or_else(|| error.to_string());
    // So it speaks of connections that it takes encrypted only.
    if detail.contains("no encryption") || detail.contains("SSL off") {
        detail.push_str("; with sslmode=verify-full in the URL the connection is encrypted");
    }
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
