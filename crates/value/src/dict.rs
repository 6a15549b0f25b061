//! [`Dict`]: Python's `dict`, any hashable key, in insertion order.

use std::fmt;

use crate::table::Table;
use crate::{Result, Value};

/// A `dict`. Keys are compared as Python compares them, and entries keep the order in which they were put in.
#[derive(Clone, Default)]
pub struct Dict(Table<(Value, Value)>);

impl Dict {
    /// An empty dict.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty dict with room for this many entries.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Table::with_capacity(capacity))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.entries().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under a text key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.find_str(key).map(|at| &self.0.entries()[at].1)
    }

    /// The value under any key.
    pub fn get_value(&self, key: &Value) -> Option<&Value> {
        self.0.find(key).map(|at| &self.0.entries()[at].1)
    }

    /// Whether there is an entry under this text key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.0.find_str(key).is_some()
    }

    /// Puts a value under a text key; gives what stood there before.
    pub fn insert(&mut self, key: impl Into<crate::Str>, value: impl Into<Value>) -> Option<Value> {
        // Text is always hashable.
        self.insert_value(Value::Str(key.into()), value.into()).unwrap_or_default()
    }

    /// Puts a value under any key; gives what stood there before. The key that came first stays, as in Python.
    ///
    /// # Errors
    /// Where the key is not hashable.
    pub fn insert_value(&mut self, key: Value, value: Value) -> Result<Option<Value>> {
        Ok(self
            .0
            .insert((key, value))?
            .map(|(at, (_, value))| std::mem::replace(&mut self.0.entries_mut()[at].1, value)))
    }

    /// Sees to it that there is an entry under this text key; tells where it stands.
    #[inline]
    pub(crate) fn place_str(&mut self, key: &str) -> usize {
        self.0.place_str(key, || (Value::Str(key.into()), Value::None))
    }

    /// Sees to it that there is an entry under this key; tells where it stands.
    pub(crate) fn place(&mut self, key: Value) -> Result<usize> {
        let place = self.0.insert((key, Value::None))?;
        Ok(place.map_or(self.len() - 1, |(at, _)| at))
    }

    /// The value that stands there.
    #[inline]
    pub(crate) fn value_at(&mut self, at: usize) -> Option<&mut Value> {
        self.0.entries_mut().get_mut(at).map(|(_, value)| value)
    }

    /// Takes the entry under a text key out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.remove(&Value::from(key)).map(|(_, value)| value)
    }

    /// The entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Value, &Value)> {
        self.0.entries().iter().map(|(key, value)| (key, value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.iter().map(|(key, _)| key)
    }

    /// The values in order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }
}

impl IntoIterator for Dict {
    type Item = (Value, Value);
    type IntoIter = std::vec::IntoIter<(Value, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_entries().into_iter()
    }
}

impl<K: Into<crate::Str>, V: Into<Value>> FromIterator<(K, V)> for Dict {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut dict = Dict::new();
        for (key, value) in entries {
            dict.insert(key, value);
        }
        dict
    }
}

/// Same keys, of the same type, with equal values; order does not count.
impl PartialEq for Dict {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.0.entries().iter().all(|(key, value)| {
                other.0.find(key).is_some_and(|at| {
                    let (other_key, other_value) = &other.0.entries()[at];
                    other_key == key && other_value == value
                })
            })
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_compare_as_pythons_do() {
        let mut dict = Dict::new();
        dict.insert_value(Value::Int(1), "int".into()).unwrap();
        let before = dict.insert_value(Value::Float(1.0), "float".into()).unwrap();
        assert_eq!(before, Some("int".into()));
        dict.insert_value(Value::Bool(true), "bool".into()).unwrap();
        assert_eq!(dict.keys().collect::<Vec<_>>(), [&Value::Int(1)]);
        assert_eq!(dict.get_value(&Value::Int(1)), Some(&"bool".into()));
        assert!(dict.insert_value(Value::List(vec![]), Value::None).is_err());
    }

    #[test]
    fn every_entry_is_found_at_any_size() {
        let mut dict = Dict::new();
        for key in 0..100 {
            dict.insert_value(Value::Int(key), key.into()).unwrap();
            assert!((0..=key).all(|key| dict.get_value(&Value::Int(key)) == Some(&Value::Int(key))));
        }
    }

    #[test]
    fn many_entries_keep_their_order_and_are_found() {
        let mut dict: Dict = (0..1000).map(|i| (i.to_string(), i)).collect();
        assert_eq!(dict.get("731"), Some(&Value::Int(731)));
        assert_eq!(dict.remove("500"), Some(Value::Int(500)));
        assert_eq!(dict.get("500"), None);
        assert_eq!(dict.get("501"), Some(&Value::Int(501)));
        assert_eq!(dict.values().nth(500), Some(&Value::Int(501)));
    }
}
