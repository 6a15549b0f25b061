//! `resourcetracking`: what a client has allocated is freed when it leaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use salamander::prelude::*;
use salamander::{Session, Tracked};

use super::{Printed, Stage};

/// The names of the resources that are there.
type Names = Arc<Mutex<Vec<String>>>;

struct Resource {
    name: String,
    all: Names,
    printed: Printed,
}

impl Drop for Resource {
    fn drop(&mut self) {
        self.printed.line(format_args!("Resource: closing {}", self.name));
        self.all.lock().unwrap_or_else(PoisonError::into_inner).retain(|name| *name != self.name);
    }
}

/// What a session has, by name.
#[derive(Default)]
struct Own(Mutex<HashMap<String, Tracked<Resource>>>);

struct Service {
    all: Names,
    printed: Printed,
}

#[expose]
impl Service {
    fn allocate(&self, name: String, context: &CallContext) {
        let Some(session) = context.session() else { return };
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        let resource = Resource { name: name.clone(), all: self.all.clone(), printed: self.printed.clone() };
        let own = session.data::<Own>();
        own.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, session.track(resource));
    }

    fn free(&self, name: &str, context: &CallContext) {
        let Some(session) = context.session() else { return };
        let tracked = session.data::<Own>().0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        drop(tracked.and_then(|tracked| session.untrack(&tracked)));
    }

    fn list(&self) -> Vec<String> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let printed = stage.printed.clone();
    let gone = move |session: &Session| printed.line(format_args!("client disconnects: {:?}", session.peer()));
    let daemon = stage.builder().on_disconnect(gone).bind("localhost:0").await?;
    let uri = daemon.register("service", Service { all: Names::default(), printed: stage.printed.clone() })?;
    daemon.spawn();
    Ok(uri)
}
