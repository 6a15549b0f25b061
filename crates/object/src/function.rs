//! Functions as objects: what is called has no method's name.

use std::marker::PhantomData;

use crate::{Expose, Members};

/// The name of the one method of a function.
pub const FUNCTION: &str = "__call__";

/// A function that can be called from elsewhere; `#[expose]` on a function makes a type that implements it.
pub trait Function: Expose {}

/// What a method returns: by this `#[expose]` finds out whether a type of another name is a `Result`.
pub struct Returned<T>(PhantomData<T>);

impl<T, E> Returned<Result<T, E>> {
    /// It is one.
    pub const IS_RESULT: bool = true;
}

/// Of every other type; what [`Returned`] has itself goes before it.
pub trait AnyReturned {
    /// It is none.
    const IS_RESULT: bool = false;
}

impl<T> AnyReturned for Returned<T> {}

impl Members {
    /// Whether they are those of a function.
    pub fn is_function(&self) -> bool {
        matches!(self.methods, [only] if only.name == FUNCTION)
    }

    /// How people call one of the methods: `Class.method`, or by its name alone if it is a function.
    pub(crate) fn shown(class: &str, method: &str) -> String {
        if method == FUNCTION { class.to_owned() } else { format!("{class}.{method}") }
    }
}
