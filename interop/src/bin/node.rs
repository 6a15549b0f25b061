//! A daemon in a process of its own, which tests kill, restart and send calls through; `interop/python/node.py` is the same in
//! Python.
//!
//! node NAME [--port PORT] [--log FILE] [--lease SECONDS]
//!
//! Prints the URI of its object `node`, and ends when its standard input does.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use salamander::prelude::*;
use salamander::{Codec, DaemonHandle, Dict, Remote};

struct Node {
    name: String,
    daemon: DaemonHandle,
    /// The proxies that it has used, to be used again.
    known: Mutex<HashMap<String, Proxy>>,
    log: Option<Mutex<std::fs::File>>,
}

/// What a node hands over.
struct Leaf;

#[expose]
impl Leaf {
    fn touch(&self) {}
}

#[expose]
impl Node {
    /// Goes on to the first of the route, and from there to the rest; gives the names of all that were on the way.
    async fn travel(&self, route: Vec<String>, mut seen: Vec<String>) -> Result<Vec<String>> {
        seen.push(self.name.clone());
        let Some((next, rest)) = route.split_first() else { return Ok(seen) };
        self.proxy(next)?.call("travel", (rest, seen)).await
    }

    /// Notes a call; it may be made twice.
    fn count(&self, id: i64) -> Result<i64, Exception> {
        if let Some(log) = &self.log {
            log.lock().unwrap_or_else(PoisonError::into_inner).write_all(format!("{id}\n").as_bytes())?;
        }
        Ok(id)
    }

    fn hand_over(&self) -> Result<Remote<Leaf>> {
        self.daemon.share(Leaf)
    }

    fn numbers(&self) -> impl Iterator<Item = u64> + use<> {
        0..
    }

    /// How many connections, objects and streams there are, and how much memory is in use.
    fn state(&self) -> Dict {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages: i64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
        let count = |count: usize| Value::from(i64::try_from(count).unwrap_or_default());
        Dict::from_iter([
            ("connections", count(self.daemon.connections())),
            ("objects", count(self.daemon.registered().len())),
            ("streams", count(self.daemon.open_streams())),
            ("kilobytes", (pages * 4).into()),
        ])
    }
}

impl Node {
    fn proxy(&self, uri: &str) -> Result<Proxy> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(proxy) = known.get(uri) {
            return Ok(proxy.clone());
        }
        let proxy = Proxy::new(uri)?.with_serializer(Codec::Msgpack);
        known.insert(uri.to_owned(), proxy.clone());
        Ok(proxy)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let option = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let port = option("--port").unwrap_or_else(|| "0".to_owned());
    // Streams end with their connection: tests wait for it.
    let config = salamander::Config::from_vars([("PYRO_ITER_STREAM_LINGER", "0")])?;
    let mut builder = Daemon::builder().config(Arc::new(config));
    if let Some(seconds) = option("--lease").and_then(|seconds| seconds.parse().ok()) {
        builder = builder.leases(std::time::Duration::from_secs_f64(seconds));
    }
    let daemon = builder.bind(&format!("127.0.0.1:{port}")).await?;
    let log = option("--log").map(|path| std::fs::OpenOptions::new().create(true).append(true).open(path));
    let node = Node {
        name: args.get(1).cloned().unwrap_or_default(),
        daemon: daemon.handle(),
        known: Mutex::default(),
        log: log.transpose()?.map(Mutex::new),
    };
    println!("{}", daemon.register("node", node)?);
    let ended = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    let daemon = Arc::new(daemon.spawn());
    let _ = ended.await;
    daemon.shutdown();
    Ok(())
}
