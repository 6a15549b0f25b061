//! Connecting and logging in.

use bytes::BytesMut;
use salamander_net::Socket;
use salamander_value::{Dict, Value};
use salamander_wire::WireError;
use salamander_wire::amqp::{Closed, FRAME_MIN, FrameKind, HEADER, Method, Request, next_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::url::Address;
use crate::{Error, Kind, Result};

/// The size of frames that we ask for, RabbitMQ's own.
const FRAME_MAX: usize = 131_072;

/// The number of channels that we ask for, RabbitMQ's own.
const CHANNEL_MAX: u16 = 2047;

/// A connection that is open.
pub(super) struct Link {
    pub(super) socket: Socket,
    /// What has come and was not read.
    pub(super) buffer: BytesMut,
    pub(super) terms: Terms,
}

/// What both ends have agreed upon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) frame_max: usize,
    pub(super) channel_max: u16,
    /// In seconds; 0 for none.
    pub(super) heartbeat: u16,
}

impl Link {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`Kind::Connection`] where nobody answers, or not in AMQP; [`Kind::Refused`] where the login or the virtual host is refused.
    pub(super) async fn open(address: &Address) -> Result<Self> {
        let late = |_| Error::new(Kind::Connection, format!("{address} has not answered in {:?}", address.connect));
        tokio::time::timeout(address.connect, Self::connect(address)).await.map_err(late)?
    }

    async fn connect(address: &Address) -> Result<Self> {
        let failed = |error: salamander_net::Error| {
            Error::with_source(Kind::Connection, format!("{address} cannot be reached: {error}"), error)
        };
        let socket = address.dialer.dial(&address.host, address.port).await.map_err(failed)?;
        let terms = Terms { frame_max: FRAME_MAX, channel_max: CHANNEL_MAX, heartbeat: address.heartbeat };
        let mut link = Self { socket, buffer: BytesMut::with_capacity(4096), terms };
        link.log_in(address).await?;
        Ok(link)
    }

    async fn log_in(&mut self, address: &Address) -> Result<()> {
        self.send(address, HEADER).await?;
        let Method::Start { mechanisms, .. } = self.next(address).await? else { return Err(unexpected(address)) };
        let mechanism = if address.external { "EXTERNAL" } else { "PLAIN" };
        if !mechanisms.split(' ').any(|one| one == mechanism) {
            let message = format!("{address} takes no login by {mechanism}, but by: {mechanisms}");
            return Err(Error::new(Kind::Refused, message));
        }
        let response = match address.external {
            true => String::new(),
            false => format!("\0{}\0{}", address.user, address.password),
        };
        let mut out = Vec::new();
        let properties = properties();
        let start = Request::StartOk { properties: &properties, mechanism, response: response.as_bytes() };
        start.write(0, &mut out).map_err(|error| of_wire(address, error))?;
        self.send(address, &out).await?;
        let Method::Tune { channel_max, frame_max, heartbeat } = self.next(address).await? else {
            return Err(unexpected(address));
        };
        // In each of them, nothing is no limit.
        let least = |ours: usize, theirs: usize| if theirs == 0 { ours } else { ours.min(theirs) };
        let terms = &mut self.terms;
        terms.frame_max = least(terms.frame_max, frame_max as usize).max(FRAME_MIN);
        terms.channel_max = least(terms.channel_max.into(), channel_max.into()) as u16;
        if heartbeat != 0 {
            terms.heartbeat = terms.heartbeat.min(heartbeat);
        }
        let Terms { frame_max, channel_max, heartbeat } = *terms;
        out.clear();
        let tune = Request::TuneOk { channel_max, frame_max: frame_max as u32, heartbeat };
        tune.write(0, &mut out).map_err(|error| of_wire(address, error))?;
        Request::Open { vhost: &address.vhost }.write(0, &mut out).map_err(|error| of_wire(address, error))?;
        self.send(address, &out).await?;
        match self.next(address).await? {
            Method::OpenOk => Ok(()),
            _ => Err(unexpected(address)),
        }
    }

    async fn send(&mut self, address: &Address, bytes: &[u8]) -> Result<()> {
        let sent = async {
            self.socket.write_all(bytes).await?;
            self.socket.flush().await
        };
        sent.await.map_err(|error| broken(address, error))
    }

    /// The next method, of those that come before a connection is open.
    async fn next(&mut self, address: &Address) -> Result<Method> {
        loop {
            while let Some(frame) =
                next_frame(&mut self.buffer, self.terms.frame_max).map_err(|error| of_wire(address, error))?
            {
                if frame.kind != FrameKind::Method {
                    continue;
                }
                return match Method::read(&frame.payload).map_err(|error| of_wire(address, error))? {
                    Method::Close(closed) => Err(refused(address, &closed)),
                    method => Ok(method),
                };
            }
            if self.socket.read_buf(&mut self.buffer).await.map_err(|error| broken(address, error))? == 0 {
                let message = format!("{address} has hung up before the connection was open");
                return Err(Error::new(Kind::Connection, message));
            }
        }
    }
}

/// What we say of ourselves.
fn properties() -> Dict {
    let mut capabilities = Dict::new();
    for name in [
        "publisher_confirms",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "authentication_failure_close",
    ] {
        capabilities.insert(name, true);
    }
    let mut properties = Dict::new();
    properties.insert("product", "salamander");
    properties.insert("version", env!("CARGO_PKG_VERSION"));
    properties.insert("capabilities", Value::from(capabilities));
    properties
}

fn refused(address: &Address, closed: &Closed) -> Error {
    let kind = match closed.code {
        // A server that is stopping, or has not begun with everything yet: it will be otherwise.
        320 | 541 => Kind::Connection,
        _ => Kind::Refused,
    };
    Error::new(kind, format!("{address}: {} {}", closed.code, closed.text))
}

fn unexpected(address: &Address) -> Error {
    Error::new(Kind::Connection, format!("{address} answers something else than was asked"))
}

fn of_wire(address: &Address, error: WireError) -> Error {
    Error::with_source(Kind::Connection, format!("{address}: {error}"), error)
}

fn broken(address: &Address, error: std::io::Error) -> Error {
    Error::with_source(Kind::Connection, format!("{address}: {error}"), error)
}
