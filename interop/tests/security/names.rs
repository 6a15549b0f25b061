//! A name server is open to whoever reaches it.

use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::{Config, DaemonHandle, NameServer, Uri};
use std::sync::Arc;
use std::time::Duration;

use super::programs::{run, salamander, script};

struct Names {
    uri: Uri,
    daemon: DaemonHandle,
}

impl Names {
    async fn start() -> Self {
        let mut options = NameServerOptions::default();
        options.host = Some("127.0.0.1".to_owned());
        options.port = Some(0);
        options.no_broadcast = true;
        let server = NameServerDaemon::bind(options, Arc::default()).await.unwrap();
        let (uri, daemon) = (server.uri().clone(), server.daemon().handle());
        tokio::spawn(server.serve());
        Self { uri, daemon }
    }

    async fn client(&self) -> NameServer {
        NameServer::locate_with(self.uri.host(), self.uri.port(), Arc::new(Config::default())).await.unwrap()
    }

    fn port(&self) -> String {
        self.uri.port().unwrap().to_string()
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.daemon.shutdown();
    }
}

/// As in Pyro. `naming_beyond::only_known_clients_change_names_where_that_is_wanted` is what helps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reaches_a_name_server_changes_its_names_but_not_its_own() {
    let names = Names::start().await;
    let client = names.client().await;
    client.register("my.bank", &"PYRO:bank@127.0.0.1:1".parse().unwrap()).await.unwrap();
    let lines = "
import sys, Pyro5.api
ns = Pyro5.api.Proxy('PYRO:Pyro.NameServer@127.0.0.1:' + sys.argv[1])
ns.register('my.bank', 'PYRO:thief@127.0.0.1:2')
print(ns.lookup('my.bank'))
try:
    ns.register('my.bank', 'PYRO:thief@127.0.0.1:3', safe=True)
except Exception as error:
    print(type(error).__name__, error)
print(ns.remove('Pyro.NameServer'), ns.remove(prefix='Pyro.'), ns.remove(regex='.*'))
print(sorted(ns.list()))
";
    let port = names.port();
    let told = tokio::task::spawn_blocking(move || run(&mut script(lines, &[&port]))).await.unwrap();
    assert_eq!(
        told,
        "PYRO:thief@127.0.0.1:2\nNamingError name already registered: my.bank\n0 0 1\n['Pyro.NameServer']\n"
    );
    assert_eq!(client.lookup("Pyro.NameServer").await.unwrap().location(), names.uri.location());
}

/// Names and tags are anybody's; they are shown on terminals.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_do_not_speak_to_terminals() {
    let names = Names::start().await;
    let client = names.client().await;
    client.register("evil\u{1b}]0;title\u{7}\u{1b}[2J\nPyro.Forged --> PYRO:x@y:1\r", &names.uri).await.unwrap();
    client
        .set_metadata("evil\u{1b}]0;title\u{7}\u{1b}[2J\nPyro.Forged --> PYRO:x@y:1\r", ["\u{1b}[31m"])
        .await
        .unwrap();
    let port = names.port();
    let shown =
        tokio::task::spawn_blocking(move || run(&mut salamander(&["nsc", "-n", "127.0.0.1", "-p", &port, "list"])));
    let shown = shown.await.unwrap();
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\r']), "{shown:?}");
    assert!(!shown.lines().any(|line| line.starts_with("Pyro.Forged")), "{shown:?}");
}

/// A pattern that takes for ever, and one that is larger than a pattern should be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patterns_hold_up_nobody() {
    let names = Names::start().await;
    let client = names.client().await;
    client.register(&"a".repeat(60), &names.uri).await.unwrap();
    let lines = "
import sys, Pyro5.api
ns = Pyro5.api.Proxy('PYRO:Pyro.NameServer@127.0.0.1:' + sys.argv[1])
for pattern in ['(a+)+$b', '(a|aa)+$b', '(a*)*\\\\1b', '(' * 3000 + ')' * 3000, 'a{1000}{1000}{1000}', 'a' * 100000, '(', '\\0' * 50]:
    try:
        print(sorted(ns.list(regex=pattern)))
    except Exception as error:
        print(type(error).__name__)
";
    let port = names.port();
    let told = tokio::task::spawn_blocking(move || run(&mut script(lines, &[&port])));
    // Others are served meanwhile.
    for _ in 0..20 {
        assert_eq!(client.list().await.unwrap().len(), 2);
    }
    let told = told.await.unwrap();
    assert_eq!(told.lines().count(), 8, "{told}");
    assert!(told.lines().all(|line| line == "[]" || line.ends_with("Error")), "{told}");
}

/// Whoever listens for broadcasts hears everybody's datagrams.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datagrams_that_are_no_questions_are_not_answered() {
    // On this machine alone there are no broadcasts.
    let config = Config::from_vars([("PYRO_NS_BCHOST", "127.0.0.1"), ("PYRO_NS_BCPORT", "0")]).unwrap();
    let mut options = NameServerOptions::default();
    options.host = Some("0.0.0.0".to_owned());
    options.port = Some(0);
    let server = NameServerDaemon::bind(options, Arc::new(config)).await.unwrap();
    let Some(place) = server.broadcast_addr() else { panic!("it does not listen: {:?}", server.silent_because()) };
    let (port, daemon) = (server.uri().port().unwrap(), server.daemon().handle());
    tokio::spawn(server.serve());
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in [&b""[..], b"\0", b"GET_NSUR", b"GET_NSURI\0", b"get_nsuri", b"PYRO\x01\xf6", &[0xff; 60_000]] {
        socket.send_to(datagram, place).await.unwrap();
    }
    socket.send_to(b"GET_NSURI", place).await.unwrap();
    let mut answer = [0; 1000];
    let heard = tokio::time::timeout(Duration::from_secs(60), socket.recv_from(&mut answer)).await.unwrap().unwrap();
    let told = std::str::from_utf8(&answer[..heard.0]).unwrap();
    assert_eq!((told, heard.1), (&*format!("PYRO:Pyro.NameServer@127.0.0.1:{port}"), place));
    daemon.shutdown();
}
