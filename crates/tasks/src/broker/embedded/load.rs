//! What a file holds, as a hub takes it up and asks for it.

use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, Row, params};
use salamander_value::Str;

use crate::broker::hub::{Earlier, Journaled, JournaledMessage, Page, Place, now};
use crate::broker::{Exchange, ExchangeKind, Queue};
use crate::permits;

/// All that was written earlier: queues, exchanges, bindings, and what messages there are.
pub(super) fn load(db: &Connection, all: &mut Earlier) -> rusqlite::Result<()> {
    let queues = "SELECT number, name, plain, auto_delete, max_priority, expires, message_ttl FROM queues";
    each(db, queues, |row| {
        let name: String = row.get(1)?;
        let mut queue = Queue::new(name);
        // Which of them the exchange was is said by the bindings.
        queue.exchange.name = Str::default();
        queue.auto_delete = row.get(3)?;
        queue.max_priority = row.get(4)?;
        queue.expires = row.get::<_, Option<u64>>(5)?.map(Duration::from_millis);
        queue.message_ttl = row.get::<_, Option<u64>>(6)?.map(Duration::from_millis);
        all.take_up(Journaled::Queue { number: row.get(0)?, plain: row.get(2)?, queue: Box::new(queue) });
        Ok(())
    })?;
    each(db, "SELECT name, kind, auto_delete FROM exchanges", |row| {
        let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let mut exchange = Exchange::new(name, ExchangeKind::named(&kind).unwrap_or_default());
        exchange.auto_delete = row.get(2)?;
        all.take_up(Journaled::Exchange(exchange));
        Ok(())
    })?;
    each(db, "SELECT exchange, routing_key, queue FROM bindings", |row| {
        let (exchange, routing_key): (String, String) = (row.get(0)?, row.get(1)?);
        all.take_up(Journaled::Bind {
            exchange: exchange.into(),
            routing_key: routing_key.into(),
            queue: row.get(2)?,
        });
        Ok(())
    })?;
    each(db, "SELECT id, queue, priority, due, expires IS NOT NULL, task FROM messages ORDER BY id", |row| {
        all.take_up(Journaled::Message {
            id: row.get(0)?,
            queue: row.get(1)?,
            priority: row.get(2)?,
            due: row.get(3)?,
            expires: row.get(4)?,
            task: row.get(5)?,
        });
        Ok(())
    })
}

/// The permits that are held. What has lapsed is forgotten.
pub(super) fn permits(db: &Connection, into: &mut Vec<permits::Row>) -> rusqlite::Result<()> {
    db.execute("DELETE FROM permits WHERE until <= ?", [now()])?;
    each(db, "SELECT name, holder, until FROM permits", |row| {
        let (name, holder): (String, String) = (row.get(0)?, row.get(1)?);
        into.push(permits::Row { name: name.into(), holder: holder.into(), until: Some(row.get(2)?) });
        Ok(())
    })
}

/// The messages that are asked for.
pub(super) fn page(db: &Connection, page: &Page) -> rusqlite::Result<Vec<JournaledMessage>> {
    let mut query = db.prepare_cached(match page.from {
        // By id through all messages, from the first that is wanted to the last.
        Place::Ready { .. } => {
            "SELECT id, queue, priority, due, expires, deliveries, task, envelope FROM messages
                WHERE id >= ?3 AND queue = ?1 AND priority = ?2 AND due IS NULL ORDER BY id LIMIT ?4"
        }
        Place::Later { .. } => {
            "SELECT id, queue, priority, due, expires, deliveries, task, envelope FROM messages
                WHERE queue = ?1 AND due IS NOT NULL AND (due, id) >= (?2, ?3) ORDER BY due, id LIMIT ?4"
        }
    })?;
    let mut rows = match page.from {
        Place::Ready { priority, id } => query.query(params![page.queue, priority, id, page.most])?,
        Place::Later { due, id } => query.query(params![page.queue, due, id, page.most])?,
    };
    let (mut all, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let message = message(row)?;
        bytes += message.envelope.len();
        all.push(message);
        if bytes > page.bytes {
            break;
        }
    }
    Ok(all)
}

fn message(row: &Row<'_>) -> rusqlite::Result<JournaledMessage> {
    Ok(JournaledMessage {
        id: row.get(0)?,
        queue: row.get(1)?,
        priority: row.get(2)?,
        due: row.get(3)?,
        expires: row.get(4)?,
        deliveries: row.get(5)?,
        task: row.get::<_, Option<String>>(6)?.map(Str::from),
        envelope: Bytes::from(row.get::<_, Vec<u8>>(7)?),
    })
}

fn each(
    db: &Connection,
    query: &str,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut query = db.prepare(query)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}
