//! The data model of Salamander: what Python's serializers can carry, as Rust values.
//!
//! [`Value`] holds any of Python's plain data without loss; [`Exception`] is a remote error as data. Codecs do
//! not build values themselves: they are a [`Reader`] (a stream of [`Token`]s) and a [`Writer`] (the same stream
//! the other way), and everything else stands on those two:
//!
//! ```text
//! bytes -> Reader -> Token -> Value            (read_value)
//!                          -> any Deserialize  (from_reader)
//! Value            -> Writer -> bytes          (write_value)
//! any Serialize    -> Writer -> bytes          (to_writer)
//! ```
//!
//! so a type of the user's own is read out of the receive buffer with no `Value` between.

mod blob;
mod class;
mod de;
mod decimal;
mod dict;
mod error;
mod exception;
mod from;
mod handover;
mod int;
mod iso;
mod key;
mod printable;
mod read;
pub mod repr;
mod ser;
mod set;
mod table;
mod text;
mod time;
mod token;
mod value;
mod walk;
mod write;

pub use blob::Blob;
pub use class::{Class, check_class, serialize_instance};
pub use de::{FromTokens, from_reader, from_value, read_into};
pub use decimal::Decimal;
pub use dict::Dict;
pub use error::{Error, Kind, Result};
pub use exception::{Exception, Raised, exception_class};
pub use int::Int;
pub use key::{key_eq, key_hash};
pub use num_bigint::BigInt;
pub use read::{Build, read_rest, read_value, skip_value};
pub use ser::{ValueWriter, to_value, to_writer};
pub use set::Set;
pub use text::{Str, SurrogateStr};
pub use time::{Date, DateTime, FixedOffset, Time, TimeDelta};
pub use token::{Reader, Token, Writer};
pub use uuid::Uuid;
pub use value::{Complex, Object, Value};
pub use walk::ValueReader;
pub use write::write_value;

/// How deep values may nest when they are read as the user's own types, which recurse.
pub const MAX_TYPED_DEPTH: usize = 256;

/// Python's limit on the digits of an integer in text form.
pub const MAX_INT_DIGITS: usize = 4300;
