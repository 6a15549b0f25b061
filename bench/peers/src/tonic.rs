//! tonic: gRPC over HTTP/2. What tonic-build renders from a `.proto` file is written by hand here, so that no protoc is needed:
//!
//! ```text
//! package bench;
//! message AddRequest { int64 x = 1; int64 y = 2; }
//! message AddReply { int64 sum = 1; }
//! service Adder { rpc Add (AddRequest) returns (AddReply); }
//! ```

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::uri::PathAndQuery;
use salamander_bench_harness::{Args, Caller, Failure, System, callers, client as run_client, server as run_server};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct AddRequest {
    #[prost(int64, tag = "1")]
    x: i64,
    #[prost(int64, tag = "2")]
    y: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct AddReply {
    #[prost(int64, tag = "1")]
    sum: i64,
}

const ADD: &str = "/bench.Adder/Add";

/// The service, by path.
#[derive(Clone)]
struct Adder;

impl NamedService for Adder {
    const NAME: &'static str = "bench.Adder";
}

impl Service<http::Request<Body>> for Adder {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path() != ADD {
                return Ok(Status::unimplemented("").into_http());
            }
            Ok(tonic::server::Grpc::new(ProstCodec::default()).unary(Add, request).await)
        })
    }
}

/// The method.
struct Add;

impl Service<Request<AddRequest>> for Add {
    type Response = Response<AddReply>;
    type Error = Status;
    type Future = Ready<Result<Response<AddReply>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<AddRequest>) -> Self::Future {
        let AddRequest { x, y } = request.into_inner();
        ready(Ok(Response::new(AddReply { sum: x + y })))
    }
}

pub fn server(args: &Args) -> Result<(), Failure> {
    run_server(args, async |ready| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ready(&listener.local_addr()?.to_string());
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        Ok(Server::builder().add_service(Adder).serve_with_incoming(incoming).await?)
    })
}

pub fn client(args: &Args) -> Result<(), Failure> {
    let remote = Remote(Endpoint::from_shared(format!("http://{}", args.text("address")?))?);
    run_client(args, async || callers(args, remote).await)
}

struct Remote(Endpoint);

impl System for Remote {
    type Caller = Calling;

    async fn connect(&self) -> Result<Calling, Failure> {
        Ok(Calling(self.0.connect().await?))
    }
}

#[derive(Clone)]
struct Calling(Channel);

impl Caller for Calling {
    async fn add(&self, x: i64, y: i64) -> Result<i64, Failure> {
        let mut grpc = tonic::client::Grpc::new(self.0.clone());
        grpc.ready().await?;
        let codec = ProstCodec::<AddRequest, AddReply>::default();
        let reply = grpc.unary(Request::new(AddRequest { x, y }), PathAndQuery::from_static(ADD), codec).await?;
        Ok(reply.into_inner().sum)
    }
}
