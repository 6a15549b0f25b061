//! Messages as AMQP has them: what kombu's messages become, and back.

use bytes::Bytes;
use salamander_value::{Str, Value};
use salamander_wire::WireError;
use salamander_wire::amqp::Content;
use salamander_wire::celery::Message;

/// What goes before the body. The headers stay where they are.
pub(super) fn content(message: &Message) -> Content {
    let properties = &message.properties;
    let said = |text: &Str| (!text.is_empty()).then(|| text.clone());
    Content {
        size: message.body.len() as u64,
        content_type: said(&message.content_type),
        content_encoding: said(&message.content_encoding),
        headers: None,
        delivery_mode: properties.delivery_mode,
        priority: properties.priority,
        correlation_id: properties.correlation_id.clone(),
        reply_to: properties.reply_to.clone(),
        expiration: properties.expiration.clone(),
        message_id: properties.message_id.clone(),
        timestamp: properties.timestamp.and_then(|seconds| u64::try_from(seconds).ok()),
        kind: properties.kind.clone(),
        user_id: properties.user_id.clone(),
        app_id: properties.app_id.clone(),
        cluster_id: properties.other.get("cluster_id").and_then(Value::as_str).map(Str::from),
    }
}

/// A message, out of what came.
///
/// # Errors
/// What is wrong with this message, and with no other.
pub(super) fn message(
    content: Result<Content, WireError>,
    exchange: &[u8],
    routing_key: &[u8],
    redelivered: bool,
    body: Bytes,
) -> Result<Message, WireError> {
    let content = content?;
    let mut message = Message { body, ..Message::default() };
    message.content_type = content.content_type.unwrap_or_default();
    message.content_encoding = content.content_encoding.unwrap_or_default();
    message.headers = content.headers.unwrap_or_default();
    let properties = &mut message.properties;
    properties.delivery_mode = content.delivery_mode;
    properties.priority = content.priority;
    properties.correlation_id = content.correlation_id;
    properties.reply_to = content.reply_to;
    properties.expiration = content.expiration;
    properties.message_id = content.message_id;
    properties.timestamp = content.timestamp.and_then(|seconds| i64::try_from(seconds).ok());
    properties.kind = content.kind;
    properties.user_id = content.user_id;
    properties.app_id = content.app_id;
    if let Some(cluster) = content.cluster_id {
        properties.other.insert("cluster_id", cluster);
    }
    properties.delivery_info.exchange = Content::name(exchange)?;
    properties.delivery_info.routing_key = Content::name(routing_key)?;
    properties.delivery_info.redelivered = redelivered;
    Ok(message)
}

/// How often a message was delivered before, where the queue counts that.
pub(super) fn deliveries(message: &Message) -> u32 {
    match message.headers.get("x-delivery-count") {
        Some(Value::Int(count)) => u32::try_from(*count).unwrap_or(0),
        _ => 0,
    }
}
