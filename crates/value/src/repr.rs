//! Python's `repr()`: how values are shown, and how serpent and JSON write text and numbers.

use std::fmt::{self, Write};

use crate::printable::UNPRINTABLE;
use crate::{SurrogateStr, Value};

/// Appends `repr(str)`.
pub fn str_repr(out: &mut Vec<u8>, text: &str) {
    const SINGLE: u8 = 1;
    const DOUBLE: u8 = 2;
    const OTHER: u8 = 4;
    let bytes = text.as_bytes();
    // Without an exit from the loop, the compiler makes vector instructions of it.
    let seen = bytes.iter().fold(0, |seen, &b| {
        let other = if !(b' '..=b'~').contains(&b) | (b == b'\\') { OTHER } else { 0 };
        let single = if b == b'\'' { SINGLE } else { 0 };
        let double = if b == b'"' { DOUBLE } else { 0 };
        seen | other | single | double
    });
    let quote = if seen & (SINGLE | DOUBLE) == SINGLE { b'"' } else { b'\'' };
    out.reserve(bytes.len() + 2);
    out.push(quote);
    if seen & OTHER == 0 && seen & (SINGLE | DOUBLE) != SINGLE | DOUBLE {
        out.extend_from_slice(bytes);
    } else {
        escaped(out, text, quote);
    }
    out.push(quote);
}

/// Appends text, what needs no escape in pieces as large as can be.
fn escaped(out: &mut Vec<u8>, text: &str, quote: u8) {
    const STEP: usize = 16;
    let bytes = text.as_bytes();
    let plain = |b: u8| (b' '..=b'~').contains(&b) & (b != b'\\') & (b != quote);
    let (mut copied, mut at) = (0, 0);
    loop {
        while bytes.get(at..at + STEP).is_some_and(|step| step.iter().fold(true, |all, &b| all & plain(b))) {
            at += STEP;
        }
        at += bytes[at..].iter().position(|&b| !plain(b)).unwrap_or(bytes.len() - at);
        let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { break };
        // What is not ASCII seldom comes alone.
        for c in rest.chars() {
            let len = c.len_utf8();
            if c.is_ascii() && plain(c as u8) {
                break;
            }
            if c.is_ascii() || !printable(c.into()) {
                out.extend_from_slice(&bytes[copied..at]);
                escape(out, c.into(), quote);
                copied = at + len;
            }
            at += len;
        }
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// Appends the `repr()` of a string with lone surrogates.
pub fn surrogates_repr(out: &mut Vec<u8>, text: &SurrogateStr) {
    let has = |quote: char| text.code_points().contains(&u32::from(quote));
    let quote = if has('\'') && !has('"') { b'"' } else { b'\'' };
    out.push(quote);
    for &point in text.code_points() {
        match char::from_u32(point) {
            Some(c) if printable(point) && c != '\\' && c != char::from(quote) => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => escape(out, point, quote),
        }
    }
    out.push(quote);
}

/// Appends a character that does not stand for itself.
fn escape(out: &mut Vec<u8>, point: u32, quote: u8) {
    let escape = match point {
        0x5C => "\\\\",
        0x0A => "\\n",
        0x0D => "\\r",
        0x09 => "\\t",
        _ if point == u32::from(quote) => return out.extend([b'\\', quote]),
        0..=0xFF => &format!("\\x{point:02x}"),
        0x100..=0xFFFF => &format!("\\u{point:04x}"),
        _ => &format!("\\U{point:08x}"),
    };
    out.extend_from_slice(escape.as_bytes());
}

/// Python's `str.isprintable()` of one character.
fn printable(c: u32) -> bool {
    if let Some(word) = PRINTED.get(c as usize / 64) {
        return word >> (c % 64) & 1 == 1;
    }
    let after = UNPRINTABLE.partition_point(|&(first, _)| first <= c);
    after == 0 || UNPRINTABLE[after - 1].1 < c
}

/// A bit for each character of the first two planes, which are nearly all that is written: set where Python prints it.
static PRINTED: [u64; 0x20000 / 64] = {
    let mut map = [!0; 0x20000 / 64];
    map[0] = !0 << 0x20;
    map[1] = !0 >> 1;
    let mut run = 0;
    while run < UNPRINTABLE.len() {
        let (mut c, last) = UNPRINTABLE[run];
        while c <= last && c < 0x20000 {
            map[c as usize / 64] &= !(1 << (c % 64));
            c += 1;
        }
        run += 1;
    }
    map
};

/// Appends `repr(bytes)`.
pub fn bytes_repr(out: &mut Vec<u8>, bytes: &[u8]) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    out.reserve(bytes.len() + 3);
    out.extend([b'b', quote]);
    for &b in bytes {
        match b {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ if b == quote => out.extend([b'\\', quote]),
            b' '..=b'~' => out.push(b),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend([b'\\', b'x', HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
            }
        }
    }
    out.push(quote);
}

/// Appends `repr(float)`: the shortest digits that read back as the same number, `nan`, `inf`.
pub fn float_repr(out: &mut Vec<u8>, number: f64) {
    if !number.is_finite() {
        let text: &[u8] = match () {
            () if number.is_nan() => b"nan",
            () if number > 0.0 => b"inf",
            () => b"-inf",
        };
        out.extend_from_slice(text);
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(number).as_bytes();
    // Ryu writes `1e16`, `1.5e-7` and plain decimals between 1e-5 and 1e16; Python's bounds are 1e-4 and 1e16.
    let (sign, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if sign {
        out.push(b'-');
    }
    if let Some(e) = text.iter().position(|&b| b == b'e') {
        let mantissa = &text[..e];
        let exponent: i32 = std::str::from_utf8(&text[e + 1..]).ok().and_then(|t| t.parse().ok()).unwrap_or_default();
        // Above 1e16 and below 1e-5 both write exponents; Python gives them a sign and two digits.
        out.extend_from_slice(mantissa.strip_suffix(b".0").unwrap_or(mantissa));
        exponent_repr(out, exponent);
        return;
    }
    if let Some(digits) = text.strip_prefix(b"0.0000") {
        // Python: 1e-05 and smaller with an exponent.
        let zeros = digits.iter().take_while(|&&b| b == b'0').count();
        let digits = &digits[zeros..];
        if let [first, rest @ ..] = digits {
            out.push(*first);
            if !rest.is_empty() {
                out.push(b'.');
                out.extend_from_slice(rest);
            }
            exponent_repr(out, -(5 + zeros as i32));
            return;
        }
    }
    let whole = text.strip_suffix(b".0").unwrap_or(text);
    if whole.len() > 16 && whole.iter().all(u8::is_ascii_digit) {
        // 17 digits before the point: Python writes those with an exponent.
        let digits = whole.iter().rposition(|&b| b != b'0').map_or(1, |last| last + 1);
        out.push(whole[0]);
        if digits > 1 {
            out.push(b'.');
            out.extend_from_slice(&whole[1..digits]);
        }
        exponent_repr(out, whole.len() as i32 - 1);
        return;
    }
    out.extend_from_slice(text);
}

fn exponent_repr(out: &mut Vec<u8>, exponent: i32) {
    out.extend([b'e', if exponent < 0 { b'-' } else { b'+' }]);
    let digits = exponent.unsigned_abs();
    if digits < 10 {
        out.push(b'0');
    }
    out.extend_from_slice(digits.to_string().as_bytes());
}

/// As Python's `repr()`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |f: &mut fmt::Formatter<'_>, write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            f.write_str(&String::from_utf8_lossy(&out))
        };
        match self {
            Value::None => f.write_str("None"),
            Value::Bool(flag) => f.write_str(if *flag { "True" } else { "False" }),
            Value::Int(number) => number.fmt(f),
            Value::BigInt(number) => number.fmt(f),
            Value::Float(number) => text(f, &|out| float_repr(out, *number)),
            Value::Complex(number) => {
                let part = |number: f64| {
                    let mut out = Vec::new();
                    float_repr(&mut out, number);
                    let out = String::from_utf8_lossy(&out).into_owned();
                    out.strip_suffix(".0").map(str::to_owned).unwrap_or(out)
                };
                if number.re == 0.0 && number.re.is_sign_positive() {
                    write!(f, "{}j", part(number.im))
                } else {
                    let sign = if number.im.is_sign_negative() && !number.im.is_nan() { "" } else { "+" };
                    write!(f, "({}{sign}{}j)", part(number.re), part(number.im))
                }
            }
            Value::Str(string) => text(f, &|out| str_repr(out, string)),
            Value::Surrogates(string) => text(f, &|out| surrogates_repr(out, string)),
            Value::Bytes(bytes) => text(f, &|out| bytes_repr(out, bytes)),
            Value::ByteArray(bytes) => {
                f.write_str("bytearray(")?;
                text(f, &|out| bytes_repr(out, bytes))?;
                f.write_char(')')
            }
            Value::List(items) => list(f, "[", items, "]"),
            Value::Tuple(items) => list(f, "(", items, if items.len() == 1 { ",)" } else { ")" }),
            Value::Set(set) if set.is_empty() => f.write_str("set()"),
            Value::Set(set) => list(f, "{", set.iter(), "}"),
            Value::FrozenSet(set) if set.is_empty() => f.write_str("frozenset()"),
            Value::FrozenSet(set) => list(f, "frozenset({", set.iter(), "})"),
            Value::Dict(dict) => entries(f, dict.iter()),
            Value::DateTime(when) => when.fmt(f),
            Value::Date(date) => date.fmt(f),
            Value::Time(time) => time.fmt(f),
            Value::TimeDelta(delta) => delta.fmt(f),
            Value::Decimal(number) => write!(f, "Decimal('{number}')"),
            Value::Uuid(uuid) => write!(f, "UUID('{uuid}')"),
            Value::Object(object) => {
                write!(f, "<{} ", object.class())?;
                entries(f, object.fields().iter().filter(|(key, _)| key.as_str() != Some("__class__")))?;
                f.write_char('>')
            }
            Value::Exception(exception) => {
                f.write_str(exception.class_name())?;
                list(f, "(", exception.args(), ")")
            }
        }
    }
}

fn list<'a>(
    f: &mut fmt::Formatter<'_>,
    open: &str,
    items: impl IntoIterator<Item = &'a Value>,
    close: &str,
) -> fmt::Result {
    f.write_str(open)?;
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    f.write_str(close)
}

fn entries<'a>(f: &mut fmt::Formatter<'_>, entries: impl Iterator<Item = (&'a Value, &'a Value)>) -> fmt::Result {
    f.write_str("{")?;
    for (at, (key, value)) in entries.enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{key}: {value}")?;
    }
    f.write_str("}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dict, Set};

    fn float(number: f64) -> String {
        let mut out = Vec::new();
        float_repr(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (12345678901234567.0, "1.2345678901234568e+16"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-5, "1.5e-05"),
            (1e-7, "1e-07"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (123456.789, "123456.789"),
            (9007199254740993.0, "9007199254740992.0"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (-1e22, "-1e+22"),
        ] {
            assert_eq!(float(number), text);
        }
    }

    #[test]
    fn values_are_shown_as_python_shows_them() {
        let dict: Dict =
            [("a", Value::List(vec![1.into(), Value::None])), ("b'", "x\n\u{a0}\u{e9}".into())].into_iter().collect();
        assert_eq!(Value::from(dict).to_string(), r#"{'a': [1, None], "b'": 'x\n\xa0é'}"#);
        assert_eq!(Value::Tuple(vec![true.into()]).to_string(), "(True,)");
        assert_eq!(Value::from(Set::new()).to_string(), "set()");
        assert_eq!(Value::from(&b"it's \x00\xff"[..]).to_string(), r#"b"it's \x00\xff""#);
        assert_eq!(Value::Complex(crate::Complex { re: 1.0, im: -2.5 }).to_string(), "(1-2.5j)");
    }
}
