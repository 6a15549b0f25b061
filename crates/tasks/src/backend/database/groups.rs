//! The results of groups in Celery's table `celery_tasksetmeta`.

use salamander_wire::celery::ResultTree;

use super::{Database, Tables, row};
use crate::backend::Groups;
use crate::{Error, Kind, Result, Waits};

/// # Wire
/// Celery 5.7: a row with the group as a tuple, by the serializer of results. What earlier versions pickled is read too, as data; a pickled
/// `GroupResult` is none.
impl Groups for Database {
    fn save(&self, group: ResultTree) -> Waits<'_, ()> {
        Box::pin(async move {
            self.0.open.check()?;
            let encoded = self.0.serializer.encode(&group.to_value(), &self.0.settings).map_err(|error| {
                Error::with_source(Kind::Misuse, format!("a group cannot be encoded: {error}"), error)
            })?;
            let (id, saved, now) = (group.id.to_string(), encoded.to_vec(), row::now());
            match &self.0.tables {
                Tables::Sqlite(tables) => tables.save_group(id, saved, now).await,
                #[cfg(feature = "postgres")]
                Tables::Postgres(tables) => tables.save_group(&id, &saved, now).await,
            }
        })
    }

    fn restore<'a>(&'a self, group_id: &'a str) -> Waits<'a, Option<ResultTree>> {
        Box::pin(async move {
            let saved = match &self.0.tables {
                Tables::Sqlite(tables) => tables.find_group(group_id).await,
                #[cfg(feature = "postgres")]
                Tables::Postgres(tables) => tables.find_group(group_id).await,
            };
            let read = |saved: Vec<u8>| -> Result<ResultTree> {
                let value = row::decode(saved.into(), self.0.serializer, &self.0.settings)?;
                Ok(ResultTree::from_value(&value)?)
            };
            saved?.map(read).transpose()
        })
    }

    fn delete<'a>(&'a self, group_id: &'a str) -> Waits<'a, ()> {
        Box::pin(async move {
            match &self.0.tables {
                Tables::Sqlite(tables) => tables.forget_group(group_id).await,
                #[cfg(feature = "postgres")]
                Tables::Postgres(tables) => tables.forget_group(group_id).await,
            }
        })
    }
}
