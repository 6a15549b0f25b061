//! Calling tasks: what is sent, and what comes back.

mod eager;
mod environment;
mod options;
mod repr;
mod result;
mod send;
mod signature;

pub(crate) use environment::{Clock, codec_settings, new_id, random_below, shared_settings};
pub use options::{Expires, RetryPolicy, SendOptions};
pub(crate) use repr::arguments_text;
pub use result::AsyncResult;
pub use signature::{Moment, Signature};
