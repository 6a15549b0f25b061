//! The first exchange with a client: is it let in, and what can the object do that it wants?

use std::sync::Arc;

use bytes::Bytes;
use salamander_codec::{Codec, Generation};
use salamander_object::{Session, unknown_object};
use salamander_value::{Dict, Exception, Value, write_value};
use salamander_wire::pyro5::{Annotations, Flags, Message, MessageType};

use super::builder::Handshake;
use super::door::not_accepted;
use super::recognise::Arrival;
use super::scratch;
use super::shared::Shared;
use crate::dialect::{Decoder, Dialect, META_ON_CONNECT, finish};
use crate::error::{Error, Result};
use crate::stream::Stream;
use crate::tls::Certificate;
use crate::{features, wirelog};

/// A client that was let in.
pub(super) struct Greeted {
    /// It is one of us.
    pub(super) own_peer: bool,
}

/// What a client that speaks TLS sends first.
const TLS_HELLO: &[u8] = &[0x16, 0x03];

/// Reads the client's connect message and answers it. Gives nothing where the client left or was refused.
pub(super) async fn greet(
    arrival: &mut Arrival,
    dialect: &Dialect,
    decoder: &mut Decoder,
) -> Result<Option<Greeted>> {
    let shared = arrival.shared.clone();
    let message = loop {
        let is_tls = arrival.input.starts_with(TLS_HELLO);
        match decoder.decode(&mut arrival.input) {
            Ok(Some(message)) => break message,
            Ok(None) => {}
            Err(error) => {
                // Nothing is known of the client yet; Pyro then answers in marshal.
                let reason = Value::from(error.to_string());
                let kind = MessageType::ConnectFail;
                let answer = Answer { dialect, kind, codec: Codec::Marshal, sequence: 0, flags: Flags::NONE };
                answer.send(&mut arrival.stream, &shared, None, &Annotations::new(), &reason).await?;
                return Err(match is_tls {
                    true => Error::protocol("it speaks TLS, and SSL is off here"),
                    false => error.into(),
                });
            }
        }
        if arrival.read(Some(decoder)).await? == 0 {
            return Ok(None);
        }
    };
    if shared.config.logwire {
        wirelog::received("daemon handshake received", &message, dialect.generation);
    }
    let serializer = message.header.serializer;
    let known = dialect.codec(serializer);
    if known.is_none() && dialect.generation == Generation::Pyro5 {
        return Err(Error::protocol(format!("unknown serializer {serializer}")));
    }
    let accepted = known.filter(|codec| shared.config.accepts(*codec));
    let answer = match accepted {
        _ if dialect.generation == Generation::Pyro5 && !shared.pyro5 => Err(no_key()),
        _ if arrival.refused => Err(Exception::runtime_error("too many clients are connected; try again later")),
        None => Err(not_accepted(serializer)),
        Some(codec) => check(&message, codec, dialect, &shared, &arrival.session).await,
    };
    // What is not accepted is answered in marshal, which is always there.
    let codec = accepted.unwrap_or(Codec::Marshal);
    let own_peer = message.annotations.get(features::ID).is_some_and(|features| features::are_ours(features));
    let (kind, data) = match &answer {
        Ok(data) => (MessageType::ConnectOk, data.clone()),
        Err(exception) => {
            let reason = exception.message();
            tracing::debug!("client {} is refused: {reason}", arrival.peer_name());
            (MessageType::ConnectFail, reason.into())
        }
    };
    let mut annotations = Annotations::new();
    if own_peer {
        annotations.insert(features::ID, Bytes::from_static(features::OURS));
    }
    let flags = if answer.is_ok() && asks_for_metadata(&message, dialect) { META_ON_CONNECT } else { Flags::NONE };
    let reply = Answer { dialect, kind, codec, sequence: message.header.sequence, flags };
    reply.send(&mut arrival.stream, &shared, message.header.correlation(), &annotations, &data).await?;
    Ok(answer.is_ok().then_some(Greeted { own_peer }))
}

/// How the client is answered.
struct Answer<'a> {
    dialect: &'a Dialect,
    kind: MessageType,
    codec: Codec,
    sequence: u16,
    flags: Flags,
}

impl Answer<'_> {
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
        let mut header =
            self.dialect.header(self.kind, self.codec, self.sequence).with_correlation(Some(correlation));
        if self.dialect.generation == Generation::Pyro4 {
            header = header.with_flags(self.flags);
        }
        let started = self.dialect.begin(&mut out, &header, annotations)?;
        self.codec.write(&mut out, &self.dialect.codec_settings, |writer| write_value(data, writer))?;
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
    dialect: &Dialect,
    shared: &Arc<Shared>,
    session: &Arc<Session>,
) -> Result<Value, Exception> {
    let data = codec.decode_value(&message.body, &dialect.codec_settings)?;
    let missing = |what: &str| Exception::key_error(what);
    let handshake = data.get("handshake").ok_or_else(|| missing("handshake"))?;
    let response = match &shared.hooks.connect {
        None => "hello".into(),
        Some(check) => {
            let object = data.get("object").and_then(Value::as_str).unwrap_or_default().to_owned();
            let certificate = session.certificate().cloned().map(Certificate::from_der).transpose();
            let certificate = certificate.map_err(|error| error.exception())?;
            check(Handshake { session: session.clone(), data: handshake.clone(), object, certificate }).await?
        }
    };
    if !asks_for_metadata(message, dialect) {
        return Ok(response);
    }
    let object = data.get("object").ok_or_else(|| missing("object"))?;
    let object = object.as_str().ok_or_else(unknown_object)?;
    let mut metadata = shared.metadata(object, Some(session))?;
    if dialect.generation == Generation::Pyro4 {
        metadata = as_lists(metadata);
    }
    Ok(Dict::from_iter([("handshake", response), ("meta", metadata.into())]).into())
}

/// Pyro 5 has it always, Pyro 4 where the client is set so.
fn asks_for_metadata(message: &Message, dialect: &Dialect) -> bool {
    dialect.generation == Generation::Pyro5 || message.flags().contains(META_ON_CONNECT)
}

fn no_key() -> Exception {
    let message = "this daemon has an HMAC key, which clients of Pyro 5 cannot know it by; use Pyro 4's protocol";
    Exception::pyro("SecurityError", message)
}

/// Metadata with lists for its sets, which Python 2 had no serializers for.
pub(super) fn as_lists(metadata: Dict) -> Dict {
    let list = |value| match value {
        Value::Set(set) => Value::List(set.into_iter().collect()),
        other => other,
    };
    metadata.into_iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), list(value)))).collect()
}
