//! Which queues a message goes to.

use crate::broker::{ExchangeKind, Queue};

/// A binding, as it stands in the table of its exchange: key, pattern and queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) key: String,
    pub(super) pattern: String,
    pub(super) queue: String,
}

impl Binding {
    /// How a queue is bound to its exchange.
    pub(super) fn of(queue: &Queue) -> Self {
        let pattern = match queue.exchange.kind {
            ExchangeKind::Topic => pattern(&queue.routing_key),
            _ => String::new(),
        };
        Self { key: queue.routing_key.to_string(), pattern, queue: queue.name.to_string() }
    }

    /// As a member of the table.
    pub(super) fn member(&self, separator: &str) -> String {
        [&*self.key, &*self.pattern, &*self.queue].join(separator)
    }

    /// Out of a member of the table, if it is one.
    pub(super) fn parse(member: &str, separator: &str) -> Option<Self> {
        let mut parts = member.splitn(3, separator).map(str::to_owned);
        Some(Self { key: parts.next()?, pattern: parts.next()?, queue: parts.next()? })
    }

    /// Whether it leads a message of this routing key to the queue. Where the kind of the exchange is not known, what stands in the
    /// table tells.
    pub(super) fn leads(&self, kind: Option<ExchangeKind>, key: &str) -> bool {
        match kind {
            Some(ExchangeKind::Fanout) => true,
            Some(ExchangeKind::Topic) => matches(&self.key, key),
            Some(ExchangeKind::Direct) => self.key == key,
            None if self.pattern.is_empty() => self.key == key,
            None => matches(&self.key, key),
        }
    }
}

/// The regular expression that kombu keeps beside the key of a topic.
fn pattern(key: &str) -> String {
    let words = key.split('.').map(|word| match word {
        "*" => r"[^\.]+".to_owned(),
        "#" => ".*?".to_owned(),
        word => {
            let mut escaped = String::with_capacity(word.len());
            for letter in word.chars() {
                match letter {
                    '\0' => escaped.push_str("\\000"),
                    '#' | '*' => escaped.push(letter),
                    letter if letter.is_alphanumeric() => escaped.push(letter),
                    letter => escaped.extend(['\\', letter]),
                }
            }
            escaped
        }
    });
    format!("^{}$", words.collect::<Vec<_>>().join(r"\."))
}

/// Whether a routing key fits the key of a topic: `*` is one word, `#` any number, none as well.
///
/// kombu's own pattern leaves out the messages whose `#` stands for no word at all.
fn matches(pattern: &str, key: &str) -> bool {
    let key: Vec<&str> = key.split('.').collect();
    // Which beginnings of the key fit the words of the pattern so far.
    let mut fit = vec![false; key.len() + 1];
    fit[0] = true;
    for word in pattern.split('.') {
        let mut next = vec![false; key.len() + 1];
        for at in 0..=key.len() {
            match word {
                "#" => next[at] = fit[at] || at > 0 && next[at - 1],
                _ if at == 0 => {}
                "*" => next[at] = fit[at - 1] && !key[at - 1].is_empty(),
                word => next[at] = fit[at - 1] && word == key[at - 1],
            }
        }
        fit = next;
    }
    fit[key.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Exchange;

    #[test]
    fn members_are_kombus() {
        let mut queue = Queue::new("q");
        queue.exchange = Exchange::new("e", ExchangeKind::Topic);
        queue.routing_key = "a-b.*.#.c*".into();
        let binding = Binding::of(&queue);
        // As `kombu.transport.virtual.exchange.TopicExchange.key_to_pattern` has it.
        assert_eq!(binding.pattern, r"^a\-b\.[^\.]+\..*?\.c*$");
        let member = binding.member("\u{6}\u{16}");
        assert_eq!(member, "a-b.*.#.c*\u{6}\u{16}^a\\-b\\.[^\\.]+\\..*?\\.c*$\u{6}\u{16}q");
        assert_eq!(Binding::parse(&member, "\u{6}\u{16}"), Some(binding));
        assert_eq!(Binding::parse("a", "\u{6}\u{16}"), None);
    }

    #[test]
    fn topics_fit_as_in_amqp() {
        for (pattern, fits, does_not) in [
            ("a.*", &["a.b"][..], &["a", "a.b.c", "b.a"][..]),
            ("a.#", &["a", "a.b", "a.b.c"], &["b", "ab"]),
            ("#", &["", "a", "a.b"], &[]),
            ("*.b.#", &["a.b", "x.b.c.d"], &["b", "a.c.b"]),
            ("#.b.#.c", &["b.c", "a.b.x.y.c", "b.b.c"], &["b", "c.b"]),
            ("a.b", &["a.b"], &["a.c", "a"]),
        ] {
            for key in fits {
                assert!(matches(pattern, key), "{pattern} {key}");
            }
            for key in does_not {
                assert!(!matches(pattern, key), "{pattern} {key}");
            }
        }
    }
}
