//! From an address to a connection: the socket, the handshake, and what the daemon tells of the object.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use salamander_codec::{Codec, Generation, Output};
use salamander_value::{Dict, Value};
use salamander_wire::pyro5::{Annotations, Flags, Message, MessageType};
use salamander_wire::{WireErrorKind, pyro4};

use super::connection::{Connection, ConnectionSettings, Invoke};
use super::proxy::Metadata;
use super::reply::Reply;
use crate::DAEMON_NAME;
use crate::config::Config;
use crate::connected::ConnectedSocket;
use crate::dialect::{Decoder, Dialect, META_ON_CONNECT, finish};
use crate::error::{Error, Kind, Result};
use crate::features;
use crate::stream::{Stream, within};
use crate::tls::ClientTls;
use crate::uri::{Location, Uri};
use crate::wirelog;

/// What a client says of itself when it connects.
pub(crate) struct Hello<'a> {
    pub(crate) codec: Codec,
    pub(crate) dialect: &'a Arc<Dialect>,
    pub(crate) config: &'a Config,
    /// What makes the connection secure, if it is to be.
    pub(crate) tls: Option<&'a ClientTls>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) handshake: &'a Value,
    pub(crate) annotations: &'a Annotations,
}

/// What a daemon answers.
pub(crate) struct Welcome {
    pub(crate) connection: Arc<Connection>,
    pub(crate) response: Value,
    pub(crate) metadata: Metadata,
    /// The certificate that the daemon showed.
    pub(crate) certificate: Option<Bytes>,
}

/// Uses a socket that is connected already. There is no handshake: what the object can do has to be asked for.
pub(crate) async fn adopt(socket: ConnectedSocket, object: &str, hello: &Hello<'_>) -> Result<Welcome> {
    let mut stream = socket.into_stream()?;
    if let Some(tls) = hello.tls {
        stream = within(hello.timeout, tls.connect(THIS_MACHINE, stream), "connecting").await??;
    }
    let certificate = stream.peer_certificate();
    let settings = hello.settings(object, stream.is_secure(), false);
    let decoder = hello.dialect.decoder(hello.config.max_message_size);
    let connection = Connection::new(stream, BytesMut::new(), decoder, settings);
    let invoke = Invoke {
        object: Some(DAEMON_NAME),
        method: "get_metadata",
        flags: Flags::NONE,
        annotations: hello.annotations,
        correlation_id: None,
        arguments: &(object,),
        blob: None,
    };
    let asked = within(hello.timeout, connection.call(invoke), "connecting").await??;
    let reply = asked.ok_or_else(|| Error::connection("the connection is closed"))?;
    let metadata: Value = Reply::new(reply, hello.codec, &connection)?.result(&connection)?;
    Ok(Welcome { connection, response: Value::None, metadata: Metadata::from_value(&metadata), certificate })
}

/// What came of an attempt to connect.
pub(crate) enum Attempt {
    Welcome(Welcome),
    /// The daemon speaks this and has said so in its answer. A daemon of Pyro 4 refuses what Pyro 5 says with a message of its own, and
    /// the first bytes of that tell.
    Speaks(Generation, Error),
}

/// Connects to the daemon of a `PYRO:` URI.
pub(crate) async fn connect(uri: &Uri, hello: &Hello<'_>) -> Result<Attempt> {
    let object = uri.object();
    let Dialect { generation, .. } = **hello.dialect;
    if !hello.dialect.has(hello.codec) {
        return Err(Error::misuse(format!("{generation} has no serializer {}", hello.codec)));
    }
    let mut stream = within(hello.timeout, open(uri, hello), "connecting").await??;
    let mut out = Output::new();
    hello.write(object, &mut out)?;
    let mut input = BytesMut::new();
    let mut decoder = hello.dialect.decoder(hello.config.max_message_size);
    decoder.accept(&[MessageType::ConnectOk, MessageType::ConnectFail]);
    let exchange = exchange(&mut stream, hello.tls, &mut out, &mut decoder, &mut input);
    let explained = |error: Error| Error::new(error.kind(), format!("cannot connect to {}: {error}", place(uri)));
    let message = match within(hello.timeout, exchange, "connecting").await?.map_err(explained) {
        Ok(message) => message,
        // What has come stays in the buffer.
        Err(error) if generation == Generation::Pyro5 && speaks_pyro4(&input) => {
            return Ok(Attempt::Speaks(Generation::Pyro4, error));
        }
        Err(error) => return Err(error),
    };
    if hello.config.logwire {
        wirelog::received("proxy connect response received", &message, generation);
    }
    hello.welcome(uri, object, stream, input, decoder, &message).map(Attempt::Welcome)
}

/// Whether an answer begins as those of Pyro 4 do.
fn speaks_pyro4(answer: &BytesMut) -> bool {
    let refused = pyro4::Decoder::new(0).decode(&mut answer.clone());
    answer.len() >= 6
        && !refused
            .is_err_and(|error| matches!(error.kind(), WireErrorKind::NotPyro | WireErrorKind::WrongVersion(_)))
}

fn place(uri: &Uri) -> String {
    uri.location().map(ToString::to_string).unwrap_or_default()
}

async fn open(uri: &Uri, hello: &Hello<'_>) -> Result<Stream> {
    let stream = match (uri.location(), uri.socket_name()) {
        (Some(Location::Tcp { host, port }), _) => Stream::connect(host, *port, hello.config).await?,
        #[cfg(unix)]
        (_, Some(path)) => Stream::connect_unix(path).await?,
        _ => return Err(Error::misuse(format!("{uri} has no location to connect to"))),
    };
    match hello.tls {
        None => Ok(stream),
        Some(tls) => {
            let secured = tls.connect(uri.host().unwrap_or(THIS_MACHINE), stream).await;
            secured.map_err(|error| Error::new(error.kind(), format!("cannot connect to {}: {error}", place(uri))))
        }
    }
}

/// The host that the certificate of a daemon behind a Unix domain socket has to be for.
pub(crate) const THIS_MACHINE: &str = "localhost";

/// What a daemon that speaks TLS answers to one who does not.
const TLS_ALERT: &[u8] = &[0x15, 0x03];

async fn exchange(
    stream: &mut Stream,
    tls: Option<&ClientTls>,
    out: &mut Output,
    decoder: &mut Decoder,
    input: &mut BytesMut,
) -> Result<Message> {
    let mut written = 0;
    // A daemon that takes no more may have said why.
    let sent = std::future::poll_fn(|cx| stream.poll_write_all(cx, out, &mut written)).await;
    loop {
        let read = std::future::poll_fn(|cx| stream.poll_read(cx, decoder, input)).await;
        match (read, &sent, tls) {
            (Ok(0), Err(error), None) => return Err(Error::connection(error.to_string())),
            (Ok(0), _, Some(tls)) => return Err(tls.fault(&io::ErrorKind::UnexpectedEof.into())),
            (Ok(0), Ok(()), None) => return Err(Error::connection("receiving: not enough data")),
            (Ok(_), ..) => {}
            // Who is not let in is told so behind the handshake, in the place of an answer.
            (Err(error), _, Some(tls)) => return Err(tls.fault(&error)),
            (Err(error), _, None) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(Error::connection(format!(
                    "{error} (if the daemon speaks TLS, SSL should be on here too)"
                )));
            }
            (Err(error), _, None) => return Err(error.into()),
        }
        if tls.is_none() && input.starts_with(TLS_ALERT) {
            return Err(Error::protocol("the daemon speaks TLS: SSL should be on here too"));
        }
        if let Some(message) = decoder.decode(input)? {
            return Ok(message);
        }
    }
}

impl Hello<'_> {
    fn write(&self, object: &str, out: &mut Output) -> Result<()> {
        let mut annotations = self.annotations.clone();
        annotations.insert(features::ID, Bytes::from_static(features::OURS));
        let mut header = self.dialect.header(MessageType::Connect, self.codec, 0);
        if self.dialect.generation == Generation::Pyro4 {
            header = header.with_flags(META_ON_CONNECT);
        }
        let started = self.dialect.begin(out, &header, &annotations)?;
        let data = Dict::from_iter([("handshake", self.handshake.clone()), ("object", object.into())]);
        let settings = &self.dialect.codec_settings;
        self.codec.write(out, settings, |writer| salamander_value::write_value(&data.into(), writer))?;
        finish(out, started, self.config.max_message_size, self.config.compression)?;
        if self.config.logwire {
            wirelog::sent("proxy connect sending", out);
        }
        Ok(())
    }

    fn welcome(
        &self,
        uri: &Uri,
        object: &str,
        stream: Stream,
        input: BytesMut,
        decoder: Decoder,
        message: &Message,
    ) -> Result<Welcome> {
        let location = place(uri);
        let codec = self
            .dialect
            .codec(message.header.serializer)
            .ok_or_else(|| Error::protocol(format!("{location} answers with an unknown serializer")))?;
        let answer = codec.decode_value(&message.body, &self.dialect.codec_settings).map_err(|error| {
            Error::protocol(format!("{location} answers the handshake with what cannot be read: {error}"))
        })?;
        if message.message_type() == MessageType::ConnectFail {
            let reason = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
            return Err(Error::new(Kind::Refused, format!("connection to {location} rejected: {reason}")));
        }
        let features = message.annotations.get(features::ID).cloned().unwrap_or_default();
        let settings = self.settings(object, stream.is_secure(), features::are_ours(&features));
        Ok(Welcome {
            certificate: stream.peer_certificate(),
            connection: Connection::new(stream, input, decoder, settings),
            response: answer.get("handshake").cloned().unwrap_or(answer.clone()),
            metadata: answer.get("meta").map(Metadata::from_value).unwrap_or_default(),
        })
    }

    fn settings(&self, object: &str, is_secure: bool, own_peer: bool) -> ConnectionSettings {
        ConnectionSettings {
            codec: self.codec,
            dialect: self.dialect.clone(),
            max_message_size: self.config.max_message_size,
            compression: self.config.compression,
            logwire: self.config.logwire,
            object: object.into(),
            own_peer,
            one_by_one: is_secure && !own_peer,
        }
    }
}
