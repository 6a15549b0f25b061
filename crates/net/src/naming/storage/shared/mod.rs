//! What the stores that several name servers share have in common: a thread that talks to them, a connection that is made anew
//! when it is lost, and what each name server keeps to itself.

mod line;
mod own;
#[cfg(feature = "postgres")]
mod postgres_names;
#[cfg(feature = "redis")]
mod redis_names;
mod thread;

use line::{Fault, Line, Link};
pub(super) use own::Own;
#[cfg(feature = "postgres")]
pub use postgres_names::PostgresStorage;
#[cfg(feature = "redis")]
pub use redis_names::RedisStorage;
use thread::Thread;
