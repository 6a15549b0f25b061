//! [`ConnectedSocket`]: a socket that somebody else has connected.

use std::fmt;
use std::io;
use std::net::TcpStream;
#[cfg(unix)]
use std::os::{fd::OwnedFd, unix::net::UnixStream};

use crate::error::{Error, Result};
use crate::stream::Stream;

/// A socket with somebody at its other end: one of a pair, or one that a program was started with.
///
/// A [`Daemon`](crate::Daemon) serves the one client behind it, or a [`Proxy`](crate::Proxy) calls over it. Where both ends are
/// connected already there is no handshake. A socket of tokio's is turned into one of these by its `into_std`.
pub struct ConnectedSocket(Socket);

enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl ConnectedSocket {
    /// The socket as this crate uses it; to be called where tokio runs.
    pub(crate) fn into_stream(self) -> Result<Stream> {
        let stream = match self.0 {
            Socket::Tcp(socket) => socket.peer_addr().and_then(|_| {
                socket.set_nonblocking(true)?;
                tokio::net::TcpStream::from_std(socket).map(Stream::Tcp)
            }),
            #[cfg(unix)]
            Socket::Unix(socket) => socket.peer_addr().and_then(|_| {
                socket.set_nonblocking(true)?;
                tokio::net::UnixStream::from_std(socket).map(Stream::Unix)
            }),
        };
        stream.map_err(|error| Error::connection(format!("the socket is of no use: {error}")))
    }

    /// Where this end is, as Pyro's daemons tell it.
    pub(crate) fn location(&self) -> String {
        match &self.0 {
            Socket::Tcp(socket) => socket.local_addr().map(|address| address.to_string()).unwrap_or_default(),
            #[cfg(unix)]
            Socket::Unix(socket) => {
                let path = socket.local_addr().ok().and_then(|address| address.as_pathname().map(ToOwned::to_owned));
                format!("./u:{}", path.map_or("<<not-bound>>".to_owned(), |path| path.display().to_string()))
            }
        }
    }
}

impl From<TcpStream> for ConnectedSocket {
    fn from(socket: TcpStream) -> Self {
        Self(Socket::Tcp(socket))
    }
}

#[cfg(unix)]
impl From<UnixStream> for ConnectedSocket {
    fn from(socket: UnixStream) -> Self {
        Self(Socket::Unix(socket))
    }
}

#[cfg(unix)]
impl TryFrom<OwnedFd> for ConnectedSocket {
    type Error = io::Error;

    /// Of a file descriptor that the program was given, such as its standard input.
    fn try_from(descriptor: OwnedFd) -> io::Result<Self> {
        let socket = socket2::Socket::from(descriptor);
        if socket.r#type()? != socket2::Type::STREAM {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a stream socket"));
        }
        Ok(match socket.domain()? {
            socket2::Domain::UNIX => Self(Socket::Unix(socket.into())),
            _ => Self(Socket::Tcp(socket.into())),
        })
    }
}

impl fmt::Debug for ConnectedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectedSocket({})", self.location())
    }
}
