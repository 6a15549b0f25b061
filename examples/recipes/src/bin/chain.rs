//! Three servers in a circle, each of which passes a message on to the next until it is back where it began.

use salamander::prelude::*;

struct Link {
    name: &'static str,
    next: Proxy,
}

#[expose]
impl Link {
    /// The first server is called again while it waits: methods with `&self` run side by side.
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
    let daemons =
        [Daemon::bind("localhost:0").await?, Daemon::bind("localhost:0").await?, Daemon::bind("localhost:0").await?];
    for (at, name) in ["A", "B", "C"].into_iter().enumerate() {
        let next = daemons[(at + 1) % daemons.len()].uri_for("chain")?;
        // A proxy connects when it is first used: there may be one for what is not served yet.
        daemons[at].register("chain", Link { name, next: Proxy::new(next.to_string())? })?;
    }
    let first = Proxy::new(daemons[0].uri_for("chain")?.to_string())?;
    for daemon in daemons {
        tokio::spawn(daemon.serve());
    }

    let message: Vec<String> = first.call("process", (["hello"],)).await?;
    println!("{}", message.join(" -> "));
    Ok(())
}
