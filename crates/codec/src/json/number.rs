//! Numbers in JSON.

use salamander_value::{Result, Token};

use super::read::JsonReader;
use crate::float::plain_float;
use crate::literal::{integer, short_integer, signed};

impl<'de> JsonReader<'de> {
    #[inline]
    pub(super) fn number(&mut self) -> Result<Token<'de>> {
        if let Some((token, end)) = self.plain_number(self.at) {
            self.at = end;
            return Ok(token);
        }
        let negative = self.text.as_bytes().get(self.at) == Some(&b'-');
        self.long_number(negative)
    }

    /// The number at a place, if it is short and has no exponent, and the place behind it.
    #[inline(always)]
    pub(super) fn plain_number(&self, at: usize) -> Option<(Token<'de>, usize)> {
        let bytes = self.text.as_bytes().get(at..)?;
        let negative = bytes.first() == Some(&b'-');
        let digits = &bytes[usize::from(negative)..];
        let (number, len) = short_integer(digits);
        if !(1..19).contains(&len) || digits[0] == b'0' && len > 1 {
            return None;
        }
        let (token, len) = match digits.get(len) {
            Some(b'.') => {
                let (number, len) = plain_float(digits, (number, len))?;
                (Token::Float(if negative { -number } else { number }), len)
            }
            _ => (Token::Int(signed(number, negative)), len),
        };
        let more = matches!(digits.get(len), Some(b'0'..=b'9' | b'e' | b'E'));
        (!more).then_some((token, at + usize::from(negative) + len))
    }

    /// A number of any length; it ends, as Python has it, before the first thing that does not fit.
    fn long_number(&mut self, negative: bool) -> Result<Token<'de>> {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let bytes = rest.as_bytes();
        let run = |at: usize| {
            let digits = bytes.get(at..).unwrap_or_default();
            digits.iter().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len())
        };
        let whole = usize::from(negative);
        let mut end = whole
            + match bytes.get(whole) {
                Some(b'0') => 1,
                Some(b'1'..=b'9') => run(whole),
                _ if negative && rest[whole..].starts_with("Infinity") => {
                    self.at += "-Infinity".len();
                    return Ok(Token::Float(f64::NEG_INFINITY));
                }
                _ => return Err(self.error("Expecting value")),
            };
        let integral = end;
        if bytes.get(end) == Some(&b'.') && run(end + 1) > 0 {
            end += 1 + run(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let exponent = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if run(exponent) > 0 {
                end = exponent + run(exponent);
            }
        }
        self.at += end;
        if end == integral {
            return integer(&rest[whole..end], negative).map_err(|error| error.at(start));
        }
        rest[..end].parse().map(Token::Float).map_err(|_| self.error("Expecting value"))
    }
}
