//! [`Connection`]: one connection to the server that is the right one at the moment.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Pipeline, ProtocolVersion, PushInfo, RedisConnectionInfo, RedisError, Value, cmd,
};
use salamander_net::Dialer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

use super::place::{Place, Way};
use super::reply::{array, integer, text};
use crate::{Error, Kind, Result};

/// A connection. It ends when this is dropped.
pub(crate) struct Connection {
    inner: MultiplexedConnection,
    driver: AbortHandle,
}

/// Why commands were not carried out.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The connection is of no use any more: it has broken, or this server is not the right one. Whether the commands were carried
    /// out is not known.
    Broken(Error),
    /// The server refused them.
    Refused(Error),
}

impl Trouble {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Broken(error) | Self::Refused(error) => error,
        }
    }
}

/// A script, by its digest. Connections load those that they are told of.
pub(crate) struct Script(pub(crate) redis::Script, pub(crate) &'static str);

impl Script {
    pub(crate) fn new(code: &'static str) -> Self {
        Self(redis::Script::new(code), code)
    }

    /// The beginning of a command that runs it, up to the number of its keys.
    pub(crate) fn command(&self, keys: usize) -> redis::Cmd {
        let mut command = cmd("EVALSHA");
        command.arg(self.0.get_hash()).arg(keys);
        command
    }
}

impl Connection {
    /// Connects to the server that is the right one at the moment. What the server says without being asked goes to `pushes`.
    ///
    /// # Errors
    /// [`Kind::Connection`] where trying again may help; what else is wrong stays wrong.
    pub(crate) async fn open(
        place: &Place,
        scripts: &[&Script],
        pushes: Option<UnboundedSender<PushInfo>>,
    ) -> Result<Self> {
        let opening = async {
            let mut connection = Self::reach(place, pushes).await?;
            let mut setup = Pipeline::new();
            for script in scripts {
                setup.cmd("SCRIPT").arg("LOAD").arg(script.1);
            }
            if let Some(name) = &place.client_name {
                setup.cmd("CLIENT").arg("SETNAME").arg(name);
            }
            // Without any, this asks whether the server is ready.
            setup.cmd("ECHO").arg("");
            connection.run(&setup).await.map_err(Trouble::into_error)?;
            Ok(connection)
        };
        match tokio::time::timeout(place.connect_timeout, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(Error::new(
                Kind::Connection,
                format!("{} does not answer within {:?}", place.shown, place.connect_timeout),
            )),
        }
    }

    async fn reach(place: &Place, pushes: Option<UnboundedSender<PushInfo>>) -> Result<Self> {
        let mut failed = None;
        match &place.way {
            Way::Socket(path) => return Self::over(place, unix(path).await?, info(place), pushes).await,
            Way::Hosts(hosts) => {
                for host in hosts {
                    match Self::to(place, host, info(place), pushes.clone()).await {
                        Ok(connection) => return Ok(connection),
                        Err(error) => failed = Some(error),
                    }
                }
            }
            Way::Sentinels { hosts, master, username, password } => {
                for host in hosts {
                    let mut info = RedisConnectionInfo::default().set_skip_set_lib_name();
                    if let Some(password) = password {
                        info = info.set_password(password);
                    }
                    if let Some(username) = username {
                        info = info.set_username(username);
                    }
                    match Self::master(place, host, info, master, pushes.clone()).await {
                        Ok(connection) => return Ok(connection),
                        Err(error) => failed = Some(error),
                    }
                }
            }
            Way::Cluster { hosts, key } => {
                for host in hosts {
                    match Self::owner(place, host, key, pushes.clone()).await {
                        Ok(connection) => return Ok(connection),
                        Err(error) => failed = Some(error),
                    }
                }
            }
        }
        Err(failed.unwrap_or_else(|| Error::new(Kind::Misuse, "the URL of a Redis names no host")))
    }

    /// The master that a sentinel knows.
    async fn master(
        place: &Place,
        sentinel: &(String, u16),
        info_of_sentinel: RedisConnectionInfo,
        name: &str,
        pushes: Option<UnboundedSender<PushInfo>>,
    ) -> Result<Self> {
        let mut asked = Self::to(place, sentinel, info_of_sentinel, None).await?;
        let mut question = Pipeline::new();
        question.cmd("SENTINEL").arg("get-master-addr-by-name").arg(name);
        let answer = asked.run(&question).await.map_err(Trouble::into_error)?.pop();
        let mut address = array(answer.unwrap_or_default()).into_iter();
        let host = address.next().and_then(text);
        let port = address.next().as_ref().and_then(integer).and_then(|port| u16::try_from(port).ok());
        let (Some(host), Some(port)) = (host, port) else {
            let message = format!("the sentinel {}:{} knows no master {name}", sentinel.0, sentinel.1);
            return Err(Error::new(Kind::Connection, message));
        };
        let mut connection = Self::to(place, &(host, port), info(place), pushes).await?;
        let mut question = Pipeline::new();
        question.cmd("ROLE");
        let answer = connection.run(&question).await.map_err(Trouble::into_error)?.pop();
        match array(answer.unwrap_or_default()).into_iter().next().and_then(text).as_deref() {
            Some("master") => Ok(connection),
            _ => {
                Err(Error::new(Kind::Connection, format!("the master {name} that a sentinel knows is none any more")))
            }
        }
    }

    /// The node of a cluster that has the slot of a key.
    async fn owner(
        place: &Place,
        node: &(String, u16),
        key: &str,
        pushes: Option<UnboundedSender<PushInfo>>,
    ) -> Result<Self> {
        let mut asked = Self::to(place, node, info(place), None).await?;
        let mut question = Pipeline::new();
        question.cmd("CLUSTER").arg("KEYSLOT").arg(key);
        question.cmd("CLUSTER").arg("SLOTS");
        let mut answers = asked.run(&question).await.map_err(Trouble::into_error)?.into_iter();
        let slot = answers.next().as_ref().and_then(integer);
        let owner = array(answers.next().unwrap_or_default()).into_iter().map(array).find_map(|range| {
            let mut range = range.into_iter();
            let (first, last) = (integer(&range.next()?)?, integer(&range.next()?)?);
            slot.filter(|slot| (first..=last).contains(slot))?;
            let mut master = array(range.next()?).into_iter();
            // A node that does not know its own name says nothing; then it is the one that was asked.
            let host = text(master.next()?).filter(|host| !host.is_empty()).unwrap_or_else(|| node.0.clone());
            Some((host, u16::try_from(integer(&master.next()?)?).ok()?))
        });
        match owner {
            Some(owner) => Self::to(place, &owner, info(place), pushes).await,
            None => Err(Error::new(
                Kind::Connection,
                format!("no node of the cluster of {} has the slot of {key}", node.0),
            )),
        }
    }

    async fn to(
        place: &Place,
        (host, port): &(String, u16),
        info: RedisConnectionInfo,
        pushes: Option<UnboundedSender<PushInfo>>,
    ) -> Result<Self> {
        let encrypted = place.tls.is_some();
        let config = Arc::new(place.tls.clone().unwrap_or_default());
        let kind = |error: &salamander_net::Error| match error.kind() {
            salamander_net::Kind::Misuse => Kind::Misuse,
            salamander_net::Kind::Refused => Kind::Refused,
            _ => Kind::Connection,
        };
        let dialer = Dialer::new(config, encrypted)
            .map_err(|error| Error::with_source(kind(&error), error.to_string(), error))?;
        let socket = dialer.dial(host, *port).await;
        let socket = socket.map_err(|error| {
            Error::with_source(kind(&error), format!("no Redis at {host}:{port}: {error}"), error)
        })?;
        Self::over(place, socket, info, pushes).await
    }

    async fn over<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        place: &Place,
        socket: S,
        info: RedisConnectionInfo,
        pushes: Option<UnboundedSender<PushInfo>>,
    ) -> Result<Self> {
        let mut config = AsyncConnectionConfig::new().set_response_timeout(Some(place.answer_timeout));
        if let Some(pushes) = pushes {
            config = config.set_push_sender(pushes);
        }
        let opened = MultiplexedConnection::new_with_config(&info, socket, config).await;
        let (inner, driver) = opened.map_err(|error| entering(place, error))?;
        Ok(Self { inner, driver: tokio::spawn(driver).abort_handle() })
    }

    /// Sends commands in one write, and gives their replies, errors among them.
    ///
    /// # Errors
    /// Where the connection is of no use any more.
    pub(crate) async fn send(&mut self, commands: &Pipeline) -> Result<Vec<Value>, Trouble> {
        let replies = self.inner.send_packed_commands(commands, 0, commands.len()).await;
        let replies = replies.map_err(|error| Trouble::Broken(broken(error)))?;
        for reply in &replies {
            if let Value::ServerError(error) = reply
                && is_wrong_server(error.code())
            {
                return Err(Trouble::Broken(Error::new(
                    Kind::Connection,
                    format!("Redis cannot do it now: {error}"),
                )));
            }
        }
        Ok(replies)
    }

    /// The same; an error in a reply is one of the whole.
    pub(crate) async fn run(&mut self, commands: &Pipeline) -> Result<Vec<Value>, Trouble> {
        let replies = self.send(commands).await?;
        match replies.iter().find_map(refusal) {
            Some(error) => Err(Trouble::Refused(error)),
            None => Ok(replies),
        }
    }

    /// Subscribes to these channels, or patterns, or ends that.
    pub(crate) async fn subscribe(&mut self, command: &str, names: &[String]) -> Result<(), Trouble> {
        let done = match command {
            "SUBSCRIBE" => self.inner.subscribe(names).await,
            "UNSUBSCRIBE" => self.inner.unsubscribe(names).await,
            "PSUBSCRIBE" => self.inner.psubscribe(names).await,
            _ => self.inner.punsubscribe(names).await,
        };
        done.map_err(|error| Trouble::Broken(broken(error)))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The error in a reply, if it is one.
pub(crate) fn refusal(reply: &Value) -> Option<Error> {
    match reply {
        Value::ServerError(error) => Some(Error::new(Kind::Refused, format!("Redis refuses: {error}"))),
        _ => None,
    }
}

/// What another server could do, or the same one later; scripts are loaded anew then as well.
fn is_wrong_server(code: &str) -> bool {
    ["LOADING", "READONLY", "MASTERDOWN", "MOVED", "ASK", "CLUSTERDOWN", "TRYAGAIN", "NOSCRIPT", "UNBLOCKED"]
        .contains(&code)
}

fn broken(error: RedisError) -> Error {
    Error::with_source(Kind::Connection, format!("the connection to Redis broke: {error}"), error)
}

fn entering(place: &Place, error: RedisError) -> Error {
    let kind = match error.code() {
        _ if error.to_string().contains("max number of clients") => Kind::Connection,
        Some("WRONGPASS" | "NOAUTH" | "NOPERM" | "NOPROTO" | "DENIED" | "ERR") => Kind::Refused,
        _ if error.kind() == redis::ErrorKind::AuthenticationFailed => Kind::Refused,
        _ => Kind::Connection,
    };
    Error::with_source(kind, format!("{} does not let us in: {error}", place.shown), error)
}

fn info(place: &Place) -> RedisConnectionInfo {
    let mut info = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3).set_db(place.database);
    if let Some(username) = &place.username {
        info = info.set_username(username);
    }
    if let Some(password) = &place.password {
        info = info.set_password(password);
    }
    info
}

#[cfg(unix)]
async fn unix(path: &str) -> Result<tokio::net::UnixStream> {
    let connected = tokio::net::UnixStream::connect(path).await;
    connected.map_err(|error| Error::with_source(Kind::Connection, format!("no Redis at {path}: {error}"), error))
}

#[cfg(not(unix))]
async fn unix(_path: &str) -> Result<tokio::net::TcpStream> {
    Err(Error::new(Kind::Unsupported, "there are no Unix domain sockets here"))
}
