//! `handshake`: clients have to know a word.

use salamander::prelude::*;
use salamander::{DAEMON_NAME, Handshake};

use super::{Printed, Stage};

async fn check(handshake: Handshake, printed: Printed) -> Result<Value, Exception> {
    printed.line(format_args!("Handshake data: {:?} from {:?}", handshake.data, handshake.session.peer()));
    match handshake.data.as_str() {
        Some("pancakes") => Ok(["how", "are", "you", "doing"].map(Value::from).to_vec().into()),
        _ => Err(Exception::value_error("wrong secret code, connection refused")),
    }
}

/// Serves it; it is the daemon itself that is called.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let printed = stage.printed.clone();
    let check = move |handshake| check(handshake, printed.clone());
    let daemon = stage.builder().on_connect(check).bind("localhost:0").await?;
    let uri = daemon.uri_for(DAEMON_NAME)?;
    daemon.spawn();
    Ok(uri)
}
