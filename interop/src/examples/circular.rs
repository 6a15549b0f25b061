//! `circular`: servers that pass a message on, until it is back at the first.

use salamander::prelude::*;

use super::Stage;

struct Chain {
    name: String,
    next: Proxy,
}

#[expose]
impl Chain {
    async fn process(&self, mut message: Vec<String>) -> Result<Vec<String>> {
        if message.contains(&self.name) {
            return Ok(vec![format!("complete at {}", self.name)]);
        }
        message.push(self.name.clone());
        let mut result: Vec<String> = self.next.call("process", (message,)).await?;
        result.insert(0, format!("passed on from {}", self.name));
        Ok(result)
    }
}

/// Serves one link of the chain.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage, name: &str, next: &str) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let next = stage.proxy(&format!("PYRONAME:example.chain.{next}"))?;
    let uri = daemon.register_anonymous(Chain { name: name.to_owned(), next })?;
    stage.names().await?.register(&format!("example.chain.{name}"), &uri).await?;
    daemon.spawn();
    Ok(uri)
}
