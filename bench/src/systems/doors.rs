//! One daemon with all its doors open, and clients that come by each of them.

use std::sync::Arc;

use salamander::http::{Gateway, GatewayOptions, JsonRpc, Site, XmlRpc, jsonrpc, xmlrpc};
use salamander::multiprocessing::{Options as Connections, RpcProxy};
use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::prelude::*;
use salamander::{Builder, Config, Generation};
use salamander_bench_harness::{
    Args as ProcessArgs, Caller, Failure, System, callers, client as run_client, server as run_server,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

#[expose]
fn add(x: i64, y: i64) -> i64 {
    x + y
}

struct Subject;

#[expose]
impl Subject {
    fn add(&self, x: i64, y: i64) -> i64 {
        add(x, y)
    }
}

/// A server of `add` at the root and of an object `bench`; says where the door is that `door=` names.
pub fn server(args: &ProcessArgs) -> Result<(), Failure> {
    let door = args.text("door")?.to_owned();
    run_server(args, async |ready| {
        let config = Arc::new(Config::default());
        let mut options = NameServerOptions::default();
        options.host = Some("127.0.0.1".into());
        options.port = Some(0);
        options.no_broadcast = true;
        let mut exposed = GatewayOptions::default();
        exposed.expose = String::new();
        let gateway = Gateway::new(exposed, &config)?;
        let site = Site::new().xmlrpc(XmlRpc::new()).jsonrpc(JsonRpc::new()).gateway(gateway.clone());
        let open = |builder: Builder| builder.door(site).door(JsonRpc::new());
        let names = NameServerDaemon::bind_with(options, config, open).await?;
        gateway.use_name_server(names.internal_uri());
        let daemon = names.daemon();
        daemon.register_fn("add", add)?;
        let uri = daemon.register("bench", Subject)?;
        names
            .registry()
            .register("bench", &uri.to_string().into(), false, &Value::None)
            .map_err(|refused| refused.to_string())?;
        match &*door {
            "pyro" => ready(&uri.to_string()),
            "multiprocessing" => {
                let calls = Connections::new().serve(daemon, "127.0.0.1:0").await?;
                ready(calls.location());
                calls.spawn();
            }
            "xmlrpc" => ready(&format!("http://{}", daemon.location())),
            _ => ready(daemon.location()),
        }
        Ok(names.serve().await?)
    })
}

pub fn client(args: &ProcessArgs) -> Result<(), Failure> {
    let address = args.text("address")?.to_owned();
    let remote = match args.text("door")? {
        "pyro" => {
            let proxy = Proxy::new(&address)?.with_serializer(args.text("codec")?.parse()?);
            let generation = if args.text("generation")? == "4" { Generation::Pyro4 } else { Generation::Pyro5 };
            Remote::Pyro(proxy.with_generation(generation))
        }
        "multiprocessing" => Remote::Multiprocessing(address),
        "gateway" => Remote::Gateway(address),
        scheme @ ("http" | "ws" | "tcp") => Remote::JsonRpc(format!("{scheme}://{address}")),
        "xmlrpc" => Remote::XmlRpc(address),
        other => return Err(format!("there is no door {other}").into()),
    };
    run_client(args, async || callers(args, remote).await)
}

enum Remote {
    Pyro(Proxy),
    Multiprocessing(String),
    Gateway(String),
    JsonRpc(String),
    XmlRpc(String),
}

impl System for Remote {
    type Caller = Client;

    async fn connect(&self) -> Result<Client, Failure> {
        Ok(match self {
            // Its connections are its own.
            Self::Pyro(proxy) => Client::Pyro(proxy.with_serializer(proxy.serializer())),
            Self::Multiprocessing(address) => Client::Multiprocessing(Connections::new().proxy(address)),
            Self::Gateway(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Client::Gateway(Arc::new(Mutex::new(Plain { stream, input: Vec::new() })))
            }
            Self::JsonRpc(url) => Client::JsonRpc(jsonrpc::Client::new(url)?),
            Self::XmlRpc(url) => Client::XmlRpc(xmlrpc::Client::new(url)?),
        })
    }
}

#[derive(Clone)]
enum Client {
    Pyro(Proxy),
    Multiprocessing(RpcProxy),
    Gateway(Arc<Mutex<Plain>>),
    JsonRpc(jsonrpc::Client),
    XmlRpc(xmlrpc::Client),
}

impl Caller for Client {
    async fn add(&self, x: i64, y: i64) -> Result<i64, Failure> {
        Ok(match self {
            Self::Pyro(proxy) => proxy.call("add", (x, y)).await?,
            Self::Multiprocessing(proxy) => proxy.call("add", (x, y)).await?,
            Self::Gateway(plain) => plain.lock().await.add(x, y).await?,
            Self::JsonRpc(client) => client.call("add", (x, y)).await?,
            Self::XmlRpc(client) => client.call("add", (x, y)).await?,
        })
    }
}

/// As little of an HTTP client as the gateway's answers need: there is none of ours for it, and it should not be what is measured.
struct Plain {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Plain {
    async fn add(&mut self, x: i64, y: i64) -> Result<i64, Failure> {
        let body = format!("[{x},{y}]");
        let request = format!(
            "POST /pyro/bench/add HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.input.clear();
        loop {
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err("the gateway has gone".into());
            }
            let text = std::str::from_utf8(&self.input)?;
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            if !head.starts_with("HTTP/1.1 200 ") {
                return Err(text.into());
            }
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() == length.ok_or("the answer has no length")? {
                return Ok(body.trim().parse()?);
            }
        }
    }
}
