//! The sum of two numbers, by XML-RPC. Python calls the same server with `xmlrpc.client.ServerProxy("http://localhost:PORT").add(3, 4)`.

use salamander::http::xmlrpc::Client;
use salamander::http::{Site, XmlRpc};
use salamander::prelude::*;

#[expose]
fn add(x: i64, y: i64) -> i64 {
    x + y
}

#[tokio::main]
async fn main() -> Result<()> {
    let daemon = Daemon::builder().door(Site::new().xmlrpc(XmlRpc::new())).bind("localhost:0").await?;
    daemon.register_fn("add", add)?;
    let url = format!("http://{}", daemon.location());
    tokio::spawn(daemon.serve());

    let server = Client::new(&url)?;
    let sum: i64 = server.call("add", (3, 4)).await?;
    println!("3 + 4 = {sum}");

    // Two calls in one request.
    let mut calls = server.multicall();
    calls.add("add", (10, 20))?;
    calls.add("add", ("ten", 20))?;
    for result in calls.send().await? {
        match result {
            Ok(sum) => println!("{sum}"),
            Err(fault) => println!("{fault}"),
        }
    }
    Ok(())
}
