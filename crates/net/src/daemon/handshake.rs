//! The first exchange with a client: is it let in, and what can the object do that it wants?

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use salamander_codec::Codec;
use salamander_object::Session;
use salamander_value::{Dict, Exception, Value, write_value};
use salamander_wire::pyro5::{Annotations, Decoder, Header, Message, MessageType, begin, finish};

use super::builder::Handshake;
use super::scratch;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::stream::Stream;
use crate::{features, wirelog};

/// A client that was let in.
pub(super) struct Greeted {
    /// What it sent already behind its handshake.
    pub(super) input: BytesMut,
    /// It is one of us.
    pub(super) own_peer: bool,
}

/// Reads the client's connect message and answers it. Gives nothing where the client left or was refused.
pub(super) async fn greet(
    stream: &mut Stream,
    decoder: &mut Decoder,
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    refused: bool,
) -> Result<Option<Greeted>> {
    let mut input = BytesMut::new();
    let message = loop {
        let read = std::future::poll_fn(|cx| {
            // A client that says nothing holds no buffer.
            if input.is_empty() {
                input = scratch::input();
            }
            let read = stream.poll_read(cx, decoder, &mut input);
            if read.is_pending() && input.is_empty() {
                scratch::give_input(&mut input);
            }
            read
        });
        if read.await? == 0 {
            return Ok(None);
        }
        match decoder.decode(&mut input) {
            Ok(Some(message)) => break message,
            Ok(None) => {}
            Err(error) => {
                // Nothing is known of the client yet; Pyro then answers in marshal.
                let reason = Value::from(error.to_string());
                let answer = Answer { kind: MessageType::ConnectFail, codec: Codec::Marshal, sequence: 0 };
                answer.send(stream, shared, None, &Annotations::new(), &reason).await?;
                return Err(error.into());
            }
        }
    };
    if shared.config.logwire {
        wirelog::received("daemon handshake received", &message);
    }
    let codec = Codec::from_id(message.header.serializer)
        .ok_or_else(|| Error::protocol(format!("unknown serializer {}", message.header.serializer)))?;
    let answer = if refused {
        Err(Exception::runtime_error("too many clients are connected; try again later"))
    } else {
        check(&message, codec, shared, session).await
    };
    let own_peer = message.annotations.get(features::ID).is_some_and(|features| features::are_ours(features));
    let (kind, data) = match &answer {
        Ok(data) => (MessageType::ConnectOk, data.clone()),
        Err(exception) => {
            let reason = exception.message();
            tracing::debug!("client {} is refused: {reason}", super::connection::peer_name(session));
            (MessageType::ConnectFail, reason.into())
        }
    };
    let mut annotations = Annotations::new();
    if own_peer {
        annotations.insert(features::ID, Bytes::from_static(features::OURS));
    }
    let reply = Answer { kind, codec, sequence: message.header.sequence };
    reply.send(stream, shared, message.header.correlation(), &annotations, &data).await?;
    Ok(answer.is_ok().then_some(Greeted { input, own_peer }))
}

/// How the client is answered.
struct Answer {
    kind: MessageType,
    codec: Codec,
    sequence: u16,
}

impl Answer {
    async fn send(
        &self,
        stream: &mut Stream,
        shared: &Shared,
        correlation: Option<[u8; 16]>,
        annotations: &Annotations,
        data: &Value,
    ) -> Result<()> {
        let mut out = scratch::output();
        let correlation = correlation.unwrap_or_else(|| uuid::Uuid::new_v4().into_bytes());
        let header = Header::new(self.kind, self.codec.id(), self.sequence).with_correlation(Some(correlation));
        let started = begin(&mut out, &header, annotations)?;
        self.codec.write(&mut out, &shared.codec_settings, |writer| write_value(data, writer))?;
        finish(&mut out, started, shared.config.max_message_size, shared.config.compression)?;
        if shared.config.logwire {
            wirelog::sent("daemon handshake response", &out);
        }
        let mut written = 0;
        std::future::poll_fn(|cx| stream.poll_write_all(cx, &mut out, &mut written)).await?;
        scratch::give_output(&mut out);
        Ok(())
    }
}

/// Whether the client is let in: the daemon's answer, with the metadata of the object.
async fn check(
    message: &Message,
    codec: Codec,
    shared: &Arc<Shared>,
    session: &Arc<Session>,
) -> Result<Value, Exception> {
    let data = codec.decode_value(&message.body, &shared.codec_settings)?;
    let missing = |what: &str| Exception::key_error(what);
    let handshake = data.get("handshake").ok_or_else(|| missing("handshake"))?;
    let response = match &shared.hooks.connect {
        None => "hello".into(),
        Some(check) => {
            let object = data.get("object").and_then(Value::as_str).unwrap_or_default().to_owned();
            check(Handshake { session: session.clone(), data: handshake.clone(), object }).await?
        }
    };
    let object = data.get("object").ok_or_else(|| missing("object"))?;
    let object = object.as_str().ok_or_else(super::shared::unknown_object)?;
    Ok(Dict::from_iter([("handshake", response), ("meta", shared.metadata(object)?.into())]).into())
}
