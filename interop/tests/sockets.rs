//! Sockets that somebody else has connected, socket files and abstract names, with Python at the other end.
#![cfg(unix)]
#![allow(clippy::disallowed_methods)]

use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use interop::certs::{Certs, borrowed};
use interop::pyro5::ours::Ours;
use interop::pyro5::peer::{Server, script};
use interop::pyro5::thing::Thing;
use interop::pyro5::until;
use interop::python;
use salamander::{Config, ConnectedSocket, Daemon, Kind, Proxy};

/// `socket_peer.py` with one end of a pair; the other end.
fn peer(arguments: &[&str], socket: OwnedFd) -> Child {
    let mut command: Command = python::script("socket_peer.py");
    command.args(arguments).stdin(socket).stdout(Stdio::piped()).spawn().expect("Python starts")
}

/// A pair of connected sockets: of this machine, or of the network.
fn pair(kind: &str) -> (ConnectedSocket, OwnedFd) {
    if kind == "unix" {
        let (one, other) = UnixStream::pair().expect("a pair");
        return (one.into(), other.into());
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let one = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    (one.into(), listener.accept().expect("a connection").0.into())
}

fn config(settings: &[(&'static str, String)]) -> Arc<Config> {
    Arc::new(Config::from_vars(borrowed(settings)).expect("the settings are right"))
}

/// What Pyro5's client gives on a socket of a daemon of ours, which has to end with it.
async fn python_calls(kind: &str, settings: &[(&'static str, String)], arguments: &[&str]) -> String {
    let (one, other) = pair(kind);
    let daemon = Daemon::builder().config(config(settings)).connected(one).await.expect("the socket is connected");
    daemon.register("thing", Thing::new(daemon.handle())).expect("the id is free");
    let client = peer(arguments, other);
    daemon.serve().await.expect("it ends with its client");
    let output = client.wait_with_output().expect("it has ended");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

const SEEN: &str = r#"[5, "hello", [0, 1, 2], "integer division or modulo by zero", 5, "hello", [0, 1, 2], "integer division or modulo by zero"]"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pythons_proxy_calls_our_daemon_over_a_socket_that_is_connected() {
    for kind in ["unix", "tcp"] {
        assert_eq!(python_calls(kind, &[], &["client"]).await, SEEN, "{kind}");
    }
    let certs = Certs::new();
    let seen = python_calls("unix", &certs.server("server"), &["client", "--tls", &certs.file("ca")]).await;
    assert_eq!(seen, SEEN, "encrypted");
}

/// Calls of an object at the other end of a socket.
async fn calls(proxy: &Proxy) {
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.expect("a sum"), 5);
    let sums = futures_util::future::join_all((0..20).map(|number| proxy.call::<i64>("add", (number, 1))));
    assert!(sums.await.into_iter().map(Result::unwrap).eq(1..=20));
    proxy.oneway("note", ("socket", "here")).await.expect("it is sent");
    assert_eq!(proxy.call::<Vec<String>>("notes", ("socket", 1)).await.expect("notes"), ["here"]);
    let mut items = proxy.stream::<u32>("count_to", (2,)).await.expect("a stream");
    assert_eq!(items.next().await.expect("an item"), Some(0));
    assert!(proxy.metadata().await.expect("the metadata").methods.iter().any(|name| name == "divide"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_proxy_calls_pythons_daemon_over_a_socket_that_is_connected() {
    let certs = Certs::new();
    let tls = ["daemon", "--tls", &certs.file("server"), &certs.file("server_key")];
    for (kind, settings, arguments) in
        [("unix", Vec::new(), &tls[..1]), ("tcp", Vec::new(), &tls[..1]), ("unix", certs.client("ca"), &tls)]
    {
        let (one, other) = pair(kind);
        let mut daemon = peer(arguments, other);
        let proxy = Proxy::connected("thing", one, config(&settings)).expect("an id");
        assert_eq!(proxy.uri().to_string(), "PYRO:thing@<<connected-socket>>:0");
        calls(&proxy).await;
        // There is no other socket.
        proxy.release();
        let error = proxy.call::<i64>("add", (1, 2)).await.expect_err("the socket is closed");
        assert_eq!(error.kind(), Kind::Misuse, "{error}");
        assert!(daemon.wait().expect("it ends with its socket").success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ends_of_ours_do_without_a_handshake_too() {
    let (one, other) = UnixStream::pair().expect("a pair");
    let daemon = Daemon::builder().config(Arc::default()).connected(one).await.expect("the socket is connected");
    assert_eq!(daemon.location(), "./u:<<not-bound>>");
    daemon.register("thing", Thing::new(daemon.handle())).expect("the id is free");
    let served = tokio::spawn(daemon.serve());
    let proxy = Proxy::connected("thing", other, Arc::default()).expect("an id");
    calls(&proxy).await;
    drop(proxy);
    served.await.expect("no panic").expect("it ends with its client");
    // A descriptor that is no socket, and a socket that leads nowhere.
    let file: OwnedFd = std::fs::File::open("/dev/null").expect("a file").into();
    assert!(ConnectedSocket::try_from(file).is_err());
    let (one, other) = UnixStream::pair().expect("a pair");
    drop(other);
    drop(Daemon::builder().config(Arc::default()).connected(one).await);
}

/// A file that nobody has.
fn socket_file() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("salamander-{}-{number}.sock", std::process::id()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_file_has_the_mode_that_pyro_gives_it_and_goes_with_its_daemon() {
    let (own, theirs) = (socket_file(), socket_file());
    let ours = Ours::with(&[], &format!("./u:{}", own.display()), |builder| builder).await;
    let _server = Server::start(&["--unix", &theirs.display().to_string()], &[]);
    let about = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).expect("the file");
        (metadata.file_type().is_socket(), metadata.permissions().mode() & 0o777)
    };
    assert_eq!(about(&own), about(&theirs));
    drop(ours);
    until("the file goes with its daemon", async || !own.exists()).await;
    let _ = std::fs::remove_file(theirs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_a_killed_server_left_is_told_apart_from_one_in_use() {
    let path = socket_file();
    let location = format!("./u:{}", path.display());
    let bind = async || Daemon::builder().config(Arc::default()).bind(&location).await;
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a file"));
    // A process that another test begins at this moment may hold the socket a little longer.
    until("nobody listens there any more", async || {
        let error = bind().await.expect_err("the file is there").to_string();
        error.contains("nobody listens there: a server that was killed has left the file")
    })
    .await;
    std::fs::remove_file(&path).expect("the file");
    let daemon = bind().await.expect("the place is free");
    let error = bind().await.expect_err("the place is taken").to_string();
    assert!(error.contains("a server listens there"), "{error}");
    drop(daemon);
    // Pyro does neither remove the file.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a file"));
    let mut command = python::script("server.py");
    let output =
        command.args(["--unix", &path.display().to_string()]).stdin(Stdio::null()).output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stderr).contains("Address already in use"), "{output:?}");
    std::fs::remove_file(&path).expect("the file");
}

/// Names that are no files, which Linux has: they begin with a zero byte.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abstract_names_are_places_too() {
    let name = |what: &str| format!("\0salamander-{what}-{}", std::process::id());
    let ours = Ours::with(&[], &format!("./u:{}", name("ours")), |builder| builder).await;
    // A zero byte cannot be an argument of a program: it is written as Pyro's example prints it.
    let told = script("abstract_peer.py", &["client", &ours.uri.to_string().replace('\0', "\\x00")], &[]).await;
    assert_eq!(told.unwrap_or_else(|said| panic!("{said}")).trim(), "5");
    let server = Server::start_script("abstract_peer.py", &["daemon", &name("theirs")[1..]], &[]);
    let uri = server.uri.replace("\\x00", "\0");
    let proxy = Proxy::with_config(uri.parse().expect("a URI"), Arc::default()).expect("a proxy");
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.expect("a sum"), 5);
}
