//! `salamander up`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use salamander::http::Site;
use salamander::naming::{NameRegistry, NameServerDaemon, NameServerOptions};
use salamander::tasks::backend::{EmbeddedResults, Replied, ResultOptions, RpcOptions};
use salamander::tasks::broker::pyro::{KOMBU_BROKER, KombuBroker};
use salamander::tasks::broker::{Broker, Embedded, EmbeddedOptions};
use salamander::tasks::worker::ShutdownKind;
use salamander::tasks::{App, Worker, WorkerOptions};
use salamander::{Builder, Config, Dict, NAME_SERVER_NAME, NAME_SERVER_PORT, Uri, Value};
use tokio::sync::Notify;

use super::{World, ns, tasks};
use crate::calls::{Calls, ZeroMqCalls, offer, open_zeromq};
use crate::data_dir::DataDir;
use crate::demo::{self, CALCULATOR, Calculator, ECHO, EchoServer, GREETING, Greeting};
use crate::doors::{HttpDoors, Offer, entries};
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
  salamander up --storage redis://localhost:6379
  salamander up --mp-port 17000 --authkey peekaboo
  salamander up --zmq-port 17001
  salamander up --tls-cert server.pem --tls-key server_key.pem --tls-client-ca clients.pem

It serves Pyro.NameServer, kombu.broker (queues for Celery, as pyro://localhost/kombu.broker), test.echoserver, \
example.greeting, example.calculator and the functions add and sub, to Pyro's clients, by HTTP, XML-RPC and JSON-RPC; and a worker \
runs tasks.add, tasks.mul, tasks.xsum, tasks.factorial, tasks.fibonacci, tasks.sleep, tasks.fail and tasks.retry. Ctrl-C stops it.")]
pub(crate) struct Up {
    /// The host name or address to listen on [default: PYRO_HOST, or localhost]
    #[arg(long)]
    host: Option<String>,

    /// The port to listen on; 0 is a free one [default: PYRO_NS_PORT, or 9090]
    #[arg(long)]
    port: Option<u16>,

    /// The directory in which data is kept, the names among it
    #[arg(long, value_name = "DIR", default_value = "./salamander-data")]
    data: PathBuf,

    /// Where the names are kept instead: memory, sql: and a file, or the URL of a store that several name servers share, redis://... or
    /// postgres://...
    #[arg(short, long)]
    storage: Option<String>,

    /// Let what is in the queues survive a power cut, and not only that the program is killed
    #[arg(long)]
    fsync: bool,

    /// Take tasks from this broker instead of the own queue
    #[arg(long, value_name = "URL")]
    broker: Option<String>,

    /// Keep the results of tasks there instead of beside the own queue
    #[arg(long, value_name = "URL")]
    result_backend: Option<String>,

    /// Leave the demonstration objects and tasks out
    #[arg(long)]
    no_demo: bool,

    #[command(flatten)]
    http: HttpDoors,

    /// Let clients of this protocol in although they cannot show that they know a key: pyro5, HTTP, JSON-RPC (with
    /// PYRO_HMAC_KEY), multiprocessing, zeromq
    #[arg(long, value_name = "PROTOCOL")]
    without_key: Vec<String>,

    #[command(flatten)]
    calls: Calls,

    #[command(flatten)]
    zeromq: ZeroMqCalls,

    #[command(flatten)]
    tls: ServerTls,
}

impl Up {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let World { config, output, .. } = world;
        let config = self.tls.config(&config)?;
        let host = self.host.as_ref().unwrap_or(&config.host);
        let calls = self.calls.asked_for(host, &config, &self.without_key)?;
        let zeromq = self.zeromq.asked_for(host, &config, &self.without_key)?;
        let mut signals = Signals::catch()?;
        let data = DataDir::open(&self.data)?;
        let hosts: Vec<String> = self.host.iter().chain(&config.nathost).chain([&config.host]).cloned().collect();
        let gateway = self.http.gateway(&config, hosts.clone())?;
        let server = self.bind(&data, &config, self.http.site(gateway.clone(), hosts)).await?;
        if let Some(gateway) = &gateway {
            gateway.use_name_server(server.internal_uri());
        }
        let daemon = server.daemon().handle();
        if let Err(error) = data.tell_owner(daemon.location()) {
            tracing::warn!("cannot write to the data directory: {error}");
        }
        let registry = server.registry().clone();
        // Others may serve objects under names of a store that is not ours alone.
        let only_at = self.storage.as_ref().map(|_| daemon.location());
        let queues = self.queues(&data)?;
        let stopping = daemon.clone();
        let broker = KombuBroker::new(&queues).until(async move { stopping.stopping().await });
        let mut objects = vec![(KOMBU_BROKER, daemon.register(KOMBU_BROKER, broker)?)];
        registry.add(KOMBU_BROKER, &objects[0].1, false, [QUEUES.to_owned()].into())?;
        objects.extend(match self.no_demo {
            true => forget_demo(&registry, only_at),
            false => register_demo(&server, &registry),
        }?);
        warn_of_strangers(&server, &config);
        let calls = match calls {
            Some(asked) => Some(asked.open(&daemon).await?),
            None => None,
        };
        let zeromq = match zeromq {
            Some(location) => Some(open_zeromq(&location, &daemon).await?),
            None => None,
        };
        let mut offers = self.http.offers(&base_url(&server, config.ssl), gateway.is_some());
        offers.extend(calls.as_ref().map(|calls| offer("multiprocessing", calls.beside())));
        offers.extend(zeromq.as_ref().map(|calls| offer("zeromq", calls.beside())));
        let working = self.worker(&queues)?.map(|worker| (worker.handle(), tokio::spawn(worker.run())));
        self.tell(output, &server, &objects, &offers).or_else(Failure::unless_closed)?;
        if let Some(calls) = calls {
            calls.spawn();
        }
        if let Some(calls) = zeromq {
            calls.spawn();
        }
        signals.serve(&daemon, server.serve()).await?;
        if let Some((worker, running)) = working {
            // What waits for its time, or takes long, is there when it starts again.
            worker.shutdown(ShutdownKind::Cold);
            if let Ok(Err(error)) = running.await {
                tracing::warn!("the worker ended: {error}");
            }
        }
        queues.close().await.map_err(|error| Failure::failed(error.to_string()))?;
        output.line("salamander has stopped.")
    }

    async fn bind(
        &self,
        data: &DataDir,
        config: &Arc<Config>,
        site: Option<Site>,
    ) -> Result<NameServerDaemon, Failure> {
        let storage = match &self.storage {
            Some(storage) => storage.clone(),
            None => self.storage_in(data)?,
        };
        let mut options = NameServerOptions::default();
        options.host = self.host.clone();
        options.port = self.port;
        options.storage = Some(storage);
        options.without_key.clone_from(&self.without_key);
        let set_up = |builder: Builder| {
            let builder = match site {
                Some(site) => builder.door(site),
                None => builder,
            };
            match self.http.raw_jsonrpc() {
                Some(rpc) => builder.door(rpc),
                None => builder,
            }
        };
        ns::bind_with(options, config, set_up).await.map_err(|failure| match failure {
            // A file of our own making is nothing that the user has said.
            Failure::Usage(message) if self.storage.is_none() => Failure::Failed(message),
            other => other,
        })
    }

    /// A worker with the demonstration tasks.
    fn worker(&self, queues: &Embedded) -> Result<Option<Worker>, Failure> {
        if self.no_demo {
            return Ok(None);
        }
        let app = match &self.broker {
            Some(url) => {
                let results = self.result_backend.as_deref().unwrap_or("rpc://");
                App::builder().broker_url(url.as_str()).result_backend(results)
            }
            None => {
                let broker: Arc<dyn Broker> = Arc::new(queues.clone());
                let app = App::builder().broker(broker.clone());
                match &self.result_backend {
                    Some(url) => app.result_backend(url.as_str()),
                    None => {
                        // Whoever asks in Python waits for messages, as with rpc://.
                        let kept = Arc::new(EmbeddedResults::new(queues, ResultOptions::default()));
                        app.backend(Arc::new(Replied::new(kept, broker, RpcOptions::default())))
                    }
                }
            }
        };
        let app = demo::with_tasks(app).build().map_err(tasks::failed)?;
        let mut options = WorkerOptions::default();
        // One that is started beside it has a name of its own.
        options.name = "up@%h".into();
        // Tasks that sleep hold up no others.
        options.concurrency = Some(WORKER_LANES);
        Ok(Some(Worker::new(app, options).without_signals()))
    }

    /// The queues in the data directory.
    fn queues(&self, data: &DataDir) -> Result<Embedded, Failure> {
        let mut options = EmbeddedOptions::default();
        options.fsync = self.fsync;
        Embedded::open(data.file("tasks.sqlite"), options).map_err(|error| Failure::failed(error.to_string()))
    }

    /// The storage of names in the data directory.
    fn storage_in(&self, data: &DataDir) -> Result<String, Failure> {
        let file = data.file("names.sqlite");
        let Some(file) = file.to_str() else {
            let directory = self.data.display();
            return Err(Failure::usage(format!(
                "the data directory {directory} is no Unicode text; --data chooses another"
            )));
        };
        Ok(format!("sql:{file}"))
    }

    /// Says what is served, and what to try.
    fn tell(
        &self,
        output: Output,
        server: &NameServerDaemon,
        objects: &[(&str, Uri)],
        offers: &[Offer],
    ) -> Result<(), Failure> {
        let location = server.daemon().location();
        output.line(format_args!("salamander {} is up on {location}", env!("CARGO_PKG_VERSION")))?;
        let storage = self.storage.as_deref().map(without_secrets);
        match &storage {
            Some(storage) => output.line(format_args!("names are kept in {storage}"))?,
            None => output.line(format_args!("names are kept in {}", self.data.display()))?,
        }
        if let Some(address) = server.broadcast_addr() {
            output.line(format_args!("broadcasts are answered on {address}"))?;
        }
        output.line("")?;
        output.line("It serves")?;
        output.line(format_args!("  {:<20} {}", NAME_SERVER_NAME, server.uri()))?;
        for (name, uri) in objects {
            output.line(format_args!("  {name:<20} {uri}"))?;
        }
        for Offer { label, location, .. } in offers {
            output.line(format_args!("  {label:<20} {location}"))?;
        }
        let (host, port) = place(server);
        let at = match (host, port) {
            ("localhost", NAME_SERVER_PORT) => String::new(),
            (host, port) if host.contains(':') => format!("@[{host}]:{port}"),
            (host, port) => format!("@{host}:{port}"),
        };
        output.line("")?;
        output.line("Try")?;
        if objects.iter().any(|(name, _)| *name == CALCULATOR) {
            output.line(format_args!("  salamander call PYRONAME:{CALCULATOR}{at} add 2 3"))?;
            output.line(format_args!(
                "  python -c 'import Pyro5.api; print(Pyro5.api.Proxy(\"PYRONAME:{GREETING}{at}\").get_fortune(\"Ada\"))'"
            ))?;
        }
        output.line(format_args!("  salamander nsc -n {host} -p {port} list"))?;
        for Offer { line, .. } in offers.iter().filter(|_| !self.no_demo) {
            output.line(format_args!("  {line}"))?;
        }
        output.line("")?;
        output.line("Ctrl-C stops it.")?;
        let served = objects.iter().map(|(name, uri)| (*name, uri.to_string()));
        let served = std::iter::once((NAME_SERVER_NAME, server.uri().to_string())).chain(served);
        let mut document = Dict::from_iter([
            ("location", Value::from(location)),
            ("data", self.data.display().to_string().into()),
            ("storage", storage.into()),
            ("broadcast", server.broadcast_addr().map(|address| address.to_string()).into()),
            ("objects", Value::from(served.collect::<Dict>())),
        ]);
        for (door, location) in entries(offers) {
            document.insert(door, location);
        }
        output.document(document)
    }
}

/// The host and port at which clients find the server.
fn place(server: &NameServerDaemon) -> (&str, u16) {
    let uri = server.uri();
    (uri.host().unwrap_or("localhost"), uri.port().unwrap_or(NAME_SERVER_PORT))
}

/// What URLs that lead to the server begin with.
fn base_url(server: &NameServerDaemon, secure: bool) -> String {
    let scheme = if secure { "https" } else { "http" };
    match place(server) {
        (host, port) if host.contains(':') => format!("{scheme}://[{host}]:{port}"),
        (host, port) => format!("{scheme}://{host}:{port}"),
    }
}

/// How many demonstration tasks run at once.
const WORKER_LANES: usize = 16;

/// The tag of the queues' name.
const QUEUES: &str = "salamander.queues";
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

/// Removes the names of demonstration objects that an earlier run left, where it is said at this location only.
fn forget_demo(registry: &NameRegistry, only_at: Option<&str>) -> Result<Vec<(&'static str, Uri)>, Failure> {
    for (name, entry) in registry.select_tagged(&[DEMO.to_owned()].into(), true, false)? {
        let is_at = |location: &str| entry.uri.strip_suffix(location).is_some_and(|rest| rest.ends_with('@'));
        if only_at.is_none_or(is_at) {
            registry.remove(Some(&name), None, None)?;
        }
    }
    Ok(Vec::new())
}

/// A storage as it may be shown: a URL without the user, the password and the options that may be in it.
fn without_secrets(storage: &str) -> String {
    let Some((scheme, rest)) = storage.split_once("://") else { return storage.to_owned() };
    let place = rest.split('?').next().unwrap_or_default();
    let place = match place.rsplit_once('@') {
        Some((_, place)) => place,
        // A password that is not written as a URL wants it.
        None if rest.contains('@') => "...",
        None => place,
    };
    format!("{scheme}://{place}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (storage, shown) in [
            ("memory", "memory"),
            ("sql:a@b:c", "sql:a@b:c"),
            ("redis://localhost:6379/1", "redis://localhost:6379/1"),
            ("redis://:secret@host", "redis://host"),
            ("postgres://me:se@cret@host:1/names", "postgres://host:1/names"),
            ("postgres://me@host/names?password=secret", "postgres://host/names"),
            ("redis://me:se?cret@host", "redis://..."),
        ] {
            assert_eq!(without_secrets(storage), shown);
        }
    }
}
