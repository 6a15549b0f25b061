//! Queues in a process of their own, which tests kill and start again.
//!
//! queues FILE [--port PORT]
//!
//! Prints the port of its name server, and ends when its standard input does.

use std::sync::Arc;

use salamander::Config;
use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander_tasks::broker::pyro::{KOMBU_BROKER, KombuBroker};
use salamander_tasks::broker::{Broker, Embedded, EmbeddedOptions};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which file?")?;
    let mut options = NameServerOptions::default();
    options.host = Some("127.0.0.1".to_owned());
    options.port = Some(0);
    options.no_broadcast = true;
    while let Some(option) = arguments.next() {
        match &*option {
            "--port" => options.port = Some(arguments.next().ok_or("which port?")?.parse()?),
            other => return Err(format!("what is {other}?").into()),
        }
    }
    let queues = Embedded::open(file, EmbeddedOptions::default())?;
    let server = NameServerDaemon::bind(options, Arc::new(Config::default())).await?;
    let uri = server.daemon().register(KOMBU_BROKER, KombuBroker::new(&queues))?;
    server.registry().add(KOMBU_BROKER, &uri, false, Default::default()).map_err(|error| error.to_string())?;
    println!("{}", server.uri().port().ok_or("no port")?);
    let handle = server.daemon().handle();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        handle.shutdown();
    });
    server.serve().await?;
    queues.close().await?;
    Ok(())
}
