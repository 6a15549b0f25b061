//! Escapes and sets of characters.

use super::source::{Source, Token};

/// What an escape stands for, outside of sets and inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escaped {
    Char(char),
    /// `d`, `D`, `s`, `S`, `w` or `W`
    Category(char),
    /// `A`, `b`, `B` or `Z`; outside only.
    Anchor(char),
    /// The number of a group; outside only.
    Group(usize),
}

/// Reads an escape whose first character has been taken. References are not checked.
pub(super) fn escape(source: &mut Source, first: char, in_set: bool) -> Result<Escaped, String> {
    let bad = |source: &Source, text: &str| Err(source.error(&format!("bad escape {text}"), text.chars().count()));
    Ok(match first {
        'd' | 'D' | 's' | 'S' | 'w' | 'W' => Escaped::Category(first),
        'A' | 'B' | 'Z' | 'b' if !in_set => Escaped::Anchor(first),
        'a' => Escaped::Char('\x07'),
        'b' => Escaped::Char('\x08'),
        'f' => Escaped::Char('\x0c'),
        'n' => Escaped::Char('\n'),
        'r' => Escaped::Char('\r'),
        't' => Escaped::Char('\t'),
        'v' => Escaped::Char('\x0b'),
        'x' | 'u' | 'U' => {
            let digits = match first {
                'x' => 2,
                'u' => 4,
                _ => 8,
            };
            let hex = source.get_while(digits, |c| c.is_ascii_hexdigit())?;
            let text = format!("\\{first}{hex}");
            if hex.len() != digits {
                return Err(source.error(&format!("incomplete escape {text}"), text.len()));
            }
            match u32::from_str_radix(&hex, 16) {
                Ok(code) if code <= 0x10_FFFF => match char::from_u32(code) {
                    Some(c) => Escaped::Char(c),
                    None => return Err(source.error("surrogates are not supported", text.len())),
                },
                _ => return bad(source, &text),
            }
        }
        'N' => return Err(source.error("named characters (\\N) are not supported", 2)),
        '0' => {
            let digits = format!("0{}", source_octals(source, 2)?);
            octal(source, digits)?
        }
        '1'..='7' if in_set => {
            let digits = format!("{first}{}", source_octals(source, 2)?);
            octal(source, digits)?
        }
        '1'..='9' if !in_set => {
            let mut digits = first.to_string();
            digits.push_str(&source.get_while(1, |c| c.is_ascii_digit())?);
            let is_octal = |c: char| ('0'..='7').contains(&c);
            if digits.len() == 2 && digits.chars().all(is_octal) {
                let third = source.get_while(1, is_octal)?;
                if !third.is_empty() {
                    return octal(source, digits + &third);
                }
            }
            Escaped::Group(digits.parse().unwrap_or_default())
        }
        c if c.is_ascii_alphanumeric() => return bad(source, &format!("\\{c}")),
        c => Escaped::Char(c),
    })
}

fn source_octals(source: &mut Source, most: usize) -> Result<String, String> {
    source.get_while(most, |c| ('0'..='7').contains(&c))
}

/// The character of an octal number, as the digits behind the backslash.
fn octal(source: &Source, digits: String) -> Result<Escaped, String> {
    match u8::from_str_radix(&digits, 8) {
        Ok(code) => Ok(Escaped::Char(code.into())),
        Err(_) => {
            let message = format!("octal escape value \\{digits} outside of range 0-0o377");
            Err(source.error(&message, digits.len() + 1))
        }
    }
}

/// Reads a set whose bracket has been taken, and writes what it means to `out`.
pub(super) fn set(source: &mut Source, out: &mut String, ascii: bool) -> Result<(), String> {
    let start = source.tell() - 1;
    let unterminated = |source: &Source| source.error_at("unterminated character set", start);
    let member = |source: &mut Source, token: Token| match token {
        Token::Escape(first) => escape(source, first, true),
        Token::Char(c) => Ok(Escaped::Char(c)),
    };
    out.push('[');
    if source.eat('^')? {
        out.push('^');
    }
    let mut empty = true;
    loop {
        let this = source.get()?.ok_or_else(|| unterminated(source))?;
        if this == Token::Char(']') && !empty {
            break;
        }
        empty = false;
        let low = member(source, this)?;
        if !source.eat('-')? {
            push_member(out, low, ascii);
            continue;
        }
        let that = source.get()?.ok_or_else(|| unterminated(source))?;
        if that == Token::Char(']') {
            push_member(out, low, ascii);
            push_char(out, '-');
            break;
        }
        match (low, member(source, that)?) {
            (Escaped::Char(low), Escaped::Char(high)) if low <= high => {
                push_char(out, low);
                out.push('-');
                push_char(out, high);
            }
            _ => {
                let range = format!("{this}-{that}");
                return Err(source.error(&format!("bad character range {range}"), range.chars().count()));
            }
        }
    }
    out.push(']');
    Ok(())
}

fn push_member(out: &mut String, member: Escaped, ascii: bool) {
    match member {
        Escaped::Char(c) => push_char(out, c),
        Escaped::Category(category) => push_category(out, category, ascii, true),
        Escaped::Anchor(_) | Escaped::Group(_) => {}
    }
}

/// Writes a character so that it means nothing but itself, in a set and outside.
pub(super) fn push_char(out: &mut String, c: char) {
    if c.is_alphanumeric() || c == '_' {
        out.push(c);
    } else {
        out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
    }
}

/// Writes one of Python's categories of characters.
pub(super) fn push_category(out: &mut String, category: char, ascii: bool, in_set: bool) {
    let members = match (category.to_ascii_lowercase(), ascii) {
        ('d', true) => "0-9",
        ('d', false) => r"\p{Nd}",
        ('s', true) => r"\x{9}-\x{d}\x{20}",
        // The separators that Python holds for white space and Unicode does not.
        ('s', false) => r"\p{White_Space}\x{1c}-\x{1f}",
        (_, true) => "a-zA-Z0-9_",
        (_, false) => r"\p{L}\p{N}_",
    };
    let negated = category.is_ascii_uppercase();
    match (negated, in_set) {
        (false, true) => out.push_str(members),
        (false, false) => out.push_str(&format!("[{members}]")),
        (true, _) => out.push_str(&format!("[^{members}]")),
    }
}
