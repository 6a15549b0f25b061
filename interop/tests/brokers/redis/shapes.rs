//! Redis with TLS, with a password, on a Unix domain socket, under a sentinel, as a cluster.

use interop::certs::Certs;
use interop::servers::{Cluster, Redis, Sentinel};
use salamander_tasks::Kind;
use salamander_tasks::broker::{Queue, RedisBroker};
use salamander_value::Dict;
use serde_json::json;

use super::{body, connect, consume, message, publish, receive, run, soon, until};
use crate::kombu::Kombu;

/// Publishes, consumes, settles, and looks that it is so.
async fn works(url: &str) {
    let broker = connect(url);
    let mut consumer = consume(&*broker, &Queue::new("works"), 1).await;
    for turn in 0..3 {
        publish(&*broker, "works", "works", message(&turn.to_string())).await;
        let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
        assert_eq!(body(&delivery), turn.to_string());
        delivery.settlement.ack();
    }
    drop(consumer);
    soon("closing", broker.close()).await;
}

#[test]
fn a_password_opens_and_another_is_refused() {
    let Some(server) = Redis::start(&["--requirepass", "open: sesame"]) else { return };
    run(async {
        works(&format!("redis://:open%3A%20sesame@127.0.0.1:{}/3", server.port())).await;
        for login in ["", ":wrong@", "nobody:open%3A%20sesame@"] {
            let url = format!("redis://{login}127.0.0.1:{}", server.port());
            let broker = connect(&url);
            let error = broker.declare(&Queue::new("q").into()).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Refused, "{login}: {error}");
            assert!(!broker.url().contains("sesame") && !error.to_string().contains("sesame"));
        }
    });
}

#[test]
fn tls_checks_both_sides() {
    let certs = Certs::new();
    let Some(server) = Redis::tls(&certs) else { return };
    let file = |name: &str| certs.file(name);
    let url = |ca: &str, cert: &str| {
        format!(
            "rediss://localhost:{}/0?ssl_cert_reqs=required&ssl_ca_certs={}&ssl_certfile={}&ssl_keyfile={}",
            server.port(),
            file(ca),
            file(cert),
            file(&format!("{cert}_key"))
        )
    };
    let mut kombu = Kombu::connect(&url("ca", "client"), &json!({}));
    run(async {
        works(&url("ca", "client")).await;
        let broker = connect(&url("ca", "client"));
        let mut consumer = consume(&*broker, &Queue::new("q"), 1).await;
        kombu.publish("", "q", &["encrypted"]);
        assert_eq!(body(&receive(&mut *consumer, 1).await[0]), "\"encrypted\"");
        // Neither the wrong authority, nor a stranger, nor plain text get in.
        for url in [url("other_ca", "client"), url("ca", "stranger"), format!("redis://localhost:{}", server.port())]
        {
            let broker = connect(&url);
            let topology = Queue::new("q").into();
            let waits = tokio::time::timeout(std::time::Duration::from_secs(1), broker.declare(&topology)).await;
            assert!(waits.is_err() || waits.unwrap().is_err(), "{url}");
        }
    });
}

#[test]
#[cfg(unix)]
fn a_unix_domain_socket_will_do() {
    let server = Redis::with(|directory, _| {
        vec!["--unixsocket".to_owned(), directory.join("redis.sock").display().to_string()]
    });
    let Some(server) = server else { return };
    let url = format!("redis+socket://{}?virtual_host=2", server.directory().join("redis.sock").display());
    let mut kombu = Kombu::connect(&format!("redis://127.0.0.1:{}/2", server.port()), &json!({}));
    run(async {
        works(&url).await;
        let broker = connect(&url);
        publish(&*broker, "", "q", message("[1]")).await;
    });
    assert_eq!(kombu.ask("get", json!({"queue": "q"}))["body"], "[1]");
}

#[test]
fn a_sentinel_leads_to_the_master_and_to_the_next_one() {
    let Some(mut servers) = Sentinel::start() else { return };
    let url = format!("{}?master_name=mymaster", servers.url());
    run(async {
        works(&url).await;
        let broker = connect(&url);
        let mut consumer = consume(&*broker, &Queue::new("q"), 1).await;
        let mut kombu = Kombu::connect(&servers.url(), &json!({"master_name": "mymaster"}));
        kombu.publish("", "q", &["before"]);
        let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
        assert_eq!(body(&delivery), "\"before\"");
        delivery.settlement.ack();
        until("it is acknowledged at the replica", || async {
            servers.servers[1].cli(&["EXISTS", "unacked", "q"]) == "0"
        })
        .await;
        tokio::task::block_in_place(|| servers.fail_over());
        publish(&*broker, "", "q", message("after")).await;
        assert_eq!(body(&receive(&mut *consumer, 1).await[0]), "after");
        let unknown = connect(&format!("{}?master_name=other", servers.url()));
        let topology = Queue::new("q").into();
        let waits = tokio::time::timeout(std::time::Duration::from_secs(1), unknown.declare(&topology)).await;
        assert!(waits.is_err(), "it waits for a master of that name");
    });
}

#[test]
fn a_cluster_keeps_everything_in_one_slot() {
    let Some(cluster) = Cluster::start() else { return };
    run(async {
        works(&cluster.url()).await;
        for prefix in ["{one}", "{two}", "{three}:"] {
            let url = cluster.url().replace(';', &format!("?global_keyprefix={prefix};"));
            works(&url).await;
            // kombu knows no clusters; it can talk to the node that has the slot.
            let node = cluster.owner(prefix);
            let mut kombu = Kombu::connect(&node.url(), &json!({"global_keyprefix": prefix}));
            let broker = connect(&url);
            let mut consumer = consume(&*broker, &Queue::new("q"), 1).await;
            kombu.publish("q", "q", &[prefix]);
            let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
            assert_eq!(body(&delivery), format!("\"{prefix}\""));
            delivery.settlement.ack();
            let keys = node.cli(&["KEYS", &format!("{prefix}*")]);
            assert!(!keys.is_empty(), "{prefix}");
        }
        let keys: Vec<String> = cluster.nodes().iter().map(|node| node.cli(&["KEYS", "*"])).collect();
        assert!(keys.iter().flat_map(|keys| keys.lines()).all(|key| key.starts_with('{')), "{keys:?}");
    });
}

#[test]
fn options_of_another_kind_are_refused() {
    let mut options = Dict::new();
    options.insert("visibility_timeout", 18_000);
    assert!(RedisBroker::new("redis://localhost", &options).is_ok());
    options.insert("polling", 1);
    let error = RedisBroker::new("redis://localhost", &options).map(|_| ()).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("polling")), (Kind::Misuse, true));
}
