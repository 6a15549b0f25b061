//! An object that everything can call that speaks HTTP, and people by a page: a gateway on the daemon's own port.
//!
//! `cargo run -p salamander --features http --example gateway` serves it, and `gateway.py` calls it without Pyro5.

use std::error::Error;
use std::sync::Arc;

use salamander::Config;
use salamander::http::{Gateway, GatewayOptions, Site};
use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::prelude::*;

struct Dice;

/// Dice that are not quite fair.
#[expose]
impl Dice {
    /// The sum of so many dice.
    fn roll(&self, dice: u32, #[default(6)] sides: u32) -> Result<u32, Exception> {
        if sides == 0 {
            return Err(Exception::value_error("a die has sides"));
        }
        Ok(dice.saturating_mul(sides.div_ceil(2)))
    }

    /// One roll after the other.
    fn rolls(&self, count: u32) -> impl Iterator<Item = u32> + use<> {
        (0..count).map(|at| at % 6 + 1)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Arc::new(Config::default());
    let mut options = GatewayOptions::default();
    options.expose = r"example\.".to_owned();
    options.own_pages_only = true;
    let gateway = Gateway::new(options, &config)?;

    // The gateway finds objects by their names, so there is a name server on the same port too.
    let mut options = NameServerOptions::default();
    options.port = Some(0);
    options.no_broadcast = true;
    let server =
        NameServerDaemon::bind_with(options, config, |daemon| daemon.door(Site::new().gateway(gateway.clone())))
            .await?;
    gateway.use_name_server(server.uri());
    let uri = server.daemon().register("example.dice", Dice)?;
    server.registry().add("example.dice", &uri, false, [].into()).map_err(salamander::Error::from)?;

    let url = format!("http://{}/pyro/", server.daemon().location());
    println!("in a browser: {url}");
    println!("next: python crates/salamander/examples/gateway.py {url}");
    Ok(server.serve().await?)
}
