//! Functions as objects: what is called has no method's name.

use crate::{Expose, Members};

/// The name of the one method of a function.
pub const FUNCTION: &str = "__call__";

/// A function that can be called from elsewhere; `#[expose]` on a function makes a type that implements it.
pub trait Function: Expose {}

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
