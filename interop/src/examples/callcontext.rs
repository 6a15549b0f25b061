//! `callcontext`: who calls, and annotations both ways.

use salamander::Generation;
use salamander::prelude::*;

use super::{Printed, Stage};

/// The key without which Pyro4's client is not let in.
pub const KEY: &str = "secr3t_k3y";

struct EchoServer(Printed);

impl EchoServer {
    fn show(&self, message: &str, context: &CallContext) {
        self.0.line(format_args!("Got Message: {message}"));
        self.0.line(format_args!("  client address: {:?}", context.client_addr()));
        self.0.line(format_args!("  correlation id: {}", context.correlation_id()));
        if let Some(annotation) = context.annotation("XYZZ") {
            self.0.line(format_args!("  custom annotation: {}", String::from_utf8_lossy(annotation)));
        }
    }
}

#[expose]
impl EchoServer {
    fn echo(&self, message: String, context: &CallContext) -> String {
        self.show(&message, context);
        message
    }

    #[oneway]
    fn oneway(&self, message: &str, context: &CallContext) {
        self.show(message, context);
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let own = || vec![(*b"DDAA", b"custom response annotation set by the daemon"[..].into())];
    let builder = stage.builder().annotations(own);
    let builder = match stage.generation() {
        Generation::Pyro5 => builder,
        Generation::Pyro4 => builder.hmac_key(KEY),
    };
    let daemon = builder.bind("localhost:0").await?;
    let uri = daemon.register("example.context", EchoServer(stage.printed.clone()))?;
    daemon.spawn();
    Ok(uri)
}
