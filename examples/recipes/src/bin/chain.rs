//! Three servers in a circle, each of which passes a message on to the next until it is back where it began.
//!
//! The calls are nested: the first server waits for the second, which waits for the third, which calls the first
//! once more. That works because methods with `&self` run side by side.

use salamander::prelude::*;

struct Link {
    name: &'static str,
    next: Proxy,
}

#[expose]
impl Link {
    /// Adds the name of this link to the message and passes it on, unless it has been here already.
    async fn process(&self, mut message: Vec<String>) -> Result<Vec<String>> {
        let been_here = message.iter().any(|name| name == self.name);
        message.push(self.name.to_owned());
        if been_here {
            return Ok(message);
        }
        self.next.call("process", (message,)).await
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    recipes::run("chain", daemon(), call).await
}

async fn daemon() -> Result<(Daemon, Uri)> {
    let (a, b, c) =
        (Daemon::bind("localhost:0").await?, Daemon::bind("localhost:0").await?, Daemon::bind("localhost:0").await?);
    // Proxies connect when they are first used, so there may be one for what is not yet served.
    for (name, daemon, next) in [("A", &a, &b), ("B", &b, &c), ("C", &c, &a)] {
        let next = Proxy::new(next.uri_for("chain")?.to_string())?;
        daemon.register("chain", Link { name, next })?;
    }
    b.spawn();
    c.spawn();
    let first = a.uri_for("chain")?;
    Ok((a, first))
}

async fn call(uri: String) -> Result<()> {
    let chain = Proxy::new(uri)?;
    let message: Vec<String> = chain.call("process", (["hello"],)).await?;
    println!("{}", message.join(" -> "));
    Ok(())
}
