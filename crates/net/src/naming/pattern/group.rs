//! What stands behind a parenthesis: groups of all kinds, conditions, comments and flags.

use salamander_value::Value;

use super::source::{Source, Token};
use super::translate::{Last, Translator};

impl Translator {
    /// What follows a parenthesis.
    pub(super) fn group(&mut self) -> Result<(), String> {
        let start = self.source.tell() - 1;
        if !self.source.eat('?')? {
            return self.capture(start, None);
        }
        let ended = |source: &Source| source.error("unexpected end of pattern", 0);
        let token = self.source.get()?.ok_or_else(|| ended(&self.source))?;
        match token {
            Token::Char('P') => {
                if self.source.eat('<')? {
                    let name = self.source.get_until('>', "group name")?;
                    self.check_name(&name)?;
                    return self.capture(start, Some(name));
                }
                if self.source.eat('=')? {
                    let name = self.source.get_until(')', "group name")?;
                    self.check_name(&name)?;
                    let group = self.group_of_name(&name)?;
                    if !self.closed[group] {
                        let before = name.chars().count() + 1;
                        return Err(self.source.error("cannot refer to an open group", before));
                    }
                    self.out.push_str(&format!("(?:\\{group})"));
                    return self.done(Last::Item);
                }
                let token = self.source.get()?.ok_or_else(|| ended(&self.source))?.to_string();
                Err(self.source.error(&format!("unknown extension ?P{token}"), token.chars().count() + 2))
            }
            Token::Char(':') => self.begin(start, "(?:", self.flags),
            Token::Char('>') => self.begin(start, "(?>", self.flags),
            Token::Char('=') => self.begin(start, "(?=", self.flags),
            Token::Char('!') => self.begin(start, "(?!", self.flags),
            Token::Char('<') => match self.source.get()?.ok_or_else(|| ended(&self.source))? {
                Token::Char('=') => self.begin(start, "(?<=", self.flags),
                Token::Char('!') => self.begin(start, "(?<!", self.flags),
                token => {
                    let token = token.to_string();
                    Err(self.source.error(&format!("unknown extension ?<{token}"), token.chars().count() + 2))
                }
            },
            Token::Char('#') => loop {
                match self.source.get()? {
                    None => return Err(self.source.error_at("missing ), unterminated comment", start)),
                    Some(Token::Char(')')) => return Ok(()),
                    Some(_) => {}
                }
            },
            Token::Char('(') => self.condition(start),
            Token::Char(flag) if flag == '-' || is_flag(flag) => self.inline_flags(start, flag),
            token => {
                let token = token.to_string();
                Err(self.source.error(&format!("unknown extension ?{token}"), token.chars().count() + 1))
            }
        }
    }

    fn check_name(&self, name: &str) -> Result<(), String> {
        if is_identifier(name) { Ok(()) } else { Err(self.bad_name(name)) }
    }

    fn bad_name(&self, name: &str) -> String {
        let message = format!("bad character in group name {}", Value::from(name));
        self.source.error(&message, name.chars().count() + 1)
    }

    fn group_of_name(&self, name: &str) -> Result<usize, String> {
        self.names.get(name).copied().ok_or_else(|| {
            let message = format!("unknown group name {}", Value::from(name));
            self.source.error(&message, name.chars().count() + 1)
        })
    }

    /// A condition, whose second parenthesis has been taken.
    fn condition(&mut self, start: usize) -> Result<(), String> {
        let name = self.source.get_until(')', "group name")?;
        let before = name.chars().count() + 1;
        let group = if is_identifier(&name) {
            self.group_of_name(&name)?
        } else {
            match name.parse() {
                Ok(0) => return Err(self.source.error("bad group number", before)),
                Ok(group) => {
                    self.conditions.push((group, self.source.tell() - before));
                    group
                }
                Err(_) => return Err(self.bad_name(&name)),
            }
        };
        self.begin(start, &format!("(?:(?({group})"), self.flags)?;
        if let Some(open) = self.open.last_mut() {
            (open.branches, open.end) = (Some(1), "(?:)))");
        }
        Ok(())
    }

    /// Flags of which the first has been taken: for the whole pattern, or for a group.
    fn inline_flags(&mut self, start: usize, first: char) -> Result<(), String> {
        let source = &mut self.source;
        let (mut on, mut off) = (String::new(), String::new());
        let mut next = Token::Char(first);
        if first != '-' {
            loop {
                match next {
                    Token::Char('L') => {
                        let message = "bad inline flags: cannot use 'L' flag with a str pattern";
                        return Err(source.error(message, 0));
                    }
                    Token::Char(flag) if is_flag(flag) => on.push(flag),
                    token => return Err(unknown_flag(source, token, "missing -, : or )")),
                }
                if on.contains('a') && on.contains('u') {
                    let message = "bad inline flags: flags 'a', 'u' and 'L' are incompatible";
                    return Err(source.error(message, 0));
                }
                next = source.get()?.ok_or_else(|| source.error("missing -, : or )", 0))?;
                if matches!(next, Token::Char(')' | '-' | ':')) {
                    break;
                }
            }
        }
        if next == Token::Char(')') {
            if !self.pristine {
                let message = "global flags not at the start of the expression";
                return Err(self.source.error_at(message, start));
            }
            self.flags = self.flags.changed(&on, "");
            self.ignore_case |= on.contains('i');
            return Ok(());
        }
        if next == Token::Char('-') {
            next = source.get()?.ok_or_else(|| source.error("missing flag", 0))?;
            let mut missing = "missing flag";
            loop {
                match next {
                    Token::Char('a' | 'u' | 'L') => {
                        let message = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                        return Err(source.error(message, 0));
                    }
                    Token::Char(flag) if is_flag(flag) => off.push(flag),
                    token => return Err(unknown_flag(source, token, missing)),
                }
                missing = "missing :";
                next = source.get()?.ok_or_else(|| source.error(missing, 0))?;
                if next == Token::Char(':') {
                    break;
                }
            }
        }
        if on.chars().any(|flag| off.contains(flag)) {
            return Err(source.error("bad inline flags: flag turned on and off", 1));
        }
        let text = match (on.contains('i'), off.contains('i')) {
            (true, _) => "(?i:",
            (_, true) => "(?-i:",
            _ => "(?:",
        };
        let flags = self.flags.changed(&on, &off);
        self.begin(start, text, flags)
    }
}

fn is_flag(c: char) -> bool {
    matches!(c, 'a' | 'i' | 'L' | 'm' | 's' | 'u' | 'x')
}

fn unknown_flag(source: &Source, token: Token, missing: &str) -> String {
    match token {
        Token::Char(c) if c.is_alphabetic() => source.error("unknown flag", 1),
        token => source.error(missing, token.to_string().chars().count()),
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
}
