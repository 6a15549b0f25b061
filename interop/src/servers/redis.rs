//! Redis in every shape: with TLS, on a Unix domain socket, with a password, under sentinels, as a cluster.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{free_port, redis_is_there};
use crate::certs::Certs;

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server of Redis, or of sentinels, that runs until this is dropped.
pub struct Redis {
    directory: PathBuf,
    port: u16,
    arguments: Vec<String>,
    /// By which `redis-cli` finds it.
    reach: Vec<String>,
    process: Option<Child>,
}

impl Redis {
    /// A server with these arguments beside the usual ones; none where Redis is not installed, and then the test is left out.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        Self::with(|_, _| arguments.iter().map(|&argument| argument.to_owned()).collect())
    }

    /// A server with arguments that need to know its directory and port.
    pub fn with(arguments: impl FnOnce(&Path, u16) -> Vec<String>) -> Option<Self> {
        Self::reached(Vec::new(), arguments)
    }

    /// One that `redis-cli` needs these options for.
    fn reached(mut reach: Vec<String>, arguments: impl FnOnce(&Path, u16) -> Vec<String>) -> Option<Self> {
        if let Err(reason) = redis_is_there() {
            crate::left_out(reason);
            return None;
        }
        let port = free_port();
        let directory = std::env::temp_dir().join(format!("salamander-redis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory for a server");
        let arguments = arguments(&directory, port);
        reach.extend(["-p".to_owned(), port.to_string()]);
        if let Some(at) = arguments.iter().position(|argument| argument == "--requirepass") {
            reach.extend(["--no-auth-warning".to_owned(), "-a".to_owned(), arguments[at + 1].clone()]);
        }
        let mut server = Self { directory, port, arguments, reach, process: None };
        server.restart();
        Some(server)
    }

    /// One that is reached by TLS alone, with the certificates of `certs`.
    pub fn tls(certs: &Certs) -> Option<Self> {
        let mut reach = vec!["--tls".to_owned()];
        for (option, name) in [("--cacert", "ca"), ("--cert", "client"), ("--key", "client_key")] {
            reach.extend([option.to_owned(), certs.file(name)]);
        }
        Self::reached(reach, |_, port| {
            let mut arguments = vec!["--port".to_owned(), "0".to_owned(), "--tls-port".to_owned(), port.to_string()];
            for (option, name) in [("cert", "server"), ("key", "server_key"), ("ca-cert", "ca")] {
                arguments.extend([format!("--tls-{option}-file"), certs.file(name)]);
            }
            // Clients show a certificate too.
            arguments.extend(["--tls-auth-clients".to_owned(), "yes".to_owned()]);
            arguments
        })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its directory, in which it may have its socket.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// `redis://`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What `redis-cli` prints for a command.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli").args(&self.reach).args(arguments).output().expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Starts it again, with what it has kept.
    pub fn restart(&mut self) {
        let mut command = Command::new("redis-server");
        let sentinel = self.arguments.first().is_some_and(|first| first.ends_with(".conf"));
        if sentinel {
            command.args(&self.arguments);
        } else {
            command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
            command.args(["--appendonly", "yes", "--appendfsync", "always"]).arg("--dir").arg(&self.directory);
            command.args(&self.arguments);
        }
        let log = std::fs::File::create(self.directory.join("log")).expect("a log");
        let errors = log.try_clone().expect("a log");
        let started = command.current_dir("/").stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        self.process = Some(started.expect("the server starts"));
        self.until("it answers", |server| server.cli(&["PING"]) == "PONG");
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Looks until something is so.
    pub fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            let log = || std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}; {}", log());
            // Between two looks; it tells nobody of it.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A master with a replica, and a sentinel that knows them as `mymaster`.
pub struct Sentinel {
    /// The first is the master, until it is killed.
    pub servers: [Redis; 2],
    sentinel: Redis,
}

impl Sentinel {
    /// All three; none where Redis is not installed, and then the test is left out.
    pub fn start() -> Option<Self> {
        let master = Redis::start(&[])?;
        let replica = Redis::start(&["--replicaof", "127.0.0.1", &master.port().to_string()])?;
        replica.until("the replica follows", |it| it.cli(&["INFO", "replication"]).contains("master_link_status:up"));
        let known = master.port();
        let sentinel = Redis::with(|directory, port| {
            let file = directory.join("sentinel.conf");
            let text = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor mymaster 127.0.0.1 {known} 1\nsentinel down-after-milliseconds mymaster \
                 300\nsentinel failover-timeout mymaster 3000\n",
                directory.display()
            );
            std::fs::write(&file, text).expect("a file");
            vec![file.display().to_string(), "--sentinel".to_owned()]
        })?;
        sentinel.until("the sentinel knows the replica", |it| {
            it.cli(&["SENTINEL", "replicas", "mymaster"]).contains("127.0.0.1")
        });
        Some(Self { servers: [master, replica], sentinel })
    }

    /// `sentinel://`, without the name of the master.
    pub fn url(&self) -> String {
        format!("sentinel://127.0.0.1:{}", self.sentinel.port())
    }

    /// Kills the master, and waits until the replica is it.
    pub fn fail_over(&mut self) {
        self.servers[0].kill();
        self.servers[1].until("it is the master", |it| it.cli(&["ROLE"]).starts_with("master"));
    }
}

/// A cluster of three masters.
pub struct Cluster(Vec<Redis>);

impl Cluster {
    /// All three; none where Redis is not installed, and then the test is left out.
    pub fn start() -> Option<Self> {
        let nodes: Vec<Redis> = (0..3).map(|_| Redis::start(&["--cluster-enabled", "yes"])).collect::<Option<_>>()?;
        let mut create = vec!["--cluster".to_owned(), "create".to_owned()];
        create.extend(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())));
        create.push("--cluster-yes".to_owned());
        let made = Command::new("redis-cli").args(&create).output().expect("redis-cli runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        for node in &nodes {
            node.until("the cluster is one", |it| it.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
        }
        Some(Self(nodes))
    }

    /// The nodes.
    pub fn nodes(&self) -> &[Redis] {
        &self.0
    }

    /// `redis+cluster://`, with the first two nodes.
    pub fn url(&self) -> String {
        let urls: Vec<String> =
            self.0[..2].iter().map(|node| format!("redis+cluster://127.0.0.1:{}", node.port())).collect();
        urls.join(";")
    }

    /// The node that has the slot of a key.
    pub fn owner(&self, key: &str) -> &Redis {
        let slot: u32 = self.0[0].cli(&["CLUSTER", "KEYSLOT", key]).parse().expect("a slot");
        let has = |node: &&Redis| {
            let nodes = node.cli(&["CLUSTER", "NODES"]);
            let own = nodes.lines().find(|line| line.contains("myself")).unwrap_or_default().to_owned();
            own.split(' ').skip(8).any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                first.parse().is_ok_and(|first: u32| first <= slot)
                    && last.parse().is_ok_and(|last: u32| slot <= last)
            })
        };
        self.0.iter().find(has).expect("a node for each slot")
    }
}
