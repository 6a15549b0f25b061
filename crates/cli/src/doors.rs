//! The doors of `salamander up` beside Pyro's: what is open, and what to try.

use clap::Args;
use salamander::http::{Gateway, GatewayOptions, JsonRpc, Site, XmlRpc};
use salamander::{Config, Value};

use crate::demo::GREETING;
use crate::failure::Failure;

/// What `up` answers by HTTP.
#[derive(Debug, Args)]
pub(crate) struct HttpDoors {
    /// Do not answer HTTP on the same port, neither XML-RPC nor JSON-RPC that is posted
    #[arg(long)]
    no_http: bool,

    /// Do not answer XML-RPC
    #[arg(long)]
    no_xmlrpc: bool,

    /// Do not answer JSON-RPC, neither by HTTP nor by plain connections
    #[arg(long)]
    no_jsonrpc: bool,

    /// Answer JSON-RPC by HTTP only, not those who send lines over plain connections
    #[arg(long)]
    no_raw_jsonrpc: bool,

    /// Leave the HTTP gateway with its page out
    #[arg(long)]
    no_gateway: bool,
}

/// A door that is open.
pub(crate) struct Offer {
    /// What people call it.
    pub(crate) label: &'static str,
    /// What it is called in JSON.
    pub(crate) key: &'static str,
    /// Where it is.
    pub(crate) location: String,
    /// What to try with the demonstration objects.
    pub(crate) line: String,
}

impl HttpDoors {
    /// The gateway that answers HTTP on the same port. No page but its own may call: whatever a browser shows reaches this
    /// machine.
    /// Where clients have to show certificates it is closed: it would call objects in its own name.
    pub(crate) fn gateway(&self, config: &Config, hosts: Vec<String>) -> Result<Option<Gateway>, Failure> {
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
        options.hosts = hosts;
        Gateway::new(options, &config).map(Some).map_err(Failure::failed)
    }

    /// All that answers HTTP on the same port. Whoever may call by Pyro may call by all of it.
    pub(crate) fn site(&self, gateway: Option<Gateway>, hosts: Vec<String>) -> Option<Site> {
        if self.no_http || (gateway.is_none() && self.no_xmlrpc && self.no_jsonrpc) {
            return None;
        }
        let mut site = Site::new().own_pages_only(hosts);
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

    /// What answers JSON-RPC over plain connections on the same port.
    pub(crate) fn raw_jsonrpc(&self) -> Option<JsonRpc> {
        (!self.no_jsonrpc && !self.no_raw_jsonrpc).then(JsonRpc::new)
    }

    /// What is open at `http://host:port`, with or without the gateway.
    pub(crate) fn offers(&self, base: &str, has_gateway: bool) -> Vec<Offer> {
        let mut offers = Vec::new();
        if has_gateway {
            let location = format!("{base}/pyro/");
            let line = format!("curl '{location}{GREETING}/get_fortune?name=Ada'");
            offers.push(Offer { label: "HTTP and a page", key: "http", location, line });
        }
        if !self.no_http && !self.no_xmlrpc {
            let location = format!("{base}/RPC2");
            let call = format!("xmlrpc.client.ServerProxy(\"{location}\").add(2, 3)");
            let line = format!("python -c 'import xmlrpc.client; print({call})'");
            offers.push(Offer { label: "XML-RPC", key: "xmlrpc", location, line });
        }
        if !self.no_http && !self.no_jsonrpc {
            let location = format!("{base}/jsonrpc");
            let request = r#"{"jsonrpc": "2.0", "method": "add", "params": [2, 3], "id": 1}"#;
            let line = format!("curl -H 'Content-Type: application/json' -d '{request}' {location}");
            offers.push(Offer { label: "JSON-RPC", key: "jsonrpc", location, line });
        }
        if self.raw_jsonrpc().is_some() {
            offers.push(raw_offer(base));
        }
        offers
    }
}

/// JSON-RPC by lines, at the same host and port.
fn raw_offer(base: &str) -> Offer {
    let place = base.split_once("://").map_or(base, |(_, place)| place);
    let request = r#"{"jsonrpc": "2.0", "method": "add", "params": [2, 3], "id": 1}"#;
    let line = if base.starts_with("https:") {
        format!("echo '{request}' | openssl s_client -quiet -connect {place}")
    } else {
        // Python's word for it is everywhere the same; programs such as nc differ in when they end.
        let (host, port) = place.rsplit_once(':').unwrap_or((place, "9090"));
        let host = host.trim_matches(['[', ']']);
        let send = format!("s.sendall(b\"\"\"{request}\\n\"\"\")");
        format!(
            "python -c 'import socket; s = socket.create_connection((\"{host}\", {port})); {send}; print(s.makefile().readline())'"
        )
    };
    Offer { label: "JSON-RPC, in lines", key: "jsonrpc_lines", location: format!("tcp://{place}"), line }
}

/// All doors as an entry each of a document; those that are closed are null.
pub(crate) fn entries(offers: &[Offer]) -> impl Iterator<Item = (&'static str, Value)> + use<'_> {
    ["http", "xmlrpc", "jsonrpc", "jsonrpc_lines", "multiprocessing", "zeromq"].into_iter().map(|key| {
        let open = offers.iter().find(|offer| offer.key == key);
        (key, open.map(|offer| offer.location.clone()).into())
    })
}
