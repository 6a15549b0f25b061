//! Name servers of both generations, and programs of both that find each other in one of ours.

use std::sync::Arc;

use interop::pyro4::{run, server_of};
use interop::pyro5::ours::Ours;
use interop::pyro5::peer::{self, Server};
use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::{Config, DaemonHandle, Generation, NameServer, Proxy, Uri};

use crate::peers;

const KEY: &str = "a key";

/// A name server of ours.
struct Names {
    uri: Uri,
    daemon: DaemonHandle,
    config: Arc<Config>,
}

impl Names {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let config = Arc::new(Config::from_vars(settings.iter().copied()).unwrap());
        let mut options = NameServerOptions::default();
        (options.host, options.port) = (Some("127.0.0.1".to_owned()), Some(0));
        let names = NameServerDaemon::bind(options, config.clone()).await.unwrap();
        let (uri, daemon) = (names.uri().clone(), names.daemon().handle());
        tokio::spawn(names.serve());
        Self { uri, daemon, config }
    }

    async fn client(&self) -> NameServer {
        NameServer::locate_with(self.uri.host(), self.uri.port(), self.config.clone()).await.unwrap()
    }

    /// The URI of what is registered here under a name.
    fn named(&self, name: &str) -> String {
        format!("PYRONAME:{name}@{}", self.uri.location().unwrap())
    }

    fn proxy(&self, name: &str) -> Proxy {
        Proxy::with_config(self.named(name).parse().unwrap(), self.config.clone()).unwrap()
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.daemon.shutdown();
    }
}

fn place(uri: &str) -> (String, String) {
    let uri: Uri = uri.parse().unwrap();
    (uri.host().unwrap().to_owned(), uri.port().unwrap().to_string())
}

async fn asked(uri: &str, key: &[&str]) -> String {
    let (host, port) = place(uri);
    run("pyro4/names.py", &[&["ask", &host, &port], key].concat(), &[]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pyro_4_gets_the_same_answers_from_our_name_server() {
    let theirs = server_of("pyro4/names.py", &["serve"], &[]);
    let ours = Names::start(&[]).await;
    let (theirs, ours) = (asked(&theirs.uri, &[]).await, asked(&ours.uri.to_string(), &[]).await);
    assert!(theirs.lines().count() > 90, "{theirs}");
    for (theirs, ours) in theirs.lines().zip(ours.lines()) {
        // Regular expressions are explained in other words, and what marshal cannot carry in more.
        if theirs.ends_with("unmarshallable object") {
            assert!(ours.starts_with(theirs), "{ours}");
        } else if !theirs.contains("bad regex") {
            assert_eq!(ours, theirs);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_server_has_a_key() {
    let ours = Names::start(&[("PYRO_HMAC_KEY", KEY)]).await;
    assert!(asked(&ours.uri.to_string(), &[KEY]).await.contains("serpent ping None"));
    let (host, port) = place(&ours.uri.to_string());
    let refused = run("pyro4/names.py", &["ask", &host, &port], &[]).await.unwrap_err();
    assert!(refused.contains("Failed to locate the nameserver"), "{refused}");
    // Ours knows it by the same setting.
    ours.client().await.ping().await.unwrap();
    let without = NameServer::locate_with(ours.uri.host(), ours.uri.port(), Arc::default()).await;
    assert!(without.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pyro4_nsc_shows_the_same_of_our_name_server() {
    let theirs = server_of("pyro4/names.py", &["serve"], &[]);
    let ours = Names::start(&[]).await;
    let mut shown = Vec::new();
    for uri in [theirs.uri.clone(), ours.uri.to_string()] {
        let (host, port) = place(&uri);
        let mut text = String::new();
        for command in [
            &["ping"][..],
            &["register", "test.one", "PYRO:some@localhost:4444"],
            &["register", "test.one", "PYRO:some@localhost:4444"],
            &["setmeta", "test.one", "tag"],
            &["lookup", "test.one"],
            &["list", "test."],
            &["listmatching", "t.*e"],
            &["listmeta_all", "tag"],
            &["listmeta_any", "tag", "other"],
            &["remove", "test.one"],
            &["lookup", "test.one"],
        ] {
            let arguments = [&["-n", &host, "-p", &port], command].concat();
            text += &run("-m Pyro4.nsc", &arguments, &[]).await.unwrap();
        }
        // A set or a list of one.
        shown.push(text.replace("{'tag'}", "['tag']"));
    }
    assert_eq!(shown[1], shown[0]);
    assert!(shown[0].contains("test.one --> PYRO:some@localhost:4444"), "{}", shown[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_uses_pyro_4s_name_server() {
    let theirs = server_of("pyro4/names.py", &["serve"], &[]);
    let (host, port) = place(&theirs.uri);
    let names = NameServer::locate_with(Some(&host), port.parse().ok(), Arc::default()).await.unwrap();
    let uri: Uri = "PYRO:some.object@localhost:4444".parse().unwrap();
    names.ping().await.unwrap();
    names.register("test.one", &uri).await.unwrap();
    names.register_with("test.two", &uri, true, ["a", "b"]).await.unwrap();
    assert!(names.register_with("test.two", &uri, true, ["a"]).await.unwrap_err().is("NamingError"));
    assert_eq!(names.lookup("test.one").await.unwrap(), uri);
    assert!(names.lookup("nobody").await.unwrap_err().is("NamingError"));
    assert_eq!(names.list_prefix("test.").await.unwrap().len(), 2);
    assert_eq!(names.list_regex("test.t").await.unwrap().into_keys().collect::<Vec<_>>(), ["test.two"]);
    let tagged = names.with_all(["a", "b"]).await.unwrap();
    assert_eq!(tagged["test.two"].metadata, ["a".to_owned(), "b".to_owned()].into());
    assert_eq!(names.with_any(["b", "c"]).await.unwrap().len(), 1);
    assert!(names.with_all(["a", "c"]).await.unwrap().is_empty());
    assert!(names.with_all([""; 0]).await.unwrap().is_empty());
    names.set_metadata("test.one", ["new"]).await.unwrap();
    assert_eq!(names.with_any(["new"]).await.unwrap().len(), 1);
    assert_eq!(names.remove("test.one").await.unwrap(), 1);
    assert_eq!(names.remove_prefix("test.").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_of_both_generations_use_one_uri_of_a_rust_object() {
    let names = Names::start(&[]).await;
    let ours: Ours = peers::ours(&[], |builder| builder).await;
    names.client().await.register("example.thing", &ours.uri).await.unwrap();
    let named = names.named("example.thing");
    let code = ["by_name.py", &named];
    for environment in [vec![], interop::pyro4::environment(&[])] {
        let environment: Vec<_> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        let said = peer::script(code[0], &code[1..], &environment).await.unwrap();
        let generation = if environment.is_empty() { "Pyro5" } else { "Pyro4" };
        assert_eq!(said, format!("{generation}.core.URI PYRO:some.object@localhost:9999\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daemons_of_both_generations_are_listed_as_they_are() {
    let names = Names::start(&[]).await;
    let (pyro5, pyro4) = (Server::shared(), peers::shared());
    let client = names.client().await;
    for (name, daemon) in [("five", pyro5), ("four", pyro4)] {
        client.register(name, &daemon.uri.parse().unwrap()).await.unwrap();
        assert_eq!(client.list().await.unwrap()[name].uri, daemon.uri);
        assert_eq!(names.proxy(name).call::<i64>("add", (1, 2)).await.unwrap(), 3);
    }
    let (five, four) = (names.proxy("five"), names.proxy("four"));
    five.bind().await.unwrap();
    four.bind().await.unwrap();
    assert_eq!((five.generation(), four.generation()), (Some(Generation::Pyro5), Some(Generation::Pyro4)));
    // By the same proxy, what one daemon gives goes to the other.
    let uri: Uri = four.call("uri", ()).await.unwrap();
    assert_eq!(five.call::<String>("uri_text", (&uri,)).await.unwrap(), "PYRO:some.object@localhost:9999");
    let proxy: Proxy = five.call("proxy", ()).await.unwrap();
    assert_eq!(four.call::<String>("uri_of_proxy", (&proxy,)).await.unwrap(), "PYRO:some.object@localhost:9999");
}
