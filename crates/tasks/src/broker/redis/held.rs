//! What consumers hold, in the hash that kombu calls `unacked`: putting it back.

use bytes::Bytes;
use redis::{Pipeline, Value};
use salamander_value::{Str, Value as Data};
use salamander_wire::celery::Message;

use super::keys::Keys;
use super::routing::Binding;
use super::scripts;
use crate::broker::ExchangeKind;
use crate::redis::{Connection, Trouble, array, bytes, flag, text};

/// The header that says how often a message was delivered before; RabbitMQ's quorum queues have it too.
pub(super) const DELIVERIES: &str = "x-delivery-count";

/// How many are put back at once.
const TOGETHER: usize = 100;

/// Which end of its queue a message goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is next.
    Next,
    /// It is last, as kombu has it for what is refused.
    Last,
}

/// A message that is held, with its tag.
pub(super) type Held = (Vec<u8>, Option<Bytes>);

/// Puts back what is held, marked as redelivered, each in one step and only if nobody else has settled it; says how many that
/// were.
pub(super) async fn put_back(
    connection: &mut Connection,
    keys: &Keys,
    held: Vec<Held>,
    before: &str,
    end: End,
    kind: &(dyn Fn(&str) -> Option<ExchangeKind> + Sync),
) -> Result<u64, Trouble> {
    let mut count = 0;
    let mut commands = Pipeline::new();
    for (tag, value) in held {
        let (lists, payload) = match value.as_ref().and_then(split) {
            Some((raw, exchange, key)) => {
                let message = Message::from_envelope(&raw).ok().map(again);
                let queues = match exchange.is_empty() {
                    true => vec![key.clone()],
                    false => lookup(connection, keys, &exchange, &key, kind).await?,
                };
                if queues.is_empty() {
                    tracing::warn!("a message that is held leads nowhere: no queue is bound to {exchange} by {key}");
                    continue;
                }
                let lists: Vec<String> = queues
                    .iter()
                    .map(|queue| message.as_ref().map_or_else(|| keys.list(queue, 0), |it| keys.list_of(queue, it)))
                    .collect();
                let payload = message.and_then(|message| message.to_envelope().ok()).unwrap_or(raw);
                (lists, payload)
            }
            // Only its place in the index is left, or it is nothing that anybody could deliver.
            None => {
                if let Some(value) = value {
                    tracing::error!(
                        "what is held under {} is no message, and is dropped: {} bytes",
                        String::from_utf8_lossy(&tag),
                        value.len()
                    );
                }
                (Vec::new(), Bytes::new())
            }
        };
        let mut command = scripts::PUT_BACK.command(2 + lists.len());
        command.arg(&keys.held).arg(&keys.index).arg(&lists);
        command.arg(tag).arg(before).arg(if end == End::Next { "R" } else { "L" }).arg(&*payload);
        commands.add_command(command);
        if commands.len() >= TOGETHER {
            count += connection.run(&commands).await?.iter().filter(|done| flag(done)).count() as u64;
            commands.clear();
        }
    }
    if !commands.is_empty() {
        count += connection.run(&commands).await?.iter().filter(|done| flag(done)).count() as u64;
    }
    Ok(count)
}

/// What is held under these tags.
pub(super) async fn fetch(
    connection: &mut Connection,
    keys: &Keys,
    tags: Vec<Vec<u8>>,
) -> Result<Vec<Held>, Trouble> {
    let mut held = Vec::with_capacity(tags.len());
    for tags in tags.chunks(TOGETHER) {
        let mut commands = Pipeline::new();
        commands.cmd("HMGET").arg(&keys.held).arg(tags);
        let values = array(connection.run(&commands).await?.pop().unwrap_or_default());
        held.extend(tags.iter().cloned().zip(values.into_iter().map(bytes)));
    }
    Ok(held)
}

/// Puts back what is held for longer than the visibility timeout, whoever holds it; says how many that were.
pub(super) async fn restore_overdue(
    connection: &mut Connection,
    keys: &Keys,
    kind: &(dyn Fn(&str) -> Option<ExchangeKind> + Sync),
) -> Result<u64, Trouble> {
    // Somebody else may be at it, kombu too; whoever dies meanwhile holds it up only so long.
    let mut commands = Pipeline::new();
    let token = uuid::Uuid::new_v4().simple().to_string();
    commands.cmd("SET").arg(&keys.mutex).arg(&token).arg("NX").arg("EX").arg(60);
    if matches!(connection.run(&commands).await?.pop(), None | Some(Value::Nil)) {
        return Ok(0);
    }
    let mut count = 0;
    loop {
        let mut commands = Pipeline::new();
        let mut command = scripts::OVERDUE.command(2);
        command.arg(&keys.held).arg(&keys.index).arg(keys.visibility.as_secs_f64()).arg(TOGETHER);
        commands.add_command(command);
        let mut found = array(connection.run(&commands).await?.pop().unwrap_or_default()).into_iter();
        let before = found.next().and_then(text).unwrap_or_default();
        let mut held = Vec::new();
        while let (Some(tag), Some(value)) = (found.next().and_then(bytes), found.next()) {
            held.push((tag.to_vec(), bytes(value)));
        }
        let full = held.len() == TOGETHER;
        let restored = put_back(connection, keys, held, &before, End::Next, kind).await?;
        count += restored;
        if !full || restored == 0 {
            break;
        }
    }
    let mut commands = Pipeline::new();
    commands.cmd("EVAL").arg("return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0");
    commands.arg(1).arg(&keys.mutex).arg(&token);
    connection.run(&commands).await?;
    Ok(count)
}

/// Puts back what a consumer of ours held, which is dead, and strikes it off.
pub(super) async fn restore_of(
    connection: &mut Connection,
    keys: &Keys,
    consumer: &str,
    kind: &(dyn Fn(&str) -> Option<ExchangeKind> + Sync),
) -> Result<u64, Trouble> {
    let (mut cursor, mut count) = (Bytes::from_static(b"0"), 0);
    loop {
        let mut commands = Pipeline::new();
        commands
            .cmd("HSCAN")
            .arg(&keys.held)
            .arg(&*cursor)
            .arg("MATCH")
            .arg(format!("{consumer}.*"))
            .arg("COUNT")
            .arg(500);
        let mut found = array(connection.run(&commands).await?.pop().unwrap_or_default()).into_iter();
        cursor = found.next().and_then(bytes).unwrap_or_else(|| Bytes::from_static(b"0"));
        let mut entries = array(found.next().unwrap_or_default()).into_iter();
        let mut held = Vec::new();
        while let (Some(tag), Some(value)) = (entries.next().and_then(bytes), entries.next()) {
            held.push((tag.to_vec(), bytes(value)));
        }
        count += put_back(connection, keys, held, "", End::Next, kind).await?;
        if &*cursor == b"0" {
            break;
        }
    }
    let mut commands = Pipeline::new();
    commands.cmd("HDEL").arg(keys.consumers()).arg(consumer);
    connection.run(&commands).await?;
    Ok(count)
}

/// The bindings of an exchange.
pub(super) async fn table(connection: &mut Connection, keys: &Keys, exchange: &str) -> Result<Vec<Binding>, Trouble> {
    let mut commands = Pipeline::new();
    commands.cmd("SMEMBERS").arg(keys.table(exchange));
    Ok(bindings(connection.run(&commands).await?.pop().unwrap_or_default(), keys))
}

/// The bindings in a table.
pub(super) fn bindings(members: Value, keys: &Keys) -> Vec<Binding> {
    array(members)
        .into_iter()
        .filter_map(text)
        .filter_map(|member| Binding::parse(&member, &keys.separator))
        .collect()
}

async fn lookup(
    connection: &mut Connection,
    keys: &Keys,
    exchange: &str,
    key: &str,
    kind: &(dyn Fn(&str) -> Option<ExchangeKind> + Sync),
) -> Result<Vec<Str>, Trouble> {
    let kind = kind(exchange);
    let table = table(connection, keys, exchange).await?;
    Ok(table.into_iter().filter(|binding| binding.leads(kind, key)).map(|binding| binding.queue.into()).collect())
}

/// The message as it is delivered the next time.
fn again(mut message: Message) -> Message {
    let before = deliveries(&message).unwrap_or(0);
    message.headers.insert(DELIVERIES, Data::Int(i64::from(before) + 1));
    message.headers.insert("redelivered", Data::Bool(true));
    message.properties.delivery_info.redelivered = true;
    message
}

/// How often a message was delivered before, as far as it says so.
pub(super) fn deliveries(message: &Message) -> Option<u32> {
    match message.headers.get(DELIVERIES) {
        Some(Data::Int(count)) => u32::try_from(*count).ok(),
        _ => None,
    }
}

/// What is put behind a message that is held: the way by which anybody, kombu too, puts it back to the very queue it came out of.
pub(super) fn suffix(queue: &str) -> String {
    let mut suffix = String::from(",\"\",\"");
    for letter in queue.chars() {
        match letter {
            '"' | '\\' => suffix.extend(['\\', letter]),
            ' '..='\u{7e}' => suffix.push(letter),
            letter => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    suffix.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    suffix.push_str("\"]");
    suffix
}

/// `[message, exchange, routing key]`, the message as it stands there.
pub(super) fn split(value: &Bytes) -> Option<(Bytes, Str, Str)> {
    let start = value.iter().position(|byte| *byte == b'[')? + 1;
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    let end = start
        + value[start..].iter().position(|byte| {
            match (quoted, *byte) {
                (true, _) if escaped => escaped = false,
                (true, b'\\') => escaped = true,
                (_, b'"') => quoted = !quoted,
                (false, b'{' | b'[') => depth += 1,
                (false, b'}' | b']') => depth = depth.saturating_sub(1),
                (false, b',') if depth == 0 => return true,
                _ => {}
            }
            false
        })?;
    let mut way = b"[".to_vec();
    way.extend_from_slice(value.get(end + 1..)?);
    let way = salamander_codec::Codec::Json.decode_value(&way.into(), &salamander_codec::Settings::default()).ok()?;
    match way.as_slice()? {
        [exchange, key] => {
            Some((value.slice(start..end), exchange.as_str().unwrap_or_default().into(), key.as_str()?.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_comes_apart() {
        let ours = format!("[{}{}", r#"{"a": "],\"[,"}"#, suffix("w\u{e4}rts \"\u{1f98e}\\"));
        assert_eq!(ours, "[{\"a\": \"],\\\"[,\"},\"\",\"w\\u00e4rts \\\"\\ud83e\\udd8e\\\\\"]");
        let (raw, exchange, key) = split(&ours.into()).unwrap();
        assert_eq!((&*raw, &*exchange, &*key), (&br#"{"a": "],\"[,"}"#[..], "", "w\u{e4}rts \"\u{1f98e}\\"));
        // As Python writes it.
        let (raw, exchange, key) = split(&Bytes::from_static(br#"[{"b": [1, {}]}, "ex", "k"]"#)).unwrap();
        assert_eq!((&*raw, &*exchange, &*key), (&br#"{"b": [1, {}]}"#[..], "ex", "k"));
        for wrong in ["", "[", "[1]", "[1,", "[1,2]", "{}", "[{},1,2]", "[\"a"] {
            assert_eq!(split(&Bytes::from(wrong)), None, "{wrong}");
        }
    }
}
