//! [`Options`]: what is said of a canvas, by Celery's names.

use std::sync::Arc;

use salamander_value::{Dict, Str, Value};

/// What is said of a canvas: the arguments of `apply_async`, and what those of its making add.
///
/// They stay as they came: what is not known here travels on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    said: Dict,
    /// The chord that it is a part of, as its signature: all parts share one. It may be said that there is none.
    chord: Option<Arc<Value>>,
}

/// What a later word does not change.
const FIXED: [&str; 2] = ["group_id", "stamped_headers"];

impl Options {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        match name {
            "chord" => self.chord.as_deref(),
            name => self.said.get(name),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A text that is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<Str> {
        self.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(Str::from)
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        match name {
            "chord" => self.chord = Some(Arc::new(value)),
            name => _ = self.said.insert(name, value),
        }
    }

    /// The chord, if it is a part of one.
    pub(crate) fn chord(&self) -> Option<Arc<Value>> {
        self.chord.clone().filter(|chord| !chord.is_none())
    }

    pub(crate) fn set_chord(&mut self, chord: Option<Arc<Value>>) {
        self.chord = chord;
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Value> {
        match name {
            "chord" => self.chord.take().map(Arc::unwrap_or_clone),
            name => self.said.remove(name),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.said.is_empty() && self.chord.is_none()
    }

    /// All but the chord.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Value, &Value)> {
        self.said.iter()
    }

    /// What others say comes before what is said here.
    pub(crate) fn update(&mut self, others: &Self) {
        for (name, value) in others.iter() {
            // It was a key before.
            _ = self.said.insert_value(name.clone(), value.clone());
        }
        if others.chord.is_some() {
            self.chord.clone_from(&others.chord);
        }
    }

    /// The same, but the group and what was stamped stay.
    pub(crate) fn merged(&self, others: &Self) -> Self {
        let mut merged = self.clone();
        if others.is_empty() {
            return merged;
        }
        let stamped = self.said.get("stamped_headers").and_then(Value::as_slice).unwrap_or_default();
        for (name, value) in others.iter() {
            let fixed = name.as_str().is_some_and(|name| FIXED.contains(&name)) || stamped.contains(name);
            if !(fixed && self.said.get_value(name).is_some()) {
                _ = merged.said.insert_value(name.clone(), value.clone());
            }
        }
        if others.chord.is_some() {
            merged.chord.clone_from(&others.chord);
        }
        merged
    }

    /// Without what is none, as arguments of a call that were not given.
    pub(crate) fn given(&self) -> Self {
        let said = self.said.iter().filter(|(_, value)| !value.is_none());
        let mut given = Self { said: Dict::new(), chord: self.chord() };
        for (name, value) in said {
            _ = given.said.insert_value(name.clone(), value.clone());
        }
        given
    }

    pub(crate) fn to_dict(&self) -> Dict {
        let mut dict = self.said.clone();
        if let Some(chord) = &self.chord {
            dict.insert("chord", Value::clone(chord));
        }
        dict
    }

    /// The options without the chord, and that.
    pub(crate) fn into_parts(self) -> (Dict, Option<Arc<Value>>) {
        let chord = self.chord();
        (self.said, chord)
    }

    /// The signatures of a list, or the one that stands there alone.
    pub(crate) fn list(&self, name: &str) -> Vec<Value> {
        match self.get(name) {
            None | Some(Value::None) => Vec::new(),
            Some(Value::List(items) | Value::Tuple(items)) => items.clone(),
            Some(one) => vec![one.clone()],
        }
    }

    /// With another signature in a list, unless it stands there already.
    pub(crate) fn push(&mut self, name: &str, signature: Value) {
        let mut list = self.list(name);
        if !list.contains(&signature) {
            list.push(signature);
        }
        self.set(name, Value::List(list));
    }

    /// With further signatures in a list.
    pub(crate) fn extend(&mut self, name: &str, signatures: Vec<Value>) {
        let mut list = self.list(name);
        list.extend(signatures);
        self.set(name, Value::List(list));
    }
}

impl From<Dict> for Options {
    fn from(mut said: Dict) -> Self {
        let chord = said.remove("chord").map(Arc::new);
        Self { said, chord }
    }
}
