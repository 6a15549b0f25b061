//! What a file holds, as a hub takes it up.

use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, Row};
use salamander_value::Str;

use crate::broker::hub::{Journaled, JournaledMessage};
use crate::broker::{Exchange, ExchangeKind, Queue};

/// All that was written earlier: queues, exchanges, bindings, messages.
pub(super) fn load(db: &Connection) -> rusqlite::Result<Vec<Journaled>> {
    let mut all = Vec::new();
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
        all.push(Journaled::Queue { number: row.get(0)?, plain: row.get(2)?, queue: Box::new(queue) });
        Ok(())
    })?;
    each(db, "SELECT name, kind, auto_delete FROM exchanges", |row| {
        let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let mut exchange = Exchange::new(name, ExchangeKind::named(&kind).unwrap_or_default());
        exchange.auto_delete = row.get(2)?;
        all.push(Journaled::Exchange(exchange));
        Ok(())
    })?;
    each(db, "SELECT exchange, routing_key, queue FROM bindings", |row| {
        let (exchange, routing_key): (String, String) = (row.get(0)?, row.get(1)?);
        all.push(Journaled::Bind { exchange: exchange.into(), routing_key: routing_key.into(), queue: row.get(2)? });
        Ok(())
    })?;
    let messages = "SELECT id, queue, priority, due, expires, deliveries, task, envelope FROM messages ORDER BY id";
    each(db, messages, |row| {
        all.push(Journaled::Message(Box::new(JournaledMessage {
            id: row.get(0)?,
            queue: row.get(1)?,
            priority: row.get(2)?,
            due: row.get(3)?,
            expires: row.get(4)?,
            deliveries: row.get(5)?,
            task: row.get::<_, Option<String>>(6)?.map(Str::from),
            envelope: Bytes::from(row.get::<_, Vec<u8>>(7)?),
        })));
        Ok(())
    })?;
    Ok(all)
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
