//! Tokens of a Pyro 4 peer, with the names of Pyro 5.

use bytes::Bytes;
use salamander_value::{Dict, Reader, Result, Token, Value, skip_value};

use super::{DICT, Frame, ONLY_IN_PYRO4, Place, name_in_pyro5, note_class, note_key, place};
use crate::codec::Decoder;

/// Gives the tokens of a Pyro 4 peer the names of Pyro 5.
#[doc(hidden)]
pub struct Translated<'de> {
    inner: Box<Decoder<'de>>,
    open: Vec<Frame>,
}

impl<'de> Translated<'de> {
    pub(crate) fn new(inner: Decoder<'de>) -> Self {
        Self { inner: Box::new(inner), open: Vec::new() }
    }

    pub(crate) fn finish(&mut self) -> Result<()> {
        self.inner.finish()
    }
}

impl<'de> Reader<'de> for Translated<'de> {
    fn next(&mut self) -> Result<Token<'de>> {
        let mut token = self.inner.next()?;
        loop {
            if matches!(token, Token::End) {
                self.open.pop();
                return Ok(token);
            }
            match place(&mut self.open) {
                Place::OfState(at) if ONLY_IN_PYRO4.contains(&at) => {
                    skip_value(&mut *self.inner, &token)?;
                    token = self.inner.next()?;
                    continue;
                }
                Place::Key => {
                    let text = if let Token::Str(text) = &token { Some(&**text) } else { None };
                    note_key(&mut self.open, text);
                }
                Place::Class => {
                    if let Token::Str(class) = &token
                        && let Some(name) = name_in_pyro5(class)
                    {
                        note_class(&mut self.open, &name);
                        token = Token::Str(name);
                    }
                }
                Place::ProxyState if matches!(token, Token::Tuple(_) | Token::List(_)) => {
                    self.open.push(Frame::State(0));
                    return Ok(Token::Tuple(None));
                }
                _ => {}
            }
            match token {
                Token::Dict(_) => self.open.push(DICT),
                _ if token.opens() => self.open.push(Frame::Other),
                _ => {}
            }
            return Ok(token);
        }
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        self.inner.share(bytes)
    }

    fn instance(&self, dict: Dict) -> Result<Value> {
        self.inner.instance(dict)
    }
}
