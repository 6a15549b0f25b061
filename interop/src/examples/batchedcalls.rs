//! `batchedcalls`: many calls in one message.

use std::time::Duration;

use salamander::prelude::*;

use super::{Printed, Stage};

struct Thingy(Printed);

#[expose]
impl Thingy {
    fn multiply(&self, a: i64, b: i64) -> i64 {
        a * b
    }

    fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    fn divide(&self, a: i64, b: i64) -> Result<i64, Exception> {
        a.checked_div_euclid(b).ok_or_else(|| Exception::zero_division_error("integer division or modulo by zero"))
    }

    async fn delay(&self, seconds: u64) -> u64 {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        seconds
    }

    fn printmessage(&self, message: &str) -> i64 {
        self.0.line(message);
        0
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.batched", Thingy(stage.printed.clone()))?;
    daemon.spawn();
    Ok(uri)
}
