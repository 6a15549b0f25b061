//! Calls by pickles over a connection of Python's `multiprocessing`, with a key that both ends show. What goes wrong is raised where it was
//! called. A client in Python needs nothing but its standard library:
//!
//! ```python
//! connection = multiprocessing.connection.Client(("localhost", PORT), authkey=b"peekaboo")
//! connection.send(pickle.dumps(("add", (2, 3), {})))
//! print(pickle.loads(connection.recv()))
//! ```

use salamander::multiprocessing::Options;
use salamander::prelude::*;

#[expose]
fn add(x: i64, y: i64) -> i64 {
    x + y
}

#[expose]
fn sub(x: i64, y: i64) -> i64 {
    x - y
}

#[tokio::main]
async fn main() -> Result<()> {
    let daemon = Daemon::bind("localhost:0").await?;
    daemon.register_fn("add", add)?;
    daemon.register_fn("sub", sub)?;
    let calls = Options::new().authkey("peekaboo").serve(&daemon, "localhost:0").await?;
    let location = calls.location().to_owned();
    calls.spawn();
    tokio::spawn(daemon.serve());

    let server = Options::new().authkey("peekaboo").proxy(&location);
    println!("add(2, 3) = {}", server.call::<i64>("add", (2, 3)).await?);
    println!("sub(2, 3) = {}", server.call::<i64>("sub", (2, 3)).await?);
    match server.call::<i64>("sub", (vec![1, 2], 4)).await {
        Err(error) if error.is("TypeError") => println!("sub([1, 2], 4) raises a {error}"),
        other => println!("{other:?}"),
    }

    let stranger = Options::new().authkey("another").proxy(&location);
    if let Err(error) = stranger.call::<i64>("add", (2, 3)).await {
        println!("with another key: {error}");
    }
    Ok(())
}
