//! `autoproxy`: objects that arrive as proxies.

use salamander::prelude::*;
use salamander::{DaemonHandle, Remote};

use super::{Printed, Stage};

struct Thingy {
    number: i64,
    printed: Printed,
}

#[expose]
impl Thingy {
    fn speak(&self, message: &str) {
        self.printed.line(format_args!("Thingy {} says: {message}", self.number));
    }
}

struct Factory {
    daemon: DaemonHandle,
    printed: Printed,
}

#[expose]
impl Factory {
    #[name("createSomething")]
    fn create_something(&self, number: i64) -> Result<Remote<Thingy>> {
        self.daemon.share(Thingy { number, printed: self.printed.clone() })
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let factory = Factory { daemon: daemon.handle(), printed: stage.printed.clone() };
    let uri = daemon.register("example.autoproxy", factory)?;
    daemon.spawn();
    Ok(uri)
}
