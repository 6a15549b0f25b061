//! `unixdomainsock`: a socket with a file for its address, or with a name that is no file.

use salamander::prelude::*;

use super::{Printed, Stage};

struct Thingy(Printed);

#[expose]
impl Thingy {
    fn message(&self, arg: &str) -> &'static str {
        self.0.line(format_args!("Message received: {arg}"));
        "Roger!"
    }
}

/// Serves it at this path.
///
/// # Errors
/// Where that cannot be.
pub async fn serve(stage: &Stage, path: &str) -> Result<Uri> {
    let daemon = stage.builder().bind(&format!("./u:{path}")).await?;
    let uri = daemon.register("example.unixsock", Thingy(stage.printed.clone()))?;
    daemon.spawn();
    Ok(uri)
}
