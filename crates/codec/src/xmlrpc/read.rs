//! [`XmlRpcReader`]: a document as tokens.

use std::borrow::Cow;
use std::vec::IntoIter;

use bytes::Bytes;
use salamander_value::{Dict, Error, Reader, Result, Token, Value};

use super::Document;
use super::document::response_error;
use super::message::FUNCTION;
use crate::{CallHead, Settings};

/// Reads XML-RPC. The whole document is read when the first token is asked for.
pub struct XmlRpcReader<'de> {
    unread: Option<(&'de Bytes, &'de Settings)>,
    tokens: IntoIter<Token<'de>>,
}

impl<'de> XmlRpcReader<'de> {
    pub(crate) fn new(bytes: &'de Bytes, settings: &'de Settings) -> Self {
        Self { unread: Some((bytes, settings)), tokens: Vec::new().into_iter() }
    }

    /// The values of a document, in a list.
    pub(super) fn of(document: Document<'de>) -> Self {
        Self { unread: None, tokens: document.tokens.into_iter() }
    }

    /// Opens a call: then come the list of its arguments and, as there are none by keyword, `None`.
    pub(crate) fn open_call(&mut self) -> Result<CallHead<'de>> {
        let Some((bytes, settings)) = self.unread.take() else {
            return Err(Error::malformed("a call inside of a call"));
        };
        let mut document = Document::read(bytes, settings)?;
        let Some(name) = document.method.take() else { return Err(response_error("")) };
        document.tokens.push(Token::None);
        self.tokens = document.tokens.into_iter();
        let (object, method) = split(name);
        Ok(CallHead { object, method })
    }

    /// Checks that nothing follows the value.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match self.tokens.next() {
            None | Some(Token::End) => Ok(()),
            Some(_) => Err(Error::malformed("more than one value")),
        }
    }
}

/// An object and a method: what is before and behind the last dot. Without one it is a function, whose method is `__call__`.
fn split(name: Cow<'_, str>) -> (Cow<'_, str>, Cow<'_, str>) {
    match name {
        Cow::Borrowed(name) => match name.rsplit_once('.') {
            Some((object, method)) => (Cow::Borrowed(object), Cow::Borrowed(method)),
            None => (Cow::Borrowed(name), Cow::Borrowed(FUNCTION)),
        },
        Cow::Owned(name) => match name.rsplit_once('.') {
            Some((object, method)) => (Cow::Owned(object.to_owned()), Cow::Owned(method.to_owned())),
            None => (Cow::Owned(name), Cow::Borrowed(FUNCTION)),
        },
    }
}

impl<'de> Reader<'de> for XmlRpcReader<'de> {
    fn next(&mut self) -> Result<Token<'de>> {
        if let Some((bytes, settings)) = self.unread.take() {
            let document = Document::read_any(bytes, settings)?;
            self.tokens = document.tokens.into_iter();
            // A value alone is not in a list.
            self.tokens.next();
            if document.len == 0 {
                return Err(Error::eof());
            }
        }
        self.tokens.next().ok_or_else(Error::eof)
    }

    /// Structs are dicts, whatever their keys are.
    fn instance(&self, dict: Dict) -> Result<Value> {
        Ok(Value::Dict(Box::new(dict)))
    }
}
