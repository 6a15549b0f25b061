//! Calling tasks: what is sent, and what comes back.

mod dedupe;
mod eager;
mod environment;
mod join;
mod options;
mod place;
mod repr;
mod result;
mod said;
mod send;
mod signature;

pub(crate) use environment::{Clock, codec_settings, date_done, new_id, random_below, shared_settings};
pub use join::allow_join_result;
pub(crate) use join::allow_join_result_sync;
pub use options::{Expires, RetryPolicy, SendOptions};
pub(crate) use place::sealed;
pub use place::{Place, Sending};
pub(crate) use repr::arguments_text;
pub use result::{AsyncResult, Changes};
pub(crate) use send::{AT_ONCE, Prepared};
pub(crate) use signature::Known;
pub use signature::{Moment, Signature};
