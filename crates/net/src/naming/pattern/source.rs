//! [`Source`]: a pattern as Python's parser sees it, a character or an escaped character at a time.

use std::fmt;

/// A character of a pattern, or one with a backslash before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    Escape(char),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Char(c) => write!(f, "{c}"),
            Token::Escape(c) => write!(f, "\\{c}"),
        }
    }
}

/// A pattern that is being read.
pub(super) struct Source {
    chars: Vec<char>,
    /// Behind the next token.
    index: usize,
    next: Option<Token>,
}

impl Source {
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let mut source = Self { chars: pattern.chars().collect(), index: 0, next: None };
        source.load()?;
        Ok(source)
    }

    /// The token that comes next.
    pub(super) fn peek(&self) -> Option<Token> {
        self.next
    }

    /// Takes the next token.
    pub(super) fn get(&mut self) -> Result<Option<Token>, String> {
        let token = self.next;
        self.load()?;
        Ok(token)
    }

    /// Takes the next token if it is this character.
    pub(super) fn eat(&mut self, c: char) -> Result<bool, String> {
        let there = self.next == Some(Token::Char(c));
        if there {
            self.load()?;
        }
        Ok(there)
    }

    /// Takes up to this many characters of a kind.
    pub(super) fn get_while(&mut self, most: usize, of_kind: impl Fn(char) -> bool) -> Result<String, String> {
        let mut taken = String::new();
        for _ in 0..most {
            match self.next {
                Some(Token::Char(c)) if of_kind(c) => taken.push(c),
                _ => break,
            }
            self.load()?;
        }
        Ok(taken)
    }

    /// Takes what is called `name`, up to this character, which is taken too.
    pub(super) fn get_until(&mut self, end: char, name: &str) -> Result<String, String> {
        let mut taken = String::new();
        loop {
            match self.get()? {
                None if taken.is_empty() => return Err(self.error(&format!("missing {name}"), 0)),
                None => {
                    return Err(self.error(&format!("missing {end}, unterminated name"), taken.chars().count()));
                }
                Some(Token::Char(c)) if c == end => {
                    return if taken.is_empty() { Err(self.error(&format!("missing {name}"), 1)) } else { Ok(taken) };
                }
                Some(token) => taken.push_str(&token.to_string()),
            }
        }
    }

    /// Where the next token begins.
    pub(super) fn tell(&self) -> usize {
        let len = match self.next {
            None => 0,
            Some(Token::Char(_)) => 1,
            Some(Token::Escape(_)) => 2,
        };
        self.index - len
    }

    /// Goes back to where a token began.
    pub(super) fn seek(&mut self, index: usize) -> Result<(), String> {
        self.index = index;
        self.load()
    }

    /// What Python says of a fault this far before the next token.
    pub(super) fn error(&self, message: &str, before: usize) -> String {
        self.error_at(message, self.tell().saturating_sub(before))
    }

    /// What Python says of a fault at this character.
    pub(super) fn error_at(&self, message: &str, at: usize) -> String {
        if !self.chars.contains(&'\n') {
            return format!("{message} at position {at}");
        }
        let before = &self.chars[..at.min(self.chars.len())];
        let line = before.iter().filter(|&&c| c == '\n').count() + 1;
        let column = at - before.iter().rposition(|&c| c == '\n').map_or(0, |feed| feed + 1) + 1;
        format!("{message} at position {at} (line {line}, column {column})")
    }

    fn load(&mut self) -> Result<(), String> {
        let Some(&c) = self.chars.get(self.index) else {
            self.next = None;
            return Ok(());
        };
        if c != '\\' {
            self.index += 1;
            self.next = Some(Token::Char(c));
            return Ok(());
        }
        let Some(&escaped) = self.chars.get(self.index + 1) else {
            return Err(self.error_at("bad escape (end of pattern)", self.index));
        };
        self.index += 2;
        self.next = Some(Token::Escape(escaped));
        Ok(())
    }
}
