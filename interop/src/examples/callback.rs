//! `callback`: servers that call their clients back.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use salamander::prelude::*;
use salamander::{DaemonHandle, Remote};

use super::{Printed, Stage};

struct Worker {
    number: i64,
    callback: Proxy,
    daemon: DaemonHandle,
    uri: OnceLock<Uri>,
    printed: Printed,
}

#[expose]
impl Worker {
    #[oneway]
    async fn work(&self, amount: u64) -> Result<()> {
        self.printed.line(format_args!("Worker {} busy...", self.number));
        tokio::time::sleep(Duration::from_secs(amount)).await;
        self.printed.line(format_args!("Worker {} done. Informing callback client.", self.number));
        if let Some(uri) = self.uri.get() {
            self.daemon.unregister(uri.object());
        }
        self.callback.call("done", (self.number,)).await
    }
}

struct CallbackServer {
    number: AtomicI64,
    daemon: DaemonHandle,
    printed: Printed,
}

#[expose]
impl CallbackServer {
    fn addworker(&self, callback: Proxy) -> Result<Remote<Worker>> {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let (daemon, printed) = (self.daemon.clone(), self.printed.clone());
        let worker = Worker { number, callback, daemon, uri: OnceLock::new(), printed };
        let worker = self.daemon.share(worker)?;
        let _ = worker.object().get().uri.set(worker.uri().clone());
        Ok(worker)
    }
}

/// Serves the first of the two.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<DaemonHandle> {
    let daemon = stage.daemon().await?;
    let (handle, printed) = (daemon.handle(), stage.printed.clone());
    let server = CallbackServer { number: AtomicI64::new(0), daemon: handle, printed };
    let uri = daemon.register("example.callback", server)?;
    stage.names().await?.register("example.callback", &uri).await?;
    Ok(daemon.spawn())
}

struct CallbackServer2(Printed);

#[expose]
impl CallbackServer2 {
    #[oneway]
    #[name("doCallback")]
    async fn do_callback(&self, callback: Proxy) {
        for method in ["call1", "call2"] {
            self.0.line(format_args!("server: doing {method} to client"));
            if let Err(error) = callback.call::<Value>(method, ()).await {
                self.0.line("got an exception from the callback:");
                self.0.line(error.exception().map(|raised| raised.traceback().concat()).unwrap_or_default());
            }
        }
        self.0.line("server: callbacks done.");
    }
}

/// Serves the second.
///
/// # Errors
/// Where there is no port.
pub async fn serve_2(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.callback2", CallbackServer2(stage.printed.clone()))?;
    stage.names().await?.register("example.callback2", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
