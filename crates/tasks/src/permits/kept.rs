//! [`KeptPermits`]: permits in this process, and in its file where it has one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use salamander_value::Str;

use super::{Permit, Permits, Taken};
use crate::broker::hub::now;
use crate::error::Result;
use crate::waits::Waits;

/// Permits beside the queues of this process.
#[derive(Default)]
pub(crate) struct KeptPermits {
    table: Mutex<Table>,
    journal: Option<Arc<dyn Journal>>,
}

/// Writes permits down, so that they are there when the process begins again.
pub(crate) trait Journal: Send + Sync {
    /// Takes changes: until when each is held; none where it is given back. Done when it is written.
    fn write(&self, rows: Vec<Row>) -> Waits<'static, ()>;
}

/// A permit that is held: its name, its holder, until when in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: Str,
    pub(crate) holder: Str,
    pub(crate) until: Option<i64>,
}

/// Who holds what, and until when.
#[derive(Default)]
struct Table {
    held: HashMap<Str, Vec<(Str, i64)>>,
    /// So many names there were when it was looked last for those that nobody holds any more.
    looked: usize,
}

/// So many names more are let in before it is looked.
const SLACK: usize = 1024;

impl KeptPermits {
    /// Permits in a file, with what it had.
    pub(crate) fn journaled(journal: Arc<dyn Journal>, rows: Vec<Row>) -> Self {
        let mut table = Table::default();
        rows.into_iter().for_each(|row| table.put(row));
        Self { table: Mutex::new(table), journal: Some(journal) }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Under the lock, so that the order stays; what is returned waits until it is written.
    fn written(&self, rows: impl FnOnce(&mut Table) -> Vec<Row>) -> Option<Waits<'static, ()>> {
        let mut table = self.table();
        let rows = rows(&mut table);
        let journal = self.journal.as_ref().filter(|_| !rows.is_empty())?;
        Some(journal.write(rows))
    }
}

/// What is held until so long after now.
fn rows(permits: &[Permit], now: i64) -> Vec<Row> {
    let row = |permit: &Permit| Row {
        name: permit.name.clone(),
        holder: permit.holder.clone(),
        until: Some(now.saturating_add(permit.millis())),
    };
    permits.iter().map(row).collect()
}

async fn done(written: Option<Waits<'static, ()>>) -> Result<()> {
    match written {
        Some(written) => written.await,
        None => Ok(()),
    }
}

impl Permits for KeptPermits {
    fn take(&self, wanted: Vec<Permit>) -> Waits<'_, Taken> {
        let mut taken = Taken::Granted;
        let written = self.written(|table| {
            let now = now();
            if let Some(refused) = wanted.iter().find_map(|permit| table.refusal(permit, now)) {
                taken = refused;
                return Vec::new();
            }
            let rows = rows(&wanted, now);
            rows.iter().cloned().for_each(|row| table.put(row));
            table.tidy(now);
            rows
        });
        Box::pin(async move { done(written).await.map(|()| taken) })
    }

    fn renew(&self, held: Vec<Permit>) -> Waits<'_, ()> {
        let written = self.written(|table| {
            let rows = rows(&held, now());
            rows.iter().cloned().for_each(|row| table.put(row));
            rows
        });
        Box::pin(done(written))
    }

    fn give_back(&self, held: Vec<Permit>) -> Waits<'_, ()> {
        let written = self.written(|table| {
            let rows: Vec<Row> =
                held.into_iter().map(|Permit { name, holder, .. }| Row { name, holder, until: None }).collect();
            rows.iter().cloned().for_each(|row| table.put(row));
            rows
        });
        Box::pin(done(written))
    }
}

impl Table {
    /// Why a permit is not to be had.
    fn refusal(&mut self, permit: &Permit, now: i64) -> Option<Taken> {
        let holders = self.held.get_mut(&permit.name)?;
        holders.retain(|(_, until)| *until > now);
        if holders.len() < permit.most as usize || holders.iter().any(|(holder, _)| *holder == permit.holder) {
            return None;
        }
        let (holder, until) = holders.iter().min_by_key(|(_, until)| *until)?;
        Some(Taken::refused(permit.name.clone(), holder.clone(), until - now))
    }

    fn put(&mut self, row: Row) {
        let Row { name, holder, until } = row;
        let holders = self.held.entry(name.clone()).or_default();
        let own = holders.iter().position(|(other, _)| *other == holder);
        match (own, until) {
            (Some(own), Some(until)) => holders[own].1 = until,
            (None, Some(until)) => holders.push((holder, until)),
            (Some(own), None) => _ = holders.swap_remove(own),
            (None, None) => {}
        }
        if holders.is_empty() {
            self.held.remove(&name);
        }
    }

    /// Forgets what has lapsed, as often as there is much more than there was.
    fn tidy(&mut self, now: i64) {
        if self.held.len() < 2 * self.looked + SLACK {
            return;
        }
        self.held.retain(|_, holders| holders.iter().any(|(_, until)| *until > now));
        self.looked = self.held.len();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn permit(name: &str, holder: &str, most: u32, millis: u64) -> Permit {
        Permit { name: name.into(), holder: holder.into(), most, time: Duration::from_millis(millis) }
    }

    #[tokio::test]
    async fn so_many_have_it_and_no_more() {
        let permits = KeptPermits::default();
        let hour = 3_600_000;
        for holder in ["a", "b", "a"] {
            assert_eq!(permits.take(vec![permit("x", holder, 2, hour)]).await.unwrap(), Taken::Granted);
        }
        // All or none.
        let both = vec![permit("y", "c", 1, hour), permit("x", "c", 2, hour)];
        let Taken::Refused { name, holder, left } = permits.take(both).await.unwrap() else { panic!("it is taken") };
        assert!(name == "x" && holder == "a" && left <= Duration::from_millis(hour));
        assert_eq!(permits.take(vec![permit("y", "d", 1, hour)]).await.unwrap(), Taken::Granted);
        permits.give_back(vec![permit("x", "a", 2, 0)]).await.unwrap();
        assert_eq!(permits.take(vec![permit("x", "c", 2, hour)]).await.unwrap(), Taken::Granted);
        // Whoever goes on although it has lapsed counts again.
        permits.renew(vec![permit("x", "a", 2, hour)]).await.unwrap();
        permits.give_back(vec![permit("x", "b", 2, 0)]).await.unwrap();
        assert!(matches!(permits.take(vec![permit("x", "d", 2, hour)]).await.unwrap(), Taken::Refused { .. }));
    }

    #[test]
    fn what_lapses_is_forgotten() {
        let mut table = Table::default();
        for number in 0..3000 {
            table.tidy(number + 1);
            table.put(Row { name: number.to_string().into(), holder: "a".into(), until: Some(number) });
        }
        assert!(table.held.len() <= SLACK + 1);
        let wanted = permit("2999", "b", 1, 1);
        assert!(matches!(table.refusal(&wanted, 2998), Some(Taken::Refused { left, .. }) if left.as_millis() == 1));
        assert_eq!(table.refusal(&wanted, 2999), None);
    }
}
