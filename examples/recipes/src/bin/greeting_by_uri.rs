//! An object, called by its URI.

use salamander::prelude::*;

struct Greeting;

#[expose]
impl Greeting {
    fn get_fortune(&self, name: String) -> String {
        format!("Hello, {name}. Here is your fortune message:\nTomorrow's lucky number is 12345678.")
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("example.greeting", Greeting)?;
    tokio::spawn(daemon.serve());

    let greeting = Proxy::new(uri.to_string())?;
    let text: String = greeting.call("get_fortune", ("Ada",)).await?;
    println!("{text}");
    Ok(())
}
