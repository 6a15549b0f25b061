//! What several recipes need: a name server of their own, so that no port is taken and nothing has to be started before; and a way to
//! run one end of a recipe alone.

use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::{Config, Daemon, NAME_SERVER_NAME, NameServer, Result, Uri};

/// Starts a name server on a free port, or finds the one that runs where others are to call ([`run`]); gives its client and its URI. A program of your own says `NameServer::locate()` instead, and finds
/// the one that `salamander ns` runs.
///
/// # Errors
/// Where it cannot be started.
pub async fn name_server() -> Result<(NameServer, Uri)> {
    if is_served() {
        let names = NameServer::locate().await?;
        let uri = names.lookup(NAME_SERVER_NAME).await?;
        return Ok((names, uri));
    }
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

/// Runs both ends of a recipe in this process. With the argument `serve` it serves what is called, until Ctrl-C, for a script in the folder
/// `python`; with a URI it calls what is served there.
///
/// # Errors
/// Those of the two ends.
pub async fn run<C>(
    script: &str,
    served: impl Future<Output = Result<(Daemon, Uri)>>,
    call: impl FnOnce(String) -> C,
) -> Result<()>
where
    C: Future<Output = Result<()>>,
{
    if let Some(uri) = std::env::args().nth(1).filter(|_| !is_served()) {
        return call(uri).await;
    }
    let (daemon, uri) = served.await?;
    if is_served() {
        println!("next: python examples/recipes/python/{script}.py {uri}");
        return daemon.serve().await;
    }
    tokio::spawn(daemon.serve());
    call(uri.to_string()).await
}

fn is_served() -> bool {
    std::env::args().nth(1).as_deref() == Some("serve")
}
