//! `salamander up`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use salamander::naming::{NameRegistry, NameServerDaemon, NameServerOptions};
use salamander::{Config, Dict, NAME_SERVER_NAME, NAME_SERVER_PORT, Uri, Value};
use tokio::sync::Notify;

use super::{World, ns};
use crate::data_dir::DataDir;
use crate::demo::{CALCULATOR, Calculator, ECHO, EchoServer, GREETING, Greeting};
use crate::failure::Failure;
use crate::output::Output;
use crate::signals::Signals;

/// Run a name server with objects to play with, in one process on one port
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander up
  salamander up --port 0 --data /tmp/salamander
  salamander up --host 0.0.0.0 --no-demo

It serves Pyro.NameServer, test.echoserver, example.greeting and example.calculator. Ctrl-C stops it.")]
pub(crate) struct Up {
    /// The host name or address to listen on [default: PYRO_HOST, or localhost]
    #[arg(long)]
    host: Option<String>,

    /// The port to listen on; 0 is a free one [default: PYRO_NS_PORT, or 9090]
    #[arg(long)]
    port: Option<u16>,

    /// The directory in which names are kept
    #[arg(long, value_name = "DIR", default_value = "./salamander-data")]
    data: PathBuf,

    /// Leave the demonstration objects out
    #[arg(long)]
    no_demo: bool,
}

impl Up {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let World { config, output, .. } = world;
        let mut signals = Signals::catch()?;
        let data = DataDir::open(&self.data)?;
        let server = self.bind(&data, &config).await?;
        let daemon = server.daemon().handle();
        if let Err(error) = data.tell_owner(daemon.location()) {
            tracing::warn!("cannot write to the data directory: {error}");
        }
        let registry = server.registry().clone();
        let objects = if self.no_demo { forget_demo(&registry) } else { register_demo(&server, &registry) }?;
        warn_of_strangers(&server);
        self.tell(output, &server, &objects).or_else(Failure::unless_closed)?;
        signals.serve(&daemon, server.serve()).await?;
        output.line("salamander has stopped.")
    }

    async fn bind(&self, data: &DataDir, config: &Arc<Config>) -> Result<NameServerDaemon, Failure> {
        let file = data.file("names.sqlite");
        let file = file.to_str().ok_or_else(|| {
            Failure::usage(format!(
                "the data directory {} is no Unicode text; --data chooses another",
                file.display()
            ))
        })?;
        let mut options = NameServerOptions::default();
        options.host = self.host.clone();
        options.port = self.port;
        options.storage = Some(format!("sql:{file}"));
        ns::bind(options, config).await.map_err(|failure| match failure {
            Failure::Usage(message) => Failure::Failed(message),
            other => other,
        })
    }

    /// Says what is served, and what to try.
    fn tell(&self, output: Output, server: &NameServerDaemon, objects: &[(&str, Uri)]) -> Result<(), Failure> {
        let location = server.daemon().location();
        output.line(format_args!("salamander {} is up on {location}", env!("CARGO_PKG_VERSION")))?;
        output.line(format_args!("names are kept in {}", self.data.display()))?;
        if let Some(address) = server.broadcast_addr() {
            output.line(format_args!("broadcasts are answered on {address}"))?;
        }
        output.line("")?;
        output.line("It serves")?;
        output.line(format_args!("  {:<20} {}", NAME_SERVER_NAME, server.uri()))?;
        for (name, uri) in objects {
            output.line(format_args!("  {name:<20} {uri}"))?;
        }
        let port = server.uri().port().unwrap_or(NAME_SERVER_PORT);
        let host = server.uri().host().unwrap_or("localhost");
        let at = match (host, port) {
            ("localhost", NAME_SERVER_PORT) => String::new(),
            (host, port) if host.contains(':') => format!("@[{host}]:{port}"),
            (host, port) => format!("@{host}:{port}"),
        };
        output.line("")?;
        output.line("Try")?;
        if !objects.is_empty() {
            output.line(format_args!("  salamander call PYRONAME:{CALCULATOR}{at} add 2 3"))?;
            output.line(format_args!(
                "  python -c 'import Pyro5.api; print(Pyro5.api.Proxy(\"PYRONAME:{GREETING}{at}\").get_fortune(\"Ada\"))'"
            ))?;
        }
        output.line(format_args!("  salamander nsc -n {host} -p {port} list"))?;
        output.line("")?;
        output.line("Ctrl-C stops it.")?;
        let served = objects.iter().map(|(name, uri)| (*name, uri.to_string()));
        let served = std::iter::once((NAME_SERVER_NAME, server.uri().to_string())).chain(served);
        output.document(Dict::from_iter([
            ("location", Value::from(location)),
            ("data", self.data.display().to_string().into()),
            ("broadcast", server.broadcast_addr().map(|address| address.to_string()).into()),
            ("objects", Value::from(served.collect::<Dict>())),
        ]))
    }
}

/// The tag by which names of demonstration objects are known.
const DEMO: &str = "salamander.demo";

/// Serves the demonstration objects, and registers their names in the place of what an earlier run left.
fn register_demo(server: &NameServerDaemon, registry: &NameRegistry) -> Result<Vec<(&'static str, Uri)>, Failure> {
    let daemon = server.daemon();
    // Others use this process too: that the echo server is asked to end only ends nothing here.
    let ignored = Arc::new(Notify::new());
    let objects = vec![
        (ECHO, daemon.register(ECHO, EchoServer::new(false, ignored))?),
        (GREETING, daemon.register(GREETING, Greeting)?),
        (CALCULATOR, daemon.register(CALCULATOR, Calculator)?),
    ];
    for (name, uri) in &objects {
        registry.add(name, uri, false, [DEMO.to_owned()].into())?;
    }
    Ok(objects)
}

/// Removes the names of demonstration objects that an earlier run left.
fn forget_demo(registry: &NameRegistry) -> Result<Vec<(&'static str, Uri)>, Failure> {
    for name in registry.select_tagged(&[DEMO.to_owned()].into(), true, false)?.keys() {
        registry.remove(Some(name), None, None)?;
    }
    Ok(Vec::new())
}

/// Nothing asks clients who they are.
fn warn_of_strangers(server: &NameServerDaemon) {
    let Some(address) = server.daemon().local_addr().map(|address| address.ip()) else { return };
    if !address.is_loopback() {
        tracing::warn!(
            "anybody who reaches {} can call what is served: nothing checks who it is",
            server.daemon().location()
        );
    }
    if address.is_unspecified() && server.uri() == server.internal_uri() {
        tracing::warn!(
            "URIs say {address}, which leads nowhere from other machines: name this machine with --host or PYRO_NATHOST"
        );
    }
}
