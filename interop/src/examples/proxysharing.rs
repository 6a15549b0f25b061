//! `proxysharing`: an object that many threads call, by one proxy and by many.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use salamander::prelude::*;

use super::Stage;

#[derive(Default)]
struct RemoteObject(AtomicI64);

#[expose]
impl RemoteObject {
    fn method(&self, _arg: &str) -> &'static str {
        " ~~this is the remote result~~ "
    }

    async fn work(&self) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn reset_work(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    fn get_work_done(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.proxysharing", RemoteObject::default())?;
    stage.names().await?.register("example.proxysharing", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
