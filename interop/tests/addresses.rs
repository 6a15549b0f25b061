//! Addresses: which of a host's are used on each side, and what is said of those that lead nowhere.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod programs;

use std::sync::Arc;

use interop::certs::Certs;
use interop::pyro5::ours::Ours;
use interop::pyro5::peer::{Server, script};
use interop::pyro5::until;
use programs::salamander;
use salamander::{Config, Proxy, Uri};

fn has_ipv6() -> bool {
    let there = std::net::TcpListener::bind("[::1]:0").is_ok();
    if !there {
        interop::left_out("there is no IPv6 on this machine");
    }
    there
}

/// Whether the name is both addresses, which is for the system to say.
fn localhost_has_ipv6() -> bool {
    let localhost = std::net::ToSocketAddrs::to_socket_addrs("localhost:0");
    localhost.is_ok_and(|mut found| found.any(|address| address.is_ipv6()))
}

fn proxy(uri: &str, version: &str) -> Proxy {
    let config = Config::from_vars([("PYRO_PREFER_IP_VERSION", version)]).unwrap();
    Proxy::with_config(uri.parse::<Uri>().unwrap(), Arc::new(config)).unwrap()
}

/// Both sides prefer one version, and meet on `localhost`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preferred_version_is_used_on_both_sides() {
    for (version, address) in [("4", "127.0.0.1"), ("6", "::1")] {
        if version == "6" && !(has_ipv6() && localhost_has_ipv6()) {
            let error = proxy("PYRO:thing@localhost:1", version).call::<i64>("add", (2, 3)).await.unwrap_err();
            assert!(
                error.to_string().contains("localhost has no IPv6 address, and PREFER_IP_VERSION is 6"),
                "{error}"
            );
            interop::left_out("localhost is no IPv6 address on this machine");
            continue;
        }
        let settings = [("PYRO_PREFER_IP_VERSION", version)];
        let ours = Ours::with(&settings, "localhost:0", |builder| builder).await;
        assert_eq!(ours.handle.local_addr().unwrap().ip().to_string(), address);
        assert!(ours.uri.to_string().starts_with("PYRO:thing@localhost:"));
        let told = script("tls_client.py", &[&ours.uri.to_string()], &settings).await.unwrap();
        assert!(told.contains(r#""result": "hello""#), "Pyro5's client prefers {version}: {told}");
        let theirs = Server::start(&["--host", "localhost"], &settings);
        let context: salamander::Dict = proxy(&theirs.uri, version).call("context", ()).await.unwrap();
        assert_eq!(context.get("client").unwrap().as_str(), Some(address), "Pyro5's daemon prefers {version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_in_brackets_are_used_as_they_are() {
    if !has_ipv6() {
        return;
    }
    let theirs = Server::start(&["--host", "::1"], &[]);
    assert!(theirs.uri.contains("@[::1]:"), "{}", theirs.uri);
    // A preference is for names.
    for version in ["0", "4", "6"] {
        assert_eq!(proxy(&theirs.uri, version).call::<i64>("add", (2, 3)).await.unwrap(), 5);
    }
    let uri = "PYRO:thing@127.0.0.1:1";
    let error = proxy(uri, "6").call::<i64>("add", (2, 3)).await.unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}

/// A server is started, and what it logs is looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_warns_where_its_uris_lead_nowhere() {
    let certs = Certs::new();
    for (number, (args, settings, says)) in [
        (
            vec!["ns", "-x", "--host", "0.0.0.0"],
            vec![],
            Some("URIs say 0.0.0.0, which leads nowhere from other machines"),
        ),
        (
            vec!["ns", "-x", "--host", "0.0.0.0", "--nathost", "localhost"],
            vec![],
            Some("URIs say localhost, which leads other machines to themselves"),
        ),
        (vec!["ns", "-x", "--host", "0.0.0.0", "--nathost", "example.org"], vec![], None),
        (vec!["ns", "-x", "--host", "0.0.0.0"], vec![("PYRO_NATHOST", "example.org")], None),
        (vec!["ns", "-x"], vec![], None),
    ]
    .into_iter()
    .enumerate()
    {
        let log = certs.file(&format!("log{number}"));
        let mut command = salamander(&[&args[..], &["--port", "0"]].concat());
        command.env("PYRO_LOGFILE", &log).env("PYRO_LOGLEVEL", "INFO").envs(settings);
        let server = tokio::task::block_in_place(|| programs::Server::start(&mut command, "NS running on"));
        let logged = || std::fs::read_to_string(&log).unwrap_or_default();
        until("it serves", async || logged().contains("is serving")).await;
        drop(server);
        let logged = logged();
        let warned = logged.lines().find(|line| line.contains("WARN") && line.contains("URIs say"));
        assert_eq!(warned.is_some(), says.is_some(), "{args:?}: {logged}");
        assert!(warned.unwrap_or_default().contains(says.unwrap_or_default()), "{args:?}: {logged}");
    }
}
