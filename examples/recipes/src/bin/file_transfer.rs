//! Files to and from a folder that is an object; what was cut goes on where it ended.

use std::error::Error;

use salamander::files::{FileServer, PART, Transfer};
use salamander::prelude::{Daemon, Proxy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("recipe-file-transfer-{}", std::process::id()));
    let (served, here) = (folder.join("served"), folder.join("here"));
    std::fs::create_dir_all(&served)?;
    std::fs::create_dir_all(&here)?;
    std::fs::write(here.join("numbers"), b"0123456789".repeat(100_000))?;

    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("files", FileServer::new(&served)?.uploads(true))?;
    tokio::spawn(daemon.serve());

    let transfer = Transfer::new(&Proxy::new(uri.to_string())?);
    let sent = transfer.send(here.join("numbers"), "numbers").await?;
    println!("sent {} bytes, SHA-256 {}...", sent.size, &sent.checksum[..16]);

    // As if an earlier transfer had been cut.
    std::fs::write(here.join(format!("copy{PART}")), b"0123456789".repeat(40_000))?;
    let received = transfer.receive("numbers", here.join("copy")).await?;
    println!("received {} bytes, of which {} were there", received.size, received.resumed);
    println!("the same: {}", std::fs::read(here.join("copy"))? == std::fs::read(here.join("numbers"))?);

    for name in ["../here/numbers", "/etc/passwd", "missing"] {
        if let Err(error) = transfer.receive(name, here.join("other")).await {
            println!("{error}");
        }
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
