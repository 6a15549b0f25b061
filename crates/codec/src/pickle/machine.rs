//! The machine that a pickle is a program for, as far as it puts data together.

use std::collections::HashMap;
use std::str;

use bytes::Bytes;
use salamander_value::{Error, Kind, Result, Token};

use super::classes::Class;
use super::{PROTOCOL, op, text};
use crate::binary::Input;

/// A part of the graph.
pub(super) type Id = u32;

/// What a part is. Containers name their contents; one part may be named any number of times.
pub(super) enum Node<'de> {
    Scalar(Token<'de>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set(Vec<Id>),
    FrozenSet(Vec<Id>),
    /// Keys and values in turn.
    Dict(Vec<Id>),
    /// A class by itself.
    Class(Class<'de>),
    /// What calling the class with these arguments would give, and its state if that is given.
    Called(Class<'de>, Id, Option<Id>),
    /// An instance of the class, and its state once that is given.
    Instance(Class<'de>, Option<Id>),
}

/// All that a pickle names.
pub(super) struct Graph<'de> {
    nodes: Vec<Node<'de>>,
    pub(super) root: Id,
}

impl<'de> Graph<'de> {
    pub(super) fn get(&self, id: Id) -> Option<&Node<'de>> {
        self.nodes.get(id as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}

/// Runs a pickle.
///
/// Each instruction makes one part at the most, so that what is made is bounded by the bytes that there are.
pub(super) fn run<'de>(bytes: &'de Bytes, without_pyro: bool) -> Result<Graph<'de>> {
    let mut machine = Machine {
        without_pyro,
        input: Input::new(bytes),
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        let at = machine.input.position();
        let code = machine.byte()?;
        if code == op::STOP {
            let root = machine.pop()?;
            return Ok(Graph { nodes: machine.nodes, root });
        }
        machine.step(code).map_err(|error| error.at(at))?;
    }
}

pub(super) struct Machine<'de> {
    /// Pyro's classes are unknown.
    pub(super) without_pyro: bool,
    input: Input<'de>,
    pub(super) nodes: Vec<Node<'de>>,
    stack: Vec<Id>,
    /// How much of the stack lies below each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'de> Machine<'de> {
    fn step(&mut self, code: u8) -> Result<()> {
        match code {
            op::PROTO => self.protocol(),
            op::FRAME => self.frame(),
            op::MARK => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            op::POP if self.stack.len() == self.fence() => self.marks.pop().map(drop).ok_or_else(underflow),
            op::POP => self.pop().map(drop),
            op::POP_MARK => self.pop_mark().map(drop),
            op::DUP => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            op::NONE => self.push(Token::None),
            op::NEWTRUE => self.push(Token::Bool(true)),
            op::NEWFALSE => self.push(Token::Bool(false)),
            op::LIST
            | op::TUPLE
            | op::DICT
            | op::FROZENSET
            | op::EMPTY_LIST
            | op::EMPTY_TUPLE
            | op::EMPTY_DICT
            | op::EMPTY_SET
            | op::TUPLE1
            | op::TUPLE2
            | op::TUPLE3 => self.container(code),
            op::APPEND | op::APPENDS | op::SETITEM | op::SETITEMS | op::ADDITEMS => self.fill(code),
            op::GET | op::BINGET | op::LONG_BINGET | op::PUT | op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => {
                self.memo(code)
            }
            op::GLOBAL
            | op::STACK_GLOBAL
            | op::REDUCE
            | op::NEWOBJ
            | op::NEWOBJ_EX
            | op::INST
            | op::OBJ
            | op::BUILD => self.instance(code),
            op::PERSID | op::BINPERSID => Err(refused("a persistent id")),
            op::EXT1 | op::EXT2 | op::EXT4 => Err(refused("an entry of the registry of extensions")),
            op::NEXT_BUFFER | op::READONLY_BUFFER => Err(refused("a buffer out of band")),
            _ => {
                let scalar = self.scalar(code)?;
                self.push(scalar)
            }
        }
    }

    fn protocol(&mut self) -> Result<()> {
        match self.byte()? {
            0..=PROTOCOL => Ok(()),
            other => Err(Error::new(Kind::Unsupported, format!("unsupported pickle protocol: {other}"))
                .as_class("builtins.ValueError")),
        }
    }

    /// Frames help to read a pickle from a file; here all of it is there already.
    fn frame(&mut self) -> Result<()> {
        let len = u64::from_le_bytes(self.array()?);
        if len > self.input.left() as u64 {
            Err(Error::malformed("pickle exhausted before end of frame"))
        } else {
            Ok(())
        }
    }

    fn scalar(&mut self, code: u8) -> Result<Token<'de>> {
        Ok(match code {
            op::BININT1 => Token::Int(self.byte()?.into()),
            op::BININT2 => Token::Int(u16::from_le_bytes(self.array()?).into()),
            op::BININT => Token::Int(i32::from_le_bytes(self.array()?).into()),
            op::LONG1 => {
                let len = self.byte()?.into();
                text::long(self.take(len)?)
            }
            op::LONG4 => {
                let len = self.signed_len()?;
                text::long(self.take(len)?)
            }
            op::BINFLOAT => Token::Float(f64::from_be_bytes(self.array()?)),
            op::SHORT_BINUNICODE => {
                let len = self.byte()?.into();
                text::utf8(self.take(len)?)?
            }
            op::BINUNICODE => {
                let len = self.len()?;
                text::utf8(self.take(len)?)?
            }
            op::BINUNICODE8 => {
                let len = self.long_len()?;
                text::utf8(self.take(len)?)?
            }
            op::SHORT_BINBYTES => {
                let len = self.byte()?.into();
                Token::Bytes(self.take(len)?.into())
            }
            op::BINBYTES => {
                let len = self.len()?;
                Token::Bytes(self.take(len)?.into())
            }
            op::BINBYTES8 => {
                let len = self.long_len()?;
                Token::Bytes(self.take(len)?.into())
            }
            op::BYTEARRAY8 => {
                let len = self.long_len()?;
                Token::ByteArray(self.take(len)?.into())
            }
            op::SHORT_BINSTRING => {
                let len = self.byte()?.into();
                text::ascii(self.take(len)?.into())?
            }
            op::BINSTRING => {
                let len = self.signed_len()?;
                text::ascii(self.take(len)?.into())?
            }
            op::INT => match self.line()? {
                b"00" => Token::Bool(false),
                b"01" => Token::Bool(true),
                line => text::integer(line)?,
            },
            op::LONG => text::integer(self.line()?)?,
            op::FLOAT => Token::Float(text::float(self.line()?)?),
            op::STRING => text::quoted(self.line()?)?,
            op::UNICODE => text::raw_unicode_escape(self.line()?)?,
            _ => return Err(Error::malformed(format!("invalid load key, {code:#04x}, in a pickle"))),
        })
    }

    fn container(&mut self, code: u8) -> Result<()> {
        let node = match code {
            op::EMPTY_LIST => Node::List(Vec::new()),
            op::EMPTY_TUPLE => Node::Tuple(Vec::new()),
            op::EMPTY_DICT => Node::Dict(Vec::new()),
            op::EMPTY_SET => Node::Set(Vec::new()),
            op::TUPLE1 => Node::Tuple(self.pop_many(1)?),
            op::TUPLE2 => Node::Tuple(self.pop_many(2)?),
            op::TUPLE3 => Node::Tuple(self.pop_many(3)?),
            op::LIST => Node::List(self.pop_mark()?),
            op::TUPLE => Node::Tuple(self.pop_mark()?),
            op::FROZENSET => Node::FrozenSet(self.pop_mark()?),
            _ => Node::Dict(even(self.pop_mark()?)?),
        };
        self.add(node)
    }

    /// Puts what is on top of the stack into the container below it.
    fn fill(&mut self, code: u8) -> Result<()> {
        let more = match code {
            op::APPEND => vec![self.pop()?],
            op::SETITEM => self.pop_many(2)?,
            _ => self.pop_mark()?,
        };
        let into = self.top()?;
        match (code, self.nodes.get_mut(into as usize)) {
            (op::APPEND | op::APPENDS, Some(Node::List(items))) | (op::ADDITEMS, Some(Node::Set(items))) => {
                items.extend(more);
            }
            (op::SETITEM | op::SETITEMS, Some(Node::Dict(items))) => items.extend(even(more)?),
            _ => return Err(Error::malformed("a pickle puts items into what is no container of them")),
        }
        Ok(())
    }

    fn memo(&mut self, code: u8) -> Result<()> {
        let key = match code {
            op::GET | op::PUT => match text::integer(self.line()?)? {
                Token::Int(number) => u64::try_from(number).map_err(|_| Error::malformed("a negative memo key"))?,
                _ => return Err(Error::malformed("a memo key is out of range")),
            },
            op::BINGET | op::BINPUT => self.byte()?.into(),
            op::MEMOIZE => self.memo.len() as u64,
            _ => u32::from_le_bytes(self.array()?).into(),
        };
        if matches!(code, op::GET | op::BINGET | op::LONG_BINGET) {
            let found = self.memo.get(&key).copied();
            self.stack.push(found.ok_or_else(|| Error::malformed(format!("memo value not found at index {key}")))?);
        } else {
            let top = self.top()?;
            self.memo.insert(key, top);
        }
        Ok(())
    }

    fn push(&mut self, token: Token<'de>) -> Result<()> {
        self.add(Node::Scalar(token))
    }

    /// A part that is there already.
    pub(super) fn again(&mut self, id: Id) {
        self.stack.push(id);
    }

    pub(super) fn add(&mut self, node: Node<'de>) -> Result<()> {
        let id = Id::try_from(self.nodes.len()).map_err(|_| Error::new(Kind::TooLarge, "a pickle is too large"))?;
        self.nodes.push(node);
        self.stack.push(id);
        Ok(())
    }

    /// How much of the stack lies below the last mark.
    fn fence(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn top(&self) -> Result<Id> {
        match self.stack.last() {
            Some(id) if self.stack.len() > self.fence() => Ok(*id),
            _ => Err(underflow()),
        }
    }

    pub(super) fn pop(&mut self) -> Result<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>> {
        match self.stack.len().checked_sub(count) {
            Some(from) if from >= self.fence() => Ok(self.stack.split_off(from)),
            _ => Err(underflow()),
        }
    }

    /// All down to the last mark, which goes too.
    fn pop_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(|| Error::malformed("could not find MARK"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn byte(&mut self) -> Result<u8> {
        self.input.byte().ok_or_else(eof)
    }

    fn take(&mut self, len: usize) -> Result<&'de [u8]> {
        self.input.take(len).ok_or_else(eof)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.input.array().ok_or_else(eof)
    }

    fn len(&mut self) -> Result<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| eof())
    }

    fn signed_len(&mut self) -> Result<usize> {
        usize::try_from(i32::from_le_bytes(self.array()?)).map_err(|_| Error::malformed("a negative length"))
    }

    fn long_len(&mut self) -> Result<usize> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| eof())
    }

    /// What stands before the next line feed.
    pub(super) fn line(&mut self) -> Result<&'de [u8]> {
        let len = self.input.find(b'\n').ok_or_else(eof)?;
        let line = self.take(len)?;
        self.byte()?;
        Ok(line)
    }
}

fn even(items: Vec<Id>) -> Result<Vec<Id>> {
    if items.len().is_multiple_of(2) { Ok(items) } else { Err(Error::malformed("odd number of items for DICT")) }
}

/// What a pickle asks for and never gets.
#[cold]
pub(super) fn refused(what: &str) -> Error {
    Error::new(Kind::Security, format!("a pickle holds {what}, which is not accepted"))
}

#[cold]
pub(super) fn refused_class(class: &Class<'_>) -> Error {
    let (module, name) = class.name();
    refused(&format!("a use of {module}.{name} that is none of Python's"))
}

#[cold]
fn underflow() -> Error {
    Error::malformed("unpickling stack underflow")
}

#[cold]
fn eof() -> Error {
    Error::eof().as_class("builtins.EOFError")
}
