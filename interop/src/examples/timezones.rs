//! `timezones`: times with their distance from Greenwich.

use salamander::DateTime;
use salamander::prelude::*;

use super::{Stage, clock};

struct Server;

#[expose]
impl Server {
    fn echo(&self, date: Value) -> Value {
        date
    }

    fn pytz(&self) -> DateTime {
        clock::now(1)
    }

    fn dateutil(&self) -> DateTime {
        clock::now(2)
    }

    fn pendulum(&self) -> DateTime {
        clock::now(-5)
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.timezones", Server)?;
    daemon.spawn();
    Ok(uri)
}
