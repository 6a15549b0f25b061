//! A proxy as a place that takes calls: a `tower` service, as the objects of this process are.

use std::pin::Pin;
use std::task::{Context, Poll};

use salamander_codec::{Args, Codec, Settings};
use salamander_object::{Call, Encoded, Items, Outcome, Payload, StreamItems};
use salamander_value::{Exception, Reader, Value, read_value};
use salamander_wire::pyro5::AnnotationId;
use tower_service::Service;

use super::items::ItemStream;
use super::proxy::{Extras, Proxy};
use crate::error::{Error, Kind, Result};

/// The call's object is not regarded: a proxy stands for one. Remote exceptions are outcomes; an error is what went wrong on
/// the way.
impl Service<Call> for Proxy {
    type Response = Outcome;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Outcome>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let proxy = self.clone();
        Box::pin(async move { proxy.take(call).await })
    }
}

impl Proxy {
    async fn take(self, call: Call) -> Result<Outcome> {
        let Call { method, arguments, context, format, .. } = call;
        let args = match arguments {
            Payload::Values(args) => args,
            Payload::Encoded(encoded) => decode(&encoded, &format.settings)?,
        };
        let mut extras = Extras::default();
        for (id, data) in context.annotations() {
            if let Some(id) = AnnotationId::new(*id) {
                extras.annotations.insert(id, data.clone());
            }
        }
        let done = match self.invoke(&method, &args, &extras).await? {
            None => Ok(Value::None),
            Some((reply, connection)) if reply.is_stream() => {
                let id = reply.stream_id(&connection)?;
                let items = ItemStream::<Value>::new(self, connection, id);
                let items = salamander_object::FallibleItems(StreamItems(Box::pin(items)));
                return Ok(Outcome::Stream(Items::new(items)));
            }
            Some((reply, connection)) => reply.result::<Value>(&connection),
        };
        match done {
            Ok(value) => Ok(format.outcome(&value)),
            Err(error) if error.kind() == Kind::Remote => Ok(Outcome::Exception(Exception::from(error))),
            Err(error) => Err(error),
        }
    }
}

/// The arguments of an encoded call.
fn decode(encoded: &Encoded, settings: &Settings) -> Result<Args> {
    let codec: Codec = encoded.codec;
    let (_, mut reader) = codec.call_reader(&encoded.bytes, settings)?;
    let reader: &mut dyn Reader<'_> = &mut reader;
    let positional = match read_value(reader)? {
        Value::List(items) | Value::Tuple(items) => items,
        other => return Err(Error::protocol(format!("arguments that are a {}", other.type_name()))),
    };
    let keywords = match read_value(reader)? {
        Value::Dict(keywords) => *keywords,
        _ => Default::default(),
    };
    Ok(Args { positional, keywords })
}
