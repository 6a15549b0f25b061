//! `gui_eventloop`: messages; there is no window to show them in.

use std::time::Duration;

use salamander::prelude::*;

use super::{Printed, Stage};

struct Messages(Printed);

#[expose]
impl Messages {
    fn message(&self, messagetext: &str) {
        self.0.line(messagetext);
    }

    async fn sleep(&self, duration: f64) {
        tokio::time::sleep(Duration::from_secs_f64(duration)).await;
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.messages", Messages(stage.printed.clone()))?;
    daemon.spawn();
    Ok(uri)
}
