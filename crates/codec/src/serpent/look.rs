//! Looking ahead: what a bracket is that has a bracket as its first element.

use super::BRACKETS;

/// Decides what brackets are, and keeps what it came to know about those inside: no byte is looked at twice.
#[derive(Default)]
pub(super) struct Look {
    /// In order of their places: twice the place, and 1 where there is a comma (in parentheses) or colon (in braces).
    decided: Vec<usize>,
    /// How many of them are behind the reader.
    behind: usize,
    levels: Vec<Level>,
    /// At how many bytes it looked, and where last.
    #[cfg(test)]
    looked: usize,
    #[cfg(test)]
    last: usize,
}

struct Level {
    bracket: u8,
    start: usize,
    /// Whether a comma or colon can still decide what it is.
    open: bool,
    /// Where in `decided` it stands, if a bracket came first in it.
    slot: Option<usize>,
}

impl Look {
    /// Whether a comma follows the first element of the parentheses at `start`, or a colon that of the braces there.
    ///
    /// The answer may be wrong where the bytes are not well formed: the reader comes to that place and refuses it.
    pub(super) fn is_separated(&mut self, bytes: &[u8], start: usize) -> bool {
        while let Some(&decided) = self.decided.get(self.behind) {
            if decided >> 1 > start {
                break;
            }
            self.behind += 1;
            if decided >> 1 == start {
                return decided & 1 == 1;
            }
        }
        self.decided.clear();
        self.behind = 1;
        self.levels.clear();
        self.scan(bytes, start);
        self.decided.first().is_none_or(|decided| decided & 1 == 1)
    }

    /// Goes on from the bracket at `start` until it is known what that is.
    fn scan(&mut self, bytes: &[u8], start: usize) {
        let mut at = start;
        loop {
            #[cfg(test)]
            {
                self.looked += at - std::mem::replace(&mut self.last, at).clamp(start, at);
            }
            let undecided = self.levels.last().is_some_and(|level| level.open);
            at += plain_len(&bytes[at..], undecided);
            let Some(&b) = bytes.get(at) else { return };
            match b {
                b'\'' | b'"' => {
                    at = behind_string(bytes, at);
                    continue;
                }
                b'#' => {
                    at += memchr::memchr2(b'\n', b'\r', &bytes[at..]).unwrap_or(bytes.len() - at);
                    continue;
                }
                b'(' | b'[' | b'{' => {
                    if let Some(level) = self.levels.last_mut().filter(|level| level.open) {
                        level.slot = level.slot.or_else(|| {
                            self.decided.push(level.start << 1 | 1);
                            Some(self.decided.len() - 1)
                        });
                    }
                    if self.levels.len() > BRACKETS {
                        return;
                    }
                    self.levels.push(Level { bracket: b, start: at, open: b != b'[', slot: None });
                }
                b')' | b']' | b'}' => {
                    self.decide(false);
                    let opened = self.levels.pop();
                    if opened.is_none_or(|level| closer(level.bracket) != b) {
                        return;
                    }
                }
                b',' => self.decide(self.levels.last().is_some_and(|level| level.bracket == b'(')),
                _ => {
                    // A colon means nothing in parentheses.
                    if self.levels.last().is_some_and(|level| level.bracket == b'{') {
                        self.decide(true);
                    }
                }
            }
            at += 1;
            if self.levels.first().is_none_or(|level| !level.open) {
                return;
            }
        }
    }

    /// Decides what the innermost bracket is, if that is open.
    fn decide(&mut self, separated: bool) {
        if let Some(level) = self.levels.last_mut().filter(|level| level.open) {
            level.open = false;
            if let Some(decided) = level.slot.and_then(|slot| self.decided.get_mut(slot))
                && !separated
            {
                *decided &= !1;
            }
        }
    }
}

fn closer(bracket: u8) -> u8 {
    match bracket {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

/// How many bytes come before the first that bears on the structure.
fn plain_len(bytes: &[u8], separators: bool) -> usize {
    const STEP: usize = 64;
    // `[` and `{`, `]` and `}` differ in one bit; `'`, `(` and `)` stand in a row, as do `"` and `#`.
    let structure = |b: u8| {
        ((b | 0x20) == b'{') | ((b | 0x20) == b'}') | (b.wrapping_sub(b'\'') < 3) | (b.wrapping_sub(b'"') < 2)
    };
    let stops = |b: u8| structure(b) | (separators & ((b == b',') | (b == b':')));
    let short = bytes.len().min(8);
    if let Some(len) = bytes[..short].iter().position(|&b| stops(b)) {
        return len;
    }
    let mut len = short;
    // An undecided bracket is decided soon; a decided one may hold a long list of numbers.
    while let Some(step) = bytes.get(len..len + STEP).filter(|_| !separators) {
        if step.iter().fold(0, |any, &b| any | u8::from(structure(b))) != 0 {
            break;
        }
        len += STEP;
    }
    len + bytes[len..].iter().position(|&b| stops(b)).unwrap_or(bytes.len() - len)
}

/// The place behind the string whose quote is at `start`.
fn behind_string(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let triple = bytes.get(start + 1) == Some(&quote) && bytes.get(start + 2) == Some(&quote);
    let mut at = start + if triple { 3 } else { 1 };
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(quote, b'\\', rest)) {
        at += found;
        if bytes[at] == b'\\' {
            at += 2;
        } else if !triple {
            return at + 1;
        } else if bytes.get(at + 1) == Some(&quote) && bytes.get(at + 2) == Some(&quote) {
            return at + 3;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> bool {
        Look::default().is_separated(text.as_bytes(), 0)
    }

    #[test]
    fn what_follows_the_first_element_is_found() {
        for tuple in
            ["([1],)", "([1,2],3)", "(('a)','b'),)", "({1:2} # )\n,)", "((1),(2))", "(set(),)", "((((1,),),),)"]
        {
            assert!(look(tuple), "{tuple}");
        }
        for group in
            ["([1])", "((1,2))", "({'a':1,'b':(2,3)})", r#"(['''),"''',',\',(['])"#, "(set())", "([1] # ,\n)"]
        {
            assert!(!look(group), "{group}");
        }
        for dict in ["{(1,2):3}", "{('}',):3}", "{((1),):[2]}", "{(1):2}"] {
            assert!(look(dict), "{dict}");
        }
        for set in ["{(1,2),3}", "{(1,2)}", "{(':',)}", "{(1,{2:3})}"] {
            assert!(!look(set), "{set}");
        }
    }

    #[test]
    fn each_byte_is_looked_at_once_however_deep_brackets_nest() {
        let inner = format!("[{}]", "'text', 1.5, ".repeat(1000));
        let text = format!("{}{inner}{}", "(".repeat(199), ",1)".repeat(199));
        let mut look = Look::default();
        for start in 0..199 {
            assert!(look.is_separated(text.as_bytes(), start));
        }
        assert!((text.len() / 2..=text.len()).contains(&look.looked));
        let text = format!("[{}]", "((1,2),((3),4)),".repeat(1000));
        let mut look = Look::default();
        for (start, _) in text.match_indices("((") {
            look.is_separated(text.as_bytes(), start);
        }
        assert!((text.len() / 2..=text.len()).contains(&look.looked));
    }

    #[test]
    fn what_is_not_well_formed_ends_the_look() {
        for text in ["((", "([)", "({]", "('", "([\"", "([#", "(['''", r"(['\"] {
            look(text);
        }
        look(&"(".repeat(100_000));
        look(&"{[(".repeat(100_000));
    }
}
