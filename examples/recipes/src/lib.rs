//! What several recipes need: a name server of their own, so that no port is taken and nothing has to be started before.

use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::{Config, NameServer, Result, Uri};

/// Starts a name server on a free port; gives its client and its URI. A program of your own says `NameServer::locate()` instead, and finds
/// the one that `salamander ns` runs.
///
/// # Errors
/// Where it cannot be started.
pub async fn name_server() -> Result<(NameServer, Uri)> {
    let mut options = NameServerOptions::default();
    (options.port, options.no_broadcast) = (Some(0), true);
    let server = NameServerDaemon::bind(options, Config::global()?).await?;
    let uri = server.uri().clone();
    tokio::spawn(server.serve());
    let names = NameServer::locate_with(Some("localhost"), uri.port(), Config::global()?).await?;
    Ok((names, uri))
}

/// Where names are looked up, as it stands behind `@` in a URI: `localhost` and the port.
pub fn at(name_server: &Uri) -> String {
    format!("localhost:{}", name_server.port().unwrap_or_default())
}
