//! Redis with TLS, with a password, on a Unix domain socket, under a sentinel, as a cluster: results come from each.

use std::sync::Arc;
use std::time::Duration;

use interop::certs::Certs;
use interop::servers::{Cluster, Redis, Sentinel};
use salamander_tasks::Kind;
use salamander_tasks::backend::{Backend, Found, RedisResults, ResultOptions, Update};
use salamander_value::Dict;
use salamander_wire::celery::{ResultMeta, ResultValue, State};
use serde_json::json;

use crate::beside::{self, Peers, run};
use crate::celery::Results;

const PATIENCE: Duration = Duration::from_secs(60);

fn connect(url: &str) -> Arc<dyn Backend> {
    Arc::new(RedisResults::new(url, ResultOptions::default(), &Dict::new()).unwrap())
}

fn update(task: &str, state: State, result: i64) -> Update {
    Update { meta: ResultMeta::new(task, state, result), reply_to: None, correlation_id: None }
}

async fn soon<T>(future: impl Future<Output = salamander_tasks::Result<T>>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("within the patience that tests have").unwrap()
}

/// Stores, waits over another connection, looks, forgets.
async fn works(url: &str) {
    let (worker, client) = (connect(url), connect(url));
    let _expected = client.expect("works");
    let waiting = soon(client.changed("works", None));
    let (told, ()) = tokio::join!(waiting, soon(worker.store(update("works", State::Started, 1))));
    let waiting = soon(client.changed("works", Some(&told)));
    let (told, ()) = tokio::join!(waiting, soon(worker.store(update("works", State::Success, 2))));
    assert_eq!((told.status, told.result), (State::Success, ResultValue::Value(2.into())));
    soon(client.forget("works")).await;
    assert!(matches!(soon(worker.get("works")).await, Found::Pending));
    soon(worker.close()).await;
}

#[test]
fn a_password_opens_and_another_is_refused() {
    let Some(server) = Redis::start(&["--requirepass", "open: sesame"]) else { return };
    run(async {
        works(&format!("redis://:open%3A%20sesame@127.0.0.1:{}/3", server.port())).await;
        for login in ["", ":wrong@", "nobody:open%3A%20sesame@"] {
            let url = format!("redis://{login}127.0.0.1:{}", server.port());
            let backend = connect(&url);
            for refused in [
                tokio::time::timeout(PATIENCE, backend.store(update("a", State::Success, 1))).await.unwrap(),
                tokio::time::timeout(PATIENCE, backend.changed("a", None)).await.unwrap().map(drop),
            ] {
                let error = refused.unwrap_err();
                assert_eq!(error.kind(), Kind::Refused, "{login}: {error}");
                assert!(!backend.url().contains("sesame") && !error.to_string().contains("sesame"));
            }
        }
    });
}

#[test]
fn tls_checks_both_sides() {
    let certs = Certs::new();
    let Some(server) = Redis::tls(&certs) else { return };
    let url = |ca: &str, cert: &str| {
        let (ca, key, cert) = (certs.file(ca), certs.file(&format!("{cert}_key")), certs.file(cert));
        let place = format!("rediss://localhost:{}/0?ssl_cert_reqs=CERT_REQUIRED", server.port());
        format!("{place}&ssl_ca_certs={ca}&ssl_certfile={cert}&ssl_keyfile={key}")
    };
    run(works(&url("ca", "client")));
    let peers = Peers::new("memory://", &url("ca", "client"));
    beside::celery_stores_each_state_and_we_read_it(&peers, &*connect(&url("ca", "client")));
    beside::we_store_each_state_and_celery_reads_it(&peers, &*connect(&url("ca", "client")));
    run(async {
        // Neither the wrong authority, nor a stranger, nor plain text get in.
        for url in [url("other_ca", "client"), url("ca", "stranger"), format!("redis://localhost:{}", server.port())]
        {
            let backend = connect(&url);
            let store = backend.store(update("intruder", State::Success, 1));
            let stored = tokio::time::timeout(Duration::from_millis(500), store).await;
            assert!(stored.is_err() || stored.unwrap().is_err(), "{url}");
        }
        assert!(matches!(soon(connect(&url("ca", "client")).get("intruder")).await, Found::Pending));
    });
}

#[test]
#[cfg(unix)]
fn a_unix_domain_socket_will_do() {
    let server = Redis::with(|directory, _| {
        vec!["--unixsocket".to_owned(), directory.join("redis.sock").display().to_string()]
    });
    let Some(server) = server else { return };
    let socket = server.directory().join("redis.sock");
    let ours = format!("redis+socket://{}?virtual_host=2", socket.display());
    run(works(&ours));
    let theirs = Peers::new("memory://", &format!("redis://127.0.0.1:{}/2", server.port()));
    beside::we_store_each_state_and_celery_reads_it(&theirs, &*connect(&ours));
}

#[test]
fn a_sentinel_leads_to_the_master_and_to_the_next_one() {
    let Some(mut servers) = Sentinel::start() else { return };
    let url = format!("{}?master_name=mymaster", servers.url());
    run(async {
        works(&url).await;
        let (worker, client) = (connect(&url), connect(&url));
        let _expected = client.expect("after");
        let mut celery = Results::start(&Peers {
            others: vec![("MASTER_NAME", "mymaster".to_owned())],
            ..Peers::new("memory://", &servers.url())
        });
        soon(worker.store(update("before", State::Success, 1))).await;
        assert_eq!(celery.ask("look", json!({"task": "before"}))["result"], json!(1));
        let waiting = tokio::spawn(async move { soon(client.changed("after", None)).await });
        servers.servers[1].until("the replica has it", |it| it.cli(&["EXISTS", "celery-task-meta-before"]) == "1");
        tokio::task::block_in_place(|| servers.fail_over());
        // Who has waited all the time is told by the server that is the master now, and what was there is there.
        soon(worker.store(update("after", State::Success, 2))).await;
        assert_eq!(waiting.await.unwrap().result, ResultValue::Value(2.into()));
        assert!(matches!(soon(worker.get("before")).await, Found::Known(_)));
        assert_eq!(servers.servers[1].cli(&["EXISTS", "celery-task-meta-after"]), "1");
    });
}

#[test]
fn a_cluster_keeps_results_in_one_slot() {
    let Some(cluster) = Cluster::start() else { return };
    run(async {
        works(&cluster.url()).await;
        for prefix in ["{one}", "{two}", "{three}:"] {
            let url = cluster.url().replace(';', &format!("?global_keyprefix={prefix};"));
            works(&url).await;
            soon(connect(&url).store(update("a", State::Success, 1))).await;
            let keys = cluster.owner(prefix).cli(&["KEYS", &format!("{prefix}*")]);
            assert!(keys.contains("celery-task-meta-a"), "{prefix}: {keys}");
        }
    });
}

#[test]
fn of_several_servers_the_next_one_is_taken() {
    let Some(server) = Redis::start(&[]) else { return };
    // Nobody is at the first one.
    run(works(&format!("redis://127.0.0.1:9/1;{}", server.url())));
}
