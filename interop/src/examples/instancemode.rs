//! `instancemode`: how many instances there are, and for whom.

use std::sync::atomic::{AtomicU64, Ordering};

use salamander::InstanceMode;
use salamander::prelude::*;

use super::Stage;

/// The number of a new instance.
fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

struct Instance(u64);

#[expose]
impl Instance {
    fn msg(&self, _message: &str) -> u64 {
        self.0
    }
}

/// Knows the call for which it was made.
struct SessionInstance(u64, String);

#[expose]
impl SessionInstance {
    fn msg(&self, _message: &str) -> (u64, String) {
        (self.0, self.1.clone())
    }
}

/// Serves all three.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let (daemon, names) = (stage.daemon().await?, stage.names().await?);
    let plain = |_: &CallContext| Ok::<_, Exception>(Instance(number()));
    let single = daemon.register_class("single", InstanceMode::Single, plain)?;
    let percall = daemon.register_class("percall", InstanceMode::PerCall, plain)?;
    let create =
        |context: &CallContext| Ok::<_, Exception>(SessionInstance(number(), context.correlation_id().to_string()));
    let session = daemon.register_class("session", InstanceMode::Session, create)?;
    for (name, uri) in [("single", &single), ("session", &session), ("percall", &percall)] {
        names.register(&format!("instance.{name}"), uri).await?;
    }
    daemon.spawn();
    Ok(single)
}
