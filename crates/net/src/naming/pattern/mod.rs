//! [`Pattern`]: Python's regular expressions, as `re.match` takes them.
//!
//! They are rewritten for `fancy_regex`. What Python refuses is refused with Python's words. These differ:
//! - `\N{...}` and surrogates are refused;
//! - look-behind may have alternatives of different lengths, and refer to groups inside itself;
//! - a condition on a group finds it matched already inside the group itself;
//! - ignoring case follows Unicode's simple folding;
//! - patterns are limited in length, in what they compile to, in nesting, and in the time that they may take.

mod class;
mod group;
mod source;
mod translate;

use std::time::{Duration, Instant};

use fancy_regex::{CompileError, Error, Regex, RegexBuilder};

/// How many characters a pattern may have.
const MAX_LEN: usize = 4000;
/// How many bytes a pattern may compile to, about, and how many each part of it may in any case.
const MAX_COMPILED: usize = 1 << 23;
const MAX_PART: usize = 1 << 16;
/// How often matching one text may go back and try something else.
const MAX_BACKTRACKS: usize = 100_000;
/// How long all matching by one pattern may take.
const MAX_TIME: Duration = Duration::from_secs(2);

/// A regular expression of Python's that is to match at the beginning of texts.
pub(super) struct Pattern {
    regex: Regex,
    deadline: Instant,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says what is wrong with it, as Python does.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        if pattern.chars().nth(MAX_LEN).is_some() {
            return Err(format!("the pattern has more than {MAX_LEN} characters"));
        }
        let translated = translate::translate(pattern)?;
        // The engine's limits are for each part between what needs backtracking, all of which has parentheses.
        let parts = translated.matches('(').count();
        let limit = (MAX_COMPILED / parts.max(1)).max(MAX_PART);
        let regex = RegexBuilder::new(&translated)
            .backtrack_limit(MAX_BACKTRACKS)
            .delegate_size_limit(limit)
            .delegate_dfa_size_limit(limit)
            .max_prog_size(100_000)
            .build()
            .map_err(|error| match &error {
                Error::CompileError(error) => match **error {
                    CompileError::LookBehindNotConst | CompileError::VariableLookBehindRequiresFeature => {
                        "look-behind requires fixed-width pattern".to_owned()
                    }
                    CompileError::InnerError(_) | CompileError::PatternTooComplex => {
                        "the pattern is too large".to_owned()
                    }
                    _ => error.to_string(),
                },
                error => error.to_string(),
            })?;
        Ok(Self { regex, deadline: Instant::now() + MAX_TIME })
    }

    /// Whether it matches at the beginning of the text.
    ///
    /// # Errors
    /// Where that takes too long.
    pub(super) fn matches(&self, text: &str) -> Result<bool, String> {
        match self.regex.is_match(text) {
            Ok(matches) if Instant::now() <= self.deadline => Ok(matches),
            _ => Err("matching takes too long".to_owned()),
        }
    }
}

#[cfg(test)]
mod recorded;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_patterns_are_stopped() {
        let text = "a".repeat(100);
        for pattern in ["(?=(a+)+b)", r"(?:(a|a)\1?)*b", r"(.*)*\1b$", r"(x+x+)+y", "(?:a?){100}a{100}$"] {
            let pattern = Pattern::new(pattern).unwrap();
            let _ = pattern.matches(&text);
            let _ = pattern.matches(&"x".repeat(100_000));
        }
        let slow = Pattern::new(r"(?:(a+)\1?)+b").unwrap();
        assert_eq!(slow.matches(&text), Err("matching takes too long".to_owned()));
        for pattern in [
            "(?:a{1000}){1000}",
            &"a".repeat(5000),
            &"(".repeat(4000),
            &format!("{}{}", "(?:".repeat(999), ")".repeat(999)),
        ] {
            assert!(Pattern::new(pattern).is_err());
        }
        assert_eq!(Pattern::new(r"\w{9999}").err().unwrap(), "the pattern is too large");
        assert!(Pattern::new(r"\w{1,64}$").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_a_pattern_or_an_error(pattern in r"[ab(?:)|*+{}\[\]0-9,^$.\\dwsSWZbPi<>=!#\-]{0,20}", text in "[ab0 \n]{0,10}") {
            if let Ok(pattern) = Pattern::new(&pattern) {
                let _ = pattern.matches(&text);
            }
        }

        #[test]
        fn any_unicode_is_a_pattern_or_an_error(pattern in "\\PC{0,20}") {
            let _ = Pattern::new(&pattern);
        }
    }
}
