//! How values that serde's data model has no place for pass through it, between our types and our bridge.
//!
//! Our types announce themselves by the name of a newtype struct. A value that serde cannot express is laid into a
//! cell of the thread for the moment of that one call; the other side takes it out. Other serializers see ordinary
//! lists, strings and numbers.

use std::cell::Cell;

use serde::{Serialize, Serializer};

use crate::Value;

/// Any value, whole.
pub(crate) const VALUE: &str = "$salamander::Value";
/// `bytes` or `bytearray`, shared with the message.
pub(crate) const BYTES: &str = "$salamander::Bytes";
/// A scalar that is handed over.
pub(crate) const SCALAR: &str = "$salamander::Scalar";
/// The sequence inside is a `tuple`.
pub(crate) const TUPLE: &str = "$salamander::Tuple";
/// The sequence inside is a `set`.
pub(crate) const SET: &str = "$salamander::Set";
/// The sequence inside is a `frozenset`.
pub(crate) const FROZEN_SET: &str = "$salamander::FrozenSet";
/// The map inside stands for an instance of a class.
pub(crate) const OBJECT: &str = "$salamander::Object";

thread_local! {
    static HANDOVER: Cell<Option<Value>> = const { Cell::new(None) };
}

pub(crate) fn give(value: Value) {
    HANDOVER.set(Some(value));
}

pub(crate) fn take() -> Option<Value> {
    HANDOVER.take()
}

/// Serializes a scalar: itself for our bridge, `plain` for everyone else.
pub(crate) fn scalar<S: Serializer>(
    serializer: S,
    value: impl FnOnce() -> Value,
    plain: &(impl Serialize + ?Sized),
) -> Result<S::Ok, S::Error> {
    give(value());
    let done = serializer.serialize_newtype_struct(SCALAR, plain);
    take();
    done
}
