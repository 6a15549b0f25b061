//! jsonrpsee: JSON-RPC over a WebSocket, and over HTTP.

use std::sync::Arc;

use jsonrpsee_core::client::ClientT;
use jsonrpsee_core::params::ArrayParams;
use jsonrpsee_http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee_server::{RpcModule, ServerBuilder};
use jsonrpsee_ws_client::{WsClient, WsClientBuilder};
use salamander_bench_harness::{Args, Caller, Failure, System, callers, client as run_client, server as run_server};

pub fn server(args: &Args) -> Result<(), Failure> {
    run_server(args, async |ready| {
        let server = ServerBuilder::default().build("127.0.0.1:0").await?;
        let address = server.local_addr()?;
        let mut module = RpcModule::new(());
        module.register_method("add", |params, _, _| params.parse::<(i64, i64)>().map(|(x, y)| x + y))?;
        let handle = server.start(module);
        ready(&address.to_string());
        handle.stopped().await;
        Ok(())
    })
}

pub fn websocket_client(args: &Args) -> Result<(), Failure> {
    let remote = WebSocket(format!("ws://{}", args.text("address")?));
    run_client(args, async || callers(args, remote).await)
}

pub fn http_client(args: &Args) -> Result<(), Failure> {
    let remote = Http(format!("http://{}", args.text("address")?));
    run_client(args, async || callers(args, remote).await)
}

struct WebSocket(String);

impl System for WebSocket {
    type Caller = Calling<WsClient>;

    async fn connect(&self) -> Result<Self::Caller, Failure> {
        Ok(Calling(Arc::new(WsClientBuilder::default().build(&self.0).await?)))
    }
}

struct Http(String);

impl System for Http {
    type Caller = Calling<HttpClient>;

    async fn connect(&self) -> Result<Self::Caller, Failure> {
        Ok(Calling(Arc::new(HttpClientBuilder::default().build(&self.0)?)))
    }
}

struct Calling<C>(Arc<C>);

impl<C> Clone for Calling<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: ClientT + Send + Sync + 'static> Caller for Calling<C> {
    async fn add(&self, x: i64, y: i64) -> Result<i64, Failure> {
        let mut params = ArrayParams::new();
        params.insert(x)?;
        params.insert(y)?;
        Ok(self.0.request("add", params).await?)
    }
}
