//! What our name server has beyond Pyro's: lifetimes, watchers, shared stores, changes by known clients only. Pyro's own clients
//! and tools see nothing of it, on every storage.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod programs;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use interop::certs::{Certs, borrowed};
use interop::pyro5::until;
use interop::servers::Store;
use programs::{Server, salamander, script};
use salamander::naming::{Change, Event};
use salamander::prelude::*;
use salamander::{Config, Kind};
use tokio::task::JoinSet;

const LONG: Duration = Duration::from_secs(600);

fn serve(storage: &str) -> Server {
    let arguments = ["ns", "--host", "127.0.0.1", "--port", "0", "--nobc", "--storage", storage];
    Server::start(&mut salamander(&arguments), "URI = ")
}

async fn client(server: &Server) -> NameServer {
    NameServer::locate_with(Some("127.0.0.1"), server.port().parse().ok(), Arc::default()).await.unwrap()
}

fn target() -> Uri {
    "PYRO:x@localhost:1".parse().unwrap()
}

/// A name server over each storage; those whose store is not installed are left out.
fn on_every_storage(mut test: impl FnMut(&Server)) {
    let file = std::env::temp_dir().join(format!(
        "salamander-beyond-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let stores = [Store::redis(), Store::postgres()];
    let mut storages = vec!["memory".to_owned(), format!("sql:{}", file.display())];
    storages.extend(stores.iter().flatten().map(Store::url));
    for storage in storages {
        println!("{storage}");
        test(&serve(&storage));
    }
    let _ = std::fs::remove_file(file);
}

const PLAIN: &str = "\
import sys, Pyro5.api, Pyro5.errors, Pyro5.core
Pyro5.config.SERIALIZER = 'serpent'
ns = Pyro5.core.locate_ns('127.0.0.1', int(sys.argv[1]))
ns.register('a.1', 'PYRO:one@h:1', metadata={'x', 'y'})
ns.register('a.2', Pyro5.api.URI('PYRO:two@h:2'))
ns.register('b', 'PYRO:b@h:3', safe=True)
try: ns.register('b', 'PYRO:c@h:4', safe=True)
except Pyro5.errors.NamingError as x: print(x)
try: ns.lookup('nope')
except Pyro5.errors.NamingError as x: print(x)
print(ns.count(), ns.lookup('a.1'), sorted(ns.lookup('a.1', return_metadata=True)[1]))
print(sorted(ns.list(prefix='a.').items()), sorted(ns.list(regex='[ab]$').items()))
print({name: (uri, sorted(tags)) for name, (uri, tags) in ns.list('a.1', return_metadata=True).items()})
print(sorted(ns.yplookup(meta_all=['x', 'y'])), ns.yplookup(meta_any=['q']))
ns.set_metadata('b', ['q'])
print(sorted(ns.yplookup(meta_any=['q', 'x'], return_metadata=False).items()))
print(ns.lookup('Pyro.NameServer') == ns._pyroUri, 'Pyro.NameServer' in ns.list())
print(ns.remove('a.1'), ns.remove(prefix='a'), ns.remove(regex='.*'), ns.count())
";

const PLAIN_SAYS: &str = "\
name already registered: b
unknown name: nope
4 PYRO:one@h:1 ['x', 'y']
[('a.1', 'PYRO:one@h:1'), ('a.2', 'PYRO:two@h:2')] [('b', 'PYRO:b@h:3')]
{'a.1': ('PYRO:one@h:1', ['x', 'y'])}
['a.1'] {}
[('a.1', 'PYRO:one@h:1'), ('b', 'PYRO:b@h:3')]
True True
1 1 1 1
";

#[test]
fn pyros_client_and_tool_see_one_and_the_same_on_every_storage() {
    on_every_storage(|server| {
        assert_eq!(programs::run(&mut script(PLAIN, &[server.port()])), PLAIN_SAYS);
        let nsc = |arguments: &[&str]| {
            let all = [&["-m", "Pyro5.nsc", "-n", "127.0.0.1", "-p", server.port()], arguments].concat();
            programs::run(&mut programs::python(&all))
        };
        nsc(&["register", "t", "PYRO:t@h:1"]);
        nsc(&["setmeta", "t", "tag"]);
        let listed = nsc(&["list", "t"]);
        assert!(listed.contains("t --> PYRO:t@h:1\n    metadata: {'tag'}\n--------END LIST"), "{listed}");
        // What has a lifetime looks like any other name.
        let lines = "import sys, Pyro5.core\nns = Pyro5.core.locate_ns('127.0.0.1', int(sys.argv[1]))\n\
                     ns.register_for('u', 'PYRO:u@h:1', 600, metadata=['tag'])\n\
                     print(ns.renew(['u', 't'], 500), ns.renew({'u': 'PYRO:other@h:1'}, 500))";
        assert_eq!(programs::run(&mut script(lines, &[server.port()])), "['u'] []\n");
        let listed = nsc(&["list", "u"]);
        assert!(listed.contains("u --> PYRO:u@h:1\n    metadata: {'tag'}\n--------END LIST"), "{listed}");
        assert!(nsc(&["remove", "u"]).contains("Removed u"));
    });
}

#[test]
fn pyro4s_client_and_tool_work_on_every_storage() {
    on_every_storage(|server| {
        let lines = "import sys, Pyro4\nns = Pyro4.locateNS('127.0.0.1', int(sys.argv[1]))\n\
                     ns.register('p4', 'PYRO:x@h:1', metadata=['tag'])\n\
                     ns.register_for('p4.short', 'PYRO:y@h:1', 600)\n\
                     print(ns.lookup('p4'), sorted(ns.list(prefix='p4')), ns.list(metadata_all=['tag']))";
        let says = "PYRO:x@h:1 ['p4', 'p4.short'] {'p4': 'PYRO:x@h:1'}\n";
        assert_eq!(programs::run(&mut script(lines, &[server.port()])), says);
        let nsc = ["-m", "Pyro4.nsc", "-n", "127.0.0.1", "-p", server.port(), "list", "p4"];
        let listed = programs::run(&mut programs::python(&nsc));
        assert!(listed.contains("p4 --> PYRO:x@h:1\n") && listed.contains("p4.short --> PYRO:y@h:1\n"), "{listed}");
    });
}

const WATCH: &str = "\
import sys, Pyro5.core
ns = Pyro5.core.locate_ns('127.0.0.1', int(sys.argv[1]))
with Pyro5.core.locate_ns('127.0.0.1', int(sys.argv[1])) as other:
    changes = ns.watch('w.')
    other.register('w.a', 'PYRO:a@h:1', metadata=['t'])
    other.register('no', 'PYRO:a@h:1')
    other.set_metadata('w.a', [])
    other.remove('w.a')
    other.register_for('w.b', 'PYRO:b@h:1', 0.05)
    for _ in range(5):
        change = next(changes)
        print(change['event'], change['name'], change['uri'], sorted(change['metadata']))
    changes.close()
";

#[test]
fn python_watches_by_an_ordinary_stream() {
    on_every_storage(|server| {
        let says = "registered w.a PYRO:a@h:1 ['t']\nchanged w.a PYRO:a@h:1 []\nremoved w.a PYRO:a@h:1 []\n\
                    registered w.b PYRO:b@h:1 []\nexpired w.b PYRO:b@h:1 []\n";
        assert_eq!(programs::run(&mut script(WATCH, &[server.port()])), says);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_name_is_there_as_long_as_its_owner() {
    let server = serve("memory");
    let names = client(&server).await;
    let mut changes = names.watch("k.").await.unwrap();
    let kept = names.keep("k.a", &target(), Duration::from_millis(300), ["t"]).await.unwrap();
    names.register_for("k.b", &target(), Duration::from_millis(300), false, [""; 0]).await.unwrap();
    // The other's lifetime is over twice before this one's is looked at.
    let mut seen = Vec::new();
    while let Some(Change::Name { event, name, .. }) = changes.next().await.unwrap() {
        seen.push((event, name.clone()));
        match event {
            Event::Expired if seen.len() == 3 => {
                names.register_for("k.b", &target(), Duration::from_millis(300), false, [""; 0]).await.unwrap();
            }
            Event::Expired => break,
            _ => {}
        }
    }
    assert!(seen.iter().all(|(event, name)| *event != Event::Expired || name == "k.b"), "{seen:?}");
    assert_eq!(names.lookup_with_metadata("k.a").await.unwrap().1, BTreeSet::from(["t".to_owned()]));
    // Taken away, it comes back; taken by somebody else, it is his.
    names.remove("k.a").await.unwrap();
    until("it is registered again", async || names.lookup("k.a").await.is_ok()).await;
    assert!(!kept.is_lost());
    let error = names.keep("k.a", &"PYRO:y@localhost:1".parse().unwrap(), LONG, [""; 0]).await.unwrap_err();
    assert!(error.is("NamingError"), "{error}");
    drop(kept);
    until("it is removed", async || names.lookup("k.a").await.is_err()).await;
    let kept = names.keep("k.a", &target(), Duration::from_millis(300), [""; 0]).await.unwrap();
    names.register("k.a", &"PYRO:y@localhost:1".parse().unwrap()).await.unwrap();
    until("it is lost", async || kept.is_lost()).await;
    assert!(kept.close().await.is_err());
    assert_eq!(names.lookup("k.a").await.unwrap().to_string(), "PYRO:y@localhost:1");
    let kept = names.keep("k.c", &target(), LONG, [""; 0]).await.unwrap();
    kept.close().await.unwrap();
    assert!(names.lookup("k.c").await.is_err());
    assert!(names.register_for("Pyro.NameServer", &target(), LONG, false, [""; 0]).await.is_err());
    assert!(names.register_for("k.d", &target(), Duration::ZERO, false, [""; 0]).await.unwrap_err().is("ValueError"));
}

#[test]
fn lifetimes_outlive_the_name_server() {
    let file = std::env::temp_dir().join(format!("salamander-lifetimes-{}", std::process::id()));
    let storage = format!("sql:{}", file.display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = serve(&storage);
    runtime.block_on(async {
        let names = client(&server).await;
        names.register_for("short", &target(), Duration::from_millis(1500), false, [""; 0]).await.unwrap();
        names.register_for("long", &target(), LONG, false, [""; 0]).await.unwrap();
        assert!(names.lookup("short").await.is_ok());
    });
    drop(server);
    let server = serve(&storage);
    runtime.block_on(async {
        let names = client(&server).await;
        until("it expires", async || names.lookup("short").await.is_err()).await;
        assert_eq!(names.renew(["short", "long"], LONG).await.unwrap(), ["long"]);
    });
    drop(server);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn the_tool_watches() {
    let server = serve("memory");
    let arguments = ["nsc", "-n", "127.0.0.1", "-p", server.port(), "watch", "w."];
    let mut watch = Server::start(&mut salamander(&arguments), "watching ");
    let nsc = |arguments: &[&str]| {
        programs::run(&mut salamander(&[&["nsc", "-n", "127.0.0.1", "-p", server.port()], arguments].concat()))
    };
    nsc(&["register", "w.a", "PYRO:a@h:1"]);
    nsc(&["register", "no", "PYRO:a@h:1"]);
    nsc(&["setmeta", "w.a", "t"]);
    nsc(&["remove", "w.a"]);
    let lines = [(); 5].map(|()| watch.line());
    let says = "registered w.a --> PYRO:a@h:1\nchanged w.a --> PYRO:a@h:1\n    metadata: {'t'}\n\
                removed w.a --> PYRO:a@h:1\n    metadata: {'t'}\n";
    assert_eq!(lines.concat(), says);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis_one_of_two_name_servers_may_die() {
    let Some(store) = Store::redis() else { return };
    one_may_die(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_postgres_one_of_two_name_servers_may_die() {
    let Some(store) = Store::postgres() else { return };
    one_may_die(&store).await;
}

/// Two name servers over one store, of which one is killed while clients that know both register names.
async fn one_may_die(store: &Store) {
    let (first, second) = (serve(&store.url()), serve(&store.url()));
    let (one, two) = (client(&first).await, client(&second).await);
    let mut changes = two.watch("n.").await.unwrap();
    let dead = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let (one, two, dead) = (one.clone(), two.clone(), dead.clone());
        writers.spawn(async move {
            let (mut done, mut failed, mut after) = (Vec::new(), 0, 0);
            for number in 0.. {
                let name = format!("n.{writer}.{number}");
                let served = match one.register(&name, &target()).await {
                    Ok(()) => Ok(()),
                    Err(error) => {
                        assert_eq!(error.kind(), Kind::Connection, "{error}");
                        failed += 1;
                        two.register(&name, &target()).await
                    }
                };
                served.unwrap();
                done.push(name);
                after += usize::from(dead.load(Ordering::Relaxed));
                if after > 20 {
                    break;
                }
            }
            (done, failed)
        });
    }
    until("names are registered", async || two.count().await.unwrap() > 200).await;
    // `Server` ends with SIGKILL.
    drop(first);
    dead.store(true, Ordering::Relaxed);
    let done = writers.join_all().await;
    assert!(done.iter().all(|(_, failed)| *failed > 0), "all have noticed");
    let acknowledged: BTreeSet<String> = done.into_iter().flat_map(|(names, _)| names).collect();
    let there = two.list_prefix("n.").await.unwrap();
    for name in &acknowledged {
        assert!(there.contains_key(name), "{name} was acknowledged");
    }
    // Who watches the one has seen what was done through the other.
    let (mut seen, mut missed) = (BTreeSet::new(), 0);
    while seen.len() + missed < there.len() {
        match changes.next().await.unwrap().unwrap() {
            Change::Name { name, .. } => drop(seen.insert(name)),
            Change::Missed { count } => missed += usize::try_from(count).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert!(seen.iter().all(|name| there.contains_key(name)));
    // A name server that comes anew has all of them.
    let third = serve(&store.url());
    assert_eq!(client(&third).await.list_prefix("n.").await.unwrap().len(), there.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_known_clients_change_names_where_that_is_wanted() {
    let certs = Certs::new();
    let settings = |settings: Vec<(&'static str, String)>| Arc::new(Config::from_vars(borrowed(&settings)).unwrap());
    let (cert, key) = (certs.file("server"), certs.file("server_key"));
    let ca = certs.file("ca");
    let arguments = [
        "ns",
        "--host",
        "localhost",
        "--port",
        "0",
        "--nobc",
        "--certified-changes",
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
        "--tls-client-ca",
        &ca,
    ];
    let server = Server::start(&mut salamander(&arguments), "URI = ");
    let port = server.port().parse().ok();
    let known =
        NameServer::locate_with(Some("localhost"), port, settings(certs.known_client("ca", "client"))).await.unwrap();
    let anybody = NameServer::locate_with(Some("localhost"), port, settings(certs.client("ca"))).await.unwrap();
    known.register("a", &target()).await.unwrap();
    known.register_for("b", &target(), LONG, true, ["t"]).await.unwrap();
    // Reading is for all.
    assert_eq!(anybody.lookup("a").await.unwrap(), target());
    assert_eq!(anybody.list().await.unwrap().len(), 3);
    assert_eq!(anybody.with_all(["t"]).await.unwrap().len(), 1);
    let mut changes = anybody.watch("").await.unwrap();
    for refused in [
        anybody.register("a", &target()).await.unwrap_err(),
        anybody.register_for("c", &target(), LONG, false, [""; 0]).await.unwrap_err(),
        anybody.set_metadata("a", ["x"]).await.unwrap_err(),
        anybody.renew(["b"], LONG).await.unwrap_err(),
        anybody.release(["b"]).await.unwrap_err(),
        anybody.remove("a").await.unwrap_err(),
        anybody.remove_prefix("").await.unwrap_err(),
    ] {
        assert!(refused.is("SecurityError") && refused.to_string().contains("client certificate"), "{refused}");
    }
    // A certificate of somebody else's is none.
    let stranger =
        NameServer::locate_with(Some("localhost"), port, settings(certs.known_client("ca", "stranger"))).await;
    assert!(stranger.is_err());
    known.set_metadata("a", ["x"]).await.unwrap();
    assert_eq!(known.renew(["b"], LONG).await.unwrap(), ["b"]);
    assert_eq!(known.remove("a").await.unwrap(), 1);
    for event in [Event::Changed, Event::Removed] {
        let change = changes.next().await.unwrap();
        assert!(matches!(change, Some(Change::Name { event: its, .. }) if its == event), "{change:?}");
    }
    let plain = programs::outcome(&mut salamander(&["ns", "--port", "0", "--nobc", "--certified-changes"]), "");
    assert!(!plain.0 && plain.2.contains("turn SSL on"), "{}", plain.2);
}
