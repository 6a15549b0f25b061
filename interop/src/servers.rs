//! Real servers of Redis, PostgreSQL and RabbitMQ: each test has its own, in a directory and on a socket or port of its own, or
//! where that takes long a part of one.

mod rabbitmq;
mod redis;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::certs::Certs;

pub use rabbitmq::{RabbitMq, rabbitmq_is_there};
pub use redis::{Cluster, Redis, Sentinel};

/// How long a server may take to be ready.
const START: Duration = Duration::from_secs(60);

/// A server that runs until this is dropped.
pub struct Store {
    kind: Kind,
    directory: PathBuf,
    port: u16,
    process: Option<Child>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Redis,
    Postgres,
}

impl Store {
    /// A server of Redis that keeps everything at once; none where Redis is not installed, and then the test is left out.
    pub fn redis() -> Option<Self> {
        if let Err(reason) = redis_is_there() {
            crate::left_out(reason);
            return None;
        }
        Some(Self::start(Kind::Redis))
    }

    /// A server of PostgreSQL; none where it is not installed, and then the test is left out.
    pub fn postgres() -> Option<Self> {
        if postgres_program("initdb").is_none() {
            crate::left_out("there is no PostgreSQL on this machine: cargo xtask setup installs it as root");
            return None;
        }
        Some(Self::start(Kind::Postgres))
    }

    /// A server of PostgreSQL that knows TLS, with the certificate `server`, and a user `guarded` who has to use it.
    ///
    /// # Panics
    /// Where it cannot be set up.
    pub fn postgres_tls(certs: &Certs) -> Option<Self> {
        let mut server = Self::postgres()?;
        let made = Command::new(postgres_program("psql")?)
            .args([&*server.url(), "-c", "CREATE ROLE guarded LOGIN SUPERUSER"])
            .output();
        assert!(made.is_ok_and(|made| made.status.success()), "the user is made");
        server.kill();
        let cluster = server.cluster();
        for (name, file) in [("server", "server.crt"), ("server_key", "server.key")] {
            std::fs::copy(certs.file(name), cluster.join(file)).expect("a file");
        }
        std::fs::write(cluster.join("pg_hba.conf"), "hostssl all guarded all trust\nhost all salamander all trust\n")
            .expect("a file");
        let mut settings = std::fs::read_to_string(cluster.join("postgresql.conf")).expect("its settings");
        settings.push_str("\nssl = on\n");
        std::fs::write(cluster.join("postgresql.conf"), settings).expect("a file");
        let key = cluster.join("server.key");
        let alone = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, alone).expect("the key is its owner's alone");
        if is_root() {
            let owner = Command::new("chown").arg("postgres").args([&cluster.join("server.crt"), &key]).status();
            assert!(owner.is_ok_and(|status| status.success()), "the files are given to the user postgres");
        }
        server.restart();
        Some(server)
    }

    fn start(kind: Kind) -> Self {
        // Not below a directory that only its owner can enter: another user may run the server.
        let name = format!("salamander-store-{}-{}", std::process::id(), free_port());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).expect("a directory for a server");
        let mut store = Self { kind, directory, port: free_port(), process: None };
        if kind == Kind::Postgres {
            store.make_cluster();
        }
        store.restart();
        store
    }

    /// The URL for `--storage`.
    pub fn url(&self) -> String {
        match self.kind {
            Kind::Redis => format!("redis://127.0.0.1:{}", self.port),
            Kind::Postgres => format!("postgres://salamander@127.0.0.1:{}/postgres", self.port),
        }
    }

    /// Starts it again after [`Store::kill`], with what it has kept, at the same place.
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "it is running");
        let mut command = match self.kind {
            Kind::Redis => {
                let mut command = Command::new("redis-server");
                command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
                command.args(["--appendonly", "yes", "--appendfsync", "always"]).arg("--dir").arg(&self.directory);
                command
            }
            Kind::Postgres => {
                let mut command = as_user("postgres");
                command.arg("-D").arg(self.cluster()).args(["-p", &self.port.to_string(), "-h", "127.0.0.1"]);
                command.arg("-k").arg(&self.directory);
                command
            }
        };
        let log = self.directory.join("log");
        let log = std::fs::File::create(log).expect("a log");
        let errors = log.try_clone().expect("a log");
        let started = command.current_dir("/").stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        self.process = Some(started.expect("the server starts"));
        let start = Instant::now();
        while !self.answers() {
            assert!(start.elapsed() < START, "the server does not answer: {}", self.log());
            let ended = self.process.as_mut().is_some_and(|process| !matches!(process.try_wait(), Ok(None)));
            assert!(!ended, "the server has ended: {}", self.log());
            // Between two looks at whether it answers; it tells nobody of it.
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as if the power had failed, but for what the system has not written yet.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        if self.kind == Kind::Postgres {
            // Its own processes end by themselves as soon as they notice. `SIGQUIT` is its immediate shutdown.
            let _ = Command::new("kill").args(["-QUIT", &process.id().to_string()]).status();
        } else {
            let _ = process.kill();
        }
        let _ = process.wait();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn cluster(&self) -> PathBuf {
        self.directory.join("cluster")
    }

    fn make_cluster(&self) {
        if is_root() {
            let owner = Command::new("chown").arg("postgres").arg(&self.directory).status();
            assert!(owner.is_ok_and(|status| status.success()), "the directory is given to the user postgres");
        }
        let mut command = as_user("initdb");
        command.arg("-D").arg(self.cluster());
        command.args(["-U", "salamander", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"]);
        let made = command.current_dir("/").stdin(Stdio::null()).output().expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let (question, answer): (&[u8], &[u8]) = match self.kind {
            Kind::Redis => (b"PING\r\n", b"+PONG"),
            // A start-up message for protocol 3.0, the user and nothing else. "R": authentication; an error would be "E".
            Kind::Postgres => {
                (b"\x00\x00\x00\x2b\x00\x03\x00\x00user\x00salamander\x00database\x00postgres\x00\x00", b"R")
            }
        };
        let mut read = vec![0; answer.len()];
        stream.write_all(question).is_ok() && stream.read_exact(&mut read).is_ok() && read == answer
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Whether Redis is installed; else what there is to say.
///
/// # Errors
/// Where it is not.
pub fn redis_is_there() -> Result<(), &'static str> {
    match find(&["redis-server"], &[]) {
        Some(_) => Ok(()),
        None => Err("there is no redis-server on this machine: cargo xtask setup installs it as root"),
    }
}

/// A program of PostgreSQL; as root, run by the user that its package makes, because it refuses to be root.
fn as_user(program: &str) -> Command {
    let program = postgres_program(program).expect("PostgreSQL is installed");
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(program);
    command
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// Where Debian has PostgreSQL's programs, which are not on the path there.
fn postgres_program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    find(&[name], &folders)
}

fn find(names: &[&str], more: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = more.iter().rev().cloned().chain(std::env::split_paths(&path)).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| Path::exists(file))
}

/// A port that is free at this moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
