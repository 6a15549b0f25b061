//! `salamander up`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use salamander::http::{Gateway, GatewayOptions, JsonRpc, Site, XmlRpc};
use salamander::naming::{NameRegistry, NameServerDaemon, NameServerOptions};
use salamander::{Builder, Config, Dict, NAME_SERVER_NAME, NAME_SERVER_PORT, Uri, Value};
use tokio::sync::Notify;

use super::{World, ns};
use crate::data_dir::DataDir;
use crate::demo::{self, CALCULATOR, Calculator, ECHO, EchoServer, GREETING, Greeting};
use crate::failure::Failure;
use crate::output::Output;
use crate::signals::Signals;
use crate::tls::ServerTls;

/// Run a name server with objects to play with, in one process on one port
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander up
  salamander up --port 0 --data /tmp/salamander
  salamander up --host 0.0.0.0 --no-demo
  salamander up --tls-cert server.pem --tls-key server_key.pem --tls-client-ca clients.pem

It serves Pyro.NameServer, test.echoserver, example.greeting, example.calculator and the functions add and sub, to Pyro's \
clients, by HTTP, XML-RPC and JSON-RPC. Ctrl-C stops it.")]
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

    /// Do not answer HTTP on the same port, neither XML-RPC nor JSON-RPC that is posted
    #[arg(long)]
    no_http: bool,

    /// Do not answer XML-RPC
    #[arg(long)]
    no_xmlrpc: bool,

    /// Do not answer JSON-RPC, neither by HTTP nor by plain connections
    #[arg(long)]
    no_jsonrpc: bool,

    /// Leave the HTTP gateway with its page out
    #[arg(long)]
    no_gateway: bool,

    /// With PYRO_HMAC_KEY: let clients of this protocol in although they cannot show that they know the key
    /// (pyro5, HTTP, JSON-RPC)
    #[arg(long, value_name = "PROTOCOL")]
    without_key: Vec<String>,

    #[command(flatten)]
    tls: ServerTls,
}

impl Up {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let World { config, output, .. } = world;
        let config = self.tls.config(&config)?;
        let mut signals = Signals::catch()?;
        let data = DataDir::open(&self.data)?;
        let gateway = self.gateway(&config)?;
        let site = self.site(&config, gateway.clone());
        let server = self.bind(&data, &config, site).await?;
        if let Some(gateway) = &gateway {
            gateway.use_name_server(server.internal_uri());
        }
        let daemon = server.daemon().handle();
        if let Err(error) = data.tell_owner(daemon.location()) {
            tracing::warn!("cannot write to the data directory: {error}");
        }
        let registry = server.registry().clone();
        let objects = if self.no_demo { forget_demo(&registry) } else { register_demo(&server, &registry) }?;
        warn_of_strangers(&server, &config);
        let scheme = if config.ssl { "https" } else { "http" };
        self.tell(output, &server, &objects, scheme, gateway.is_some()).or_else(Failure::unless_closed)?;
        signals.serve(&daemon, server.serve()).await?;
        output.line("salamander has stopped.")
    }

    /// The gateway that answers HTTP on the same port. No page but its own may call: whatever a browser shows reaches this
    /// machine.
    /// Where clients have to show certificates it is closed: it would call objects in its own name.
    fn gateway(&self, config: &Config) -> Result<Option<Gateway>, Failure> {
        if self.no_http || self.no_gateway || config.ssl_requireclientcert {
            return Ok(None);
        }
        let mut config = config.clone();
        if config.ssl && config.ssl_cacerts.is_empty() {
            // The objects are behind this very certificate.
            config.ssl_cacerts = config.ssl_servercert.clone();
        }
        let mut options = GatewayOptions::default();
        options.expose = String::new();
        options.cors = String::new();
        options.timeout = config.comm_timeout();
        options.own_pages_only = true;
        options.hosts = self.hosts(&config);
        Gateway::new(options, &config).map(Some).map_err(Failure::failed)
    }

    /// All that answers HTTP on the same port. Whoever may call by Pyro may call by XML-RPC.
    fn site(&self, config: &Config, gateway: Option<Gateway>) -> Option<Site> {
        if self.no_http || (gateway.is_none() && self.no_xmlrpc && self.no_jsonrpc) {
            return None;
        }
        let mut site = Site::new().own_pages_only(self.hosts(config));
        if !self.no_xmlrpc {
            site = site.xmlrpc(XmlRpc::new().allow_none(true));
        }
        if !self.no_jsonrpc {
            site = site.jsonrpc(JsonRpc::new());
        }
        if let Some(gateway) = gateway {
            site = site.gateway(gateway);
        }
        Some(site)
    }

    /// The names under which pages of this server reach it.
    fn hosts(&self, config: &Config) -> Vec<String> {
        self.host.iter().chain(&config.nathost).chain([&config.host]).cloned().collect()
    }

    fn has_xmlrpc(&self) -> bool {
        !self.no_http && !self.no_xmlrpc
    }

    async fn bind(
        &self,
        data: &DataDir,
        config: &Arc<Config>,
        site: Option<Site>,
    ) -> Result<NameServerDaemon, Failure> {
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
        options.without_key.clone_from(&self.without_key);
        let set_up = |builder: Builder| {
            let builder = match site {
                Some(site) => builder.door(site),
                None => builder,
            };
            if self.no_jsonrpc { builder } else { builder.door(JsonRpc::new()) }
        };
        ns::bind_with(options, config, set_up).await.map_err(|failure| match failure {
            Failure::Usage(message) => Failure::Failed(message),
            other => other,
        })
    }

    /// Says what is served, and what to try.
    fn tell(
        &self,
        output: Output,
        server: &NameServerDaemon,
        objects: &[(&str, Uri)],
        scheme: &str,
        has_gateway: bool,
    ) -> Result<(), Failure> {
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
        let in_url = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let url = has_gateway.then(|| format!("{scheme}://{in_url}:{port}/pyro/"));
        if let Some(url) = &url {
            output.line(format_args!("  {:<20} {url}", "HTTP and a page"))?;
        }
        let xmlrpc = self.has_xmlrpc().then(|| format!("{scheme}://{in_url}:{port}/RPC2"));
        if let Some(xmlrpc) = &xmlrpc {
            output.line(format_args!("  {:<20} {xmlrpc}", "XML-RPC"))?;
        }
        let jsonrpc = (!self.no_http && !self.no_jsonrpc).then(|| format!("{scheme}://{in_url}:{port}/jsonrpc"));
        if let Some(jsonrpc) = &jsonrpc {
            output.line(format_args!("  {:<20} {jsonrpc}", "JSON-RPC"))?;
        }
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
        if let (Some(url), false) = (&url, objects.is_empty()) {
            output.line(format_args!("  curl '{url}{GREETING}/get_fortune?name=Ada'"))?;
        }
        if let (Some(xmlrpc), false) = (&xmlrpc, objects.is_empty()) {
            output.line(format_args!(
                "  python -c 'import xmlrpc.client; print(xmlrpc.client.ServerProxy(\"{xmlrpc}\").add(2, 3))'"
            ))?;
        }
        if let (Some(jsonrpc), false) = (&jsonrpc, objects.is_empty()) {
            let request = r#"{"jsonrpc": "2.0", "method": "add", "params": [2, 3], "id": 1}"#;
            output.line(format_args!("  curl -H 'Content-Type: application/json' -d '{request}' {jsonrpc}"))?;
        }
        output.line("")?;
        output.line("Ctrl-C stops it.")?;
        let served = objects.iter().map(|(name, uri)| (*name, uri.to_string()));
        let served = std::iter::once((NAME_SERVER_NAME, server.uri().to_string())).chain(served);
        output.document(Dict::from_iter([
            ("location", Value::from(location)),
            ("data", self.data.display().to_string().into()),
            ("http", url.into()),
            ("xmlrpc", xmlrpc.into()),
            ("jsonrpc", jsonrpc.into()),
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
    daemon.register_fn("add", demo::add)?;
    daemon.register_fn("sub", demo::sub)?;
    Ok(objects)
}

/// Removes the names of demonstration objects that an earlier run left.
fn forget_demo(registry: &NameRegistry) -> Result<Vec<(&'static str, Uri)>, Failure> {
    for name in registry.select_tagged(&[DEMO.to_owned()].into(), true, false)?.keys() {
        registry.remove(Some(name), None, None)?;
    }
    Ok(Vec::new())
}

/// Nothing asks clients who they are, unless they have to show certificates.
fn warn_of_strangers(server: &NameServerDaemon, config: &Config) {
    let Some(address) = server.daemon().local_addr().map(|address| address.ip()) else { return };
    if !address.is_loopback() && !config.requires_client_certificate() {
        tracing::warn!(
            "anybody who reaches {} can call what is served: nothing checks who it is",
            server.daemon().location()
        );
    }
}
