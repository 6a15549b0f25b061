//! Names of tasks and workers as patterns.

use fancy_regex::{Regex, RegexBuilder};

use crate::error::{Error, Kind, Result};

/// How much a pattern may try: names are short, and patterns are the user's own.
const BACKTRACKING: usize = 100_000;

/// A compiled pattern, which matches from the beginning of a name on.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// A regular expression of Python's, as far as both know it.
    pub(crate) fn regex(pattern: &str) -> Result<Self> {
        let wrong = |error: fancy_regex::Error| {
            Error::with_source(Kind::Misuse, format!("{pattern:?} is no regular expression: {error}"), error)
        };
        let regex = RegexBuilder::new(&format!("\\A(?:{pattern})")).backtrack_limit(BACKTRACKING).build();
        regex.map(Self).map_err(wrong)
    }

    /// A pattern as of file names: `*`, `?`, `[abc]`, `[!abc]`. It is of the whole name.
    pub(crate) fn glob(pattern: &str) -> Result<Self> {
        Self::regex(&format!("(?s:{})\\z", translate(pattern)))
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        // One that tries for too long matches nothing.
        self.0.is_match(name).unwrap_or_default()
    }
}

/// As Python's `fnmatch.translate`.
fn translate(glob: &str) -> String {
    let mut out = String::new();
    let mut rest = glob;
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        match first {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => match class(rest) {
                Some((inner, after)) => {
                    out.push_str(&inner);
                    rest = after;
                }
                None => out.push_str("\\["),
            },
            other => escape(other, &mut out),
        }
    }
    out
}

/// What is in brackets, and what comes after them.
fn class(rest: &str) -> Option<(String, &str)> {
    let (negated, body) = match rest.strip_prefix('!') {
        Some(body) => (true, body),
        None => (false, rest),
    };
    // A bracket that comes first is one of the characters.
    let skip = body.chars().next()?.len_utf8();
    let end = skip + body.get(skip..)?.find(']')?;
    let inner = body.get(..end)?;
    let mut out = String::from(if negated { "[^" } else { "[" });
    for character in inner.chars() {
        if !character.is_alphanumeric() && character != '-' {
            out.push('\\');
        }
        out.push(character);
    }
    out.push(']');
    Some((out, body.get(end + 1..)?))
}

fn escape(character: char, out: &mut String) {
    if character.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(character);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_of_the_whole_name() {
        let matches = |glob: &str, name: &str| Pattern::glob(glob).unwrap().matches(name);
        assert!(matches("feed.tasks.*", "feed.tasks.import") && !matches("feed.tasks.*", "other.feed.tasks.import"));
        assert!(matches("*.add", "a.b.add") && !matches("*.add", "a.b.addx"));
        assert!(matches("a?c*", "abc") && !matches("a?c*", "ac"));
        assert!(matches("[ab]*", "b1") && !matches("[!ab]*", "b1") && matches("[!ab]*", "c"));
        assert!(matches("a.*", "a.\nb") && !matches("a.*", "axb"));
        assert!(matches("*[", "x["));
    }

    #[test]
    fn regexes_begin_at_the_beginning() {
        let matches = |regex: &str, name: &str| Pattern::regex(regex).unwrap().matches(name);
        assert!(matches(r"(video|image)\.tasks\..*", "video.tasks.x") && !matches("video", "my.video"));
        assert!(matches("video", "video.tasks"));
        assert!(Pattern::regex("(").is_err());
    }
}
