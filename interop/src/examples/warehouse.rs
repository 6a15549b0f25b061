//! `warehouse`: things that are brought and taken.

use salamander::prelude::*;

use super::{Printed, Stage};

struct Warehouse {
    contents: Vec<String>,
    printed: Printed,
}

#[expose]
impl Warehouse {
    fn list_contents(&self) -> Vec<String> {
        self.contents.clone()
    }

    fn take(&mut self, name: &str, item: &str) -> Result<(), Exception> {
        let at = self.contents.iter().position(|thing| thing == item);
        self.contents.remove(at.ok_or_else(|| Exception::value_error("list.remove(x): x not in list"))?);
        self.printed.line(format_args!("{name} took the {item}."));
        Ok(())
    }

    fn store(&mut self, name: &str, item: String) {
        self.printed.line(format_args!("{name} stored the {item}."));
        self.contents.push(item);
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let contents = ["chair", "bike", "flashlight", "laptop", "couch"].map(str::to_owned).to_vec();
    let uri = daemon.register("example.warehouse", Warehouse { contents, printed: stage.printed.clone() })?;
    stage.names().await?.register("example.warehouse", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
