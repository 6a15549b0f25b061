//! `salamander httpgateway`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use salamander::http::{Gateway, GatewayOptions, HttpServer};
use salamander::{Dict, Value};

use super::World;
use crate::failure::Failure;
use crate::signals::Signals;
use crate::tls::GatewayTls;

/// Run a gateway from HTTP and JSON to objects (flags, paths and headers as pyro5-httpgateway)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander httpgateway --expose 'example\\.|test\\.'
  curl 'http://localhost:8080/pyro/example.greeting/get_fortune?name=Ada'
  curl http://localhost:8080/pyro/example.calculator/add -H 'Content-Type: application/json' -d '[2, 3]'
  curl -N http://localhost:8080/pyro/test.echoserver/generator
  salamander httpgateway --tls-cert server.pem --tls-key server_key.pem --tls-client-ca clients.pem

Arguments in the query are text; a body of JSON is a list of arguments, or an object of arguments by name, in which $args can be \
a list of those by position. A browser shows a page at http://localhost:8080/pyro/; what is exposed as OpenAPI is at \
/pyro/$openapi.json. Ctrl-C stops it.")]
pub(crate) struct Httpgateway {
    /// The host name or address to bind to
    #[arg(short = 'H', long, default_value = "localhost")]
    host: String,

    /// The port to bind to; 0 is a free one
    #[arg(short, long, default_value_t = 8080)]
    port: u16,

    /// The pages of which origin may read answers: a URL, or * for all
    #[arg(short, long, value_name = "ORIGIN", default_value = "*")]
    cors: String,

    /// Answer browsers only where a page of this gateway asks: no other page can call objects
    #[arg(long)]
    own_pages_only: bool,

    /// A regular expression: objects whose names it matches from the start can be called; an empty one matches all
    #[arg(short, long, value_name = "REGEX", default_value = r"http\.")]
    expose: String,

    /// The key that clients have to show
    #[arg(short, long, value_name = "KEY")]
    gatewaykey: Option<String>,

    /// The file that holds that key, which others then do not see among the running programs
    #[arg(long, value_name = "FILE", conflicts_with = "gatewaykey")]
    gatewaykey_file: Option<PathBuf>,

    /// How long to wait for objects, in seconds; 0 is for ever [default: PYRO_COMMTIMEOUT, or 0]
    #[arg(short, long, value_name = "SECONDS", value_parser = timeout)]
    timeout: Option<Duration>,

    /// The host of the name server [default: PYRO_NS_HOST, or found by broadcast]
    #[arg(long, value_name = "HOST")]
    nshost: Option<String>,

    /// The port of the name server [default: PYRO_NS_PORT, or 9090]
    #[arg(long, value_name = "PORT")]
    nsport: Option<u16>,

    /// How many bytes the body of a request may have
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 20)]
    max_body: usize,

    #[command(flatten)]
    tls: GatewayTls,
}

/// A time on the command line, in seconds; zero is none.
fn timeout(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "give seconds, as in 2.5".to_owned())
}

impl Httpgateway {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let World { config, output, .. } = world;
        let in_front = self.tls.of_clients(&config)?;
        let config = self.tls.of_objects(&config);
        let mut signals = Signals::catch()?;
        let mut options = GatewayOptions::default();
        options.key = self.key()?;
        options.expose = self.expose;
        options.cors = self.cors;
        options.own_pages_only = self.own_pages_only;
        options.hosts = vec![self.host.clone()];
        options.timeout = self.timeout.or_else(|| config.comm_timeout()).filter(|time| !time.is_zero());
        options.max_body = self.max_body;
        options.name_server_host = self.nshost;
        options.name_server_port = self.nsport;
        let (expose, key) = (options.expose.clone(), !options.key.is_empty());
        let gateway = Gateway::new(options, &config).map_err(|wrong| Failure::usage(format!("--{wrong}")))?;

        let say = |line: String| output.line(line).or_else(Failure::unless_closed);
        say(match &*expose {
            "" => "Warning: exposing all objects (no expose regex set)".to_owned(),
            // Two spaces, as Pyro's.
            expose => format!("Exposing objects with names matching:  {expose}"),
        })?;
        let names = gateway.name_server().await.ok().map(|uri| uri.to_string());
        say(match &names {
            Some(uri) => format!("Connected to name server at:  {uri}"),
            None => "Not yet connected to a name server.".to_owned(),
        })?;
        let server = HttpServer::bind(&self.host, self.port, gateway).await.map_err(|error| {
            Failure::failed(format!("cannot bind to {}:{}: {error}", self.host, self.port))
                .with_hint("the options are --port and --host")
        })?;
        let server = server.encrypted(&in_front)?;
        let address = server.local_addr();
        if !address.ip().is_loopback() && !key && !in_front.requires_client_certificate() {
            tracing::warn!(
                "anybody who reaches {address} can call what is exposed: --gatewaykey asks for a key, --tls-client-ca for a certificate"
            );
        }
        let url = server.url();
        say(format!("Pyro HTTP gateway running on {url}"))?;
        let document =
            Dict::from_iter([("url", Value::from(url)), ("expose", expose.into()), ("name_server", names.into())]);
        output.document(document).or_else(Failure::unless_closed)?;
        let handle = server.handle();
        let serving = async {
            server.serve().await;
            Ok(())
        };
        signals.until(|| handle.shutdown(), serving).await
    }

    fn key(&self) -> Result<String, Failure> {
        let Some(file) = &self.gatewaykey_file else { return Ok(self.gatewaykey.clone().unwrap_or_default()) };
        let read = std::fs::read_to_string(file);
        let key = read.map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
        match key.trim() {
            "" => Err(Failure::usage(format!("{} holds no key", file.display()))),
            key => Ok(key.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_be_none() {
        assert_eq!(timeout("2.5"), Ok(Duration::from_millis(2500)));
        assert_eq!(timeout("0"), Ok(Duration::ZERO));
        assert!(timeout("-1").is_err() && timeout("nan").is_err() && timeout("x").is_err());
    }
}
