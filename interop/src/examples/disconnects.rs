//! `disconnects`: clients that are silent too long are sent away; the settings of the stage do that.

use salamander::prelude::*;

use super::Stage;

struct TestDisconnect;

#[expose]
impl TestDisconnect {
    fn echo(&self, arg: Value) -> Value {
        arg
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let printed = stage.printed.clone();
    let gone = move |_: &salamander::Session| printed.line("a client is gone");
    let daemon = stage.builder().on_disconnect(gone).bind("localhost:0").await?;
    let uri = daemon.register("example.disconnect", TestDisconnect)?;
    daemon.spawn();
    Ok(uri)
}
