//! [`Calculator`]: numbers as Python has them.

use salamander::{Exception, Value, expose};

use super::arithmetic;

/// What is served as `example.calculator`.
pub(crate) struct Calculator;

/// Reckons as Python does.
#[expose]
impl Calculator {
    /// `x + y`, as Python adds: numbers of any size and kind, text, lists.
    fn add(&self, x: Value, y: Value) -> Result<Value, Exception> {
        arithmetic::add(x, y)
    }

    /// `x - y`, for numbers of any size and kind.
    fn sub(&self, x: Value, y: Value) -> Result<Value, Exception> {
        arithmetic::sub(x, y)
    }
}
