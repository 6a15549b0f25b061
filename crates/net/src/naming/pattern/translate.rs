//! A pattern of Python's to one of `fancy_regex` that means the same.

use std::collections::HashMap;

use salamander_value::Value;

use super::class::{Escaped, escape, push_category, push_char, set};
use super::source::{Source, Token};

/// Rewrites a pattern, anchored at the beginning of the text.
///
/// # Errors
/// Says what Python says of what it refuses.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator {
        source: Source::new(pattern)?,
        out: String::new(),
        flags: Flags::default(),
        ignore_case: false,
        last: Last::Nothing,
        empty: true,
        pristine: true,
        open: Vec::new(),
        closed: vec![false],
        names: HashMap::new(),
        conditions: Vec::new(),
    };
    translator.run()?;
    let case = if translator.ignore_case { "(?i)" } else { "" };
    Ok(format!(r"{case}\A(?:{})", translator.out))
}

/// Python's inline flags, as far as they matter while reading; case is left to the engine.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    ascii: bool,
    multi_line: bool,
    dot_all: bool,
    verbose: bool,
}

/// What a quantifier would repeat.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Nothing,
    Item,
    /// A group of no width, which begins here in what has been written.
    Empty(usize),
    /// An item that is repeated already.
    Repeated,
    Anchor,
}

/// A group that has been begun.
pub(super) struct Open {
    /// Where its parenthesis stands.
    start: usize,
    /// Its number, where it captures.
    pub(super) group: Option<usize>,
    /// How it ends.
    pub(super) end: &'static str,
    /// How many alternatives a condition has had; none in other groups.
    pub(super) branches: Option<usize>,
    /// The flags outside.
    flags: Flags,
    /// Where it begins in what has been written, and where its contents do.
    written: usize,
    contents: usize,
    /// Whether it looks around, and so has no width whatever is in it.
    look: bool,
    /// Whether what came before it inside the group around it has no width.
    empty_before: bool,
}

pub(super) struct Translator {
    pub(super) source: Source,
    pub(super) out: String,
    pub(super) flags: Flags,
    /// The flag `i` at the beginning of the pattern.
    pub(super) ignore_case: bool,
    last: Last,
    /// Nothing that has a width has come in the innermost group.
    empty: bool,
    /// Nothing has come yet, so that flags for the whole pattern may.
    pub(super) pristine: bool,
    pub(super) open: Vec<Open>,
    /// By number, whether a group has ended.
    pub(super) closed: Vec<bool>,
    pub(super) names: HashMap<String, usize>,
    /// Groups that conditions name by number, which may come later, and where.
    pub(super) conditions: Vec<(usize, usize)>,
}

impl Translator {
    fn run(&mut self) -> Result<(), String> {
        while let Some(token) = self.source.peek() {
            match token {
                Token::Char('|') => self.alternative()?,
                Token::Char(')') => self.close()?,
                _ => {
                    self.source.get()?;
                    self.item(token)?;
                }
            }
        }
        if let Some(open) = self.open.last() {
            return Err(self.source.error_at("missing ), unterminated subpattern", open.start));
        }
        match self.conditions.iter().find(|(group, _)| *group >= self.closed.len()) {
            Some((group, at)) => Err(self.source.error_at(&format!("invalid group reference {group}"), *at)),
            None => Ok(()),
        }
    }

    fn item(&mut self, token: Token) -> Result<(), String> {
        let c = match token {
            Token::Escape(first) => return self.escape(first),
            Token::Char(c) => c,
        };
        if self.flags.verbose && matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c') {
            return Ok(());
        }
        match c {
            '#' if self.flags.verbose => {
                while !matches!(self.source.get()?, None | Some(Token::Char('\n'))) {}
                return Ok(());
            }
            '*' | '+' | '?' | '{' => return self.repeat(c),
            '(' => return self.group(),
            '[' => set(&mut self.source, &mut self.out, self.flags.ascii)?,
            '.' => self.out.push_str(if self.flags.dot_all { "(?s:.)" } else { r"[^\x{a}]" }),
            '^' => return self.anchor(if self.flags.multi_line { "(?m:^)" } else { r"\A" }),
            '$' => return self.anchor(if self.flags.multi_line { "(?m:$)" } else { r"(?=\x{a}?\z)" }),
            c => push_char(&mut self.out, c),
        }
        self.done(Last::Item)
    }

    pub(super) fn done(&mut self, last: Last) -> Result<(), String> {
        self.last = last;
        self.empty &= last != Last::Item;
        self.pristine = false;
        Ok(())
    }

    fn anchor(&mut self, anchor: &str) -> Result<(), String> {
        self.out.push_str(anchor);
        self.done(Last::Anchor)
    }

    fn escape(&mut self, first: char) -> Result<(), String> {
        match escape(&mut self.source, first, false)? {
            Escaped::Char(c) => push_char(&mut self.out, c),
            Escaped::Category(category) => push_category(&mut self.out, category, self.flags.ascii, false),
            Escaped::Anchor('Z') => return self.anchor(r"\z"),
            Escaped::Anchor(anchor) => return self.anchor(&boundary(anchor, self.flags.ascii)),
            Escaped::Group(group) => {
                let digits = group.to_string().len();
                match self.closed.get(group) {
                    None => return Err(self.source.error(&format!("invalid group reference {group}"), digits)),
                    Some(false) => return Err(self.source.error("cannot refer to an open group", digits + 1)),
                    Some(true) => self.out.push_str(&format!("(?:\\{group})")),
                }
            }
        }
        self.done(Last::Item)
    }

    fn repeat(&mut self, quantifier: char) -> Result<(), String> {
        let here = self.source.tell();
        let mut bounds = quantifier.to_string();
        if quantifier == '{' {
            match self.bounds(here)? {
                Some(read) => bounds = read,
                None => {
                    push_char(&mut self.out, '{');
                    return self.done(Last::Item);
                }
            }
        }
        let (lazy, possessive) = (self.source.eat('?')?, self.source.peek() == Some(Token::Char('+')));
        let possessive = !lazy && possessive && self.source.eat('+')?;
        match self.last {
            Last::Nothing | Last::Anchor => return Err(self.source.error_at("nothing to repeat", here - 1)),
            Last::Repeated => return Err(self.source.error_at("multiple repeat", here - 1)),
            Last::Item => {
                self.out.push_str(&bounds);
                self.out.push_str(if lazy { "?" } else { "" });
                self.out.push_str(if possessive { "+" } else { "" });
            }
            // The engine repeats nothing that has no width. Once is as good as often, but may be skipped.
            Last::Empty(at) => {
                let item = self.out.split_off(at);
                self.out.push_str(&match bounds.as_str() {
                    "{0,0}" => format!("(?:|(?!){item})"),
                    "*" | "?" if lazy => format!("(?:|{item})"),
                    bounds if bounds.starts_with("{0,") && lazy => format!("(?:|{item})"),
                    bounds if matches!(bounds, "*" | "?") || bounds.starts_with("{0,") => {
                        format!("{}{item}|)", if possessive { "(?>" } else { "(?:" })
                    }
                    _ => item,
                });
            }
        }
        self.done(Last::Repeated)
    }

    /// The bounds in braces; none where the brace is just a character.
    fn bounds(&mut self, here: usize) -> Result<Option<String>, String> {
        let digits = |source: &mut Source| source.get_while(usize::MAX, |c| c.is_ascii_digit());
        if self.source.peek() == Some(Token::Char('}')) {
            return Ok(None);
        }
        let low = digits(&mut self.source)?;
        let high = if self.source.eat(',')? { digits(&mut self.source)? } else { low.clone() };
        if !self.source.eat('}')? {
            self.source.seek(here)?;
            return Ok(None);
        }
        let number = |text: &str| match text.parse::<u32>() {
            _ if text.is_empty() => Ok(None),
            Ok(number) if number < u32::MAX => Ok(Some(number)),
            _ => Err("the repetition number is too large".to_owned()),
        };
        Ok(Some(match (number(&low)?, number(&high)?) {
            (low, Some(high)) if high < low.unwrap_or(0) => {
                return Err(self.source.error_at("min repeat greater than max repeat", here));
            }
            (low, Some(high)) => format!("{{{},{high}}}", low.unwrap_or(0)),
            (low, None) => format!("{{{},}}", low.unwrap_or(0)),
        }))
    }

    fn alternative(&mut self) -> Result<(), String> {
        match self.open.last_mut() {
            Some(Open { branches: Some(branches), .. }) => {
                *branches += 1;
                if *branches > 2 {
                    return Err(self.source.error("conditional backref with more than two branches", 0));
                }
                self.out.push_str("(?:)|");
            }
            _ => self.out.push('|'),
        }
        self.source.get()?;
        self.done(Last::Nothing)
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else {
            return Err(self.source.error("unbalanced parenthesis", 0));
        };
        self.source.get()?;
        if open.branches.is_some() && matches!(&self.out[open.contents..], "" | "(?:)|") {
            // The engine takes a condition without branches for an assertion.
            self.out.truncate(open.written);
            self.out.push_str("(?:)");
        } else {
            if open.branches == Some(1) {
                self.out.push_str("(?:)|");
            }
            self.out.push_str(open.end);
        }
        if let Some(group) = open.group {
            self.closed[group] = true;
        }
        self.flags = open.flags;
        let empty = self.empty || open.look;
        self.empty = open.empty_before;
        self.done(if empty { Last::Empty(open.written) } else { Last::Item })
    }

    pub(super) fn begin(&mut self, start: usize, text: &str, flags: Flags) -> Result<(), String> {
        let written = self.out.len();
        self.out.push_str(text);
        self.open.push(Open {
            start,
            group: None,
            end: ")",
            branches: None,
            flags: self.flags,
            written,
            contents: self.out.len(),
            look: matches!(text, "(?=" | "(?!" | "(?<=" | "(?<!"),
            empty_before: self.empty,
        });
        self.flags = flags;
        self.empty = true;
        self.done(Last::Nothing)
    }

    pub(super) fn capture(&mut self, start: usize, name: Option<String>) -> Result<(), String> {
        let group = self.closed.len();
        if let Some(name) = name {
            let len = name.chars().count();
            if let Some(other) = self.names.insert(name.clone(), group) {
                let name = Value::from(name);
                let message = format!("redefinition of group name {name} as group {group}; was group {other}");
                return Err(self.source.error(&message, len + 1));
            }
        }
        self.closed.push(false);
        self.begin(start, "(", self.flags)?;
        if let Some(open) = self.open.last_mut() {
            open.group = Some(group);
        }
        Ok(())
    }
}

impl Flags {
    pub(super) fn changed(self, on: &str, off: &str) -> Self {
        let flag = |before: bool, flag: char| (before || on.contains(flag)) && !off.contains(flag);
        Self {
            ascii: flag(self.ascii, 'a') && !on.contains('u'),
            multi_line: flag(self.multi_line, 'm'),
            dot_all: flag(self.dot_all, 's'),
            verbose: flag(self.verbose, 'x'),
        }
    }
}

/// The beginning of the text, or the boundaries of words. Python finds none of either kind in an empty text.
fn boundary(anchor: char, ascii: bool) -> String {
    let mut word = String::new();
    push_category(&mut word, 'w', ascii, false);
    match anchor {
        'b' => format!("(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"),
        'B' => format!(r"(?!\A\z)(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"),
        _ => r"\A".to_owned(),
    }
}
