//! An object, called by its URI.

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
    recipes::run("greeting", daemon(), call).await
}

async fn daemon() -> Result<(Daemon, Uri)> {
    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("example.greeting", Greeting)?;
    Ok((daemon, uri))
}

async fn call(uri: String) -> Result<()> {
    let greeting = Proxy::new(uri)?;
    let text: String = greeting.call("get_fortune", ("Ada",)).await?;
    println!("{text}");
    Ok(())
}
