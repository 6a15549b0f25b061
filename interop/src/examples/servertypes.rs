//! `servertypes`: who serves whom when. Ours is of Pyro's `thread` type.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use salamander::prelude::*;
use salamander::{Config, Dict};

use super::Stage;

struct Server {
    calls: AtomicI64,
    config: Arc<Config>,
}

#[expose]
impl Server {
    fn reset(&self) {
        self.calls.store(0, Ordering::SeqCst);
    }

    fn getcount(&self) -> i64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn getconfig(&self) -> Dict {
        self.config.as_dict()
    }

    #[blocking]
    fn delay(&self) -> String {
        // What the example is about: a call that holds a thread for a second.
        std::thread::sleep(Duration::from_secs(1));
        self.calls.fetch_add(1, Ordering::SeqCst);
        format!("{:?}", std::thread::current().id())
    }

    #[oneway]
    async fn onewaydelay(&self) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.calls.fetch_add(1, Ordering::SeqCst);
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let server = Server { calls: AtomicI64::new(0), config: stage.config().clone() };
    let uri = daemon.register("example.servertypes", server)?;
    stage.names().await?.register("example.servertypes", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
