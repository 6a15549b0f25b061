//! [`Class`]: Rust types that stand for classes of Python programs.

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::{Exception, Result, Value, from_value, handover, to_value};

/// A Rust type whose values are instances of a Python class on their way; `#[class]` implements it.
///
/// They travel as Pyro sends instances: the dict of their attributes, with the name of the class as `__class__`. Python makes an
/// instance of it again where the class is registered there (`register_dict_to_class`); else it refuses it.
pub trait Class: Serialize + DeserializeOwned {
    /// The class with its module, as `shop.Order`.
    const CLASS: &'static str;
}

impl Exception {
    /// The exception that a value of the user's own stands for: its text is the argument, its fields are the attributes.
    ///
    /// What serde cannot express of the fields is left out.
    pub fn of<T: Class + std::fmt::Display>(error: &T) -> Self {
        let mut exception = Self::new(T::CLASS, error.to_string());
        if let Ok(Value::Object(object)) = to_value(error) {
            for (name, value) in object.fields().iter() {
                match name.as_str() {
                    None | Some("__class__") => {}
                    Some(name) => exception = exception.with_attribute(name, value.clone()),
                }
            }
        }
        exception
    }

    /// The value of the user's own that this exception stands for, if it is of that class.
    ///
    /// # Errors
    /// Where attributes are missing, or of another type than the fields.
    pub fn downcast<T: Class>(&self) -> Option<Result<T>> {
        if *self.class() != *T::CLASS {
            return None;
        }
        let mut fields = self.attributes().clone();
        fields.insert("__class__", T::CLASS);
        Some(from_value(&Value::from(fields)))
    }
}

/// Writes a struct with its class as an instance.
///
/// # Errors
/// Those of the serializer.
#[doc(hidden)]
pub fn serialize_instance<S: Serializer>(fields: &impl Serialize, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(handover::OBJECT, fields)
}

/// Whether an instance is of the class that is asked for.
///
/// # Errors
/// Where it is not.
#[doc(hidden)]
pub fn check_class<E: serde::de::Error>(wanted: &str, found: &str) -> Result<(), E> {
    match wanted == found {
        true => Ok(()),
        false => Err(E::custom(format!("expected a {wanted}, got a {found}"))),
    }
}
