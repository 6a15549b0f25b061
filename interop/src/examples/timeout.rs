//! `timeout`: a server that takes its time, and one that never answers.

use std::time::Duration;

use salamander::prelude::*;
use tokio::net::TcpListener;

use super::Stage;

struct TimeoutServer;

#[expose]
impl TimeoutServer {
    async fn delay(&self, amount: u64) -> String {
        tokio::time::sleep(Duration::from_secs(amount)).await;
        format!("slept {amount} seconds")
    }
}

/// Serves the first; the second is the port that is given back, which accepts nobody.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<TcpListener> {
    let (daemon, names) = (stage.daemon().await?, stage.names().await?);
    let uri = daemon.register_anonymous(TimeoutServer)?;
    names.register("example.timeout", &uri).await?;
    daemon.spawn();
    let frozen = TcpListener::bind("127.0.0.1:0").await?;
    let uri: Uri = format!("PYRO:frozen@127.0.0.1:{}", frozen.local_addr()?.port()).parse()?;
    names.register("example.timeout.frozendaemon", &uri).await?;
    Ok(frozen)
}
