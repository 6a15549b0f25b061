//! `salamander ns`

use clap::Args;
use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::{Builder, Dict, Kind, Value};

use super::World;
use crate::failure::Failure;
use crate::signals::Signals;
use crate::tls::ServerTls;

/// Run a name server (flags and output as pyro5-ns)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander ns
  salamander ns --host 0.0.0.0 --storage sql:names.sqlite
  salamander ns --storage redis://localhost:6379
  salamander ns --port 0 --nathost example.org --natport 9090
  salamander ns --tls-cert server.pem --tls-key server_key.pem")]
pub(crate) struct Ns {
    /// The host name or address to bind to [default: PYRO_HOST, or localhost]
    #[arg(short = 'n', long)]
    host: Option<String>,

    /// The port to bind to; 0 is a free one [default: PYRO_NS_PORT, or 9090]
    #[arg(short, long)]
    port: Option<u16>,

    /// The Unix domain socket to bind to, instead of host and port
    #[arg(short, long, value_name = "FILE")]
    unixsocket: Option<String>,

    /// Where the names are kept: memory, sql: and a file, or the URL of a store that several name servers share, redis://... or
    /// postgres://...
    #[arg(short, long, default_value = "memory")]
    storage: String,

    /// The address on which broadcasts are heard [default: PYRO_NS_BCHOST, or any]
    #[arg(long, value_name = "HOST")]
    bchost: Option<String>,

    /// The port on which broadcasts are heard; 0 is a free one [default: PYRO_NS_BCPORT, or 9091]
    #[arg(long, value_name = "PORT")]
    bcport: Option<u16>,

    /// The host under which the name server is reached from outside (NAT)
    #[arg(long, value_name = "HOST")]
    nathost: Option<String>,

    /// The port under which the name server is reached from outside (NAT)
    #[arg(long, value_name = "PORT")]
    natport: Option<u16>,

    /// Do not answer broadcasts
    #[arg(short = 'x', long)]
    nobc: bool,

    /// Let only clients with a certificate change names (see --tls-client-ca); all others may look them up
    #[arg(long)]
    certified_changes: bool,

    /// With PYRO_HMAC_KEY: let clients of this protocol in although they cannot show that they know the key (pyro5)
    #[arg(long, value_name = "PROTOCOL")]
    without_key: Vec<String>,

    #[command(flatten)]
    tls: ServerTls,
}

impl Ns {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let World { config, output, .. } = world;
        let mut config = self.tls.config(&config)?;
        if self.certified_changes {
            // They are asked for a certificate, and need not have one.
            let mut asking = (*config).clone();
            asking.ssl_requireclientcert = false;
            config = std::sync::Arc::new(asking);
        }
        let mut signals = Signals::catch()?;
        let nat_host = self.nathost.or_else(|| config.nathost.clone());
        if nat_host.is_some() && self.unixsocket.is_some() {
            return Err(Failure::usage("cannot use nathost together with unixsocket"));
        }
        if self.natport.is_some() && nat_host.is_none() {
            return Err(Failure::usage("must provide natport with nathost: add --nathost"));
        }
        let mut options = NameServerOptions::default();
        options.host = self.host;
        options.port = self.port;
        options.unix_socket = self.unixsocket;
        options.storage = Some(self.storage);
        options.certified_changes = self.certified_changes;
        options.nat_host = nat_host;
        options.nat_port = self.natport;
        options.no_broadcast = self.nobc;
        options.broadcast_host = self.bchost;
        options.broadcast_port = self.bcport;
        options.without_key = self.without_key;
        let server = bind(options, &config).await?;
        Told::of(&server)?.print(output).or_else(Failure::unless_closed)?;
        let daemon = server.daemon().handle();
        signals.serve(&daemon, server.serve()).await?;
        output.line("NS shut down.")
    }
}

/// Binds a name server, or says which options would help.
pub(super) async fn bind(
    options: NameServerOptions,
    config: &std::sync::Arc<salamander::Config>,
) -> Result<NameServerDaemon, Failure> {
    bind_with(options, config, |builder| builder).await
}

/// The same with a daemon that is set up further.
pub(super) async fn bind_with(
    options: NameServerOptions,
    config: &std::sync::Arc<salamander::Config>,
    set_up: impl FnOnce(Builder) -> Builder,
) -> Result<NameServerDaemon, Failure> {
    let unix = options.unix_socket.is_some();
    NameServerDaemon::bind_with(options, config.clone(), set_up).await.map_err(|error| {
        let hint = match error.kind() {
            Kind::Connection if error.to_string().contains("broadcasts") => {
                "the options are --bchost, --bcport and --nobc"
            }
            Kind::Connection if unix => "remove the file if no server uses it, or choose another with --unixsocket",
            Kind::Connection => "the options are --port and --host",
            _ => return error.into(),
        };
        Failure::from(error).with_hint(hint)
    })
}

/// What Pyro's name server tells of itself when it starts.
struct Told {
    lines: Vec<String>,
    document: Dict,
}

impl Told {
    fn of(server: &NameServerDaemon) -> Result<Self, Failure> {
        let (uri, internal_uri) = (server.uri().to_string(), server.internal_uri().to_string());
        let address = server.daemon().local_addr();
        let broadcast = server.broadcast_addr().map(|address| address.to_string());
        let mut lines = Vec::new();
        if let (Some(reason), Some(_)) = (server.silent_because(), address) {
            lines.push(format!("Not starting broadcast server for {reason}."));
        }
        if let Some(broadcast) = &broadcast {
            lines.push(format!("Broadcast server running on {broadcast}"));
        }
        let existing = server.registry().count()?;
        // The name server's own name does not count.
        if existing > 1 {
            lines.push(format!("Persistent store contains {existing} existing registrations."));
        }
        let address = address.map_or_else(|| "Unix domain socket".to_owned(), |address| address.ip().to_string());
        lines.push(format!("NS running on {} ({address})", server.daemon().location()));
        if uri == internal_uri {
            lines.push(format!("URI = {uri}"));
        } else {
            lines.push(format!("internal URI = {internal_uri}"));
            lines.push(format!("external URI = {uri}"));
        }
        let document = Dict::from_iter([
            ("uri", Value::from(uri)),
            ("internal_uri", internal_uri.into()),
            ("location", server.daemon().location().into()),
            ("broadcast", broadcast.into()),
            ("registrations", existing.into()),
        ]);
        Ok(Self { lines, document })
    }

    fn print(self, output: crate::output::Output) -> Result<(), Failure> {
        self.lines.iter().try_for_each(|line| output.line(line))?;
        output.document(self.document)
    }
}
