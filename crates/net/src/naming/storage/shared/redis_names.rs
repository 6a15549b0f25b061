//! [`RedisStorage`]: registrations in Redis.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig, FromRedisValue, RedisError, Script};
use salamander_codec::{Codec, Settings};
use salamander_value::Value;

use super::thread::PATIENCE;
use super::{Fault, Line, Link, Thread};
use crate::naming::changes::{Change, Event};
use crate::naming::storage::{Changes, Entries, Entry, Filter, Lease, Metadata, Storage, StorageError, Terms};

/// The keys: URIs and tags by name, names by the time at which they expire, changes, and how many there have been. In braces, so
/// that a cluster keeps them together.
const KEYS: [&str; 5] = [
    "{salamander:names}:uris",
    "{salamander:names}:tags",
    "{salamander:names}:leases",
    "{salamander:names}:events",
    "{salamander:names}:events:last",
];
const EVENTS: &str = KEYS[3];

/// Keeps registrations in Redis 6.2 or newer, where several name servers share them.
///
/// Each step is a script, so that it is one step for all. Names are as durable as that server is set up to keep them. Lifetimes
/// end by its clock. Changes are a stream there, which the others read on from where they were, after a cut too, as far as its
/// last ten thousand reach.
pub struct RedisStorage {
    place: String,
    line: Arc<Line<Connection>>,
    scripts: Scripts,
    changes: Changes,
    thread: Thread,
}

struct Scripts {
    count: Arc<Script>,
    get: Arc<Script>,
    put: Arc<Script>,
    set_metadata: Arc<Script>,
    renew: Arc<Script>,
    release: Arc<Script>,
    remove: Arc<Script>,
    list: Arc<Script>,
    expire: Arc<Script>,
}

impl Scripts {
    fn new() -> Self {
        let script = |body: &str| Arc::new(Script::new(&format!("{}{body}", include_str!("names.lua"))));
        Self {
            count: script("return redis.call('HLEN', KEYS[1])"),
            get: script("return {redis.call('HGET', KEYS[1], ARGV[1]), redis.call('HGET', KEYS[2], ARGV[1])}"),
            put: script(
                "local name, uri, tags, safe, lifetime = unpack(ARGV)
                 local there = redis.call('HEXISTS', KEYS[1], name) == 1
                 if there and safe == '1' then return 0 end
                 redis.call('HSET', KEYS[1], name, uri)
                 redis.call('HSET', KEYS[2], name, tags)
                 redis.call('ZREM', KEYS[3], name)
                 if lifetime ~= '' then redis.call('ZADD', KEYS[3], text(now + lifetime), name) end
                 tell(there and 'changed' or 'registered', name, uri, tags)
                 return 1",
            ),
            set_metadata: script(
                "local uri = redis.call('HGET', KEYS[1], ARGV[1])
                 if not uri then return 0 end
                 redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
                 tell('changed', ARGV[1], uri, ARGV[2])
                 return 1",
            ),
            renew: script(
                "local renewed = {}
                 for i = 2, #ARGV, 3 do
                   if leased(ARGV[i], ARGV[i + 1], ARGV[i + 2]) then
                     redis.call('ZADD', KEYS[3], text(now + ARGV[1]), ARGV[i])
                     renewed[#renewed + 1] = ARGV[i]
                   end
                 end
                 return renewed",
            ),
            release: script(
                "local count = 0
                 for i = 1, #ARGV, 3 do
                   if leased(ARGV[i], ARGV[i + 1], ARGV[i + 2]) then count = count + take(ARGV[i], 'removed') end
                 end
                 return count",
            ),
            remove: script(
                "local count = 0
                 for _, name in ipairs(ARGV) do count = count + take(name, 'removed') end
                 return count",
            ),
            list: script(
                "local tags = ARGV[1] == '1' and redis.call('HGETALL', KEYS[2]) or {}
                 return {redis.call('HGETALL', KEYS[1]), tags}",
            ),
            expire: script(
                "local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
                 if #first == 0 then return -1 end
                 return math.max(0, first[2] - now)",
            ),
        }
    }
}

#[derive(Clone)]
struct Connection(MultiplexedConnection);

impl Link for Connection {
    type Target = redis::Client;

    async fn connect(target: &redis::Client) -> Result<Self, String> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE / 2))
            .set_response_timeout(Some(PATIENCE));
        let connected = target.get_multiplexed_async_connection_with_config(&config).await;
        connected.map(Self).map_err(|error| said(&error))
    }

    async fn answers(&self) -> bool {
        redis::cmd("PING").exec_async(&mut self.0.clone()).await.is_ok()
    }
}

/// What an error of the driver says.
fn said(error: &RedisError) -> String {
    let text = error.to_string();
    text.strip_suffix(" - ").unwrap_or(&text).to_owned()
}

fn fault(error: &RedisError) -> Fault {
    let lost = error.is_io_error() || error.is_connection_dropped() || error.is_timeout();
    // While it reads what it has kept, nothing is done.
    let loading = matches!(error.code(), Some("LOADING" | "MASTERDOWN"));
    if lost {
        Fault::Lost(said(error))
    } else if loading {
        Fault::Away(said(error))
    } else {
        Fault::Refused(said(error))
    }
}

impl RedisStorage {
    /// Connects to the store of a URL such as `redis://:password@host:6379/0`.
    ///
    /// # Errors
    /// Where the URL is none, and where nothing answers there.
    pub fn open(url: &str) -> Result<Self, StorageError> {
        let client = redis::Client::open(url).map_err(|error| {
            StorageError::value(format!("the URL of the store of names is wrong: {}", said(&error)))
        })?;
        let place = client.get_connection_info().addr().to_string();
        let failed = |fault: Fault| fault.of(&place, false);
        let thread = Thread::start("redis names").map_err(failed)?;
        let mut reader =
            Reader { client: client.clone(), changes: Changes::default(), last: "0-0".to_owned(), number: 0 };
        let changes = reader.changes.clone();
        let (reader, connection) = thread
            .run(async move {
                let connection = reader.connect().await.map_err(Fault::Away)?;
                Ok((reader, connection))
            })
            .map_err(failed)?;
        thread.spawn(reader.read(connection));
        Ok(Self { place, line: Arc::new(Line::new(client)), scripts: Scripts::new(), changes, thread })
    }

    /// Runs a script; again, where the connection was lost and that does no harm.
    fn run<T: FromRedisValue + Send + 'static>(
        &self,
        script: &Arc<Script>,
        arguments: Vec<Vec<u8>>,
        again: bool,
    ) -> Result<T, StorageError> {
        let (line, script) = (Arc::clone(&self.line), Arc::clone(script));
        let done = self.thread.run(async move {
            let run = |connection: Connection| {
                let mut invocation = script.prepare_invoke();
                for key in KEYS {
                    invocation.key(key);
                }
                for argument in &arguments {
                    invocation.arg(&argument[..]);
                }
                async move {
                    let mut connection = connection.0;
                    invocation.invoke_async::<T>(&mut connection).await.map_err(|error| fault(&error))
                }
            };
            line.with(again, run).await
        });
        done.map_err(|fault| fault.of(&self.place, !again))
    }
}

/// Reads the changes that any name server over this store makes.
struct Reader {
    client: redis::Client,
    changes: Changes,
    /// What has been told last, and its number.
    last: String,
    number: u64,
}

impl Reader {
    /// Connects, and finds out where the changes are.
    async fn connect(&mut self) -> Result<MultiplexedConnection, String> {
        // A connection of its own: it waits for most of the time.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE / 2))
            .set_response_timeout(Some(PATIENCE + BLOCK));
        let connected = self.client.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connected.map_err(|error| said(&error))?;
        let newest: redis::streams::StreamRangeReply =
            connection.xrevrange_count(EVENTS, "+", "-", 1).await.map_err(|error| said(&error))?;
        let newest = newest.ids.into_iter().next();
        let number = newest.as_ref().and_then(|entry| entry.get::<u64>("number")).unwrap_or(0);
        if self.number == 0 {
            self.number = number;
            self.last = newest.map_or_else(|| "0-0".to_owned(), |entry| entry.id);
        } else if number < self.number {
            // It has begun anew, and has not kept what was there.
            self.changes.tell(Change::Missed { count: 1 });
            (self.number, self.last) = (0, "0-0".to_owned());
        }
        Ok(connection)
    }

    async fn read(mut self, connection: MultiplexedConnection) {
        let mut connection = Some(connection);
        loop {
            let open = match connection.take() {
                Some(open) => Ok(open),
                None => self.connect().await,
            };
            let done = match open {
                Ok(mut open) => match self.follow(&mut open).await {
                    Ok(()) => {
                        connection = Some(open);
                        continue;
                    }
                    Err(error) => said(&error),
                },
                Err(error) => error,
            };
            tracing::debug!("changes of names cannot be read: {done}");
            tokio::time::sleep(RECONNECT).await;
        }
    }

    /// Reads what there is, or waits a while for it.
    async fn follow(&mut self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let options = StreamReadOptions::default().count(500).block(BLOCK.as_millis() as usize);
        let reply: Option<StreamReadReply> = connection.xread_options(&[EVENTS], &[&self.last], &options).await?;
        for entry in reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids) {
            let field = |name: &str| entry.get::<String>(name);
            let number = entry.get::<u64>("number").unwrap_or(0);
            if number != self.number + 1 {
                let count = number.saturating_sub(self.number + 1).max(1);
                self.changes.tell(Change::Missed { count });
            }
            let change = (|| {
                let event = Event::from_word(&field("event")?)?;
                let entry = Entry { uri: field("uri")?, metadata: read_tags(field("tags")?.as_bytes())? };
                Some(Change::new(event, field("name")?, entry))
            })();
            // What a later version may tell is not known here.
            self.changes.tell(change.unwrap_or(Change::Missed { count: 1 }));
            (self.number, self.last) = (number, entry.id.clone());
        }
        Ok(())
    }
}

/// How long to wait for a change before asking again.
const BLOCK: Duration = Duration::from_secs(2);

/// How soon to try to read changes again after it has failed.
const RECONNECT: Duration = Duration::from_millis(200);

/// Tags as a list in JSON.
fn write_tags(tags: &Metadata) -> Vec<u8> {
    let list = Value::List(tags.iter().map(|tag| tag.as_str().into()).collect());
    // Text cannot fail to be JSON.
    Codec::Json.encode_value(&list, &Settings::default()).unwrap_or_default()
}

fn read_tags(bytes: &[u8]) -> Option<Metadata> {
    let value = Codec::Json.decode_value(&Bytes::copy_from_slice(bytes), &Settings::default()).ok()?;
    let Value::List(tags) = value else { return None };
    tags.iter().map(|tag| tag.as_str().map(str::to_owned)).collect()
}

fn leases(leases: &[Lease<'_>]) -> impl Iterator<Item = Vec<u8>> {
    leases.iter().flat_map(|(name, uri)| {
        [name.as_bytes().to_vec(), flag(uri.is_some()), uri.unwrap_or_default().as_bytes().to_vec()]
    })
}

fn flag(flag: bool) -> Vec<u8> {
    if flag { b"1".to_vec() } else { b"0".to_vec() }
}

fn milliseconds(lifetime: Duration) -> Vec<u8> {
    lifetime.as_millis().to_string().into_bytes()
}

impl Storage for RedisStorage {
    fn count(&self) -> Result<usize, StorageError> {
        self.run(&self.scripts.count, Vec::new(), true)
    }

    fn get(&self, name: &str, metadata: bool) -> Result<Option<Entry>, StorageError> {
        let found: (Option<String>, Option<String>) = self.run(&self.scripts.get, vec![name.into()], true)?;
        Ok(found.0.map(|uri| {
            let tags = found.1.filter(|_| metadata);
            Entry { uri, metadata: tags.and_then(|tags| read_tags(tags.as_bytes())).unwrap_or_default() }
        }))
    }

    fn put(&self, name: &str, entry: &Entry, terms: Terms) -> Result<bool, StorageError> {
        let lifetime = terms.lifetime.map(milliseconds).unwrap_or_default();
        let arguments =
            vec![name.into(), entry.uri.clone().into(), write_tags(&entry.metadata), flag(terms.safe), lifetime];
        self.run::<i64>(&self.scripts.put, arguments, !terms.safe).map(|done| done == 1)
    }

    fn set_metadata(&self, name: &str, metadata: &Metadata) -> Result<bool, StorageError> {
        let arguments = vec![name.into(), write_tags(metadata)];
        self.run::<i64>(&self.scripts.set_metadata, arguments, true).map(|done| done == 1)
    }

    fn renew(&self, renewed: &[Lease<'_>], lifetime: Duration) -> Result<Vec<String>, StorageError> {
        let arguments = std::iter::once(milliseconds(lifetime)).chain(leases(renewed)).collect();
        self.run(&self.scripts.renew, arguments, true)
    }

    fn release(&self, released: &[Lease<'_>]) -> Result<usize, StorageError> {
        self.run(&self.scripts.release, leases(released).collect(), false)
    }

    fn remove(&self, names: &[&str]) -> Result<usize, StorageError> {
        if names.is_empty() {
            return Ok(0);
        }
        self.run(&self.scripts.remove, names.iter().map(|name| name.as_bytes().to_vec()).collect(), false)
    }

    fn list(&self, filter: Filter<'_>, metadata: bool) -> Result<Entries, StorageError> {
        let tagged = metadata || matches!(filter, Filter::AllOf(_) | Filter::AnyOf(_));
        let found: (Pairs, Pairs) = self.run(&self.scripts.list, vec![flag(tagged)], true)?;
        let mut tags: std::collections::HashMap<String, String> = found.1.into_iter().collect();
        let mut entries = Entries::new();
        for (name, uri) in found.0 {
            let tags = tags.remove(&name).and_then(|tags| read_tags(tags.as_bytes())).unwrap_or_default();
            let fits = match filter {
                Filter::Everything => true,
                Filter::Prefix(prefix) => name.starts_with(prefix),
                Filter::AllOf(wanted) => wanted.is_subset(&tags),
                Filter::AnyOf(wanted) => !wanted.is_disjoint(&tags),
            };
            if fits {
                entries.insert(name, Entry { uri, metadata: if metadata { tags } else { Metadata::new() } });
            }
        }
        Ok(entries)
    }

    fn expire(&self) -> Result<Option<Duration>, StorageError> {
        let next: i64 = self.run(&self.scripts.expire, Vec::new(), true)?;
        Ok(u64::try_from(next).ok().map(Duration::from_millis))
    }

    fn changes(&self) -> &Changes {
        &self.changes
    }
}

/// Two texts each, as Redis gives a hash.
type Pairs = Vec<(String, String)>;
