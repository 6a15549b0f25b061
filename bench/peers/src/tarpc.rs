//! tarpc over TCP, with bincode or JSON.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use salamander_bench_harness::{Args, Caller, Failure, System, callers, client as run_client, server as run_server};
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::formats::{Bincode, Json};
use tarpc::{client, context, serde_transport};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::LengthDelimitedCodec;

/// How messages are written.
#[derive(Clone, Copy)]
pub enum Format {
    Bincode,
    Json,
}

#[tarpc::service]
trait Adder {
    async fn add(x: i64, y: i64) -> i64;
}

#[derive(Clone)]
struct Sums;

impl Adder for Sums {
    async fn add(self, _: context::Context, x: i64, y: i64) -> i64 {
        x + y
    }
}

/// Its own `connect` and `listen` leave Nagle's algorithm on; it is faster without.
fn framed(stream: TcpStream) -> Result<tokio_util::codec::Framed<TcpStream, LengthDelimitedCodec>, Failure> {
    stream.set_nodelay(true)?;
    Ok(LengthDelimitedCodec::builder().new_framed(stream))
}

pub fn server(args: &Args, format: Format) -> Result<(), Failure> {
    run_server(args, async |ready| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ready(&listener.local_addr()?.to_string());
        loop {
            let framed = framed(listener.accept().await?.0)?;
            match format {
                Format::Bincode => {
                    let channel = BaseChannel::with_defaults(serde_transport::new(framed, Bincode::default()));
                    tokio::spawn(channel.execute(Sums.serve()).for_each(spawn));
                }
                Format::Json => {
                    let channel = BaseChannel::with_defaults(serde_transport::new(framed, Json::default()));
                    tokio::spawn(channel.execute(Sums.serve()).for_each(spawn));
                }
            }
        }
    })
}

async fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}

pub fn client(args: &Args, format: Format) -> Result<(), Failure> {
    let remote = Remote { address: args.text("address")?.parse()?, format };
    run_client(args, async || callers(args, remote).await)
}

struct Remote {
    address: SocketAddr,
    format: Format,
}

impl System for Remote {
    type Caller = Calling;

    async fn connect(&self) -> Result<Calling, Failure> {
        let framed = framed(TcpStream::connect(self.address).await?)?;
        let config = client::Config::default();
        Ok(Calling(match self.format {
            Format::Bincode => AdderClient::new(config, serde_transport::new(framed, Bincode::default())).spawn(),
            Format::Json => AdderClient::new(config, serde_transport::new(framed, Json::default())).spawn(),
        }))
    }
}

#[derive(Clone)]
struct Calling(AdderClient);

impl Caller for Calling {
    async fn add(&self, x: i64, y: i64) -> Result<i64, Failure> {
        let mut context = context::current();
        context.deadline = Instant::now() + Duration::from_secs(60);
        Ok(self.0.add(context, x, y).await?)
    }
}
