//! [`Set`]: Python's `set` and `frozenset`.

use std::fmt;

use crate::table::Table;
use crate::{Result, Value};

/// A `set` or `frozenset` of hashable values, in the order in which they were put in.
#[derive(Clone, Default)]
pub struct Set(Table<Value>);

impl Set {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty set with room for this many members.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Table::with_capacity(capacity))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.entries().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this is a member.
    pub fn contains(&self, member: &Value) -> bool {
        self.0.find(member).is_some()
    }

    /// Adds a member; tells whether it was new.
    ///
    /// # Errors
    /// Where it is not hashable.
    pub fn insert(&mut self, member: Value) -> Result<bool> {
        Ok(self.0.insert(member)?.is_none())
    }

    /// The members in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.0.entries().iter()
    }
}

impl IntoIterator for Set {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_entries().into_iter()
    }
}

impl<T: Into<crate::Str>> FromIterator<T> for Set {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut set = Set::new();
        for member in members {
            // Text is always hashable.
            let _ = set.insert(Value::Str(member.into()));
        }
        set
    }
}

/// Same members, of the same types; order does not count.
impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|member| other.0.find(member).is_some_and(|at| &other.0.entries()[at] == member))
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_known_among_few_and_among_many() {
        for len in 0..100 {
            let mut set = Set::new();
            assert!((0..len).all(|member| set.insert(Value::Int(member)).is_ok_and(|new| new)));
            assert!((0..len).all(|member| set.insert(Value::Int(member)).is_ok_and(|new| !new)), "{len}");
            assert!((0..len).all(|member| set.contains(&Value::Int(member))), "{len}");
            assert_eq!(set.len(), len as usize);
        }
    }
}
