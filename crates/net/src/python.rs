//! How Python reads text, where ours is to mean the same.

use std::borrow::Cow;
use std::str::FromStr;

/// Python's white space, to which some separators belong that are none in Unicode's own table.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// What Python's `int()` reads, as far as it fits; digits other than ASCII's are refused.
pub(crate) fn parse_int<T: FromStr>(text: &str) -> Option<T> {
    let text = text.trim_matches(is_space);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let well_formed = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let plain = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    plain.parse().ok().filter(|_| well_formed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_python_reads_them() {
        for (text, number) in [("1", 1), (" 12\n", 12), ("+1_000", 1000), ("-0", 0), ("007", 7), ("-5", -5)] {
            assert_eq!(parse_int::<i32>(text), Some(number), "{text}");
        }
        for text in ["", "-", "_1", "1_", "1__0", "0x10", "1.0", "+-1", "1 0", "99999999999"] {
            assert_eq!(parse_int::<i32>(text), None, "{text}");
        }
    }
}
