//! What is logged while a call is served carries the call and its correlation id.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use salamander::Uuid;
use salamander::prelude::*;

struct Logging;

#[expose]
impl Logging {
    fn now(&self) {
        tracing::info!("said now");
    }

    async fn later(&self) {
        tokio::task::yield_now().await;
        tracing::info!("said later");
    }

    /// Calls its neighbour, and so passes the id on.
    async fn onward(&self, uri: Uri) -> Result<()> {
        Proxy::new(uri.to_string())?.call("later", ()).await
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_correlation_id_stands_in_every_line_of_its_calls() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("salamander_net=debug,spans=info")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let daemon = Daemon::builder().config(Arc::default()).bind("127.0.0.1:0").await.unwrap();
    let (here, there) = (daemon.register("here", Logging).unwrap(), daemon.register("there", Logging).unwrap());
    let proxy = Proxy::with_config(here, Arc::default()).unwrap();
    let daemon = daemon.spawn();
    let ids: Vec<Uuid> = (0..3).map(|_| Uuid::new_v4()).collect();
    proxy.request("now").correlation_id(ids[0]).send::<()>().await.unwrap();
    proxy.request("later").correlation_id(ids[1]).send::<()>().await.unwrap();
    proxy.request("onward").arg(there).correlation_id(ids[2]).send::<()>().await.unwrap();
    daemon.shutdown();
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let said: Vec<&str> = text.lines().filter(|line| line.contains("said")).collect();
    let expected = [("now", "here"), ("later", "here"), ("later", "there")];
    assert_eq!(said.len(), expected.len(), "{text}");
    for ((line, id), (method, object)) in said.iter().zip(&ids).zip(expected) {
        assert!(line.contains(&format!("said {method}")), "{line}");
        let span = format!("call{{object=\"{object}\" method=\"{method}\" correlation_id={id}}}");
        assert!(line.contains(&span), "{span} is to stand in {line}");
    }
}
