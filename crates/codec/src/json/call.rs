//! Calls in JSON: `{"object": ..., "method": ..., "params": [...], "kwargs": {...}}`, in any order.

use std::borrow::Cow;

use salamander_value::{Error, Reader, Result, Token, skip_value};

use super::read::{JsonReader, Next};
use crate::CallHead;

/// Which part of a call comes when the present one is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// It is no call.
    None,
    /// The keyword arguments, behind a comma.
    Keywords,
    /// The keyword arguments, which stand at this place.
    KeywordsAt(usize),
    /// Only parts that mean nothing.
    Others,
    /// Nothing, and all has been checked.
    Nothing,
}

const PARTS: [&str; 4] = ["object", "method", "params", "kwargs"];

impl<'de> JsonReader<'de> {
    /// Reads on to the positional arguments.
    ///
    /// In the order in which Python writes the parts, each is read once; then a name that comes twice is refused, where
    /// Python takes the last. In any other order they are looked for first, and the last counts.
    pub(crate) fn open_call(&mut self) -> Result<CallHead<'de>> {
        match self.next()? {
            Token::Dict(_) => {}
            other => {
                let message = format!("a call should be a dict, not {}", other.type_name());
                return Err(Error::malformed(message).at(0));
            }
        }
        let start = self.at;
        match self.ordered_head()? {
            Some(head) => {
                self.begin_part(self.at, Call::Keywords);
                Ok(head)
            }
            None => self.unordered_head(start),
        }
    }

    fn ordered_head(&mut self) -> Result<Option<CallHead<'de>>> {
        if !self.is_key(PARTS[0])? {
            return Ok(None);
        }
        let object = self.text_part("object")?;
        if !self.is_key(PARTS[1])? {
            return Ok(None);
        }
        let method = self.text_part("method")?;
        Ok(self.is_key(PARTS[2])?.then_some(CallHead { object, method }))
    }

    /// Whether the next key is this one.
    fn is_key(&mut self, name: &str) -> Result<bool> {
        Ok(matches!(self.next()?, Token::Str(key) if key == name))
    }

    fn text_part(&mut self, name: &str) -> Result<Cow<'de, str>> {
        match self.next()? {
            Token::Str(text) => Ok(text),
            other => {
                let message = format!("a call's {name} should be a string, not {}", other.type_name());
                Err(Error::malformed(message).at(self.at))
            }
        }
    }

    /// Reads all of the call to find its parts, then goes back to them.
    fn unordered_head(&mut self, start: usize) -> Result<CallHead<'de>> {
        let mut probe = JsonReader::new(self.bytes, self.settings);
        probe.next()?;
        probe.at = start;
        let mut places = [None; 4];
        loop {
            let key = match probe.next()? {
                Token::End => break,
                key => key,
            };
            let place = probe.at;
            if let Token::Str(key) = key
                && let Some(part) = PARTS.iter().position(|part| *part == key)
            {
                places[part] = Some(place);
            }
            let value = probe.next()?;
            skip_value(&mut probe, &value)?;
        }
        probe.finish()?;
        let place = |part: usize| places[part].ok_or_else(|| missing(PARTS[part]));
        let [object, method, positional, keywords] = [place(0)?, place(1)?, place(2)?, place(3)?];
        (self.at, self.next) = (object, Next::Value);
        let object = self.text_part("object")?;
        (self.at, self.next) = (method, Next::Value);
        let method = self.text_part("method")?;
        self.begin_part(positional, Call::KeywordsAt(keywords));
        Ok(CallHead { object, method })
    }

    /// Goes on to a part as if it stood alone.
    fn begin_part(&mut self, place: usize, call: Call) {
        self.leave();
        self.at = place;
        self.next = Next::Value;
        self.call = call;
    }

    /// Where a part of a call has ended: goes to the next, and gives its first byte.
    pub(super) fn next_part(&mut self) -> Result<u8> {
        match self.call {
            Call::Keywords => loop {
                match self.other_key()? {
                    Some(Token::Str(key)) if key == PARTS[3] => {
                        self.call = Call::Others;
                        break;
                    }
                    Some(_) => self.skip_part()?,
                    None => return Err(missing(PARTS[3]).at(self.at)),
                }
            },
            Call::KeywordsAt(place) => {
                self.at = place;
                self.call = Call::Nothing;
            }
            Call::None | Call::Others | Call::Nothing => return Err(self.error("Extra data")),
        }
        Ok(self.peek())
    }

    /// Goes to the end of a call, if this is one.
    pub(super) fn finish_call(&mut self) -> Result<()> {
        match self.call {
            Call::None => {}
            Call::Nothing => self.at = self.text.len(),
            Call::Others => {
                while self.other_key()?.is_some() {
                    self.skip_part()?;
                }
            }
            Call::Keywords | Call::KeywordsAt(_) => {
                return Err(Error::malformed("the keyword arguments were not read").at(self.at));
            }
        }
        Ok(())
    }

    /// A further key of the call, unless it ends here.
    fn other_key(&mut self) -> Result<Option<Token<'de>>> {
        match self.peek() {
            b',' => self.at += 1,
            b'}' => {
                self.at += 1;
                return Ok(None);
            }
            _ => return Err(self.error("Expecting ',' delimiter")),
        }
        let b = self.peek();
        let place = self.at;
        let key = self.key(b)?;
        match &key {
            Token::Str(name) if PARTS.contains(&&**name) && (*name != PARTS[3] || self.call == Call::Others) => {
                Err(Error::malformed(format!("the call has \"{name}\" twice")).at(place))
            }
            _ => Ok(Some(key)),
        }
    }

    fn skip_part(&mut self) -> Result<()> {
        let value = self.next()?;
        skip_value(self, &value)
    }
}

#[cold]
fn missing(part: &str) -> Error {
    Error::malformed(format!("the call has no \"{part}\"")).as_class("builtins.KeyError")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use salamander_value::read_value;

    use crate::{Codec, Settings};

    fn call(text: &str) -> Result<String, String> {
        let (bytes, settings) = (Bytes::from(text.to_owned()), Settings::default());
        let read = || {
            let (head, mut reader) = Codec::Json.call_reader(&bytes, &settings)?;
            let (positional, keywords) = (read_value(&mut reader)?, read_value(&mut reader)?);
            reader.finish()?;
            Ok(format!("{} {} {positional} {keywords}", head.object, head.method))
        };
        read().map_err(|error: salamander_value::Error| format!("{}: {}", error.class(), error.message()))
    }

    #[test]
    fn the_parts_are_found_in_any_order() {
        for text in [
            r#"{"object": "o", "method": "m", "params": [1, [2]], "kwargs": {"x": {}}}"#,
            r#" { "object" :"o","method":"m" ,"params":[1,[2]] , "kwargs" : {"x":{}} } "#,
            r#"{"kwargs": {"x": {}}, "params": [1, [2]], "method": "m", "object": "o"}"#,
            r#"{"method": "m", "object": "o", "kwargs": {"x": {}}, "params": [1, [2]]}"#,
            r#"{"object": "o", "method": "m", "kwargs": {"x": {}}, "params": [1, [2]]}"#,
            r#"{"object": "o", "method": "m", "params": [1, [2]], "z": [{}], "kwargs": {"x": {}}, "y": 1}"#,
            r#"{"z": 1, "object": "o", "method": "m", "params": [1, [2]], "kwargs": {"x": {}}}"#,
            r#"{"object": "x", "object": "o", "method": "m", "params": [1, [2]], "kwargs": {"x": {}}}"#,
        ] {
            assert_eq!(call(text).as_deref(), Ok("o m [1, [2]] {'x': {}}"), "{text}");
        }
        let empty = r#"{"object": "o", "method": "m", "params": null, "kwargs": null}"#;
        assert_eq!(call(empty).as_deref(), Ok("o m None None"));
    }

    #[test]
    fn a_missing_part_is_named() {
        for (text, part) in [
            (r#"{"method": "m", "params": [], "kwargs": {}}"#, "object"),
            (r#"{"object": "o", "params": [], "kwargs": {}}"#, "method"),
            (r#"{"object": "o", "method": "m", "kwargs": {}}"#, "params"),
            (r#"{"object": "o", "method": "m", "params": []}"#, "kwargs"),
            (r#"{"object": "o", "method": "m", "params": [], "x": 1}"#, "kwargs"),
            ("{}", "object"),
        ] {
            assert_eq!(call(text), Err(format!("builtins.KeyError: the call has no \"{part}\"")), "{text}");
        }
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for (text, message) in [
            ("[]", "a call should be a dict, not list"),
            (r#"{"object": 1, "method": "m"}"#, "a call's object should be a string, not int"),
            (
                r#"{"object": "o", "method": "m", "params": [], "kwargs": {}, "kwargs": {}}"#,
                "the call has \"kwargs\" twice",
            ),
            (
                r#"{"object": "o", "method": "m", "params": [], "object": "x", "kwargs": {}}"#,
                "the call has \"object\" twice",
            ),
            (r#"{"object": "o", "method": "m", "params": [], "kwargs": {}} x"#, "Extra data"),
            (r#"{"kwargs": {}, "object": "o", "method": "m", "params": []} x"#, "Extra data"),
            (r#"{"object": "o", "method": "m", "params": [], "kwargs": {}"#, "Expecting ',' delimiter"),
            (r#"{"object": "o", "method": "m", "params": []] "#, "Expecting ',' delimiter"),
        ] {
            assert_eq!(call(text), Err(format!("builtins.ValueError: {message}")), "{text}");
        }
    }

    #[test]
    fn all_of_a_call_must_be_read() {
        let bytes = Bytes::from_static(br#"{"object": "o", "method": "m", "params": [], "kwargs": {}}"#);
        let settings = Settings::default();
        let (_, mut reader) = Codec::Json.call_reader(&bytes, &settings).unwrap();
        assert!(read_value(&mut reader).is_ok());
        assert!(reader.finish().is_err());
        let (_, mut reader) = Codec::Json.call_reader(&bytes, &settings).unwrap();
        assert!(read_value(&mut reader).is_ok() && read_value(&mut reader).is_ok());
        assert!(read_value(&mut reader).is_err());
    }
}
