//! [`PostgresStorage`]: registrations in PostgreSQL.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Row};

use super::thread::PATIENCE;
use super::{Fault, Line, Link, Thread};
use crate::naming::changes::{Change, Event};
use crate::naming::storage::{Changes, Entries, Entry, Filter, Lease, Metadata, Storage, StorageError, Terms};

/// Keeps registrations in a database of PostgreSQL 11 or newer, where several name servers share them.
///
/// The table `salamander_names` and two functions are made there if they are not. A registration is as durable as that server
/// makes a commit. Lifetimes end by its clock. Names may have about 2,700 bytes. Changes are notifications, which are lost while
/// a name server has no connection and where they have more than 8,000 bytes: its watchers are told that they miss some.
pub struct PostgresStorage {
    place: String,
    line: Arc<Line<Connection>>,
    changes: Changes,
    thread: Thread,
}

#[derive(Clone)]
struct Connection(Arc<Client>);

impl Link for Connection {
    type Target = Config;

    async fn connect(target: &Config) -> Result<Self, String> {
        let (client, connection) = target.connect(NoTls).await.map_err(|error| said(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("the connection to the store of names has ended: {}", said(&error));
            }
        });
        make_tables(&client).await?;
        Ok(Self(Arc::new(client)))
    }

    async fn answers(&self) -> bool {
        !self.0.is_closed() && self.0.simple_query("").await.is_ok()
    }
}

async fn make_tables(client: &Client) -> Result<(), String> {
    // Who may not make them can use those that are there.
    let there = client
        .query_one(
            "SELECT to_regclass('salamander_names') IS NOT NULL AND to_regproc('salamander_names_tell_1') IS NOT NULL
             AND to_regproc('salamander_names_put_1') IS NOT NULL",
            &[],
        )
        .await
        .map_err(|error| said(&error))?;
    if there.get(0) {
        return Ok(());
    }
    // Several commands sent at once are one transaction.
    client.batch_execute(include_str!("postgres.sql")).await.map_err(|error| said(&error))
}

/// What an error of the driver says, with its cause, which has the point.
fn said(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(error), _) => error.message().to_owned(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

fn fault(error: &tokio_postgres::Error) -> Fault {
    match error.code() {
        // It shuts down or has crashed: the connection is of no use.
        Some(code)
            if [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(code) =>
        {
            Fault::Lost(said(error))
        }
        Some(_) => Fault::Refused(said(error)),
        None => Fault::Lost(said(error)),
    }
}

/// Whether a transaction was undone because of another, and may be done again.
fn collided(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(code) if [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE].contains(code))
}

type Parameters = Vec<Box<dyn ToSql + Send + Sync>>;

/// The parameters of a statement, each of a type that PostgreSQL has.
macro_rules! parameters {
    ($($value:expr),*) => { vec![$(Box::new($value) as Box<dyn ToSql + Send + Sync>),*] };
}

impl PostgresStorage {
    /// Connects to the database of a URL such as `postgres://user:password@host/database`.
    ///
    /// # Errors
    /// Where the URL is none, and where nothing answers there.
    pub fn open(url: &str) -> Result<Self, StorageError> {
        let wrong = |why: String| StorageError::value(format!("the URL of the store of names is wrong: {why}"));
        let mut config: Config = url.parse().map_err(|error| wrong(said(&error)))?;
        if !matches!(config.get_ssl_mode(), SslMode::Disable | SslMode::Prefer) {
            return Err(wrong(
                "connections to PostgreSQL cannot be encrypted, so sslmode cannot be required".to_owned(),
            ));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE / 2);
        }
        if config.get_application_name().is_none() {
            config.application_name("salamander name server");
        }
        let place = place(&config);
        let failed = |fault: Fault| fault.of(&place, false);
        let thread = Thread::start("postgres names").map_err(failed)?;
        let line = Arc::new(Line::<Connection>::new(config.clone()));
        let (first, changes) = (Arc::clone(&line), Changes::default());
        let reader = Reader { config, changes: changes.clone() };
        let (reader, listening) = thread
            .run(async move {
                first.with(true, |_| async { Ok(()) }).await?;
                let listening = reader.listen().await.map_err(Fault::Away)?;
                Ok((reader, listening))
            })
            .map_err(failed)?;
        thread.spawn(reader.read(listening));
        Ok(Self { place, line, changes, thread })
    }

    /// Runs a statement; again, where the connection was lost and that does no harm.
    fn run(&self, statement: &'static str, parameters: Parameters, again: bool) -> Result<Vec<Row>, StorageError> {
        let line = Arc::clone(&self.line);
        let done = self.thread.run(async move {
            let parameters = &parameters;
            let run = |connection: Connection| async move {
                let parameters: Vec<&(dyn ToSql + Sync)> =
                    parameters.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
                for _ in 0..COLLISIONS {
                    match connection.0.query(statement, &parameters).await {
                        Err(error) if collided(&error) => {}
                        done => return done.map_err(|error| fault(&error)),
                    }
                }
                Err(Fault::Refused("too many others change the same names".to_owned()))
            };
            line.with(again, run).await
        });
        done.map_err(|fault| fault.of(&self.place, !again))
    }

    fn unreadable(&self) -> StorageError {
        Fault::Refused("what it has kept is no text".to_owned()).of(&self.place, false)
    }

    fn text(&self, bytes: Vec<u8>) -> Result<String, StorageError> {
        String::from_utf8(bytes).map_err(|_| self.unreadable())
    }
}

/// How often a step is tried that others undo.
const COLLISIONS: usize = 10;

/// Where the store is, without what is secret.
fn place(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    format!("{host}:{}", config.get_ports().first().unwrap_or(&5432))
}

/// Reads the changes that any name server over this store makes.
struct Reader {
    config: Config,
    changes: Changes,
}

/// A connection that hears notifications, and what keeps it open.
struct Listening {
    connection: tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>,
    _client: Client,
}

impl Reader {
    async fn listen(&self) -> Result<Listening, String> {
        let (client, mut connection) = self.config.connect(NoTls).await.map_err(|error| said(&error))?;
        {
            let listen = client.batch_execute("LISTEN salamander_names");
            tokio::pin!(listen);
            // The connection has to be driven for the command to get through; what it hears before is told already.
            loop {
                tokio::select! {
                    done = &mut listen => {
                        done.map_err(|error| said(&error))?;
                        break;
                    }
                    message = poll_fn(|cx| connection.poll_message(cx)) => match message {
                        Some(Ok(message)) => self.tell(&message),
                        Some(Err(error)) => return Err(said(&error)),
                        None => return Err("the connection has ended".to_owned()),
                    }
                }
            }
        }
        Ok(Listening { connection, _client: client })
    }

    async fn read(self, mut listening: Listening) {
        loop {
            while let Some(Ok(message)) = poll_fn(|cx| listening.connection.poll_message(cx)).await {
                self.tell(&message);
            }
            listening = loop {
                tokio::time::sleep(RECONNECT).await;
                match self.listen().await {
                    Ok(listening) => break listening,
                    Err(error) => tracing::debug!("changes of names cannot be read: {error}"),
                }
            };
            self.changes.tell(Change::Missed { count: 1 });
        }
    }

    fn tell(&self, message: &AsyncMessage) {
        if let AsyncMessage::Notification(notification) = message {
            self.changes.tell(change(notification.payload()).unwrap_or(Change::Missed { count: 1 }));
        }
    }
}

/// How soon to try to listen again after it has failed.
const RECONNECT: Duration = Duration::from_millis(200);

/// The change that a notification tells of: words between blanks, of which all but the first are in hexadecimal.
fn change(payload: &str) -> Option<Change> {
    let mut words = payload.split(' ');
    let event = Event::from_word(words.next()?)?;
    let mut texts = words.map(unhex);
    let (name, uri) = (texts.next()??, texts.next()??);
    Some(Change::new(event, name, Entry { uri, metadata: texts.collect::<Option<_>>()? }))
}

fn unhex(word: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = word.as_bytes().as_chunks::<2>() else { return None };
    let bytes =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok()
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn array(tags: &Metadata) -> Vec<Vec<u8>> {
    tags.iter().map(|tag| bytes(tag)).collect()
}

fn names(leases: &[Lease<'_>]) -> (Vec<Vec<u8>>, Vec<Option<Vec<u8>>>) {
    leases.iter().map(|(name, uri)| (bytes(name), uri.map(bytes))).unzip()
}

/// What the statements have in common that take out what is not wanted or over.
macro_rules! removing {
    ($using:literal, $which:literal) => {
        concat!(
            "WITH gone AS (DELETE FROM salamander_names AS s ",
            $using,
            " WHERE ",
            $which,
            " RETURNING s.name, s.uri, s.tags, coalesce(s.expires <= clock_timestamp(), false) AS over)
             SELECT over, salamander_names_tell_1(CASE WHEN over THEN 'expired' ELSE 'removed' END, name, uri, tags) FROM gone"
        )
    };
}

impl Storage for PostgresStorage {
    fn count(&self) -> Result<usize, StorageError> {
        let rows = self.run(
            "SELECT count(*) FROM salamander_names WHERE expires IS NULL OR expires > clock_timestamp()",
            Vec::new(),
            true,
        )?;
        Ok(rows.first().and_then(|row| usize::try_from(row.get::<_, i64>(0)).ok()).unwrap_or_default())
    }

    fn get(&self, name: &str, metadata: bool) -> Result<Option<Entry>, StorageError> {
        let rows = self.run(
            "SELECT uri, CASE WHEN $2 THEN tags ELSE '{}' END FROM salamander_names
             WHERE name = $1 AND (expires IS NULL OR expires > clock_timestamp())",
            parameters![bytes(name), metadata],
            true,
        )?;
        let Some(row) = rows.first() else { return Ok(None) };
        let tags: Vec<Vec<u8>> = row.get(1);
        let metadata = tags.into_iter().map(|tag| self.text(tag)).collect::<Result<_, _>>()?;
        Ok(Some(Entry { uri: self.text(row.get(0))?, metadata }))
    }

    fn put(&self, name: &str, entry: &Entry, terms: Terms) -> Result<bool, StorageError> {
        let lifetime = terms.lifetime.map(|lifetime| lifetime.as_secs_f64());
        let rows = self.run(
            "SELECT salamander_names_put_1($1, $2, $3, $4, $5)",
            parameters![bytes(name), bytes(&entry.uri), array(&entry.metadata), lifetime, terms.safe],
            !terms.safe,
        )?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    fn set_metadata(&self, name: &str, metadata: &Metadata) -> Result<bool, StorageError> {
        let rows = self.run(
            "WITH new AS (
                 UPDATE salamander_names SET tags = $2
                 WHERE name = $1 AND (expires IS NULL OR expires > clock_timestamp()) RETURNING name, uri, tags
             ) SELECT salamander_names_tell_1('changed', name, uri, tags) FROM new",
            parameters![bytes(name), array(metadata)],
            true,
        )?;
        Ok(!rows.is_empty())
    }

    fn renew(&self, leases: &[Lease<'_>], lifetime: Duration) -> Result<Vec<String>, StorageError> {
        let (names, uris) = names(leases);
        let rows = self.run(
            "UPDATE salamander_names AS s SET expires = clock_timestamp() + make_interval(secs => $3)
             FROM unnest($1::bytea[], $2::bytea[]) AS l(name, uri)
             WHERE s.name = l.name AND (l.uri IS NULL OR l.uri = s.uri) AND s.expires > clock_timestamp() RETURNING s.name",
            parameters![names, uris, lifetime.as_secs_f64()],
            true,
        )?;
        rows.iter().map(|row| self.text(row.get(0))).collect()
    }

    fn release(&self, leases: &[Lease<'_>]) -> Result<usize, StorageError> {
        let (names, uris) = names(leases);
        let rows = self.run(
            removing!(
                "USING unnest($1::bytea[], $2::bytea[]) AS l(name, uri)",
                "s.name = l.name AND (l.uri IS NULL OR l.uri = s.uri) AND s.expires IS NOT NULL"
            ),
            parameters![names, uris],
            false,
        )?;
        Ok(rows.iter().filter(|row| !row.get::<_, bool>(0)).count())
    }

    fn remove(&self, names: &[&str]) -> Result<usize, StorageError> {
        if names.is_empty() {
            return Ok(0);
        }
        let names: Vec<Vec<u8>> = names.iter().map(|name| bytes(name)).collect();
        let rows = self.run(removing!("", "s.name = ANY($1)"), parameters![names], false)?;
        Ok(rows.iter().filter(|row| !row.get::<_, bool>(0)).count())
    }

    fn list(&self, filter: Filter<'_>, metadata: bool) -> Result<Entries, StorageError> {
        /// The rows that are alive, and fulfil something.
        macro_rules! alive {
            ($which:literal) => {
                concat!(
                    "SELECT name, uri, CASE WHEN $1 THEN tags ELSE '{}' END FROM salamander_names
                     WHERE (expires IS NULL OR expires > clock_timestamp())",
                    $which
                )
            };
        }
        let rows = match filter {
            Filter::Everything => self.run(alive!(""), parameters![metadata], true),
            Filter::Prefix(prefix) => self.run(
                alive!(" AND name >= $2 AND substring(name FOR octet_length($2)) = $2"),
                parameters![metadata, bytes(prefix)],
                true,
            ),
            Filter::AllOf(tags) => self.run(alive!(" AND tags @> $2"), parameters![metadata, array(tags)], true),
            Filter::AnyOf(tags) => self.run(alive!(" AND tags && $2"), parameters![metadata, array(tags)], true),
        }?;
        let mut entries = Entries::new();
        for row in rows {
            let tags: Vec<Vec<u8>> = row.get(2);
            let metadata = tags.into_iter().map(|tag| self.text(tag)).collect::<Result<_, _>>()?;
            entries.insert(self.text(row.get(0))?, Entry { uri: self.text(row.get(1))?, metadata });
        }
        Ok(entries)
    }

    fn expire(&self) -> Result<Option<Duration>, StorageError> {
        self.run(removing!("", "s.expires <= clock_timestamp()"), Vec::new(), true)?;
        let rows = self.run(
            "SELECT extract(epoch FROM min(expires) - clock_timestamp())::float8 FROM salamander_names
             WHERE expires IS NOT NULL",
            Vec::new(),
            true,
        )?;
        let seconds: Option<f64> = rows.first().and_then(|row| row.get(0));
        Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
    }

    fn changes(&self) -> &Changes {
        &self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_are_read() {
        let entry = Entry::new("u").tagged(["t", "\u{20ac}"]);
        assert_eq!(change("removed 61 75 74 e282ac"), Some(Change::new(Event::Removed, "a", entry)));
        assert_eq!(change("expired  "), Some(Change::new(Event::Expired, "", Entry::new(""))));
        for bad in ["", "missed", "changed 61", "changed 6 75", "changed zz 75", "changed ff 75", "new 61 75"] {
            assert_eq!(change(bad), None, "{bad}");
        }
    }

    #[test]
    fn wrong_urls_are_refused_and_secrets_not_shown() {
        for (url, says) in [
            ("postgres://h/db?nonsense=1", "the URL of the store of names is wrong: "),
            (
                "postgres://h/db?sslmode=require",
                "the URL of the store of names is wrong: connections to PostgreSQL cannot",
            ),
            ("postgres://u:secret@127.0.0.1:1/db", "the store of names at 127.0.0.1:1 cannot be reached: "),
        ] {
            let error = PostgresStorage::open(url).err().unwrap().to_string();
            assert!(error.starts_with(says) && !error.contains("secret"), "{error}");
        }
    }
}
