//! An object, called by its name: whoever calls it need not know where it is.

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
    let (names, name_server) = recipes::name_server().await?;
    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("example.greeting", Greeting)?;
    names.register("example.greeting", &uri).await?;
    // Without what is behind @, the name server is looked for.
    let by_name = format!("PYRONAME:example.greeting@{}", recipes::at(&name_server));
    Ok((daemon, by_name.parse()?))
}

async fn call(uri: String) -> Result<()> {
    let greeting = Proxy::new(uri)?;
    let text: String = greeting.call("get_fortune", ("Ada",)).await?;
    println!("{text}");
    Ok(())
}
