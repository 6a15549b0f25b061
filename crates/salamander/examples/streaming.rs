//! Items on demand: a method that returns an iterator or a stream, which ends when the client has had enough.
//!
//! `cargo run -p salamander --example streaming` serves them, the same with a URI asks for them, and so does `streaming.py`.

use std::iter;

use futures_util::{Stream, stream};
use salamander::prelude::*;

struct Numbers;

#[expose]
impl Numbers {
    /// So many numbers, the last of which is 1.
    fn countdown(&self, from: u32) -> impl Iterator<Item = u32> + use<> {
        (1..=from).rev()
    }

    /// Goes on for ever; only what is asked for is computed.
    fn powers_of_two(&self) -> impl Iterator<Item = f64> + use<> {
        iter::successors(Some(1.0), |n| Some(n * 2.0))
    }

    /// Waits between its items, and fails in the end, which ends it too.
    fn ticks(&self) -> impl Stream<Item = Result<u32, Exception>> + use<> {
        stream::unfold(1, |tick| async move {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            let item = if tick > 3 { Err(Exception::runtime_error("the clock has stopped")) } else { Ok(tick) };
            Some((item, tick + 1))
        })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    match std::env::args().nth(1) {
        Some(uri) => call(&uri).await,
        None => serve().await,
    }
}

async fn serve() -> Result<()> {
    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("example.numbers", Numbers)?;
    println!("next: python crates/salamander/examples/streaming.py {uri}");
    daemon.serve().await
}

async fn call(uri: &str) -> Result<()> {
    let numbers = Proxy::new(uri)?;
    println!("{:?}", numbers.stream::<u32>("countdown", (5,)).await?.collect().await?);
    let mut powers = numbers.stream::<f64>("powers_of_two", ()).await?;
    while let Some(power) = powers.next().await? {
        if power > 100.0 {
            println!("{power} is the first beyond 100");
            break;
        }
    }
    let mut ticks = numbers.stream::<u32>("ticks", ()).await?;
    loop {
        match ticks.next().await {
            Ok(Some(tick)) => println!("tick {tick}"),
            Ok(None) => break,
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}
