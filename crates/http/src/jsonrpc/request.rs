//! Requests: from bytes to what is asked for, or to what is wrong with them.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use salamander_codec::{Codec, Settings};
use salamander_value::Value;

use super::response::Fault;
use super::scan::{Scan, Wrong};

/// What came in one message.
#[derive(Debug)]
pub(super) enum Message {
    /// One request, or what is wrong with it.
    Single(Asked),
    /// A batch of at least one.
    Batch(Vec<Asked>),
}

/// A request, or the answer to what is none.
pub(super) type Asked = Result<Request, Refused>;

/// A request or notification.
#[derive(Debug)]
pub(super) struct Request {
    /// As it came; none for a notification.
    pub(super) id: Option<Bytes>,
    pub(super) method: String,
    pub(super) params: Params,
}

/// The parameters, as they came.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Params {
    None,
    /// An array.
    Positional(Bytes),
    /// An object.
    Named(Bytes),
}

/// What is wrong with a request, to be told under its id, if that can be seen.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) id: Option<Bytes>,
    pub(super) fault: Fault,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { id: None, fault }
    }
}

impl From<Wrong> for Fault {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Syntax => Fault::parse_error(),
            Wrong::TooDeep => Fault::limit("the request nests too deep"),
        }
    }
}

/// Reads a message. Containers may nest as deep as `depth`, and a batch may have as many calls as `calls`.
///
/// # Errors
/// The answer to a message that is no JSON, or beyond the limits.
pub(super) fn read(bytes: &Bytes, depth: usize, calls: usize) -> Result<Message, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::parse_error())?;
    let mut scan = Scan::new(text, depth);
    let message = match scan.peek() {
        b'[' => batch(&mut scan, bytes, calls)?,
        _ => Message::Single(one(&mut scan, bytes)?),
    };
    match scan.is_done() {
        true => Ok(message),
        false => Err(Fault::parse_error()),
    }
}

fn batch(scan: &mut Scan<'_>, bytes: &Bytes, most: usize) -> Result<Message, Fault> {
    scan.enter(b'[')?;
    let mut asked = Vec::new();
    let mut too_many = false;
    if scan.peek() != b']' {
        loop {
            let one = one(scan, bytes)?;
            match asked.len() < most {
                true => asked.push(one),
                // What follows still has to be JSON.
                false => too_many = true,
            }
            if !scan.takes(b',') {
                break;
            }
        }
    }
    scan.leave(b']')?;
    if too_many {
        return Err(Fault::limit(format!("more than {most} calls in a batch")));
    }
    Ok(match asked.is_empty() {
        true => Message::Single(Err(Fault::invalid_request().into())),
        false => Message::Batch(asked),
    })
}

/// One request; the error is of the whole message.
fn one(scan: &mut Scan<'_>, bytes: &Bytes) -> Result<Asked, Fault> {
    if scan.peek() != b'{' {
        scan.value()?;
        return Ok(Err(Fault::invalid_request().into()));
    }
    scan.enter(b'{')?;
    let (mut version, mut method, mut params, mut id) = (None, None, None, None);
    if scan.peek() != b'}' {
        loop {
            let key = scan.text()?;
            scan.must_be(b':')?;
            let value = scan.value()?;
            // Of a name that is there twice, the last counts, as with most.
            match text_of(bytes, key).as_deref() {
                Some("jsonrpc") => version = Some(value),
                Some("method") => method = Some(value),
                Some("params") => params = Some(value),
                Some("id") => id = Some(value),
                _ => {}
            }
            if !scan.takes(b',') {
                break;
            }
        }
    }
    scan.leave(b'}')?;
    Ok(request(bytes, version, method, params, id))
}

fn request(
    bytes: &Bytes,
    version: Option<Range<usize>>,
    method: Option<Range<usize>>,
    params: Option<Range<usize>>,
    id: Option<Range<usize>>,
) -> Asked {
    let first = |range: &Range<usize>| bytes.get(range.start).copied().unwrap_or_default();
    let has_id = id.is_some();
    let id = id.filter(|id| matches!(first(id), b'"' | b'-' | b'0'..=b'9' | b'n')).map(|id| bytes.slice(id));
    let refused = |id| Err(Refused { id, fault: Fault::invalid_request() });
    if has_id && id.is_none() || version.and_then(|version| text_of(bytes, version)).as_deref() != Some("2.0") {
        return refused(id);
    }
    let Some(method) = method.and_then(|method| text_of(bytes, method)).map(Cow::into_owned) else {
        return refused(id);
    };
    let params = match params {
        None => Params::None,
        Some(params) => match first(&params) {
            b'[' => Params::Positional(bytes.slice(params)),
            b'{' => Params::Named(bytes.slice(params)),
            _ => return refused(id),
        },
    };
    Ok(Request { id, method, params })
}

/// The text that a string says, if it is one and Unicode.
fn text_of(bytes: &Bytes, range: Range<usize>) -> Option<Cow<'_, str>> {
    let quoted = std::str::from_utf8(bytes.get(range.clone())?).ok()?;
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    match Codec::Json.decode_value(&bytes.slice(range), &Settings::default()) {
        Ok(Value::Str(text)) => Some(Cow::Owned(text.into())),
        _ => None,
    }
}

impl Params {
    /// A call in the form in which objects read it, with these parameters.
    pub(super) fn encoded(&self) -> Bytes {
        let (positional, named): (&[u8], &[u8]) = match self {
            Self::None => (b"[]", b"{}"),
            Self::Positional(params) => (params, b"{}"),
            Self::Named(params) => (b"[]", params),
        };
        let parts: [&[u8]; 5] = [br#"{"object":"","method":"","params":"#, positional, br#","kwargs":"#, named, b"}"];
        Bytes::from(parts.concat())
    }

    /// The values, of which positional ones are without a name.
    pub(super) fn values(&self, settings: &Settings) -> Option<Value> {
        match self {
            Self::None => Some(Value::List(Vec::new())),
            Self::Positional(params) | Self::Named(params) => Codec::Json.decode_value(params, settings).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let asked = |asked: Asked| match asked {
            Ok(Request { id, method, params }) => {
                let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
                let params = match params {
                    Params::None => String::new(),
                    Params::Positional(params) | Params::Named(params) => text(params),
                };
                format!("{method}{params}#{}", id.map(text).unwrap_or_default())
            }
            Err(Refused { id, fault }) => format!("{} {id:?}", fault.code()),
        };
        match read(&Bytes::copy_from_slice(text.as_bytes()), 5, 2) {
            Ok(Message::Single(one)) => asked(one),
            Ok(Message::Batch(batch)) => batch.into_iter().map(asked).collect::<Vec<_>>().join(" | "),
            Err(fault) => fault.code().to_string(),
        }
    }

    #[test]
    fn requests_are_known_with_ids_as_they_came() {
        for (text, said) in [
            (r#"{"jsonrpc":"2.0","method":"m","id":1}"#, "m#1"),
            (r#" { "id" : "a\n" , "params" : [1, 2] , "method":"m" ,"jsonrpc":"2.0" } "#, r#"m[1, 2]#"a\n""#),
            (r#"{"jsonrpc":"2.0","method":"m","params":{"x":[]},"id":null}"#, r#"m{"x":[]}#null"#),
            (r#"{"jsonrpc":"2.0","method":"m"}"#, "m#"),
            (r#"{"jsonrpc":"2.0","meth\u006fd":"\u00e9","more":[{}],"id":1.50e300}"#, "é#1.50e300"),
            (r#"{"jsonrpc":"2.0","method":"a","method":"b","id":0}"#, "b#0"),
            (
                r#"{"jsonrpc":"2.0","method":"m","id":12345678901234567890123456789012345678901234567890}"#,
                "m#12345678901234567890123456789012345678901234567890",
            ),
            (r#"[{"jsonrpc":"2.0","method":"m","id":1},1]"#, "m#1 | -32600 None"),
        ] {
            assert_eq!(shown(text), said, "{text}");
        }
    }

    #[test]
    fn what_is_none_is_told_so() {
        for (text, said) in [
            ("", "-32700"),
            ("{", "-32700"),
            (r#"{"jsonrpc":"2.0","method":"m"} x"#, "-32700"),
            (r#"[{"jsonrpc":"2.0","method":"m"},"#, "-32700"),
            ("[]", "-32600 None"),
            ("1", "-32600 None"),
            ("{}", "-32600 None"),
            ("[1,2,3]", "-32001"),
            ("[1,2,3", "-32700"),
            ("[[[[[[]]]]]]", "-32001"),
            (r#"{"jsonrpc":2.0,"method":"m"}"#, "-32600 None"),
            (r#"{"jsonrpc":"1.0","method":"m","id":7}"#, "-32600 Some(b\"7\")"),
            (r#"{"jsonrpc":"2.0","method":"m","id":{}}"#, "-32600 None"),
            (r#"{"jsonrpc":"2.0","method":"m","id":true}"#, "-32600 None"),
            (r#"{"jsonrpc":"2.0","method":"\ud800","id":2}"#, "-32600 Some(b\"2\")"),
            (r#"{"jsonrpc":"2.0","method":"m","params":null,"id":2}"#, "-32600 Some(b\"2\")"),
        ] {
            assert_eq!(shown(text), said, "{text}");
        }
        assert!(matches!(read(&Bytes::from_static(b"{\"\xff\":1}"), 5, 2), Err(fault) if fault.code() == -32700));
    }
}
