//! What each setting does.

use std::sync::Arc;
use std::time::Duration;

use interop::certs::{Certs, PASSWORD};
use interop::pyro5::ours::Ours;
use interop::pyro5::raw::{COMPRESSED, Raw, Socket};
use interop::pyro5::until;
use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::{Blob, Codec, Config, Daemon, Error, Kind, NameServer, Proxy, Value};
use tokio::net::{TcpListener, TcpStream};

use super::config;
use super::programs::{Server, outcome, salamander};

/// A test for the settings that it is named by.
macro_rules! effects {
    ($($($name:ident)* ($test:ident) $body:block)*) => {
        pub(crate) const NAMES: &[&str] = &[$($(stringify!($name)),*),*];
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() $body
        )*
    };
}

/// A daemon of ours with these settings.
async fn ours(settings: &[(&str, &str)]) -> Ours {
    let named: Vec<(String, &str)> = settings.iter().map(|(name, value)| (format!("PYRO_{name}"), *value)).collect();
    let named: Vec<(&str, &str)> = named.iter().map(|(name, value)| (&**name, *value)).collect();
    Ours::with(&named, "127.0.0.1:0", |builder| builder).await
}

/// A proxy with these settings.
fn proxy(ours: &Ours, settings: &[(&str, &str)]) -> Proxy {
    Proxy::with_config(ours.uri.clone(), config(settings)).unwrap()
}

async fn bind(location: &str, settings: &[(&str, &str)]) -> Result<Daemon, Error> {
    Daemon::builder().config(config(settings)).bind(location).await
}

/// A name server that serves, on a free port.
async fn names(settings: &[(&str, &str)]) -> (u16, NameServerServing) {
    let mut options = NameServerOptions::default();
    options.port = Some(0);
    let server = NameServerDaemon::bind(options, config(settings)).await.unwrap();
    let (port, broadcast, handle) = (server.uri().port().unwrap(), server.broadcast_addr(), server.daemon().handle());
    tokio::spawn(server.serve());
    (port, NameServerServing { handle, broadcast })
}

struct NameServerServing {
    handle: salamander::DaemonHandle,
    broadcast: Option<std::net::SocketAddr>,
}

impl Drop for NameServerServing {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// Opens a stream of endless items and leaves it open.
async fn stream(ours: &Ours) -> (Proxy, salamander::ItemStream<u32>) {
    let proxy = proxy(ours, &[]);
    let mut items = proxy.stream::<u32>("count_to", (1_000_000,)).await.unwrap();
    items.next().await.unwrap();
    (proxy, items)
}

/// Shows what it gets.
struct Mirror;

#[salamander::expose]
impl Mirror {
    fn shown(&self, value: Value) -> String {
        value.to_string()
    }
}

effects! {
    HOST (a_daemon_binds_to_the_host) {
        let daemon = Daemon::builder().config(config(&[("HOST", "127.0.0.1")])).bind_port(0).await.unwrap();
        assert!(daemon.location().starts_with("127.0.0.1:"));
    }

    NS_HOST NS_PORT (the_name_server_is_found_at_its_host_and_port) {
        let (port, _serving) = names(&[]).await;
        let found = |settings: Arc<Config>| NameServer::locate_with(None, None, settings);
        let port = port.to_string();
        let quiet = ("BROADCAST_ADDRS", "127.0.0.1");
        let names = found(config(&[("NS_HOST", "127.0.0.1"), ("NS_PORT", &port), quiet])).await.unwrap();
        assert_eq!(names.proxy().uri().to_string(), format!("PYRO:Pyro.NameServer@127.0.0.1:{port}"));
        // A URI that names no port.
        let settings = config(&[("NS_PORT", &port)]);
        names.register("n", &"PYRO:x@localhost:1".parse().unwrap()).await.unwrap();
        let uri = salamander::Uri::parse("PYRONAME:n@localhost", settings.ns_port).unwrap();
        assert_eq!(salamander::resolve(&uri, &settings).await.unwrap().to_string(), "PYRO:x@localhost:1");
    }

    NS_BCHOST NS_BCPORT BROADCAST_ADDRS (broadcasts_are_heard_and_sent_where_the_settings_say) {
        let settings = [("HOST", "0.0.0.0"), ("NS_BCHOST", "127.0.0.1"), ("NS_BCPORT", "0")];
        let (port, serving) = names(&settings).await;
        let heard = serving.broadcast.unwrap();
        assert!(heard.ip().to_string() == "127.0.0.1" && heard.port() != 9091);
        // Documentation's own network: nobody is there.
        let port_heard = heard.port().to_string();
        let asking =
            [("NS_HOST", "192.0.2.1"), ("BROADCAST_ADDRS", "127.0.0.1"), ("NS_BCPORT", &*port_heard), ("COMMTIMEOUT", "1")];
        let names = NameServer::locate_with(None, None, config(&asking)).await.unwrap();
        assert_eq!(names.proxy().uri().port(), Some(port));
    }

    NS_AUTOCLEAN (cleaning_too_often_is_refused) {
        let bind = async |every: &str| {
            let mut options = NameServerOptions::default();
            options.port = Some(0);
            NameServerDaemon::bind(options, config(&[("NS_AUTOCLEAN", every)])).await
        };
        assert!(bind("1").await.unwrap_err().to_string().contains("NS_AUTOCLEAN cannot be smaller than 3"));
        bind("3").await.unwrap();
    }

    NS_LOOKUP_DELAY (a_name_is_waited_for) {
        let (port, _serving) = names(&[]).await;
        let uri: salamander::Uri = format!("PYRONAME:late@localhost:{port}").parse().unwrap();
        assert!(salamander::resolve(&uri, &config(&[])).await.is_err());
        let names = NameServer::locate_with(Some("localhost"), Some(port), config(&[])).await.unwrap();
        let settings = config(&[("NS_LOOKUP_DELAY", "20")]);
        let found = tokio::spawn(async move { salamander::resolve(&uri, &settings).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        names.register("late", &"PYRO:x@localhost:1".parse().unwrap()).await.unwrap();
        assert_eq!(found.await.unwrap().unwrap().to_string(), "PYRO:x@localhost:1");
    }

    NATHOST NATPORT (uris_carry_the_outer_address) {
        let daemon = bind("127.0.0.1:0", &[("NATHOST", "example.org"), ("NATPORT", "80")]).await.unwrap();
        assert_eq!(daemon.uri_for("x").unwrap().to_string(), "PYRO:x@example.org:80");
        let daemon = bind("127.0.0.1:0", &[("NATHOST", "2001:db8::1")]).await.unwrap();
        let port = daemon.local_addr().unwrap().port();
        assert_eq!(daemon.uri_for("x").unwrap().to_string(), format!("PYRO:x@[2001:db8::1]:{port}"));
        let error = bind("./u:/tmp/never", &[("NATHOST", "example.org")]).await.unwrap_err();
        assert!(error.to_string().contains("NATHOST"), "{error}");
    }

    COMPRESSION (large_replies_are_compressed) {
        for (setting, compressed) in [("1", COMPRESSED), ("0", 0)] {
            let ours = ours(&[("COMPRESSION", setting)]).await;
            let mut socket = Socket::greeted(&ours.handle.local_addr().unwrap().to_string()).await;
            socket.send(&Raw::call("repeat", r#"["abc", 1000]"#).to_bytes()).await;
            assert_eq!(socket.receive().await.unwrap().flags & COMPRESSED, compressed);
        }
    }

    COMMTIMEOUT (a_call_that_takes_longer_fails) {
        let ours = ours(&[]).await;
        let error = proxy(&ours, &[("COMMTIMEOUT", "0.1")]).call::<f64>("later", (30.0,)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Deadline);
    }

    POLLTIMEOUT ITER_STREAM_LIFETIME (streams_past_their_time_are_looked_for_so_often) {
        let often = ours(&[("POLLTIMEOUT", "0.02"), ("ITER_STREAM_LIFETIME", "0.05")]).await;
        let seldom = ours(&[("POLLTIMEOUT", "5"), ("ITER_STREAM_LIFETIME", "0.05")]).await;
        let _streams = (stream(&seldom).await, stream(&often).await);
        until("the stream has ended", async || often.handle.open_streams() == 0).await;
        assert_eq!(seldom.handle.open_streams(), 1);
    }

    MAX_RETRIES (a_call_is_tried_again) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("PYRO:x@{}", listener.local_addr().unwrap()).parse().unwrap();
        let proxy = Proxy::with_config(uri, config(&[("MAX_RETRIES", "2")])).unwrap();
        let calling = tokio::spawn(async move { proxy.call::<i64>("f", ()).await.unwrap_err().kind() });
        for _ in 0..3 {
            drop(listener.accept().await.unwrap());
        }
        assert_eq!(calling.await.unwrap(), Kind::Connection);
    }

    SOCK_REUSE (an_address_that_was_just_in_use_may_be_bound_again) {
        let ours = ours(&[]).await;
        let address = ours.handle.local_addr().unwrap();
        let proxy = proxy(&ours, &[]);
        proxy.bind().await.unwrap();
        // The daemon closes first, and its address keeps the memory of the connection for a while.
        let handle = ours.handle.clone();
        drop(ours);
        handle.stopped().await;
        until("nobody listens", async || TcpStream::connect(address).await.is_err()).await;
        proxy.release();
        let error = bind(&address.to_string(), &[("SOCK_REUSE", "0")]).await.unwrap_err();
        assert!(error.to_string().contains("in use"), "{error}");
        bind(&address.to_string(), &[("SOCK_REUSE", "1")]).await.unwrap();
    }

    THREADPOOL_SIZE (clients_beyond_the_size_are_refused) {
        let ours = ours(&[("THREADPOOL_SIZE", "1"), ("THREADPOOL_SIZE_MIN", "1")]).await;
        let first = proxy(&ours, &[]);
        first.bind().await.unwrap();
        let error = proxy(&ours, &[]).bind().await.unwrap_err();
        assert!(error.kind() == Kind::Refused && error.to_string().contains("too many clients"), "{error}");
        let error = bind("127.0.0.1:0", &[("THREADPOOL_SIZE", "1")]).await.unwrap_err();
        assert!(error.to_string().starts_with("THREADPOOL_SIZE_MIN is 4, which is more than THREADPOOL_SIZE, 1"), "{error}");
    }

    MAX_MESSAGE_SIZE (larger_messages_are_not_sent) {
        let ours = ours(&[]).await;
        let proxy = proxy(&ours, &[("MAX_MESSAGE_SIZE", "1000")]);
        assert!(proxy.call::<String>("echo", ("x".repeat(2000),)).await.is_err());
        assert_eq!(proxy.call::<String>("echo", ("x",)).await.unwrap(), "x");
    }

    PREFER_IP_VERSION (localhost_is_the_address_that_is_preferred) {
        let reaches = async |daemon: &Daemon, host: &str| {
            let port = daemon.local_addr().unwrap().port();
            TcpStream::connect((host, port)).await.is_ok()
        };
        let four = bind("localhost:0", &[("PREFER_IP_VERSION", "4")]).await.unwrap();
        assert!(reaches(&four, "127.0.0.1").await && !reaches(&four, "::1").await);
        if std::net::TcpListener::bind("[::1]:0").is_err() {
            interop::left_out("there is no IPv6 on this machine");
            return;
        }
        let six = bind("localhost:0", &[("PREFER_IP_VERSION", "6")]).await.unwrap();
        assert!(!reaches(&six, "127.0.0.1").await && reaches(&six, "::1").await);
        let any = bind("localhost:0", &[]).await.unwrap();
        assert!(reaches(&any, "127.0.0.1").await && reaches(&any, "::1").await);
        let all = bind(":0", &[("PREFER_IP_VERSION", "6")]).await.unwrap();
        assert!(all.location().starts_with("[::]:") && reaches(&all, "::1").await);
    }

    SERIALIZER (calls_are_made_with_the_serializer) {
        let ours = ours(&[]).await;
        let proxy = proxy(&ours, &[("SERIALIZER", "msgpack")]);
        assert_eq!(proxy.serializer(), Codec::Msgpack);
        assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    }

    SERPENT_BYTES_REPR (serpent_writes_bytes_as_a_literal) {
        let ours = ours(&[]).await;
        let uri = ours.handle.register("mirror", Mirror).unwrap();
        for (setting, seen) in [("1", "b'abc'"), ("0", "{'data': 'YWJj', 'encoding': 'base64'}")] {
            let settings = config(&[("SERPENT_BYTES_REPR", setting), ("SERIALIZER", "serpent")]);
            let proxy = Proxy::with_config(uri.clone(), settings).unwrap();
            let text: String = proxy.call("shown", (Blob::from(&b"abc"[..]),)).await.unwrap();
            assert_eq!(text, seen);
        }
    }

    ITER_STREAMING (streams_may_be_refused) {
        let ours = ours(&[("ITER_STREAMING", "0")]).await;
        assert!(proxy(&ours, &[]).stream::<u32>("count_to", (3,)).await.is_err());
    }

    ITER_STREAM_LINGER (streams_outlive_their_connection_so_long) {
        for (linger, stay) in [("0", 0), ("60", 1)] {
            let ours = ours(&[("ITER_STREAM_LINGER", linger), ("POLLTIMEOUT", "0.02")]).await;
            let mut socket = Socket::greeted(&ours.handle.local_addr().unwrap().to_string()).await;
            socket.send(&Raw::call("count_to", "[1000]").to_bytes()).await;
            socket.receive().await.unwrap();
            assert_eq!(ours.handle.open_streams(), 1);
            drop(socket);
            until("the client has gone", async || ours.handle.connections() == 0).await;
            until("streams are as they should be", async || ours.handle.open_streams() == stay).await;
        }
    }

    LOGFILE LOGLEVEL LOGWIRE (the_log_goes_to_the_file_from_its_level_on) {
        let ours = ours(&[]).await;
        let uri = ours.uri.to_string();
        tokio::task::block_in_place(|| {
            let certs = Certs::new();
            let file = certs.file("log");
            let logged = || std::fs::read_to_string(&file).unwrap_or_default();
            let mut call = salamander(&["call", &uri, "add", "1", "2"]);
            call.env("PYRO_LOGFILE", &file).env("PYRO_LOGLEVEL", "ERROR").env("PYRO_LOGWIRE", "1");
            assert!(outcome(&mut call, "").0 && logged().contains("salamander::wire"), "{}", logged());
            for (level, told) in [("WARNING", false), ("INFO", true)] {
                let mut echo = salamander(&["echoserver"]);
                echo.env("PYRO_LOGFILE", &file).env("PYRO_LOGLEVEL", level);
                let server = Server::start(&mut echo, "echoserver running.");
                // It is written by a task beside the one that prints.
                let start = std::time::Instant::now();
                while told && !logged().contains("is serving") && start.elapsed() < Duration::from_secs(20) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                drop(server);
                assert_eq!(logged().contains("is serving"), told, "{level}: {}", logged());
            }
        });
    }

    SSL SSL_SERVERCERT SSL_SERVERKEY SSL_SERVERKEYPASSWD SSL_REQUIRECLIENTCERT
    SSL_CLIENTCERT SSL_CLIENTKEY SSL_CLIENTKEYPASSWD SSL_CACERTS (each_setting_of_encryption_is_needed) {
        let certs = Certs::new();
        let [cert, key, ca] = ["rsa", "rsa_pkcs8_aes256", "ca"].map(|name| certs.file(name));
        let server = [
            ("SSL", "1"),
            ("SSL_SERVERCERT", &*cert),
            ("SSL_SERVERKEY", &*key),
            ("SSL_SERVERKEYPASSWD", PASSWORD),
            ("SSL_REQUIRECLIENTCERT", "1"),
            ("SSL_CACERTS", &*ca),
        ];
        let client = [
            ("SSL", "1"),
            ("SSL_CLIENTCERT", &*cert),
            ("SSL_CLIENTKEY", &*key),
            ("SSL_CLIENTKEYPASSWD", PASSWORD),
            ("SSL_CACERTS", &*ca),
        ];
        let call = async |server: &[(&str, &str)], client: &[(&str, &str)]| -> Result<bool, Error> {
            let daemon = bind("localhost:0", server).await?;
            daemon.register("thing", interop::pyro5::thing::Thing::new(daemon.handle()))?;
            let uri = daemon.internal_uri_for("thing")?;
            let handle = daemon.spawn();
            let called = async { Proxy::with_config(uri, config(client))?.call::<i64>("add", (1, 2)).await }.await;
            handle.shutdown();
            called.map(|sum| sum == 3)
        };
        assert!(call(&server, &client).await.unwrap());
        let without = |settings: &[(&'static str, &'static str)], name: &str| {
            settings.iter().copied().filter(|(other, _)| *other != name).collect::<Vec<_>>()
        };
        let (server, client) = (server.map(|(n, v)| (n, &*v.to_owned().leak())), client.map(|(n, v)| (n, &*v.to_owned().leak())));
        for (name, _) in server {
            let done = call(&without(&server, name), &client).await;
            // Without the demand, clients are let in all the same; whatever else is missing shows.
            assert_eq!(done.is_ok(), name == "SSL_REQUIRECLIENTCERT", "{name}: {done:?}");
        }
        for (name, _) in client {
            let done = call(&server, &without(&client, name)).await;
            assert!(done.is_err(), "{name}: {done:?}");
        }
        // What is demanded is a certificate.
        let stranger = [("SSL", "1"), ("SSL_CACERTS", &*ca)];
        assert!(call(&without(&server, "SSL_REQUIRECLIENTCERT"), &stranger).await.is_ok());
        assert!(call(&server, &stranger).await.is_err());
    }
}
