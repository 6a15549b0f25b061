//! `async`: calls that take a while, and clients that do something else meanwhile.

use std::time::Duration;

use salamander::prelude::*;

use super::{Printed, Stage};

struct Thingy(Printed);

#[expose]
impl Thingy {
    async fn divide(&self, a: i64, b: i64) -> Result<i64, Exception> {
        self.0.line(format_args!("dividing {a} by {b} after a slight delay"));
        tokio::time::sleep(Duration::from_secs(3)).await;
        a.checked_div_euclid(b).ok_or_else(|| Exception::zero_division_error("integer division or modulo by zero"))
    }

    fn multiply(&self, a: i64, b: i64) -> i64 {
        a * b
    }

    fn add(&self, value: i64, increase: i64) -> i64 {
        value + increase
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.async", Thingy(stage.printed.clone()))?;
    daemon.spawn();
    Ok(uri)
}
