//! dxr: XML-RPC, its client on reqwest and its server on axum.

use std::sync::Arc;

use dxr::{TryFromParams, TryToValue, Value};
use dxr_client::{Client, ClientBuilder, Url};
use dxr_server::axum::http::HeaderMap;
use dxr_server::{HandlerFn, HandlerResult, RouteBuilder, Server};
use salamander_bench_harness::{Args, Caller, Failure, System, callers, client as run_client, server as run_server};
use tokio::net::TcpListener;

fn add(params: &[Value], _: HeaderMap) -> HandlerResult {
    let (x, y) = <(i32, i32)>::try_from_params(params)?;
    Ok((x + y).try_to_value()?)
}

pub fn server(args: &Args) -> Result<(), Failure> {
    run_server(args, async |ready| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ready(&format!("http://{}/RPC2", listener.local_addr()?));
        let route = RouteBuilder::new().set_path("/RPC2").add_method("add", Box::new(add as HandlerFn)).build();
        // axum leaves Nagle's algorithm on unless told otherwise.
        let listener = dxr_server::axum::serve::ListenerExt::tap_io(listener, |stream| {
            let _ = stream.set_nodelay(true);
        });
        Ok(Server::from_route(route).serve_listener(listener).await?)
    })
}

pub fn client(args: &Args) -> Result<(), Failure> {
    let remote = Remote(args.text("address")?.parse()?);
    run_client(args, async || callers(args, remote).await)
}

struct Remote(Url);

impl System for Remote {
    type Caller = Calling;

    async fn connect(&self) -> Result<Calling, Failure> {
        Ok(Calling(Arc::new(ClientBuilder::new(self.0.clone()).build())))
    }
}

#[derive(Clone)]
struct Calling(Arc<Client>);

impl Caller for Calling {
    async fn add(&self, x: i64, y: i64) -> Result<i64, Failure> {
        let (x, y) = (i32::try_from(x)?, i32::try_from(y)?);
        let sum: i32 = self.0.call("add", (x, y)).await?;
        Ok(i64::from(sum))
    }
}
