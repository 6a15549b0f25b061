//! Our proxies against Pyro5's daemons.

use futures_util::future::join_all;
use interop::certs::{CLIENT_SERIAL, Certs, SERVER_SERIAL, borrowed};
use interop::pyro5::SERIALIZERS;
use interop::pyro5::peer::Server;
use salamander::{Codec, Exception, Kind, Proxy, Value};

use super::proxy;

/// Calls of every kind.
async fn calls(proxy: &Proxy) {
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.unwrap(), 5);
    let large = "x".repeat(300_000);
    assert_eq!(proxy.call::<String>("echo", (&large,)).await.unwrap(), large);
    let error = proxy.call::<i64>("divide", (1, 0)).await.unwrap_err();
    assert!(error.is("ZeroDivisionError"), "{error}");
    let mut batch = proxy.batch();
    (0..100).for_each(|number| {
        batch.call("add", (number, 1));
    });
    let sums: Vec<i64> = batch.send().await.unwrap().map(Result::unwrap).collect();
    assert_eq!(sums, (1..=100).collect::<Vec<_>>());
    let mut items = proxy.stream::<u32>("count_to", (5,)).await.unwrap();
    let mut seen = Vec::new();
    while let Some(item) = items.next().await.unwrap() {
        seen.push(item);
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_made_with_every_serializer_and_server_type() {
    let certs = Certs::new();
    for kind in ["thread", "multiplex"] {
        for (mut server, client) in [
            (certs.server("server"), certs.client("ca")),
            (certs.strict_server("server", "ca"), certs.known_client("ca", "client")),
            (certs.strict_server("self_server", "self_client"), certs.known_client("self_server", "self_client")),
            (certs.server("rsa"), certs.client("ca")),
        ] {
            server.push(("PYRO_SERVERTYPE", kind.to_owned()));
            let daemon = Server::start(&["--host", "localhost"], &borrowed(&server));
            for serializer in SERIALIZERS {
                let codec: Codec = serializer.parse().unwrap();
                calls(&proxy(&daemon.uri, &client).with_serializer(codec)).await;
            }
        }
    }
}

/// Pyro's multiplex server waits for its socket, and does not see what has been decrypted already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_share_a_connection_to_a_multiplex_server() {
    let certs = Certs::new();
    let mut server = certs.server("server");
    server.push(("PYRO_SERVERTYPE", "multiplex".to_owned()));
    let daemon = Server::start(&[], &borrowed(&server));
    let proxy = proxy(&daemon.uri, &certs.client("ca"));
    let tasks = (0..16).map(|task| {
        let proxy = proxy.clone();
        tokio::spawn(async move {
            for number in 0..25 {
                if number % 5 == 0 {
                    proxy.oneway("note", ("many", "one way")).await.unwrap();
                }
                assert_eq!(proxy.call::<i64>("add", (task, number)).await.unwrap(), task + number);
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    let notes: Vec<String> = proxy.call("notes", ("many", 16 * 5)).await.unwrap();
    assert_eq!(notes.len(), 16 * 5);
    // Callers that leave do not hold up the others.
    for _ in 0..20 {
        let call = proxy.call::<f64>("later", (0.05,));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), call).await.is_err());
    }
    assert_eq!(proxy.call::<i64>("add", (1, 1)).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_side_sees_the_certificate_of_the_other() {
    let certs = Certs::new();
    let daemon = Server::start(&["--certificates"], &borrowed(&certs.strict_server("server", "ca")));
    let proxy = proxy(&daemon.uri, &certs.known_client("ca", "client"));
    let answer: Value = proxy.handshake_response().await.unwrap();
    assert_eq!(answer.to_string(), format!("['client', '{CLIENT_SERIAL}']"));
    let certificate = proxy.peer_certificate().await.unwrap().expect("the daemon shows one");
    assert_eq!(certificate.serial_number(), SERVER_SERIAL);
    assert_eq!(certificate.issuer().get("commonName"), Some("ca"));
    let names: Vec<String> = certificate.alternative_names().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["localhost", "127.0.0.1", "::1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_may_refuse_a_daemon_by_its_certificate() {
    let certs = Certs::new();
    let daemon = Server::start(&[], &borrowed(&certs.server("server")));
    let proxy = proxy(&daemon.uri, &certs.client("ca"));
    let only = |serial: &'static str| {
        proxy.with_handshake_check(move |greeting| match &greeting.certificate {
            Some(certificate) if certificate.serial_number() == serial => Ok(()),
            _ => Err(Exception::pyro("CommunicationError", "cert serial number incorrect")),
        })
    };
    assert_eq!(only(SERVER_SERIAL).call::<i64>("add", (1, 2)).await.unwrap(), 3);
    let error = only(CLIENT_SERIAL).call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Refused, "cert serial number incorrect"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_file_is_encrypted_too() {
    let certs = Certs::new();
    let path = certs.file("socket");
    let daemon = Server::start(&["--unix", &path], &borrowed(&certs.server("server")));
    calls(&proxy(&daemon.uri, &certs.client("ca"))).await;
}
