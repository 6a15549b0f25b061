//! [`YamlReader`]: the graph as tokens.

use bytes::Bytes;
use salamander_value::{Dict, Error, Kind, Reader, Result, Token, Value};

use super::READ_DEPTH;
use super::graph::{Graph, Id, Node, build};
use crate::call::read_head;
use crate::{CallHead, Settings, literal};

/// Reads YAML.
#[doc(hidden)]
pub struct YamlReader<'de> {
    bytes: &'de Bytes,
    settings: &'de Settings,
    /// None before the first token.
    graph: Option<Graph<'de>>,
    /// Each with how many of its parts have been given.
    open: Vec<(Id, usize)>,
    /// How many values may still come.
    budget: usize,
}

/// So many bytes of text or data count as one more value.
const BYTES_PER_VALUE: usize = 16;

impl<'de> YamlReader<'de> {
    pub(crate) fn new(bytes: &'de Bytes, settings: &'de Settings) -> Self {
        let budget = settings.limits.values(bytes.len());
        Self { bytes, settings, graph: None, open: Vec::new(), budget }
    }

    pub(crate) fn open_call(&mut self) -> Result<CallHead<'de>> {
        match self.next()? {
            Token::List(Some(4)) => read_head(self),
            _ => Err(Error::malformed("a call should be a sequence of four")),
        }
    }

    fn start(&mut self) -> Result<Token<'de>> {
        let graph = match utf16(self.bytes) {
            Some(text) => build(printable(&text?)?, self.budget)?.into_owned(),
            None => build(printable(literal::utf8(self.bytes)?)?, self.budget)?,
        };
        let first = match graph.root {
            Some(root) => self.enter(&graph, root),
            None => Ok(Token::None),
        };
        self.graph = Some(graph);
        first
    }

    fn enter(&mut self, graph: &Graph<'de>, id: Id) -> Result<Token<'de>> {
        let node = graph.nodes.get(id).ok_or_else(Error::eof)?;
        let (token, size) = match node {
            Node::Scalar(token) => {
                let size = match token {
                    Token::Str(text) => text.len(),
                    Token::Bytes(data) => data.len(),
                    Token::BigInt(number) => (number.bits() / 8) as usize,
                    _ => 0,
                };
                (token.clone(), size)
            }
            Node::List(items) => (Token::List(Some(items.len())), 0),
            Node::Tuple(_) => (Token::Tuple(Some(2)), 0),
            Node::Dict(entries) => (Token::Dict(Some(entries.len())), 0),
            Node::Set(items) => (Token::Set(Some(items.len())), 0),
            Node::Merge | Node::Value => {
                return Err(
                    Error::malformed("could not determine a constructor for the tag").as_class("yaml.YAMLError")
                );
            }
        };
        self.budget = self
            .budget
            .checked_sub(1 + size / BYTES_PER_VALUE)
            .ok_or_else(|| Error::new(Kind::TooLarge, "a document expands to more than its size allows"))?;
        if token.opens() {
            let limit = self.settings.limits.depth.min(READ_DEPTH);
            if self.open.len() >= limit {
                return Err(Error::too_deep(limit));
            }
            self.open.push((id, 0));
        }
        Ok(token)
    }

    fn go_on(&mut self, graph: &Graph<'de>) -> Result<Token<'de>> {
        let Some((id, at)) = self.open.last_mut() else {
            return Err(Error::malformed("nothing follows the value"));
        };
        let part = match graph.nodes.get(*id) {
            Some(Node::List(items) | Node::Set(items)) => items.get(*at).copied(),
            Some(Node::Tuple(items)) => items.get(*at).copied(),
            Some(Node::Dict(entries)) => {
                entries.get(*at / 2).map(|(key, value)| if *at % 2 == 0 { *key } else { *value })
            }
            _ => None,
        };
        *at += 1;
        match part {
            Some(part) => self.enter(graph, part),
            None => {
                self.open.pop();
                Ok(Token::End)
            }
        }
    }
}

/// The text of a document in UTF-16, where a byte order mark says that it is; else PyYAML takes UTF-8 for granted.
fn utf16(bytes: &[u8]) -> Option<Result<String>> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (units, rest) = bytes.as_chunks::<2>();
    let wrong = |what: &str, at: usize| Err(Error::malformed(what).as_class("yaml.YAMLError").at(at));
    let mut text = String::with_capacity(units.len());
    for decoded in char::decode_utf16(units.iter().map(|pair| unit(*pair))) {
        match decoded {
            Ok(letter) => text.push(letter),
            Err(_) => return Some(wrong("illegal UTF-16 surrogate", text.len())),
        }
    }
    Some(if rest.is_empty() { Ok(text) } else { wrong("truncated data in UTF-16", text.len()) })
}

/// A document without its byte order mark, if all of it may stand in one.
fn printable(text: &str) -> Result<&str> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let printable = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{1_0000}'..='\u{10_FFFF}');
    match text.char_indices().find(|(_, c)| !printable(*c)) {
        None => Ok(text),
        Some((at, c)) => {
            let message =
                format!("unacceptable character #x{:04x}: special characters are not allowed", u32::from(c));
            Err(Error::malformed(message).as_class("yaml.YAMLError").at(at))
        }
    }
}

impl<'de> Reader<'de> for YamlReader<'de> {
    fn next(&mut self) -> Result<Token<'de>> {
        match self.graph.take() {
            None => self.start(),
            Some(graph) => {
                let token = self.go_on(&graph);
                self.graph = Some(graph);
                token
            }
        }
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        literal::share(self.bytes, bytes)
    }

    fn instance(&self, dict: Dict) -> Result<Value> {
        Ok(dict.into())
    }
}
