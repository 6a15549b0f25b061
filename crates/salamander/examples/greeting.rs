//! An object with one method, found by its name or by its URI.
//!
//! `cargo run -p salamander --example greeting` serves it, the same with a URI calls it, and so does `greeting.py`.

use salamander::prelude::*;

struct Greeting;

#[expose]
impl Greeting {
    /// A fortune for somebody.
    fn get_fortune(&self, name: String) -> String {
        format!("Hello, {name}. Here is your fortune message:\nTomorrow's lucky number is 12345678.")
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
    let uri = daemon.register("example.greeting", Greeting)?;
    match NameServer::locate().await {
        Ok(names) => {
            names.register("example.greeting", &uri).await?;
            println!("registered, so that this works too: python crates/salamander/examples/greeting.py");
        }
        Err(_) => println!("no name server (`cargo run -- ns` is one), so clients need the URI"),
    }
    println!("next: python crates/salamander/examples/greeting.py {uri}");
    daemon.serve().await
}

async fn call(uri: &str) -> Result<()> {
    let greeting = Proxy::new(uri)?;
    let text: String = greeting.call("get_fortune", ("Ada",)).await?;
    println!("{text}");
    Ok(())
}
