//! Permits in a database, in a table of their own that is made when the first one is asked for.

use rusqlite::{Connection, OptionalExtension, params};

use super::Database;
use super::Tables;
use crate::Waits;
use crate::permits::{Permit, Permits, Taken};

/// A row for each holder of each permit; times are milliseconds since 1970.
const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS salamander_permits (
        name TEXT NOT NULL, holder TEXT NOT NULL, lapses BIGINT NOT NULL, PRIMARY KEY (name, holder))";

/// What is done with permits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Take,
    Renew,
    GiveBack,
}

/// # Wire
/// The table `salamander_permits`, which Celery does not look at. In PostgreSQL the server's clock counts, in SQLite that of the machine.
impl Permits for Database {
    fn take(&self, wanted: Vec<Permit>) -> Waits<'_, Taken> {
        Box::pin(self.permits(Act::Take, wanted))
    }

    fn renew(&self, held: Vec<Permit>) -> Waits<'_, ()> {
        Box::pin(async move { self.permits(Act::Renew, held).await.map(drop) })
    }

    fn give_back(&self, held: Vec<Permit>) -> Waits<'_, ()> {
        Box::pin(async move { self.permits(Act::GiveBack, held).await.map(drop) })
    }
}

impl Database {
    async fn permits(&self, act: Act, permits: Vec<Permit>) -> crate::Result<Taken> {
        self.0.open.check()?;
        match &self.0.tables {
            Tables::Sqlite(tables) => tables.permits(act, permits).await,
            #[cfg(feature = "postgres")]
            Tables::Postgres(tables) => tables.permits(act, permits).await,
        }
    }
}

/// Within a transaction that nobody else writes in.
pub(super) fn in_sqlite(db: &Connection, act: Act, permits: &[Permit]) -> rusqlite::Result<Taken> {
    db.execute_batch(TABLE)?;
    let now = crate::broker::hub::now();
    if let Act::GiveBack = act {
        for permit in permits {
            let sql = "DELETE FROM salamander_permits WHERE name = ? AND holder = ?";
            db.prepare_cached(sql)?.execute(params![&*permit.name, &*permit.holder])?;
        }
        return Ok(Taken::Granted);
    }
    if let Act::Take = act {
        for permit in permits {
            let (name, holder) = (&*permit.name, &*permit.holder);
            db.prepare_cached("DELETE FROM salamander_permits WHERE name = ? AND lapses <= ?")?
                .execute(params![name, now])?;
            let others: i64 = db
                .prepare_cached("SELECT count(*) FROM salamander_permits WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM salamander_permits WHERE name = ?1 AND holder = ?2)")?
                .query_row(params![name, holder], |row| row.get(0))?;
            if others < i64::from(permit.most) {
                continue;
            }
            let sql = "SELECT holder, lapses FROM salamander_permits WHERE name = ? ORDER BY lapses LIMIT 1";
            let first = db.prepare_cached(sql)?.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let (first, lapses): (String, i64) = first.unwrap_or_default();
            return Ok(Taken::refused(permit.name.clone(), first, lapses - now));
        }
    }
    for permit in permits {
        let sql = "INSERT INTO salamander_permits (name, holder, lapses) VALUES (?, ?, ?)
            ON CONFLICT (name, holder) DO UPDATE SET lapses = excluded.lapses";
        db.prepare_cached(sql)?.execute(params![&*permit.name, &*permit.holder, now + permit.millis()])?;
    }
    Ok(Taken::Granted)
}

/// Removes what has lapsed, if there is the table.
pub(super) fn tidy_sqlite(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(TABLE)?;
    db.execute("DELETE FROM salamander_permits WHERE lapses <= ?", [crate::broker::hub::now()]).map(drop)
}

/// The table, and the steps that have to be one. Who takes one waits for others who take the same; names come in order, so that no two wait for
/// each other.
#[cfg(feature = "postgres")]
pub(super) const IN_POSTGRES: &str = "
    CREATE TABLE IF NOT EXISTS salamander_permits (
        name TEXT NOT NULL, holder TEXT NOT NULL, lapses BIGINT NOT NULL, PRIMARY KEY (name, holder));
    CREATE OR REPLACE FUNCTION salamander_permits_take(names text[], holders text[], mosts bigint[], times bigint[], OUT refused text, OUT first text, OUT wait bigint)
    LANGUAGE plpgsql AS $$
    DECLARE now_ms bigint;
    BEGIN
        FOR i IN 1 .. cardinality(names) LOOP PERFORM pg_advisory_xact_lock(hashtextextended(names[i], 6)); END LOOP;
        now_ms := floor(extract(epoch FROM clock_timestamp()) * 1000);
        FOR i IN 1 .. cardinality(names) LOOP
            DELETE FROM salamander_permits p WHERE p.name = names[i] AND p.lapses <= now_ms;
            IF NOT EXISTS (SELECT 1 FROM salamander_permits p WHERE p.name = names[i] AND p.holder = holders[i])
                AND (SELECT count(*) FROM salamander_permits p WHERE p.name = names[i]) >= mosts[i] THEN
                SELECT p.name, p.holder, p.lapses - now_ms INTO refused, first, wait
                    FROM salamander_permits p WHERE p.name = names[i] ORDER BY p.lapses LIMIT 1;
                RETURN;
            END IF;
        END LOOP;
        FOR i IN 1 .. cardinality(names) LOOP
            INSERT INTO salamander_permits (name, holder, lapses) VALUES (names[i], holders[i], now_ms + times[i])
                ON CONFLICT (name, holder) DO UPDATE SET lapses = EXCLUDED.lapses;
        END LOOP;
    END $$;
    CREATE OR REPLACE FUNCTION salamander_permits_renew(names text[], holders text[], times bigint[]) RETURNS void
    LANGUAGE plpgsql AS $$
    DECLARE now_ms bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    BEGIN
        FOR i IN 1 .. cardinality(names) LOOP
            INSERT INTO salamander_permits (name, holder, lapses) VALUES (names[i], holders[i], now_ms + times[i])
                ON CONFLICT (name, holder) DO UPDATE SET lapses = EXCLUDED.lapses;
        END LOOP;
    END $$;
    CREATE OR REPLACE FUNCTION salamander_permits_give_back(names text[], holders text[]) RETURNS void
    LANGUAGE sql AS $$
        DELETE FROM salamander_permits p USING unnest(names, holders) AS given (name, holder)
            WHERE p.name = given.name AND p.holder = given.holder
    $$;";
