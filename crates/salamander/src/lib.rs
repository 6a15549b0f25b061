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
//!
//! A function can be put on a queue as well, and any worker runs it, in Rust or in Python (`tasks`, a feature of this name):
//!
//! ```
//! # #[cfg(feature = "tasks")] mod example {
//! use salamander::prelude::*;
//!
//! #[task(max_retries = 3)]
//! async fn add(x: i64, y: i64) -> Result<i64, Exception> {
//!     Ok(x + y)
//! }
//!
//! async fn sum(app: &App) -> salamander::tasks::Result<i64> {
//!     add.delay(app, (5, 5)).await?.get().await
//! }
//! # }
//! ```

pub use salamander_codec::{Args, Arguments, Classes, Codec, Settings as CodecSettings};
#[cfg(feature = "files")]
pub use salamander_files as files;
#[cfg(feature = "http")]
pub use salamander_http as http;
/// ```
/// use salamander::prelude::*;
///
/// #[class("shop.Order")]
/// struct Order {
///     id: u64,
///     items: Vec<String>,
/// }
///
/// #[class("shop.SoldOut", exception)]
/// struct SoldOut {
///     item: String,
/// }
///
/// impl std::fmt::Display for SoldOut {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "no more {}", self.item)
///     }
/// }
///
/// let value = salamander::to_value(&Order { id: 7, items: Vec::new() }).unwrap();
/// assert_eq!(value.to_string(), "<shop.Order {'id': 7, 'items': []}>");
/// let exception = Exception::from(SoldOut { item: "tea".into() });
/// assert!(exception.is("shop.SoldOut") && exception.message() == "no more tea");
/// ```
pub use salamander_macros::class;
#[cfg(feature = "tasks")]
pub use salamander_macros::task;
pub use salamander_macros::{expose, proxy};
pub use salamander_net::*;
pub use salamander_object::{
    Call, Encoded, Expose, Format, FromContext, Function, Guarded, Local, Object, Outcome, Payload, Registry, Shared,
};
#[cfg(feature = "tasks")]
pub use salamander_tasks as tasks;
pub use salamander_value::{
    BigInt, Class, Complex, Date, DateTime, Decimal, Dict, FixedOffset, Int, Object as ClassInstance, Set, Str,
    SurrogateStr, Time, TimeDelta, Uuid, from_value, to_value,
};

/// All that most programs need: `use salamander::prelude::*;`
pub mod prelude {
    pub use crate::{
        Args, CallContext, Daemon, Error, Exception, ItemStream, NameServer, Proxy, Result, Uri, Value, class,
        expose, proxy,
    };
    #[cfg(feature = "tasks")]
    pub use crate::{
        task,
        tasks::{App, AsyncResult, Ignore, Reject, Retry, Signature, State, Task, TaskContext},
    };
}

#[cfg(not(feature = "tasks"))]
#[doc(hidden)]
pub use salamander_net::__private;
#[cfg(feature = "tasks")]
#[doc(hidden)]
pub use salamander_tasks::__private;
