//! `eventloop`: a name server and objects in one program, and here also at one port.

use std::sync::Arc;

use salamander::Generation;
use salamander::naming::storage::MemoryStorage;
use salamander::naming::{NameRegistry, serve_names};
use salamander::prelude::*;

use super::Stage;

/// The name of the server.
pub fn name(generation: Generation) -> &'static str {
    match generation {
        Generation::Pyro5 => "example.eventloop.server",
        Generation::Pyro4 => "example.embedded.server",
    }
}

struct EmbeddedServer;

#[expose]
impl EmbeddedServer {
    fn multiply(&self, x: Value, y: usize) -> Result<Value, Exception> {
        match &x {
            Value::Str(text) => Ok(text.to_string().repeat(y).into()),
            other => {
                let x = other.as_int().ok_or_else(|| Exception::type_error("neither a number nor a text"))?;
                Ok(Value::from(x * i64::try_from(y)?))
            }
        }
    }
}

/// Serves both, and gives the URI of the name server.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let registry = Arc::new(NameRegistry::new(MemoryStorage::default()));
    let names = serve_names(&daemon, registry, stage.config())?;
    let uri = daemon.register_anonymous(EmbeddedServer)?;
    daemon.spawn();
    stage.proxy(&names.to_string())?.call::<()>("register", (name(stage.generation()), uri)).await?;
    Ok(names)
}
