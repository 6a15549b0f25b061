//! Calls by JSON-RPC 2.0, over HTTP and a WebSocket on the same port: single ones, a batch, and a stream.

use salamander::http::jsonrpc::Client;
use salamander::http::{JsonRpc, Site};
use salamander::prelude::*;

#[expose]
fn add(x: i64, y: i64) -> i64 {
    x + y
}

#[expose]
fn sub(x: i64, y: i64) -> i64 {
    x - y
}

#[expose]
fn countdown(from: u32) -> impl Iterator<Item = u32> + use<> {
    (1..=from).rev()
}

#[tokio::main]
async fn main() -> Result<()> {
    let daemon = Daemon::builder().door(Site::new().jsonrpc(JsonRpc::new())).bind("localhost:0").await?;
    daemon.register_fn("add", add)?;
    daemon.register_fn("sub", sub)?;
    daemon.register_fn("countdown", countdown)?;
    let place = format!("{}/jsonrpc", daemon.location());
    tokio::spawn(daemon.serve());

    let server = Client::new(&format!("http://{place}"))?;
    println!("add(2, 3) = {}", server.call::<i64>("add", (2, 3)).await?);
    if let Err(error) = server.call::<i64>("sub", (vec![1, 2], 4)).await {
        println!("sub([1, 2], 4): {error}");
    }
    let mut batch = server.batch();
    batch.call("add", (10, 20))?.call("sub", (10, 20))?;
    for result in batch.send().await? {
        println!("{}", result?);
    }

    let server = Client::new(&format!("ws://{place}"))?;
    let mut numbers = server.subscribe::<u32>("countdown", (3,)).await?;
    while let Some(number) = numbers.next().await {
        println!("{}", number?);
    }
    Ok(())
}
