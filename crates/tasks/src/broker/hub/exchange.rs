//! Exchanges: from a routing key to queues.

use std::collections::HashMap;

use salamander_value::Str;

use crate::broker::{Exchange, ExchangeKind};

/// An exchange and what is bound to it.
pub(super) struct Bound {
    pub(super) exchange: Exchange,
    /// The queues by the keys that they are bound by.
    bindings: HashMap<Str, Vec<Str>>,
}

impl Bound {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self { exchange, bindings: HashMap::new() }
    }

    /// Binds a queue; says whether that is new.
    pub(super) fn bind(&mut self, key: &Str, queue: &Str) -> bool {
        let queues = self.bindings.entry(key.clone()).or_default();
        let new = !queues.contains(queue);
        if new {
            queues.push(queue.clone());
        }
        new
    }

    /// Forgets a queue; says whether nothing is bound any more that was.
    pub(super) fn unbind(&mut self, queue: &str) -> bool {
        let bound = !self.bindings.is_empty();
        self.bindings.retain(|_, queues| {
            queues.retain(|other| *other != *queue);
            !queues.is_empty()
        });
        bound && self.bindings.is_empty()
    }

    /// The queues that a message goes to, each once.
    pub(super) fn route(&self, key: &str) -> Vec<Str> {
        let mut found: Vec<Str> = match self.exchange.kind {
            ExchangeKind::Direct => return self.bindings.get(key).cloned().unwrap_or_default(),
            ExchangeKind::Fanout => self.bindings.values().flatten().cloned().collect(),
            ExchangeKind::Topic => {
                let bound = self.bindings.iter().filter(|(pattern, _)| topic_matches(pattern, key));
                bound.flat_map(|(_, queues)| queues).cloned().collect()
            }
        };
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Whether a topic's pattern takes a routing key: `*` is one word, `#` any number of words.
fn topic_matches(pattern: &str, key: &str) -> bool {
    let key: Vec<&str> = key.split('.').collect();
    // How many words may have been taken so far: patterns with many `#` cost no more than their length times that of the key.
    let mut reached = vec![false; key.len() + 1];
    reached[0] = true;
    for word in pattern.split('.') {
        let mut next = vec![false; key.len() + 1];
        if word == "#" {
            let first = reached.iter().position(|&reached| reached).unwrap_or(reached.len());
            next[first..].fill(true);
        } else {
            for (at, _) in key.iter().enumerate().filter(|(_, other)| word == "*" || word == **other) {
                next[at + 1] = reached[at];
            }
        }
        reached = next;
    }
    // An empty key has no words at all.
    reached[key.len()] || (key == [""] && pattern == "#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_match_words() {
        for (pattern, key, matches) in [
            ("a.b", "a.b", true),
            ("a.b", "a.bc", false),
            ("*.b", "a.b", true),
            ("*.b", "a.a.b", false),
            ("#.b", "a.a.b", true),
            ("#.b", "b", true),
            ("a.#", "a", true),
            ("a.#", "ab", false),
            ("#", "", true),
            ("#", "a.b.c", true),
            ("*", "a.b", false),
            ("a.*.#.d", "a.b.c.d", true),
            ("a.*.#.d", "a.d", false),
            ("#.#.#.x", "a.b.c.y", false),
        ] {
            assert_eq!(topic_matches(pattern, key), matches, "{pattern} {key}");
        }
    }

    #[test]
    fn a_queue_that_is_bound_twice_gets_a_message_once() {
        let mut bound = Bound::new(Exchange::new("e", ExchangeKind::Topic));
        assert!(bound.bind(&"a.*".into(), &"q".into()) && bound.bind(&"*.b".into(), &"q".into()));
        assert!(!bound.bind(&"a.*".into(), &"q".into()));
        assert_eq!(bound.route("a.b"), ["q"]);
        assert!(bound.unbind("q") && !bound.unbind("q"));
        assert!(bound.route("a.b").is_empty());
    }
}
