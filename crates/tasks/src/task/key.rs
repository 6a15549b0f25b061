//! [`KeyTemplate`]: a key out of a task's arguments.

use std::fmt::Write;

use salamander_codec::Args;
use salamander_object::{Param, ParamKind};
use salamander_value::{Str, Value};

/// The most bytes that a key may have.
pub(crate) const MOST: usize = 500;

/// A text with arguments in it: `user-{user_id}`, `{0}`, `{order.id}` for what is inside of a dict. `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyTemplate(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    /// A parameter, and the way further down.
    Argument(String, Vec<String>),
}

impl KeyTemplate {
    /// Reads one; what is wrong with it is said in words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("the key {text:?} has a brace too many; a brace itself is written twice");
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            plain += &rest[..at];
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(further) = rest.strip_prefix(brace) {
                plain += brace;
                rest = further;
                continue;
            }
            let (name, further) = rest.split_once('}').filter(|_| brace == "{").ok_or_else(wrong)?;
            let mut way = name.split('.').map(str::to_owned);
            let first = way.next().filter(|first| !first.is_empty() && !name.contains('{')).ok_or_else(wrong)?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Argument(first, way.collect()));
            rest = further;
        }
        plain += rest;
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Whether the arguments are among these parameters; what is wrong is said in words.
    pub(crate) fn check(&self, params: &[Param]) -> Result<(), String> {
        for part in &self.0 {
            if let Part::Argument(name, _) = part
                && place(params, name).is_none()
                && !params.iter().any(|param| *param.name == **name && param.kind != ParamKind::Args)
                && !params.iter().any(|param| param.kind == ParamKind::Kwargs)
            {
                return Err(format!("a key names {{{name}}}, and there is no parameter of that name"));
            }
        }
        Ok(())
    }

    /// The key for these arguments. Text stands as it is, other values as Python shows them; what was left out is nothing.
    pub(crate) fn fill(&self, params: &[Param], arguments: &Args) -> Result<Str, String> {
        let mut key = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => key += text,
                Part::Argument(name, way) => {
                    let positional = place(params, name).and_then(|place| arguments.positional.get(place));
                    let value = positional.or_else(|| arguments.keywords.get(name));
                    match way.iter().try_fold(value, |value, name| Some(value?.get(name))).flatten() {
                        None => {}
                        Some(Value::Str(text)) => key += text,
                        Some(value) => _ = write!(key, "{value}"),
                    }
                }
            }
            if key.len() > MOST {
                return Err(format!("a key has {MOST} bytes at most, and this one has more: {:.60}...", key));
            }
        }
        Ok(key.into())
    }
}

/// The place of a parameter, by its name or its number.
fn place(params: &[Param], name: &str) -> Option<usize> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let mut by_position =
        params.iter().filter(|param| matches!(param.kind, ParamKind::Required | ParamKind::Optional));
    by_position.position(|param| param.name == name)
}

#[cfg(test)]
mod tests {
    use salamander_value::Dict;

    use super::*;

    fn filled(template: &str, positional: Vec<Value>, keywords: Dict) -> Result<String, String> {
        let key = KeyTemplate::parse(template)?.fill(&[], &Args { positional, keywords })?;
        Ok(key.to_string())
    }

    #[test]
    fn keys_are_filled_with_arguments() {
        let order = Dict::from_iter([("id", Value::from(7)), ("who", "me".into())]);
        let keywords = || Dict::from_iter([("order", Value::from(order.clone()))]);
        assert_eq!(filled("user-{0}-{{x}}", vec!["ada".into()], Dict::new()).unwrap(), "user-ada-{x}");
        assert_eq!(filled("{order.id}/{order.who}/{order.no}/{1}", vec![1.into()], keywords()).unwrap(), "7/me//");
        assert_eq!(filled("", vec![], Dict::new()).unwrap(), "");
        assert!(filled("{0}", vec!["x".repeat(501).into()], Dict::new()).unwrap_err().contains("500 bytes"));
        for wrong in ["{", "}", "{}", "{a", "a}b", "{.x}", "{a{b}"] {
            assert!(KeyTemplate::parse(wrong).is_err(), "{wrong}");
        }
    }
}
