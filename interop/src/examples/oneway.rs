//! `oneway`: calls that nobody waits for.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use salamander::prelude::*;

use super::{Printed, Stage};

struct Server {
    busy: AtomicBool,
    printed: Printed,
}

#[expose]
impl Server {
    #[oneway]
    async fn oneway_start(&self, duration: u64) {
        self.busy.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(duration)).await;
        self.busy.store(false, Ordering::SeqCst);
    }

    fn ready(&self) -> bool {
        !self.busy.load(Ordering::SeqCst)
    }

    fn result(&self) -> &'static str {
        "The result :)"
    }

    fn nothing(&self) {
        self.printed.line("nothing got called, doing nothing");
    }

    #[oneway]
    async fn oneway_work(&self) {
        for number in 1..=3 {
            self.printed.line(format_args!("work work.. {number}"));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.printed.line("work's done!");
    }
}

struct Server2(AtomicI64);

impl Server2 {
    async fn add(&self) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[expose]
impl Server2 {
    #[oneway]
    async fn increment_oneway(&self) {
        self.add().await;
    }

    async fn increment(&self) {
        self.add().await;
    }

    fn getcount(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Serves both.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let (daemon, names) = (stage.daemon().await?, stage.names().await?);
    let server = Server { busy: AtomicBool::new(false), printed: stage.printed.clone() };
    let uri = daemon.register("example.oneway", server)?;
    names.register("example.oneway", &uri).await?;
    let second = daemon.register("example.oneway2", Server2(AtomicI64::new(0)))?;
    names.register("example.oneway2", &second).await?;
    daemon.spawn();
    Ok(uri)
}
