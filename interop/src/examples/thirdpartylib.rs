//! `thirdpartylib`: a class of somebody else's, as it is and behind an adapter.

use salamander::prelude::*;

use super::Stage;

/// The class of which nothing can be changed.
struct AwesomeClass;

impl AwesomeClass {
    fn method(&self, _arg: &str) -> &'static str {
        "awesome"
    }

    fn weird(&self) -> &'static str {
        "awesome"
    }
}

/// All of it, also what cannot be sent.
struct Exposed(AwesomeClass);

#[expose]
impl Exposed {
    fn method(&self, arg: &str) -> &'static str {
        self.0.method(arg)
    }

    fn weird(&self) -> Result<(), Exception> {
        Err(Exception::pyro("SerializeError", "a weird value cannot be sent"))
    }

    fn private(&self) -> &'static str {
        "boo"
    }
}

/// What is meant for others.
struct Adapter(AwesomeClass);

#[expose]
impl Adapter {
    fn method(&self, arg: &str) -> &'static str {
        self.0.method(arg)
    }

    fn weird(&self) -> String {
        format!("weird {}", self.0.weird())
    }
}

/// Serves the class as it is.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.thirdpartylib", Exposed(AwesomeClass))?;
    daemon.spawn();
    Ok(uri)
}

/// Serves the adapter.
///
/// # Errors
/// Where there is no port.
pub async fn serve_adapter(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.thirdpartylib", Adapter(AwesomeClass))?;
    daemon.spawn();
    Ok(uri)
}
