//! `distributed-computing3`: workers that are found by what they can do.

use salamander::prelude::*;

use super::Stage;
use super::distributed_computing::factorize;

struct Worker;

#[expose]
impl Worker {
    fn factorize(&self, n: u64) -> Vec<u64> {
        factorize(n)
    }
}

/// Serves a worker.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage, name: &str) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register(name, Worker)?;
    stage.names().await?.register_with(name, &uri, true, ["example3.worker.factorizer"]).await?;
    daemon.spawn();
    Ok(uri)
}
