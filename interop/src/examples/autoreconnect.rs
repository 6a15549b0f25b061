//! `autoreconnect`: a server that goes and comes back, at the same place under the same id.

use salamander::DaemonHandle;
use salamander::prelude::*;

use super::{Printed, Stage};

struct TestClass(Printed);

#[expose]
impl TestClass {
    fn method(&self, arg: Value) {
        self.0.line(format_args!("Method called with {arg:?}"));
    }
}

/// Serves it on this port, 0 for a free one, and tells the name server.
///
/// # Errors
/// Where the port is taken.
pub async fn serve(stage: &Stage, port: u16) -> Result<(Uri, DaemonHandle)> {
    let daemon = stage.builder().bind(&format!("localhost:{port}")).await?;
    let uri = daemon.register("example.autoreconnect_fixed_objectid", TestClass(stage.printed.clone()))?;
    stage.names().await?.register("example.autoreconnect", &uri).await?;
    Ok((uri, daemon.spawn()))
}
