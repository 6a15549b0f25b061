//! [`Rest`]: the rest of a chain as it came.

use bytes::Bytes;
use memchr::memchr2;
use salamander_codec::Settings;
use salamander_value::Value;

use super::Serializer;
use crate::WireError;

/// What comes before the last signature in the list of a chain that travels in JSON: all tasks but the next one. It is handed on with the next
/// task as it came, without being read: it is in every message of its chain.
///
/// What is known of it is that it is a list's part in UTF-8, with brackets and quotes in pairs. What is wrong with one of its signatures is seen
/// when its turn comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest(Bytes);

/// Bodies of fewer bytes are read as a whole.
const LEAST: usize = 4096;

/// How a body ends whose chain is the last thing in it that is any.
const BEHIND: &[u8] = br#"], "chord": null}]"#;
/// The same where the chain is empty.
const EMPTY: &[u8] = br#""chain": [], "chord": null}]"#;

impl Rest {
    /// Takes the rest of the chain out of a large body, if it is as Python and we write it. The other is the body without it.
    pub(super) fn detach(body: &Bytes) -> Option<(Self, Bytes)> {
        if body.len() < LEAST || !body.ends_with(BEHIND) {
            return None;
        }
        let start = chain(body)?;
        let end = body.len() - BEHIND.len();
        let last = last(&body[start..end])?;
        let rest = body.slice(start..start + last);
        str::from_utf8(&rest).ok()?;
        let mut short = Vec::with_capacity(body.len() - rest.len());
        short.extend_from_slice(&body[..start]);
        short.extend_from_slice(&body[start + last + 1..]);
        Some((Self(rest), short.into()))
    }

    /// Puts it into a body whose chain is empty, as [`Rest::detach`] leaves it when its last task is taken out. None where it has no place
    /// there.
    pub(super) fn attach(&self, body: &[u8]) -> Option<Bytes> {
        let head = body.strip_suffix(EMPTY)?;
        let bracket = EMPTY.len() - BEHIND.len();
        let mut whole = Vec::with_capacity(body.len() + self.0.len());
        whole.extend_from_slice(head);
        whole.extend_from_slice(&EMPTY[..bracket]);
        whole.extend_from_slice(&self.0);
        whole.extend_from_slice(BEHIND);
        Some(whole.into())
    }

    /// Its signatures.
    ///
    /// # Errors
    /// What is no JSON.
    pub fn decode(&self, settings: &Settings) -> Result<Vec<Value>, WireError> {
        let list = [&b"["[..], &self.0, b"]"].concat();
        match Serializer::Json.decode(&list.into(), settings)? {
            Value::List(items) => Ok(items),
            other => Err(WireError::undecodable(&format!("a chain that is {}", other.type_name()))),
        }
    }
}

/// Where the first signature of the chain stands in `[args, kwargs, embed]`.
fn chain(body: &[u8]) -> Option<usize> {
    const KEY: &[u8] = br#""chain": ["#;
    let (mut at, mut depth, mut part) = (0, 0_usize, 0);
    loop {
        match body.get(at)? {
            b'"' if depth == 2 && part == 2 && body[at..].starts_with(KEY) => return Some(at + KEY.len()),
            b'"' => at = behind_string(body, at)?,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.checked_sub(1)?,
            b',' if depth == 1 => part += 1,
            _ => {}
        }
        at += 1;
    }
}

/// Where the comma is before the last of these items, if nothing but items of a list is there.
fn last(items: &[u8]) -> Option<usize> {
    let (mut at, mut depth, mut comma) = (0, 0_usize, None);
    while let Some(byte) = items.get(at) {
        match byte {
            b'"' => at = behind_string(items, at)?,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => comma = Some(at),
            _ => {}
        }
        at += 1;
    }
    comma.filter(|_| depth == 0)
}

/// The place of the quote that ends the string whose first quote is here.
fn behind_string(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        match text[at] {
            b'"' => return Some(at),
            _ => at += 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Embed, TaskBody, settings};
    use super::*;

    fn signature(number: i64) -> Value {
        let task = format!("t{number} \"], \\ {{é\u{1F98E}");
        salamander_value::Dict::from_iter([("task", Value::from(task)), ("args", Value::List(vec![number.into()]))])
            .into()
    }

    fn body(embed: &Embed) -> TaskBody {
        let keywords =
            salamander_value::Dict::from_iter([("chain", Value::List(vec![1.into()])), ("x", "], [\"".into())]);
        let arguments = salamander_codec::Args { positional: vec!["a, b".into()], keywords };
        TaskBody::encode(Serializer::Json, &arguments, embed, &settings()).unwrap()
    }

    #[test]
    fn a_chain_is_handed_on_as_it_came() {
        let chain: Vec<Value> = (0..200).map(signature).collect();
        let mut body_now = body(&Embed { chain: Value::List(chain.clone()), ..Embed::default() });
        for left in (0..200).rev() {
            let embed = body_now.checked_embed(&settings()).unwrap();
            assert_eq!(embed.rest.is_some(), body_now.bytes.len() >= LEAST && left > 0, "{left}");
            let whole = embed.whole_chain(&settings()).unwrap();
            assert_eq!(&whole[..], &chain[..=left]);
            let all = embed.chain.as_slice().unwrap();
            assert_eq!(all.last(), Some(&signature(left as i64)));
            let next = Embed { chain: Value::List(all[..all.len() - 1].to_vec()), ..embed.clone() };
            let plain = body(&Embed { chain: Value::List(chain[..left].to_vec()), ..Embed::default() });
            body_now = body(&next);
            assert_eq!(body_now.bytes, plain.bytes);
        }
    }

    #[test]
    fn with_something_else_beside_it_it_is_written_anew() {
        let chain: Vec<Value> = (0..200).map(signature).collect();
        let came = body(&Embed { chain: Value::List(chain.clone()), ..Embed::default() });
        let Embed { rest, .. } = came.checked_embed(&settings()).unwrap();
        assert!(rest.is_some());
        for (embed, expected) in [
            (Embed { rest: rest.clone(), chord: signature(1), ..Embed::default() }, 199),
            (Embed { rest: rest.clone(), chain: Value::List(vec![signature(1)]), ..Embed::default() }, 200),
        ] {
            let embed = body(&embed).embed(&settings()).unwrap();
            assert_eq!(embed.chain.as_slice().map(<[Value]>::len), Some(expected));
        }
    }

    #[test]
    fn what_is_not_as_it_is_written_is_read_as_a_whole() {
        let items = |count: i64| {
            let items: Vec<String> = (0..count).map(|n| format!(r#"{{"task": "t", "args": [{n}]}}"#)).collect();
            items.join(", ")
        };
        let detached = |text: String| Rest::detach(&Bytes::from(text)).is_some();
        let [many, few] = [items(500), items(5)];
        assert!(detached(format!(r#"[[], {{}}, {{"chain": [{many}], "chord": null}}]"#)));
        assert!(!detached(format!(r#"[[], {{}}, {{"chain": [{few}], "chord": null}}]"#)));
        assert!(!detached(format!(r#"[[], {{}}, {{"chain": [{few}], "x": [{many}], "chord": null}}]"#)));
        assert!(!detached(format!(r#"[[], {{"chain": [{many}]}}, {{"x": [{few}], "chord": null}}]"#)));
        assert!(!detached(format!(r#"[[], {{}}, {{"chain": [{many}]]], "chord": null}}]"#)));
        assert!(!detached(format!(r#"[[], {{}}, {{"chain": [{many}"], "chord": null}}]"#)));
        assert!(!detached(format!(r#"[[], {{}}, {{"chain": ["{many}], "chord": null}}]"#)));
        let mut bytes = format!(r#"[[], {{}}, {{"chain": [{many}], "chord": null}}]"#).into_bytes();
        bytes[100] = 0xFF;
        assert!(Rest::detach(&bytes.into()).is_none());
    }
}
