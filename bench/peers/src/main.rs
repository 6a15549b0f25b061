//! The clients and servers of the peers, driven by the program that measures.

#[rustfmt::skip]
mod add_capnp;
mod capnp;
mod dxr;
mod jsonrpsee;
mod tarpc;
mod tonic;

use std::process::ExitCode;

use salamander_bench_harness::{Args, Failure};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let role = words.next().unwrap_or_default();
    match run(&role, &Args::new(words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("salamander-bench-peers: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(role: &str, args: &Args) -> Result<(), Failure> {
    match (role, args.text("system")?) {
        ("server", "tarpc-bincode") => tarpc::server(args, tarpc::Format::Bincode),
        ("client", "tarpc-bincode") => tarpc::client(args, tarpc::Format::Bincode),
        ("server", "tarpc-json") => tarpc::server(args, tarpc::Format::Json),
        ("client", "tarpc-json") => tarpc::client(args, tarpc::Format::Json),
        ("server", "tonic") => tonic::server(args),
        ("client", "tonic") => tonic::client(args),
        ("server", "jsonrpsee-ws" | "jsonrpsee-http") => jsonrpsee::server(args),
        ("client", "jsonrpsee-ws") => jsonrpsee::websocket_client(args),
        ("client", "jsonrpsee-http") => jsonrpsee::http_client(args),
        ("server", "dxr") => dxr::server(args),
        ("client", "dxr") => dxr::client(args),
        ("server", "capnp") => capnp::server(args),
        ("client", "capnp") => capnp::client(args),
        (role, other) => Err(format!("there is no {role} {other}").into()),
    }
}
