//! `salamander echoserver`

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::Args;
use salamander::naming::{NameRegistry, NameServerOptions};
use salamander::{Config, Daemon, Dict, Kind, NameServer, Uri, Value};
use tokio::sync::Notify;

use super::{World, ns};
use crate::demo::{ECHO, EchoServer};
use crate::failure::Failure;
use crate::signals::Signals;
use crate::tls::ServerTls;

/// Run the test object (flags, methods and output as pyro5-echoserver)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander echoserver --port 4711
  salamander echoserver --nameserver -v
  salamander echoserver --tls-cert server.pem --tls-key server_key.pem
  salamander call PYRO:test.echoserver@localhost:4711 echo hello

With -v it prints the calls that it gets.")]
pub(crate) struct Echoserver {
    /// The host name or address to bind to
    #[arg(short = 'H', long, default_value = "localhost")]
    host: String,

    /// The port to bind to; 0 is a free one
    #[arg(short, long, default_value_t = 0)]
    port: u16,

    /// The Unix domain socket to bind to, instead of host and port
    #[arg(short, long, value_name = "FILE")]
    unixsocket: Option<String>,

    /// Register it with a name server
    #[arg(short = 'n', long)]
    naming: bool,

    /// Run a name server too, and register it there
    #[arg(short = 'N', long)]
    nameserver: bool,

    /// Print nothing
    #[arg(short, long)]
    quiet: bool,

    /// With PYRO_HMAC_KEY: let clients of this protocol in although they cannot show that they know the key (pyro5)
    #[arg(long, value_name = "PROTOCOL")]
    without_key: Vec<String>,

    #[command(flatten)]
    tls: ServerTls,
}

impl Echoserver {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let World { config, output, verbose } = world;
        let config = self.tls.config(&config)?;
        let verbose = verbose > 0;
        let print = |line: String| output.line(line).or_else(Failure::unless_closed);
        let say = |line: String| if self.quiet && !verbose { Ok(()) } else { print(line) };
        let mut signals = Signals::catch()?;
        say("Starting Pyro's built-in test echo server.".to_owned())?;

        let names = if self.nameserver { Some(self.name_server(&config).await?) } else { None };
        let daemon = self.bind(&config).await?;
        let end = Arc::new(Notify::new());
        let uri = daemon.register(ECHO, EchoServer::new(verbose && !output.is_json(), end.clone()))?;
        let serving = daemon.handle();
        let stop = serving.clone();
        tokio::spawn(async move {
            end.notified().await;
            stop.shutdown();
        });
        let daemon = tokio::spawn(daemon.serve());

        if names.is_some() || self.naming {
            let used = match &names {
                Some(names) => names.register(&uri)?,
                None => register(&uri, &config).await?,
            };
            if verbose {
                print(format!("using name server at {used}"))?;
                match names.as_ref().map(|names| &names.broadcast) {
                    Some(Some(address)) => print(format!("broadcast server running at {address}"))?,
                    Some(None) => print("not using a broadcast server".to_owned())?,
                    None => {}
                }
            }
        } else if verbose {
            print("not using a name server.".to_owned())?;
        }
        say(format!("object name: {ECHO}"))?;
        say(format!("echo uri: {uri}"))?;
        say("echoserver running.".to_owned())?;
        let document = Dict::from_iter([
            ("name", Value::from(ECHO)),
            ("uri", uri.to_string().into()),
            ("name_server", names.as_ref().map(|names| names.uri.to_string()).into()),
        ]);
        output.document(document).or_else(Failure::unless_closed)?;
        let ended = async {
            match daemon.await {
                Ok(done) => done,
                // It has panicked, which has been told.
                Err(_) => Ok(()),
            }
        };
        signals.serve(&serving, ended).await?;
        if let Some(names) = names {
            names.daemon.shutdown();
            names.daemon.stopped().await;
        }
        Ok(())
    }

    async fn bind(&self, config: &Arc<Config>) -> Result<Daemon, Failure> {
        let location = match &self.unixsocket {
            Some(path) => format!("./u:{path}"),
            None if self.host.contains(':') => format!("[{}]:{}", self.host, self.port),
            None => format!("{}:{}", self.host, self.port),
        };
        let builder = Daemon::builder().config(config.clone());
        let builder = self.without_key.iter().fold(builder, |builder, name| builder.without_key(name));
        let bound = builder.bind(&location).await;
        bound.map_err(|error| match error.kind() {
            Kind::Connection => Failure::from(error).with_hint("the options are --port, --host and --unixsocket"),
            _ => error.into(),
        })
    }

    /// Starts a name server at the same host.
    async fn name_server(&self, config: &Arc<Config>) -> Result<Names, Failure> {
        let mut options = NameServerOptions::default();
        options.host = Some(self.host.clone());
        options.without_key.clone_from(&self.without_key);
        let server = ns::bind(options, config).await.map_err(|failure| {
            failure.with_hint("for the name server that --nameserver starts, the port is PYRO_NS_PORT")
        })?;
        let (uri, daemon) = (server.internal_uri().clone(), server.daemon().handle());
        let registry = server.registry().clone();
        let broadcast = server.broadcast_addr().map(|address| address.to_string());
        tokio::spawn(server.serve());
        Ok(Names { uri, daemon, registry, broadcast })
    }
}

/// The name server that was started too.
struct Names {
    uri: Uri,
    daemon: salamander::DaemonHandle,
    registry: Arc<NameRegistry>,
    broadcast: Option<String>,
}

impl Names {
    /// Registers the object. Gives where.
    fn register(&self, uri: &Uri) -> Result<Uri, Failure> {
        self.registry.add(ECHO, uri, false, BTreeSet::new())?;
        Ok(self.uri.clone())
    }
}

/// Registers the object at a name server that can be found. Gives where.
async fn register(uri: &Uri, config: &Arc<Config>) -> Result<Uri, Failure> {
    let names = NameServer::locate_with(None, None, config.clone()).await.map_err(Failure::nobody)?;
    names.register(ECHO, uri).await?;
    Ok(names.proxy().uri().clone())
}
