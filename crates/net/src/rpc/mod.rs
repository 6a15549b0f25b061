//! Calls as the well-known recipe has them: a message is a function's name, its arguments by position and by name; the reply is the result,
//! or the exception itself. Over what the messages go is for others to say.

mod answers;
mod exception;
mod form;
mod line;
mod proxy;

pub use form::Form;
pub use proxy::RpcProxy;

pub(crate) use answers::{Answers, write_reply};
pub(crate) use line::{Replies, Way};
