//! A daemon of ours in this process, with the objects of [`thing`](super::thing).

use std::sync::Arc;

use salamander::{Config, Daemon, DaemonHandle, Exception, Handshake, Uri, Value};

use super::thing::Thing;

/// A daemon that serves until this is dropped.
pub struct Ours {
    /// The URI of the object `thing`.
    pub uri: Uri,
    /// To look at it and to stop it.
    pub handle: DaemonHandle,
}

impl Ours {
    /// A daemon with Pyro's default settings, on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        Self::with(&[], "127.0.0.1:0", |builder| builder).await
    }

    /// A daemon with these settings, by the names of environment variables, set up in this way.
    ///
    /// # Panics
    /// Where a setting is wrong or the place is taken.
    pub async fn with(
        settings: &[(&str, &str)],
        location: &str,
        set_up: impl FnOnce(salamander::Builder) -> salamander::Builder,
    ) -> Self {
        let config = Arc::new(Config::from_vars(settings.iter().copied()).expect("the settings are right"));
        let builder = set_up(Daemon::builder().config(config));
        let daemon = builder.bind(location).await.expect("the daemon binds");
        daemon.register("thing", Thing::new(daemon.handle())).expect("the id is free");
        super::office::register(&daemon).expect("the ids are free");
        let uri = daemon.internal_uri_for("thing").expect("the id can stand in a URI");
        Self { uri, handle: daemon.spawn() }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// What `server.py --greeter` does with what clients say when they connect.
pub async fn greeter(handshake: Handshake) -> Result<Value, Exception> {
    match handshake.data.as_str() {
        Some("refuse me") => Err(Exception::value_error("you asked for it")),
        Some("be silent") => Ok(Value::None),
        _ => Ok(salamander::Dict::from_iter([("you said", handshake.data)]).into()),
    }
}
