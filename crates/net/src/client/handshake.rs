//! From an address to a connection: the socket, the handshake, and what the daemon tells of the object.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use salamander_codec::{Codec, Output, Settings};
use salamander_value::{Dict, Value};
use salamander_wire::pyro5::{Annotations, Decoder, Header, Message, MessageType, begin, finish};

use super::connection::{Connection, ConnectionSettings};
use super::proxy::Metadata;
use crate::error::{Error, Result};
use crate::features;
use crate::stream::{Stream, within};
use crate::uri::Uri;
use crate::wirelog;

/// What a client says of itself when it connects.
pub(crate) struct Hello<'a> {
    pub(crate) codec: Codec,
    pub(crate) codec_settings: &'a Arc<Settings>,
    pub(crate) max_message_size: usize,
    pub(crate) compression: bool,
    pub(crate) logwire: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) handshake: &'a Value,
    pub(crate) annotations: &'a Annotations,
}

/// What a daemon answers.
pub(crate) struct Welcome {
    pub(crate) connection: Arc<Connection>,
    pub(crate) response: Value,
    pub(crate) metadata: Metadata,
}

/// Connects to the daemon of a `PYRO:` URI.
pub(crate) async fn connect(uri: &Uri, hello: &Hello<'_>) -> Result<Welcome> {
    let object = uri.object();
    let mut stream = open(uri, hello.timeout).await?;
    let mut out = Output::new();
    hello.write(object, &mut out)?;
    let mut input = BytesMut::new();
    let mut decoder = Decoder::new(hello.max_message_size);
    decoder.accept(&[MessageType::ConnectOk, MessageType::ConnectFail]);
    let exchange = exchange(&mut stream, &mut out, &mut decoder, &mut input);
    let message = within(hello.timeout, exchange, "connecting")
        .await?
        .map_err(|error| Error::new(error.kind(), format!("cannot connect to {}: {error}", place(uri))))?;
    if hello.logwire {
        wirelog::received("proxy connect response received", &message);
    }
    hello.welcome(uri, object, stream, input, decoder, &message)
}

fn place(uri: &Uri) -> String {
    uri.location().map(ToString::to_string).unwrap_or_default()
}

async fn open(uri: &Uri, timeout: Option<Duration>) -> Result<Stream> {
    #[cfg(unix)]
    if let Some(path) = uri.socket_name() {
        return Stream::connect_unix(path).await;
    }
    match (uri.host(), uri.port()) {
        (Some(host), Some(port)) => Stream::connect(host, port, timeout).await,
        _ => Err(Error::misuse(format!("{uri} has no location to connect to"))),
    }
}

async fn exchange(
    stream: &mut Stream,
    out: &mut Output,
    decoder: &mut Decoder,
    input: &mut BytesMut,
) -> Result<Message> {
    let mut written = 0;
    std::future::poll_fn(|cx| stream.poll_write_all(cx, out, &mut written)).await?;
    loop {
        let count = std::future::poll_fn(|cx| stream.poll_read(cx, decoder, input)).await?;
        if count == 0 {
            return Err(Error::connection("receiving: not enough data"));
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
        let header = Header::new(MessageType::Connect, self.codec.id(), 0);
        let started = begin(out, &header, &annotations)?;
        let data = Dict::from_iter([("handshake", self.handshake.clone()), ("object", object.into())]);
        self.codec.write(out, self.codec_settings, |writer| salamander_value::write_value(&data.into(), writer))?;
        finish(out, started, self.max_message_size, self.compression)?;
        if self.logwire {
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
        let codec = Codec::from_id(message.header.serializer)
            .ok_or_else(|| Error::protocol(format!("{location} answers with an unknown serializer")))?;
        let answer = codec.decode_value(&message.body, self.codec_settings).map_err(|error| {
            Error::protocol(format!("{location} answers the handshake with what cannot be read: {error}"))
        })?;
        if message.message_type() == MessageType::ConnectFail {
            let reason = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
            return Err(Error::connection(format!("connection to {location} rejected: {reason}")));
        }
        let features = message.annotations.get(features::ID).cloned().unwrap_or_default();
        let settings = ConnectionSettings {
            codec: self.codec,
            codec_settings: self.codec_settings.clone(),
            max_message_size: self.max_message_size,
            compression: self.compression,
            logwire: self.logwire,
            object: object.into(),
            own_peer: features::are_ours(&features),
        };
        Ok(Welcome {
            connection: Connection::new(stream, input, decoder, settings),
            response: answer.get("handshake").cloned().unwrap_or_default(),
            metadata: answer.get("meta").map(Metadata::from_value).unwrap_or_default(),
        })
    }
}
