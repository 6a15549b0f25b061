//! Salamander lets programs call each other: an object lives in one process, and any other process, in Rust or in Python,
//! calls its methods as if it were its own. It speaks Pyro's protocols, so that Python programs need no change.
//!
//! ```no_run
//! use salamander::prelude::*;
//!
//! struct Greeter;
//!
//! #[expose]
//! impl Greeter {
//!     /// Documentation and parameters can be asked for by clients.
//!     fn get_fortune(&self, name: String) -> String {
//!         format!("Hello, {name}.")
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let daemon = Daemon::bind("localhost:0").await?;
//!     let uri = daemon.register("example.greeting", Greeter)?;
//!     NameServer::locate().await?.register("example.greeting", &uri).await?;
//!     daemon.serve().await
//! }
//! ```
//!
//! and from elsewhere:
//!
//! ```no_run
//! # use salamander::prelude::*;
//! # async fn example() -> Result<()> {
//! let greeter = Proxy::new("PYRONAME:example.greeting")?;
//! let text: String = greeter.call("get_fortune", ("Ada",)).await?;
//! # Ok(()) }
//! ```
//!
//! or in Python, with nothing but Pyro5: `Pyro5.api.Proxy("PYRONAME:example.greeting").get_fortune("Ada")`.

pub use salamander_codec::{Args, Arguments, Codec, Settings as CodecSettings};
pub use salamander_macros::{expose, proxy};
pub use salamander_net::*;
pub use salamander_object::{
    Annotations, Call, Encoded, Expose, Format, Local, Object, Outcome, Payload, Registry, Shared,
};
pub use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Dict, FixedOffset, Object as ClassInstance, Set, Str, SurrogateStr,
    Time, TimeDelta, Uuid, from_value, to_value,
};

/// All that most programs need: `use salamander::prelude::*;`
pub mod prelude {
    pub use crate::{
        Args, CallContext, Daemon, Error, Exception, ItemStream, NameServer, Proxy, Result, Uri, Value, expose, proxy,
    };
}

#[doc(hidden)]
pub use salamander_net::__private;
