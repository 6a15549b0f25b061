//! RabbitMQ: a server with a port mapper of its own, many virtual hosts, and TLS on a second port.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::find;
use crate::certs::Certs;

/// How long a server may take to be ready, or to be gone.
const PATIENCE: Duration = Duration::from_secs(120);

/// The script that becomes the server itself; the one on the path changes the user first.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// How many virtual hosts the shared server has for [`RabbitMq::vhost`].
const VHOSTS: usize = 64;

/// And how many one that is killed has: each of them takes time when it starts.
const OWN_VHOSTS: usize = 1;

/// Runs the port mapper and the server until its input ends, which it does when the test's process does, however that ends.
const KEEPER: &str = r#"
"$1" -port "$ERL_EPMD_PORT" -address 127.0.0.1 & mapper=$!
"$2" & server=$!
read -r line
kill -KILL $server $mapper
wait
rm -rf "$3"
"#;

/// A server of RabbitMQ that runs until this is dropped; one that is shared, until the process ends.
///
/// It begins within some seconds, so tests that do not stop it share one and take a virtual host each.
pub struct RabbitMq {
    directory: PathBuf,
    certs: Certs,
    ports: Ports,
    process: Option<Child>,
    vhosts: usize,
    next: AtomicUsize,
}

#[derive(Clone, Copy)]
struct Ports {
    amqp: u16,
    tls: u16,
    nodes: u16,
    mapper: u16,
}

impl RabbitMq {
    /// A server; none where RabbitMQ is not installed, and then the test is left out.
    pub fn start() -> Option<Self> {
        Self::with_vhosts(OWN_VHOSTS)
    }

    /// A server with so many virtual hosts to give; none where RabbitMQ is not installed, and then the test is left out.
    pub fn with_vhosts(vhosts: usize) -> Option<Self> {
        if let Err(reason) = rabbitmq_is_there() {
            crate::left_out(reason);
            return None;
        }
        let ports = Ports::free();
        let directory = std::env::temp_dir().join(format!("salamander-rabbit-{}-{}", std::process::id(), ports.amqp));
        std::fs::create_dir_all(&directory).expect("a directory for a server");
        let next = AtomicUsize::new(1);
        let mut server = Self { directory, certs: Certs::new(), ports, process: None, vhosts, next };
        server.configure();
        server.restart();
        Some(server)
    }

    /// The server of this process, which nobody stops; none where RabbitMQ is not installed, and then the test is left out.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<RabbitMq>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::with_vhosts(VHOSTS)).as_ref();
        if let (None, Err(reason)) = (shared, rabbitmq_is_there()) {
            crate::left_out(reason);
        }
        shared
    }

    /// Its URL, with the virtual host `/`.
    pub fn url(&self) -> String {
        self.url_of("%2F")
    }

    /// Its URL with a virtual host that nobody else has, empty.
    ///
    /// # Panics
    /// Where all of them are taken.
    pub fn vhost(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        assert!(number <= self.vhosts, "there are no more than {} virtual hosts", self.vhosts);
        self.url_of(&format!("v{number}"))
    }

    /// The same virtual host as in this URL, encrypted: its certificate is `server` of [`RabbitMq::certs`].
    pub fn encrypted(&self, url: &str) -> String {
        let (from, to) = (format!("127.0.0.1:{}", self.ports.amqp), format!("127.0.0.1:{}", self.ports.tls));
        url.replacen("amqp:", "amqps:", 1).replacen(&from, &to, 1)
    }

    /// The certificates of its encrypted port.
    pub fn certs(&self) -> &Certs {
        &self.certs
    }

    /// The port of its URL.
    pub fn port(&self) -> u16 {
        self.ports.amqp
    }

    fn url_of(&self, vhost: &str) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/{vhost}", self.ports.amqp)
    }

    /// Starts it again after [`RabbitMq::kill`], with what it has kept, at the same place.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "it is running");
        let mapper = find(&["epmd"], &[]).expect("it is installed");
        let log = std::fs::File::create(self.directory.join("log")).expect("a log");
        let errors = log.try_clone().expect("a log");
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(mapper).arg(SERVER).arg(&self.directory);
        self.environment(&mut command);
        command.current_dir("/").stdin(Stdio::piped()).stdout(log).stderr(errors);
        // In a group of its own, so that all of it can be ended at once.
        self.process = Some(command.process_group(0).spawn().expect("a shell starts"));
        self.until("it answers", Self::answers);
    }

    fn environment(&self, command: &mut Command) {
        let Ports { amqp, nodes, mapper, .. } = self.ports;
        let file = |name: &str| self.directory.join(name);
        command.env("HOME", &self.directory);
        command.env("ERL_EPMD_PORT", mapper.to_string()).env("ERL_EPMD_ADDRESS", "127.0.0.1");
        command.env("RABBITMQ_NODENAME", format!("salamander{amqp}@localhost"));
        command.env("RABBITMQ_NODE_PORT", amqp.to_string()).env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1");
        command.env("RABBITMQ_DIST_PORT", nodes.to_string());
        command.env("RABBITMQ_MNESIA_BASE", file("data")).env("RABBITMQ_LOG_BASE", file("logs"));
        command.env("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf")).env("RABBITMQ_CONF_ENV_FILE", "/dev/null");
        command.env("RABBITMQ_ENABLED_PLUGINS_FILE", file("plugins"));
        command.env("RABBITMQ_PID_FILE", file("pid"));
        // So the script becomes the server instead of waiting for it, and can be ended as the server.
        command.env("RUNNING_UNDER_SYSTEMD", "true").env_remove("NOTIFY_SOCKET");
        // Loopback only; and no core spins while there is nothing to do, because tests share them.
        let erlang = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none";
        command.env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlang);
    }

    fn configure(&self) {
        let write = |name: &str, text: &str| {
            std::fs::write(self.directory.join(name), text).expect("a file in a directory of our own");
        };
        let hosts: Vec<String> =
            std::iter::once("/".to_owned()).chain((1..=self.vhosts).map(|n| format!("v{n}"))).collect();
        let all = |form: &dyn Fn(&String) -> String| hosts.iter().map(form).collect::<Vec<_>>().join(",");
        let names = all(&|host| format!(r#"{{"name":"{host}"}}"#));
        let allowed =
            all(&|host| format!(r#"{{"user":"guest","vhost":"{host}","configure":".*","write":".*","read":".*"}}"#));
        let user = r#"{"name":"guest","password":"guest","tags":"administrator"}"#;
        let definitions = format!(r#"{{"vhosts":[{names}],"users":[{user}],"permissions":[{allowed}]}}"#);
        write("definitions.json", &definitions);
        write("plugins", "[].");
        let definitions = self.directory.join("definitions.json").display().to_string();
        let certs = &self.certs;
        write(
            "rabbitmq.conf",
            &format!(
                "load_definitions = {definitions}\n\
                 listeners.ssl.1 = 127.0.0.1:{}\n\
                 ssl_options.cacertfile = {}\n\
                 ssl_options.certfile = {}\n\
                 ssl_options.keyfile = {}\n\
                 log.console = true\n\
                 log.console.level = warning\n\
                 log.file = false\n\
                 disk_free_limit.absolute = 1MB\n",
                self.ports.tls,
                certs.file("ca"),
                certs.file("server"),
                certs.file("server_key"),
            ),
        );
    }

    /// Waits until it has written down that there is this quorum queue of the virtual host `/`. It does so a moment later, and one that is
    /// killed before knows neither the queue any more nor what was in it.
    pub fn until_kept(&mut self, queue: &str) {
        let name = format!("%2F_{queue}");
        self.until("the queue is written down", |it| {
            let nodes = std::fs::read_dir(it.directory.join("data")).into_iter().flatten().flatten();
            let tables = nodes.flat_map(|node| {
                let of_node = std::fs::read_dir(node.path().join("quorum")).into_iter().flatten().flatten();
                of_node.map(|folder| folder.path().join("names.dets"))
            });
            tables
                .filter_map(|file| std::fs::read(file).ok())
                .any(|table| table.windows(name.len()).any(|part| part == name.as_bytes()))
        });
    }

    /// Ends it as if the power had failed, but for what the system has not written yet.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", process.id())]).status();
        let _ = process.wait();
        // The server is no child of ours: its ports tell when it is gone.
        let Ports { amqp, tls, nodes, mapper } = self.ports;
        let gone = |port: &u16| TcpStream::connect(("127.0.0.1", *port)).is_err();
        self.until("it is gone", |_| [amqp, tls, nodes, mapper].iter().all(gone));
    }

    fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < PATIENCE, "not so for long: {what}: {}", self.log());
            let ended = self.log().contains("init terminating");
            assert!(!ended || self.process.is_none(), "the server has ended: {}", self.log());
            // Between two looks; nobody tells.
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.ports.amqp)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut first = [0];
        // The header of AMQP 0-9-1; a frame with a method comes back.
        stream.write_all(b"AMQP\x00\x00\x09\x01").is_ok() && stream.read_exact(&mut first).is_ok() && first == [1]
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Whether RabbitMQ is installed; else what there is to say.
///
/// # Errors
/// Where it is not.
pub fn rabbitmq_is_there() -> Result<(), &'static str> {
    match find(&["epmd"], &[]).is_some() && Path::new(SERVER).exists() {
        true => Ok(()),
        false => Err("there is no RabbitMQ on this machine: cargo xtask setup installs it as root"),
    }
}

impl Ports {
    /// Ports that are free at this moment, below those that systems give to clients: while the server is down, nobody who tries to
    /// reach it may get its port by chance and then find himself there.
    fn free() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let seed = std::process::id() as usize * 97;
        let mut free = std::iter::from_fn(|| {
            let number = seed + NEXT.fetch_add(1, Ordering::Relaxed);
            Some(10_000 + u16::try_from(number % 20_000).unwrap_or_default())
        })
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
        let mut next = || free.next().expect("there is always another one");
        Self { amqp: next(), tls: next(), nodes: next(), mapper: next() }
    }
}
