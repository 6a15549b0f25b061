//! `autoretry`: a server that loses patience; its settings do that.

use salamander::prelude::*;

use super::Stage;

struct CalcServer;

#[expose]
impl CalcServer {
    fn add(&self, num1: i64, num2: i64) -> i64 {
        num1 + num2
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.autoretry", CalcServer)?;
    stage.names().await?.register("example.autoretry", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
