//! Calls, outcomes, and the objects that run them. Knows no protocol and no socket.
//!
//! An [`Object`] takes a call: a member by number, arguments still encoded, and a writer for the result. A plain method is
//! called right there and its result written into the reply; only what has to wait (an async method, one that blocks,
//! a lock that is taken) becomes a future. `#[expose]` writes the [`Expose`] implementation; [`Shared`] and [`Guarded`]
//! hold the object; the [`Registry`] finds it by its id.

mod binder;
mod call;
mod context;
mod dispatch;
mod failed;
mod function;
mod instances;
mod interface;
mod invoke;
mod items;
mod local;
mod members;
mod panic;
mod registry;
mod schema;
mod session;
mod store;
mod streams;

pub use binder::Binder;
pub use call::{Call, Encoded, Outcome, Payload};
pub use context::{Annotations, CallContext, FromContext};
pub use dispatch::{find, is_private, no_attribute, resolve, run_now};
pub use failed::{ErrorHook, FailedCall, failed};
pub use function::{AnyReturned, FUNCTION, Function, Returned};
pub use instances::{InstanceMode, Instances, Weakly, unknown_object};
pub use invoke::{Format, Invocation, Object, Pending, Request, Step};
pub use items::{FallibleItems, ItemSource, Items, IterItems, Next, StreamItems};
pub use local::{Local, Started, Taken};
pub use members::{Member, Members, Method, Param, ParamKind, Property};
pub use panic::{caught, caught_future};
pub use registry::Registry;
pub use schema::Schema;
pub use session::{Session, Tracked};
pub use store::{Expose, Guarded, Held, Shared, Store};
pub use streams::{StreamLimits, Streams};
