//! Gateways, ours and Python's, in front of the same objects: one of ours, and one of Python's.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;

use salamander::http::{Gateway, GatewayOptions, HttpHandle, HttpServer};
use salamander::naming::{NameRegistry, NameServerDaemon, NameServerOptions};
use salamander::{Config, DaemonHandle, Uri};

use crate::pyro5::ours::Ours;
use crate::pyro5::peer::Server;
use crate::python;

/// A name server with an object of ours, `http.rust`, and one of Python's, `http.python`; `hidden.rust` is the first once
/// more, under a name that is not exposed.
pub struct World {
    /// The names.
    pub names: Arc<NameRegistry>,
    /// Where the name server is.
    pub uri: Uri,
    /// Our object's daemon.
    pub ours: Ours,
    /// Python's object's daemon.
    pub pythons: Server,
    daemon: DaemonHandle,
}

/// A gateway of ours in this process, which ends with this.
pub struct OurGateway {
    /// Where it listens.
    pub address: SocketAddr,
    handle: HttpHandle,
}

/// Python's gateway in a process of its own, which ends with this.
pub struct PythonGateway {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl World {
    /// Starts all of it.
    ///
    /// # Panics
    /// Where something does not start.
    pub async fn start() -> Self {
        let config = Arc::new(Config::default());
        let mut options = NameServerOptions::default();
        options.host = Some("127.0.0.1".to_owned());
        options.port = Some(0);
        options.no_broadcast = true;
        let server = NameServerDaemon::bind(options, config).await.expect("the name server binds");
        let (names, uri) = (server.registry().clone(), server.uri().clone());
        let daemon = server.daemon().handle();
        tokio::spawn(server.serve());
        let ours = Ours::start().await;
        let pythons = Server::start(&[], &[]);
        let world = Self { names, uri, ours, pythons, daemon };
        world.register("http.rust", &world.ours.uri);
        world.register("hidden.rust", &world.ours.uri);
        world.register("http.python", &world.pythons.uri.parse().expect("a URI"));
        world
    }

    /// Gives a name to an object, in the place of another.
    ///
    /// # Panics
    /// Where it cannot be.
    pub fn register(&self, name: &str, uri: &Uri) {
        self.names.add(name, uri, false, [].into()).expect("the name is registered");
    }

    /// A gateway of ours in front of it, set up in this way.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn gateway(&self, set_up: impl FnOnce(&mut GatewayOptions)) -> OurGateway {
        OurGateway::start(self.options(set_up)).await
    }

    /// The options of a gateway in front of it.
    pub fn options(&self, set_up: impl FnOnce(&mut GatewayOptions)) -> GatewayOptions {
        let mut options = GatewayOptions::default();
        options.name_server_host = self.uri.host().map(str::to_owned);
        options.name_server_port = self.uri.port();
        set_up(&mut options);
        options
    }

    /// Python's gateway in front of it, with these arguments.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn python_gateway(&self, arguments: &[&str]) -> PythonGateway {
        let mut command = std::process::Command::new(python::interpreter());
        command.args(["-m", "Pyro5.utils.httpgateway", "-H", "127.0.0.1", "-p", "0"]).args(arguments);
        command.env("PYTHONUNBUFFERED", "1").env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("PYRO_NS_HOST", "127.0.0.1").env("PYRO_NS_PORT", self.uri.port().unwrap_or(0).to_string());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Python starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let running = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let url = line.strip_prefix("Pyro HTTP gateway running on http://")?.to_owned();
            url.strip_suffix("/pyro/").map(str::to_owned)
        });
        // What it prints later is read, so that it can print.
        std::thread::spawn(move || lines.for_each(drop));
        let address = running.expect("Python's gateway says where it runs").parse().expect("an address");
        PythonGateway { address, child }
    }
}

impl OurGateway {
    /// Starts a gateway with these options, on a free port.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start(options: GatewayOptions) -> Self {
        let gateway = Gateway::new(options, &Config::default()).expect("the options are right");
        let server = HttpServer::bind("127.0.0.1", 0, gateway).await.expect("the gateway binds");
        let (address, handle) = (server.local_addr(), server.handle());
        tokio::spawn(server.serve());
        Self { address, handle }
    }

    /// To stop it.
    pub fn handle(&self) -> &HttpHandle {
        &self.handle
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.daemon.shutdown();
    }
}

impl Drop for OurGateway {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

impl Drop for PythonGateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
