//! Name servers over encrypted connections: one setting is for them and for the objects.

use std::sync::Arc;

use interop::certs::{Certs, borrowed};
use interop::pyro5::ours::Ours;
use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::{Config, NameServer, Proxy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_looked_up_and_its_object_called() {
    let certs = Certs::new();
    let mut settings = certs.strict_server("server", "ca");
    settings.extend(certs.known_client("ca", "client"));
    let config = Arc::new(Config::from_vars(borrowed(&settings)).expect("the settings are right"));
    let mut options = NameServerOptions::default();
    options.port = Some(0);
    options.no_broadcast = true;
    let names = NameServerDaemon::bind(options, config.clone()).await.expect("it binds");
    let (port, handle) = (names.uri().port(), names.daemon().handle());
    tokio::spawn(names.serve());
    let ours = Ours::with(&borrowed(&settings), "localhost:0", |builder| builder).await;
    let found = NameServer::locate_with(Some("localhost"), port, config.clone()).await.expect("it answers");
    found.register("the.thing", &ours.uri).await.expect("a name");
    let uri = format!("PYRONAME:the.thing@localhost:{}", port.expect("a port"));
    let proxy = Proxy::with_config(uri.parse().expect("a URI"), config).expect("the files are right");
    assert_eq!(proxy.call::<i64>("add", (2, 3)).await.expect("a sum"), 5);
    // And by Python.
    let told = interop::pyro5::peer::script("tls_client.py", &[&uri], &borrowed(&settings)).await;
    assert!(told.as_ref().is_ok_and(|told| told.starts_with(r#"{"result": "hello""#)), "{told:?}");
    handle.shutdown();
}
