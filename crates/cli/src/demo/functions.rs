//! `add` and `sub` as functions, for protocols that know no objects.

use salamander::{Exception, Value, expose};

use super::arithmetic;

/// `x + y`, as Python adds: numbers of any size and kind, text, lists.
#[expose]
pub(crate) fn add(x: Value, y: Value) -> Result<Value, Exception> {
    arithmetic::add(x, y)
}

/// `x - y`, for numbers of any size and kind.
#[expose]
pub(crate) fn sub(x: Value, y: Value) -> Result<Value, Exception> {
    arithmetic::sub(x, y)
}
