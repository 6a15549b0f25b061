//! Arguments as text for people, as Celery's `saferepr` makes it.

use std::borrow::Cow;

use salamander_codec::Args;
use salamander_value::{Dict, FixedOffset, Time, TimeDelta, Value};

/// How long such a text may become.
const MOST: usize = 1024;
/// How deep it shows what is in containers.
const LEVELS: usize = 3;

/// Positional and keyword arguments.
pub(crate) fn arguments_text(arguments: &Args) -> (String, String) {
    (tuple_text(&arguments.positional), dict_text(&arguments.keywords))
}

fn tuple_text(items: &[Value]) -> String {
    let mut text = Text::new(MOST);
    text.sequence("(", if items.len() == 1 { ",)" } else { ")" }, items.iter());
    text.finish()
}

fn dict_text(dict: &Dict) -> String {
    if dict.is_empty() {
        return "{}".to_owned();
    }
    let mut text = Text::new(MOST);
    text.dict(dict);
    text.finish()
}

/// A key is a text of its own.
fn key_text(value: &Value, most: usize) -> String {
    let mut text = Text::new(most);
    text.value(value);
    text.finish()
}

/// A text that is cut off at the most.
struct Text {
    out: String,
    /// How many characters there may still be.
    left: usize,
    levels: usize,
    full: bool,
}

impl Text {
    fn new(left: usize) -> Self {
        Self { out: String::new(), left, levels: 0, full: false }
    }

    fn finish(self) -> String {
        self.out
    }

    /// Adds a piece that counts, unless the text is full; that is said once.
    fn piece(&mut self, piece: &str) {
        if self.full {
            return;
        }
        if self.left == 0 {
            self.full = true;
            self.out.push_str(", ...");
            return;
        }
        self.out.push_str(piece);
        self.left = self.left.saturating_sub(piece.chars().count());
    }

    /// What ends a container is written even where the text is full, if its beginning was.
    fn close(&mut self, end: &str) {
        self.out.push_str(end);
        self.left = self.left.saturating_sub(end.len());
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Str(text) => {
                let text = format!("'{}'", cut(text, self.left).replace('\'', "\\'"));
                self.piece(&text);
            }
            Value::Bytes(bytes) => {
                let text = bytes_text(bytes, self.left);
                self.piece(&text);
            }
            Value::List(items) => self.nested("[", "]", items.iter()),
            Value::Tuple(items) => self.nested("(", if items.len() == 1 { ",)" } else { ")" }, items.iter()),
            Value::Set(items) if items.is_empty() => self.piece("set()"),
            Value::FrozenSet(items) if items.is_empty() => self.piece("frozenset()"),
            Value::Set(items) => self.nested("{", "}", items.iter()),
            Value::FrozenSet(items) => self.nested("frozenset({", "})", items.iter()),
            Value::Dict(_) if self.levels >= LEVELS => self.piece("{...}"),
            Value::Dict(dict) => self.dict(dict),
            other => {
                let text = times_text(other).unwrap_or_else(|| other.to_string());
                let text = cut(&text, self.left).into_owned();
                self.piece(&text);
            }
        }
    }

    fn nested<'v>(&mut self, begin: &str, end: &str, items: impl ExactSizeIterator<Item = &'v Value>) {
        if self.levels >= LEVELS {
            let text = format!("{begin}...{end}");
            return self.piece(&text);
        }
        self.sequence(begin, end, items);
    }

    fn sequence<'v>(&mut self, begin: &str, end: &str, items: impl ExactSizeIterator<Item = &'v Value>) {
        self.piece(begin);
        if self.full {
            return;
        }
        self.levels += 1;
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.piece(", ");
            }
            self.value(item);
            if self.full {
                break;
            }
        }
        self.levels -= 1;
        self.close(end);
    }

    fn dict(&mut self, dict: &Dict) {
        self.piece("{");
        if self.full {
            return;
        }
        self.levels += 1;
        for (at, (key, value)) in dict.iter().enumerate() {
            if at > 0 {
                self.piece(", ");
            }
            // A key is a text of its own in Celery, with levels of its own.
            let key = key_text(key, self.left);
            self.piece(&key);
            self.piece(": ");
            self.value(value);
            if self.full {
                break;
            }
        }
        self.levels -= 1;
        self.close("}");
    }
}

/// Python's `repr()` of dates and times.
fn times_text(value: &Value) -> Option<String> {
    Some(match value {
        Value::DateTime(when) => {
            let (date, clock) = (when.date, clock_text(when.time));
            format!("datetime.datetime({}, {}, {}, {clock})", date.year, date.month, date.day)
        }
        Value::Date(date) => format!("datetime.date({}, {}, {})", date.year, date.month, date.day),
        Value::Time(time) => format!("datetime.time({})", clock_text(**time)),
        Value::TimeDelta(delta) => delta_text(*delta),
        _ => return None,
    })
}

fn clock_text(time: Time) -> String {
    let mut text = format!("{}, {}", time.hour, time.minute);
    match (time.second, time.microsecond) {
        (0, 0) => {}
        (second, 0) => text += &format!(", {second}"),
        (second, microsecond) => text += &format!(", {second}, {microsecond}"),
    }
    match time.offset {
        None => {}
        Some(FixedOffset { microseconds: 0 }) => text += ", tzinfo=datetime.timezone.utc",
        Some(FixedOffset { microseconds }) => {
            // Less than a day either way is within the range.
            let delta = delta_text(TimeDelta::from_micros(microseconds.into()).unwrap_or_default());
            text += &format!(", tzinfo=datetime.timezone({delta})");
        }
    }
    text
}

fn delta_text(delta: TimeDelta) -> String {
    let (seconds, microseconds) = (i64::from(delta.seconds), i64::from(delta.microseconds));
    let parts = [("days", i64::from(delta.days)), ("seconds", seconds), ("microseconds", microseconds)];
    let named: Vec<String> =
        parts.iter().filter(|(_, number)| *number != 0).map(|(name, number)| format!("{name}={number}")).collect();
    format!("datetime.timedelta({})", if named.is_empty() { "0".to_owned() } else { named.join(", ") })
}

/// As Celery's `truncate`: so many characters, up to the end of a word, and dots where there are more.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if most == 0 || text.len() < most {
        return text.into();
    }
    match text.char_indices().nth(most) {
        None if text.chars().count() < most => text.into(),
        end => {
            let short = end.map_or(text, |(end, _)| &text[..end]);
            let short = short.rsplit_once(' ').map_or(short, |(words, _)| words);
            format!("{short}...").into()
        }
    }
}

fn bytes_text(bytes: &[u8], most: usize) -> String {
    let (shown, dots) = match bytes.get(..most) {
        Some(shown) if bytes.len() > most && most > 0 => (shown, "..."),
        _ => (bytes, ""),
    };
    match std::str::from_utf8(shown) {
        Ok(text) => format!("b'{text}{dots}'"),
        Err(_) => {
            let hex: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("b'{hex}{dots}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(items: Vec<Value>) -> String {
        tuple_text(&items)
    }

    #[test]
    fn it_is_celerys() {
        let dict = |key: &str, value: Value| Value::from(Dict::from_iter([(key, value)]));
        assert_eq!(text(vec![]), "()");
        assert_eq!(text(vec![1.into(), 2.into()]), "(1, 2)");
        assert_eq!(text(vec!["it's\n\\".into()]), "('it\\'s\n\\',)");
        let deep = dict("c", 3.into());
        let deep = dict("b", Value::Tuple(vec![2.into(), deep]));
        assert_eq!(text(vec![dict("a", Value::List(vec![1.into(), deep]))]), "({'a': [1, {...}]},)");
        let empty = |levels| (0..levels).fold(Value::List(vec![]), |inner, _| Value::List(vec![inner]));
        assert_eq!(text(vec![empty(3)]), "([[[...]]],)");
        let bytes = |bytes: &'static [u8]| Value::Bytes(bytes::Bytes::from_static(bytes).into());
        assert_eq!(
            text(vec![bytes(b"ab\n"), bytes(b"\xff"), 1.5.into(), Value::None]),
            "(b'ab\n', b'ff', 1.5, None)"
        );
    }

    #[test]
    fn times_are_shown_as_python_shows_them() {
        let time = |text: &str| Value::DateTime(Box::new(text.parse().unwrap()));
        for (value, shown) in [
            (time("2026-01-02T03:04:05.000006"), "datetime.datetime(2026, 1, 2, 3, 4, 5, 6)"),
            (
                time("2026-01-02T03:04:00-01:30"),
                "datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=81000)))",
            ),
            (time("2026-01-02T00:00:00+00:00"), "datetime.datetime(2026, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)"),
            (Value::TimeDelta(TimeDelta::default()), "datetime.timedelta(0)"),
        ] {
            assert_eq!(text(vec![value]), format!("({shown},)"));
        }
    }

    #[test]
    fn what_is_long_is_cut_as_celery_cuts_it() {
        let words = text(vec!["x y".repeat(600).into()]);
        assert!(words.ends_with("yx yx...',)") && words.len() == 1029, "{}", words.len());
        let many = text(vec![Value::List(vec!["abc".into(); 400])]);
        assert!(many.ends_with("'abc', , ...],)") && many.len() == 1032, "{}", many.len());
        let pair = text(vec!["é".repeat(1100).into(), 3.into()]);
        assert!(pair.ends_with("éé...', ...)") && pair.chars().count() == 1035, "{}", pair.chars().count());
        let numbers = text(vec![Value::List((0..500).map(Value::from).collect()), 3.into()]);
        assert!(numbers.ends_with("225, 22..., ...])"), "{numbers}");
    }
}
