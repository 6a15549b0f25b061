//! A time server on a bare socket: whoever connects is told the time; and the same by datagrams.

use std::time::Duration;

use salamander::plain::{PlainServer, TimeDatagrams, ask_time, ask_time_by_datagram};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // By custom the port is 9999; 0 is a free one.
    let server = PlainServer::time("localhost", 0).await?;
    let address = server.local_addr().to_string();
    tokio::spawn(server.serve());
    println!("The time got from the server is {}", ask_time(&address, PATIENCE).await?);

    let server = TimeDatagrams::bind("localhost", 0).await?;
    let address = server.local_addr().to_string();
    tokio::spawn(server.serve());
    println!("The time got by a datagram is {}", ask_time_by_datagram(&address, PATIENCE).await?);
    Ok(())
}
