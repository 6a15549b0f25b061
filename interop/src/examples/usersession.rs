//! `usersession`: connections to a database, of each session and of all together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use salamander::InstanceMode;
use salamander::prelude::*;

use super::Stage;

type Database = Arc<Mutex<HashMap<String, Value>>>;

/// Which only one call may use at a time.
struct Connection {
    database: Database,
    busy: tokio::sync::Mutex<()>,
}

impl Connection {
    fn new(database: &Database) -> Self {
        Self { database: database.clone(), busy: tokio::sync::Mutex::default() }
    }

    async fn with<T>(
        &self,
        user: &str,
        what: &str,
        work: impl FnOnce(&mut HashMap<String, Value>) -> T,
    ) -> Result<T, Exception> {
        if !["user123", "admin"].contains(&user) {
            return Err(Exception::new("builtins.AssertionError", "access denied"));
        }
        let Ok(_busy) = self.busy.try_lock() else {
            let text = format!("ERROR: concurrent connection access ({what}) by multiple different threads");
            return Err(Exception::runtime_error(text));
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(work(&mut self.database.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    async fn store(&self, user: &str, key: String, value: Value) -> Result<(), Exception> {
        self.with(user, "write", |all| drop(all.insert(key, value))).await
    }

    async fn retrieve(&self, user: &str, key: &str) -> Result<Value, Exception> {
        self.with(user, "read", |all| all.get(key).cloned()).await?.ok_or_else(|| Exception::key_error(key))
    }
}

/// The user whom the client names in an annotation.
fn user(context: &CallContext) -> Result<String, Exception> {
    let user = context.annotation("USER").ok_or_else(|| Exception::key_error("USER"))?;
    Ok(String::from_utf8_lossy(user).into_owned())
}

struct SingletonDatabase(Connection);

#[expose]
impl SingletonDatabase {
    async fn store(&self, key: String, value: Value, context: &CallContext) -> Result<(), Exception> {
        self.0.store(&user(context)?, key, value).await
    }

    async fn retrieve(&self, key: String, context: &CallContext) -> Result<Value, Exception> {
        self.0.retrieve(&user(context)?, &key).await
    }
}

struct SessionboundDatabase(Connection, String);

#[expose]
impl SessionboundDatabase {
    async fn store(&self, key: String, value: Value) -> Result<(), Exception> {
        self.0.store(&self.1, key, value).await
    }

    async fn retrieve(&self, key: String) -> Result<Value, Exception> {
        self.0.retrieve(&self.1, &key).await
    }
}

/// Serves both.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let (daemon, names, database) = (stage.daemon().await?, stage.names().await?, Database::default());
    let of_all = database.clone();
    let single = move |_: &CallContext| Ok::<_, Exception>(SingletonDatabase(Connection::new(&of_all)));
    let uri = daemon.register_class("singletondb", InstanceMode::Single, single)?;
    names.register("example.usersession.singletondb", &uri).await?;
    let (of_all, printed) = (database, stage.printed.clone());
    let session = move |context: &CallContext| {
        let user = user(context)?;
        printed.line(format_args!("new instance and connection for user: {user}"));
        Ok::<_, Exception>(SessionboundDatabase(Connection::new(&of_all), user))
    };
    let uri = daemon.register_class("sessiondb", InstanceMode::Session, session)?;
    names.register("example.usersession.sessiondb", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
