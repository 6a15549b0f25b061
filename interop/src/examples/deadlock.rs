//! `deadlock`: a message that goes back and forth. The example's client waits for its own proxy, and so for ever.

use std::sync::{Mutex, PoisonError};

use salamander::prelude::*;

use super::{Printed, Stage};

struct Bouncer {
    callback: Mutex<Option<Proxy>>,
    printed: Printed,
}

#[expose]
impl Bouncer {
    fn register(&self, callback: Proxy) {
        *self.callback.lock().unwrap_or_else(PoisonError::into_inner) = Some(callback);
    }

    async fn process(&self, mut message: Vec<String>) -> Result<Vec<String>, Exception> {
        if message.len() >= 3 {
            return Ok(vec!["complete at Server".to_owned()]);
        }
        self.printed.line(format_args!("bouncing {message:?}"));
        message.push("Server".to_owned());
        let callback = self.callback.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let callback = callback.ok_or_else(|| Exception::value_error("nobody has registered"))?;
        let mut result: Vec<String> = callback.call("process", (message,)).await?;
        result.insert(0, "passed on from Server".to_owned());
        Ok(result)
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let bouncer = Bouncer { callback: Mutex::default(), printed: stage.printed.clone() };
    let uri = daemon.register_anonymous(bouncer)?;
    stage.names().await?.register("example.deadlock", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
