//! Objects found by what they are, and not by their names: each is registered with tags, and `PYROMETA` asks for tags.

use salamander::prelude::*;

struct Printer {
    place: &'static str,
}

#[expose]
impl Printer {
    fn print(&self, text: String) -> String {
        format!("printed in the {}: {text}", self.place)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let (names, name_server) = recipes::name_server().await?;
    let daemon = Daemon::bind("localhost:0").await?;
    for (name, place, tags) in [
        ("printer.hall", "hall", ["resource:printer", "colour:no"]),
        ("printer.office", "office", ["resource:printer", "colour:yes"]),
    ] {
        let uri = daemon.register(name, Printer { place })?;
        names.register_with(name, &uri, true, tags).await?;
    }
    tokio::spawn(daemon.serve());

    for (name, found) in names.with_all(["resource:printer"]).await? {
        println!("{name}: {}", found.metadata.into_iter().collect::<Vec<_>>().join(", "));
    }
    // Any one that has all of these tags.
    let uri = format!("PYROMETA:resource:printer,colour:yes@{}", recipes::at(&name_server));
    let told: String = Proxy::new(uri)?.call("print", ("a picture",)).await?;
    println!("{told}");
    Ok(())
}
