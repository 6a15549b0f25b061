//! [`Waits`]: what the methods of drivers give.

use std::pin::Pin;

use crate::error::Result;

/// A future of a driver's method, whichever driver it is.
pub type Waits<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;
