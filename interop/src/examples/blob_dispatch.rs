//! `blob-dispatch`: data passed on to listeners by who cannot read it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use salamander::SerializedBlob;
use salamander::prelude::*;

use super::{Printed, Stage};

struct Dispatcher {
    listeners: Mutex<HashMap<String, Vec<Proxy>>>,
    printed: Printed,
}

#[expose]
impl Dispatcher {
    fn register(&self, topic: String, listener: Proxy) {
        self.printed.line(format_args!("New listener for topic {topic} registered: {}", listener.uri()));
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.entry(topic).or_default().push(listener);
    }

    async fn process_blob(&self, blob: SerializedBlob) -> Result<()> {
        let topic = blob.info().as_str().unwrap_or_default();
        self.printed.line(format_args!("Dispatching blob with name: {topic}"));
        let listeners = {
            let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.get(topic).cloned().unwrap_or_default()
        };
        for listener in listeners {
            listener.call_blob::<()>("process_blob", &blob).await?;
        }
        Ok(())
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let dispatcher = Dispatcher { listeners: Mutex::default(), printed: stage.printed.clone() };
    let uri = daemon.register("example.blobdispatcher", dispatcher)?;
    stage.names().await?.register("example.blobdispatcher", &uri).await?;
    daemon.spawn();
    Ok(uri)
}

/// The data that the example sends.
#[class("blobdispatch.CustomData")]
#[derive(Debug)]
pub struct CustomData {
    a: i64,
    b: String,
    c: String,
}

impl CustomData {
    /// Some.
    pub fn new(a: i64, b: &str, c: &str) -> Self {
        Self { a, b: b.to_owned(), c: c.to_owned() }
    }
}

/// Who gets the data; prints them.
pub struct Listener(pub Printed);

#[expose]
impl Listener {
    fn process_blob(&self, blob: SerializedBlob) -> Result<()> {
        let CustomData { a, b, c } = blob.deserialized()?;
        self.0.line(format_args!("{}: a={a}, b={b}, c={c}", blob.info()));
        Ok(())
    }
}
