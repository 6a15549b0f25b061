//! Doors for HTTP.
//!
//! The [`Gateway`] lets whatever speaks HTTP and JSON call remote objects; it has the paths, headers and answers of Pyro's own
//! gateway, and more. It is a plain service: [`HttpServer`] gives it sockets of its own, and [`serve_connection`] lets it
//! answer on any connection. [`XmlRpc`] and [`JsonRpc`] let programs call the functions and
//! objects of a daemon. A [`Site`] is all that answers on a
//! daemon's own port.
//!
//! ```no_run
//! use salamander_http::{Gateway, GatewayOptions, HttpServer};
//! use salamander_net::Config;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut options = GatewayOptions::default();
//! options.expose = r"example\.".to_owned();
//! let gateway = Gateway::new(options, &Config::default())?;
//! let server = HttpServer::bind("localhost", 8080, gateway).await?;
//! println!("http://{}/pyro/", server.local_addr());
//! server.serve().await;
//! # Ok(()) }
//! ```
// Here is where the outer world is read: the clock and randomness.
#![allow(clippy::disallowed_methods)]

pub mod blocking;
mod body;
mod client;
mod events;
mod gateway;
mod heads;
pub mod jsonrpc;
mod origin;
mod reading;
mod server;
mod site;
mod taken;
pub mod xmlrpc;

pub use body::Body;
pub use gateway::{Gateway, GatewayOptions, WrongOption};
pub use jsonrpc::JsonRpc;
pub use server::{HttpHandle, HttpServer, serve_connection};
pub use site::Site;
pub use xmlrpc::XmlRpc;
