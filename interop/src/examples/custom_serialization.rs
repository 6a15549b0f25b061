//! `custom-serialization`: instances of classes that both sides know.

use salamander::prelude::*;

use super::{Printed, Stage};

#[class("waheeee-custom-thingy")]
#[derive(Debug)]
struct Thingy {
    #[serde(rename = "number-attribute")]
    number: i64,
}

#[class("mycustomclasses.OtherThingy")]
#[derive(Debug)]
struct OtherThingy {
    number: i64,
}

struct Server(Printed);

#[expose]
impl Server {
    fn method(&self, arg: Thingy) -> Thingy {
        self.0.line(format_args!("method called, arg={arg:?}"));
        Thingy { number: 999 }
    }

    fn othermethod(&self, arg: OtherThingy) -> OtherThingy {
        self.0.line(format_args!("othermethod called, arg={arg:?}"));
        OtherThingy { number: 999 }
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.customclasses", Server(stage.printed.clone()))?;
    daemon.spawn();
    Ok(uri)
}
