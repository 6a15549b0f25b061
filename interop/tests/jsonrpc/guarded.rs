//! Encrypted: `https://`, `wss://`, and what is plain or shows no certificate.

use std::sync::Arc;
use std::time::Duration;

use interop::certs::{Certs, borrowed};
use interop::jsonrpc::Ours;
use interop::python;
use salamander::Config;
use salamander::http::jsonrpc::Client;
use salamander::http::{JsonRpc, Site};

async fn ours(settings: &[(&'static str, String)]) -> Ours {
    let config = Arc::new(Config::from_vars(borrowed(settings)).unwrap());
    let rpc = JsonRpc::new();
    Ours::with(|builder| builder.config(config).door(Site::new().jsonrpc(rpc.clone())).door(rpc)).await
}

fn client(scheme: &str, port: u16, settings: &[(&'static str, String)]) -> Client {
    let config = Arc::new(Config::from_vars(borrowed(settings)).unwrap());
    let client = Client::with_config(&format!("{scheme}://localhost:{port}"), config).unwrap();
    client.timeout(Some(Duration::from_secs(60)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_and_streams_are_encrypted() {
    let certs = Certs::new();
    let ours = ours(&certs.server("server")).await;
    for scheme in ["https", "wss"] {
        let client = client(scheme, ours.port, &certs.client("ca"));
        for _ in 0..3 {
            assert_eq!(client.call::<i64>("subtract", (42, 23)).await.unwrap(), 19, "{scheme}");
        }
        let mut batch = client.batch();
        batch.call("sum", (1, 2)).unwrap().call("nothing", ()).unwrap();
        let results = batch.send().await.unwrap();
        assert!(results.len() == 2 && results[0].is_ok() && results[1].is_err(), "{scheme}: {results:?}");
        let long = "x".repeat(1 << 20);
        assert_eq!(client.call::<String>("echo", (&long,)).await.unwrap(), long);
    }
    let mut items = client("wss", ours.port, &certs.client("ca")).subscribe::<u32>("count", (2,)).await.unwrap();
    assert_eq!(items.next().await.unwrap().unwrap(), 0);
    assert_eq!(items.next().await.unwrap().unwrap(), 1);
    assert!(items.next().await.is_none());
    for scheme in ["https", "wss"] {
        // Who trusts another authority does not call.
        let error = client(scheme, ours.port, &certs.client("other_ca")).call::<i64>("sum", ()).await.unwrap_err();
        assert!(error.to_string().contains("nobody who signed it is trusted"), "{scheme}: {error}");
    }
    for scheme in ["http", "ws", "tcp"] {
        assert!(client(scheme, ours.port, &[]).call::<i64>("sum", ()).await.is_err(), "{scheme}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_certificate_is_required_of_every_transport() {
    let certs = Certs::new();
    let ours = ours(&certs.strict_server("server", "ca")).await;
    for scheme in ["https", "wss"] {
        let known = client(scheme, ours.port, &certs.known_client("ca", "client"));
        assert_eq!(known.call::<i64>("sum", (1, 2)).await.unwrap(), 3, "{scheme}");
        for settings in [certs.client("ca"), certs.known_client("ca", "stranger")] {
            let stranger = client(scheme, ours.port, &settings);
            assert!(stranger.call::<i64>("sum", (1, 2)).await.is_err(), "{scheme}");
        }
    }
    for scheme in ["http", "ws", "tcp"] {
        assert!(client(scheme, ours.port, &[]).call::<i64>("sum", ()).await.is_err(), "{scheme}");
    }
}

/// Python's own clients: `urllib` and `websockets`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_is_served_encrypted() {
    let certs = Certs::new();
    let ours = ours(&certs.strict_server("server", "ca")).await;
    let mut script = python::script("jsonrpc_tls.py");
    script.arg(ours.port.to_string()).args([certs.file("ca"), certs.file("client"), certs.file("client_key")]);
    let output = tokio::task::spawn_blocking(move || script.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().collect::<Vec<_>>(), ["https 3", "wss 3", "lines 3", "no certificate: refused"]);
}
