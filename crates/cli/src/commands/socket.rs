//! `salamander socket`

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use salamander::plain::{
    self, FILE_PORT, PlainHandle, PlainServer, TIME_PORT, TimeDatagrams, ask_time, ask_time_by_datagram,
};
use salamander::{Dict, Value};

use super::World;
use crate::connect::seconds;
use crate::failure::Failure;
use crate::output::Output;
use crate::signals::Signals;

/// Servers and clients of bare sockets: the time of day, and the bytes of a file
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander socket time-server
  salamander socket time localhost:9999
  salamander socket time-server --udp --port 0
  salamander socket file-server report.pdf
  salamander socket file localhost:60000 copy.pdf

Their peers need to know nothing but sockets, as those of first lessons in any language. Files that matter go by `salamander files`, \
`send` and `receive`, which see whether all has come.")]
pub(crate) struct Socket {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Tell whoever connects the time, as a line of text
    TimeServer {
        /// Answer datagrams instead
        #[arg(long)]
        udp: bool,

        #[command(flatten)]
        at: At<TIME_PORT>,
    },
    /// Ask a time server, and print its line
    Time {
        /// Where it is: host:port
        #[arg(value_name = "ADDRESS", default_value = "localhost:9999")]
        address: String,

        /// Ask by a datagram
        #[arg(long)]
        udp: bool,

        #[command(flatten)]
        patience: Patience,
    },
    /// Send a file to whoever connects and says something
    FileServer {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,

        #[command(flatten)]
        at: At<FILE_PORT>,
    },
    /// Say "Hello server!" and write what comes to a file
    File {
        /// Where the server is: host:port
        #[arg(value_name = "ADDRESS")]
        address: String,

        /// The file to write
        #[arg(value_name = "FILE")]
        file: PathBuf,

        /// How many bytes may come
        #[arg(long, value_name = "BYTES", default_value_t = u64::MAX, hide_default_value = true)]
        max_size: u64,

        #[command(flatten)]
        patience: Patience,
    },
}

/// Where a server is, and how much it puts up with.
#[derive(Debug, Args)]
struct At<const PORT: u16> {
    /// The host name or address to bind to
    #[arg(short = 'H', long, default_value = "localhost")]
    host: String,

    /// The port to bind to; 0 is a free one
    #[arg(short, long, default_value_t = PORT)]
    port: u16,

    /// How many clients are served at once; more wait
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_clients: usize,

    #[command(flatten)]
    patience: Patience,
}

#[derive(Debug, Args)]
struct Patience {
    /// How long the other side may be silent
    #[arg(long = "timeout", value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    time: Duration,
}

impl Socket {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let output = world.output;
        match self.command {
            Which::TimeServer { udp: false, at } => {
                let server = PlainServer::time(&at.host, at.port).await.map_err(|error| at.failed(error))?;
                at.serve("time server", server, output).await
            }
            Which::TimeServer { udp: true, at } => {
                let server = TimeDatagrams::bind(&at.host, at.port).await.map_err(|error| at.failed(error))?;
                let (address, handle) = (server.local_addr(), server.handle());
                run("time server for datagrams", address.port(), &at.host, handle, server.serve(), output).await
            }
            Which::Time { address, udp, patience } => {
                let asked = if udp {
                    ask_time_by_datagram(&address, patience.time).await
                } else {
                    ask_time(&address, patience.time).await
                };
                let line = asked.map_err(|error| Failure::nobody(format!("{address}: {error}")))?;
                output.line(&line)?;
                output.document(Dict::from_iter([("time", Value::from(line))]))
            }
            Which::FileServer { file, at } => {
                let server = PlainServer::file(&at.host, at.port, &file).await;
                let server = server.map_err(|error| at.failed(format!("{}: {error}", file.display())))?;
                at.serve("file server", server, output).await
            }
            Which::File { address, file, max_size, patience } => {
                let failed = |error| Failure::failed(format!("{}: {error}", file.display()));
                let mut out = std::fs::File::create(&file).map_err(failed)?;
                let fetched =
                    plain::fetch_file(&address, max_size, patience.time, |bytes| out.write_all(bytes)).await;
                let size = fetched.map_err(|error| match error.kind() {
                    std::io::ErrorKind::ConnectionRefused => Failure::nobody(format!("{address}: {error}")),
                    _ => Failure::failed(format!("{address}: {error}")),
                })?;
                output.line(format_args!("{size} bytes in {}", file.display()))?;
                output.document(Dict::from_iter([("size", size)]))
            }
        }
    }
}

impl<const PORT: u16> At<PORT> {
    fn failed(&self, error: impl std::fmt::Display) -> Failure {
        Failure::failed(format!("cannot serve on {}:{}: {error}", self.host, self.port))
            .with_hint("the options are --port and --host")
    }

    async fn serve(&self, what: &str, server: PlainServer, output: Output) -> Result<(), Failure> {
        let server = server.most_clients(self.max_clients).patience(self.patience.time);
        let (address, handle) = (server.local_addr(), server.handle());
        run(what, address.port(), &self.host, handle, server.serve(), output).await
    }
}

/// Serves until Ctrl-C.
async fn run(
    what: &str,
    port: u16,
    host: &str,
    handle: PlainHandle,
    serving: impl Future<Output = ()>,
    output: Output,
) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    output.line(format_args!("{what} on {host}:{port}")).or_else(Failure::unless_closed)?;
    let document = Dict::from_iter([("host", Value::from(host)), ("port", port.into())]);
    output.document(document).or_else(Failure::unless_closed)?;
    let serving = async {
        serving.await;
        Ok(())
    };
    signals.until(|| handle.shutdown(), serving).await
}
