//! Our two ends of XML-RPC.

use salamander::http::xmlrpc::Client;
use salamander::http::{Site, XmlRpc};
use salamander::prelude::*;
use salamander_bench_harness::{Args as ProcessArgs, Caller, Failure, System, callers, client as run_client, server as run_server};

#[expose]
fn add(x: i64, y: i64) -> i64 {
    x + y
}

pub fn server(args: &ProcessArgs) -> Result<(), Failure> {
    run_server(args, async |ready| {
        let daemon = Daemon::builder().door(Site::new().xmlrpc(XmlRpc::new())).bind("127.0.0.1:0").await?;
        daemon.register_fn("add", add)?;
        ready(&format!("http://{}", daemon.location()));
        daemon.serve().await?;
        Ok(())
    })
}

pub fn client(args: &ProcessArgs) -> Result<(), Failure> {
    let remote = Remote(args.text("address")?.to_owned());
    run_client(args, async || callers(args, remote).await)
}

struct Remote(String);

impl System for Remote {
    type Caller = Plain;

    async fn connect(&self) -> Result<Plain, Failure> {
        Ok(Plain(Client::new(&self.0)?))
    }
}

#[derive(Clone)]
struct Plain(Client);

impl Caller for Plain {
    async fn add(&self, x: i64, y: i64) -> Result<i64, Failure> {
        Ok(self.0.call("add", (x, y)).await?)
    }
}
