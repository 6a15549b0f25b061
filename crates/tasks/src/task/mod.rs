//! [`Task`]: a function that workers run.

mod options;

use salamander_object::Function;

pub use options::{RateLimit, TaskOptions};

/// A function as a task; `#[task]` on a function makes a type of its name that implements it.
///
/// It is the same type that `#[expose]` makes, and more: it can be registered with a daemon as well as with an
/// [`App`](crate::App).
pub trait Task: Function {
    /// The options that stand in the source.
    fn options(&self) -> TaskOptions;
}
