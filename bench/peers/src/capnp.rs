//! capnp-rpc. Its objects cannot leave their thread, so it brings its own loops instead of the harness's.
//!
//! `add_capnp.rs` was made of `add.capnp` by `capnp compile -ocapnpc-rust:src add.capnp`, with the capnp 0.9.2 of Debian 12 and
//! `capnpc-rust` of `cargo install capnpc --version 0.27.0`, and is kept here so that neither is needed.

use std::rc::Rc;
use std::time::{Duration, Instant};

use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, new_client, twoparty};
use salamander_bench_harness::{Args, Done, Failure, SUM, answer_runs, pin, runtime, server as run_server};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use crate::add_capnp::adder;

struct Sums;

impl adder::Server for Sums {
    async fn add(
        self: Rc<Self>,
        params: adder::AddParams,
        mut results: adder::AddResults,
    ) -> Result<(), capnp::Error> {
        let params = params.get()?;
        results.get().set_sum(params.get_x() + params.get_y());
        Ok(())
    }
}

fn network(
    stream: TcpStream,
    side: Side,
) -> Result<Box<twoparty::VatNetwork<impl futures_util::AsyncRead>>, Failure> {
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.into_split();
    Ok(Box::new(twoparty::VatNetwork::new(
        futures_util::io::BufReader::new(reader.compat()),
        futures_util::io::BufWriter::new(writer.compat_write()),
        side,
        Default::default(),
    )))
}

pub fn server(args: &Args) -> Result<(), Failure> {
    run_server(args, async |ready| {
        let adder: adder::Client = new_client(Sums);
        let serve = async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            ready(&listener.local_addr()?.to_string());
            loop {
                let network = network(listener.accept().await?.0, Side::Server)?;
                tokio::task::spawn_local(RpcSystem::new(network, Some(adder.clone().client)));
            }
        };
        LocalSet::new().run_until(serve).await
    })
}

pub fn client(args: &Args) -> Result<(), Failure> {
    pin(args)?;
    let runtime = runtime(args)?;
    let local = LocalSet::new();
    let address = args.text("address")?.to_owned();
    let callers: usize = args.get("count")?.unwrap_or(1);
    let adder = local.block_on(&runtime, async {
        let network = network(TcpStream::connect(address).await?, Side::Client)?;
        let mut system = RpcSystem::new(network, None);
        let adder: adder::Client = system.bootstrap(Side::Server);
        tokio::task::spawn_local(system);
        Ok::<_, Failure>(adder)
    })?;
    answer_runs(|duration| local.block_on(&runtime, run(&adder, callers, duration)))
}

async fn run(adder: &adder::Client, callers: usize, duration: Duration) -> Result<Done, Failure> {
    let start = Instant::now();
    let tasks: Vec<_> =
        (0..callers).map(|_| tokio::task::spawn_local(repeat(adder.clone(), start + duration))).collect();
    let mut operations = 0;
    for task in tasks {
        operations += task.await??;
    }
    Ok(Done { operations, seconds: start.elapsed().as_secs_f64() })
}

async fn repeat(adder: adder::Client, until: Instant) -> Result<u64, Failure> {
    let (x, y, expected) = SUM;
    let mut operations = 0;
    while Instant::now() < until {
        for _ in 0..16 {
            let mut request = adder.add_request();
            request.get().set_x(x);
            request.get().set_y(y);
            if request.send().promise.await?.get()?.get_sum() != expected {
                return Err("a sum is wrong".into());
            }
        }
        operations += 16;
    }
    Ok(operations)
}
