//! One-way calls: nobody waits for them, and nobody hears of their failure.

use std::time::Duration;

use salamander::prelude::*;
use tokio::sync::Notify;

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    written: std::sync::Arc<Notify>,
}

#[expose]
impl Log {
    #[oneway]
    fn write(&mut self, line: String) -> Result<(), Exception> {
        if line.is_empty() {
            return Err(Exception::value_error("nothing to write"));
        }
        self.lines.push(line);
        self.written.notify_one();
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        self.lines.clone()
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let written = std::sync::Arc::new(Notify::new());
    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("example.log", Log { written: written.clone(), ..Log::default() })?;
    tokio::spawn(daemon.serve());

    let log = Proxy::new(uri.to_string())?;
    // The daemon says which methods are one-way: a plain call of such a one does not wait either.
    println!("one-way: {}", log.metadata().await?.oneway.join(", "));
    log.oneway("write", ("",)).await?;
    println!("the caller went on");
    log.oneway("write", ("a line",)).await?;
    // This recipe has both ends in one process, so it can see when the call was made.
    if tokio::time::timeout(Duration::from_secs(60), written.notified()).await.is_err() {
        println!("the call has not come");
    }
    let lines: Vec<String> = log.call("lines", ()).await?;
    println!("{lines:?}");
    Ok(())
}
