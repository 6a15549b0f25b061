//! Pickle into tokens: a walk over the graph.

use std::borrow::Cow;

use bytes::Bytes;
use salamander_value::{Dict, Error, Kind, Reader, Result, Token, Value};

use super::classes::Class;
use super::machine::{self, Graph, Id, Node, refused, refused_class};
use crate::binary::Input;
use crate::call::read_head;
use crate::generation::{PROXY, WRAPPER};
use crate::{CallHead, Codec, Settings};

/// Reads pickle.
#[doc(hidden)]
pub struct PickleReader<'de> {
    bytes: &'de Bytes,
    settings: &'de Settings,
    /// None before the first token.
    graph: Option<Graph<'de>>,
    open: Vec<Frame<'de>>,
    /// Which parts are open, so that none is inside of itself.
    on_path: Vec<bool>,
    /// How many values may still come.
    budget: usize,
    /// The dict that ended last stands for an instance.
    instance: bool,
}

/// An open container.
enum Frame<'de> {
    /// The contents of the part `of`, from the one at `at` on.
    Items { owner: Id, of: Id, at: usize },
    /// What remains, last first.
    Steps { owner: Id, left: Vec<Step<'de>> },
}

enum Step<'de> {
    Token(Token<'de>),
    Part(Id),
    /// The contents of a set as a tuple.
    Tuple(Id),
}

/// So many bytes of text or data count as one more value.
const BYTES_PER_VALUE: usize = 16;

impl<'de> PickleReader<'de> {
    pub(crate) fn new(bytes: &'de Bytes, settings: &'de Settings) -> Self {
        Self {
            bytes,
            settings,
            graph: None,
            open: Vec::new(),
            on_path: Vec::new(),
            budget: settings.limits.values(bytes.len()),
            instance: false,
        }
    }

    pub(crate) fn open_call(&mut self) -> Result<CallHead<'de>> {
        match self.next()? {
            Token::Tuple(Some(4)) | Token::List(Some(4)) => read_head(self),
            _ => Err(Error::malformed("a call should be a tuple of four")),
        }
    }

    /// The token of a part, which it opens where it is a container.
    fn enter(&mut self, graph: &Graph<'de>, id: Id) -> Result<Token<'de>> {
        let node = graph.get(id).ok_or_else(Error::eof)?;
        let token = match node {
            Node::Scalar(token) => token.clone(),
            Node::List(items) => self.items(id, id, Token::List(Some(items.len())))?,
            Node::Tuple(items) => self.items(id, id, Token::Tuple(Some(items.len())))?,
            Node::Set(items) => self.items(id, id, Token::Set(Some(items.len())))?,
            Node::FrozenSet(items) => self.items(id, id, Token::FrozenSet(Some(items.len())))?,
            Node::Dict(items) => self.items(id, id, Token::Dict(Some(items.len() / 2)))?,
            Node::Class(class) => {
                let (module, name) = class.name();
                return Err(refused(&format!("the class {module}.{name} itself")));
            }
            Node::Called(class @ (Class::Set | Class::FrozenSet), ..) => {
                let (of, items) = graph.members(id).ok_or_else(|| refused_class(class))?;
                let len = Some(items.len());
                let frozen = matches!(class, Class::FrozenSet);
                self.items(id, of, if frozen { Token::FrozenSet(len) } else { Token::Set(len) })?
            }
            Node::Called(Class::Exception(module, name), args, attributes) => {
                let class = format!("{}.{name}", module.own_name());
                self.exception(graph, id, class, *args, *attributes)?
            }
            Node::Called(Class::Range, args, _) => self.range(graph, id, *args)?,
            Node::Called(Class::Uri, args, _) => self.uri_of_text(graph, id, *args)?,
            Node::Called(class, args, _) => graph.scalar(*class, *args)?,
            Node::Instance(Class::Uuid, state) => Token::Uuid(graph.uuid(*state)?),
            Node::Instance(class, state) => self.own_class(graph, id, *class, *state)?,
        };
        self.spend(&token)?;
        Ok(token)
    }

    fn items(&mut self, owner: Id, of: Id, token: Token<'de>) -> Result<Token<'de>> {
        self.begin(owner)?;
        self.open.push(Frame::Items { owner, of, at: 0 });
        Ok(token)
    }

    /// Opens a dict that stands for an instance: its class, and what else there is to say of it.
    fn object(
        &mut self,
        owner: Id,
        class: Cow<'de, str>,
        fields: Vec<(&'static str, Vec<Step<'de>>)>,
    ) -> Result<Token<'de>> {
        self.begin(owner)?;
        let len = fields.len() + 1;
        // What is written around the parts of an instance counts too.
        self.take(4 * len, class.len())?;
        let mut left = vec![Step::Token(Token::End)];
        for (name, steps) in fields.into_iter().rev() {
            left.extend(steps.into_iter().rev());
            left.push(Step::Token(Token::Str(name.into())));
        }
        left.push(Step::Token(Token::Str(class)));
        left.push(Step::Token(Token::Str("__class__".into())));
        self.open.push(Frame::Steps { owner, left });
        Ok(Token::Dict(Some(len)))
    }

    fn begin(&mut self, owner: Id) -> Result<()> {
        let max_depth = self.settings.limits.depth;
        if self.open.len() >= max_depth {
            return Err(Error::too_deep(max_depth));
        }
        match self.on_path.get_mut(owner as usize) {
            Some(open) if !*open => *open = true,
            _ => {
                return Err(Error::new(Kind::Unsupported, "a pickle holds a container that contains itself")
                    .as_class("builtins.ValueError"));
            }
        }
        Ok(())
    }

    fn exception(
        &mut self,
        graph: &Graph<'de>,
        id: Id,
        class: String,
        args: Id,
        attributes: Option<Id>,
    ) -> Result<Token<'de>> {
        let attributes = match attributes.map(|state| (state, graph.get(state))) {
            None | Some((_, Some(Node::Scalar(Token::None)))) => {
                vec![Step::Token(Token::Dict(Some(0))), Step::Token(Token::End)]
            }
            Some((state, Some(Node::Dict(_)))) => vec![Step::Part(state)],
            Some(_) => return Err(refused("a state of an exception that is no dict")),
        };
        let fields = vec![
            ("__exception__", vec![Step::Token(Token::Bool(true))]),
            ("args", vec![Step::Part(args)]),
            ("attributes", attributes),
        ];
        self.object(id, class.into(), fields)
    }

    fn range(&mut self, graph: &Graph<'de>, id: Id, args: Id) -> Result<Token<'de>> {
        let &[start, stop, step] = graph.tuple(args).unwrap_or_default() else {
            return Err(refused_class(&Class::Range));
        };
        let part = |id| vec![Step::Part(id)];
        self.object(
            id,
            "builtins.range".into(),
            vec![("start", part(start)), ("stop", part(stop)), ("step", part(step))],
        )
    }

    /// A URI that is made of its text, as ours are inside of proxies.
    fn uri_of_text(&mut self, graph: &Graph<'de>, id: Id, args: Id) -> Result<Token<'de>> {
        match graph.tuple(args) {
            Some(&[text]) if graph.text(text).is_some() => self.enter(graph, text),
            _ => {
                let _ = id;
                Err(refused_class(&Class::Uri))
            }
        }
    }

    /// An instance of one of Pyro's classes.
    fn own_class(&mut self, graph: &Graph<'de>, id: Id, class: Class<'de>, state: Option<Id>) -> Result<Token<'de>> {
        let bad = || refused_class(&class);
        match (class, state) {
            (Class::Uri, Some(state)) => {
                graph.tuple(state).ok_or_else(bad)?;
                self.object(id, "Pyro5.core.URI".into(), vec![("state", vec![Step::Part(state)])])
            }
            (Class::Proxy, Some(state)) => {
                let state = graph.tuple(state).filter(|state| state.len() >= 8).ok_or_else(bad)?;
                let uri = graph.uri(state[0]).ok_or_else(bad)?;
                let mut steps = vec![Step::Token(Token::Tuple(Some(6))), Step::Token(Token::Str(uri.into()))];
                steps.extend(state[1..4].iter().map(|&names| Step::Tuple(names)));
                steps.push(Step::Part(state[6]));
                steps.push(state.get(8).map_or(Step::Token(Token::None), |&serializer| Step::Part(serializer)));
                steps.push(Step::Token(Token::End));
                self.object(id, PROXY.into(), vec![("state", steps)])
            }
            (Class::Daemon, _) => {
                let empty = vec![Step::Token(Token::Tuple(Some(0))), Step::Token(Token::End)];
                self.object(id, "Pyro5.server.Daemon".into(), vec![("state", empty)])
            }
            (Class::ExceptionWrapper, Some(state)) => {
                let Some(Node::Dict(entries)) = graph.get(state) else { return Err(bad()) };
                let exception = entries.chunks_exact(2).rfind(|entry| graph.text(entry[0]) == Some("exception"));
                let exception = exception.ok_or_else(bad)?[1];
                self.object(id, WRAPPER.into(), vec![("exception", vec![Step::Part(exception)])])
            }
            _ => Err(bad()),
        }
    }

    /// Counts what parts that are named more than once make the message larger by.
    fn spend(&mut self, token: &Token<'de>) -> Result<()> {
        let len = match token {
            Token::Str(text) => text.len(),
            Token::Surrogates(text) => text.code_points().len() * 4,
            Token::Bytes(bytes) | Token::ByteArray(bytes) => bytes.len(),
            Token::BigInt(number) => number.bits() as usize / 8,
            _ => 0,
        };
        self.take(1, len)
    }

    fn take(&mut self, values: usize, len: usize) -> Result<()> {
        match self.budget.checked_sub(values + len / BYTES_PER_VALUE) {
            Some(budget) => self.budget = budget,
            None => return Err(Error::new(Kind::TooLarge, "what a pickle names again and again makes it too large")),
        }
        Ok(())
    }

    fn advance(&mut self, graph: &Graph<'de>) -> Result<Token<'de>> {
        match self.open.last_mut() {
            None => Err(Error::malformed("nothing follows the value")),
            Some(Frame::Items { owner, of, at }) => {
                let (owner, of, at_now) = (*owner, *of, *at);
                *at += 1;
                let items = match graph.get(of) {
                    Some(
                        Node::List(items)
                        | Node::Tuple(items)
                        | Node::Set(items)
                        | Node::FrozenSet(items)
                        | Node::Dict(items),
                    ) => &items[..],
                    _ => &[],
                };
                match items.get(at_now) {
                    Some(&item) => self.enter(graph, item),
                    None => Ok(self.close(owner, false)),
                }
            }
            Some(Frame::Steps { owner, left }) => {
                let owner = *owner;
                match left.pop() {
                    Some(Step::Part(id)) => self.enter(graph, id),
                    Some(Step::Tuple(names)) => {
                        let (of, items) = graph.members(names).ok_or_else(|| refused_class(&Class::Proxy))?;
                        let token = Token::Tuple(Some(items.len()));
                        self.items(names, of, token)
                    }
                    Some(Step::Token(Token::End)) if left.is_empty() => Ok(self.close(owner, true)),
                    Some(Step::Token(token)) => Ok(token),
                    None => Ok(self.close(owner, true)),
                }
            }
        }
    }

    fn close(&mut self, owner: Id, instance: bool) -> Token<'de> {
        self.open.pop();
        if let Some(open) = self.on_path.get_mut(owner as usize) {
            *open = false;
        }
        self.instance = instance;
        Token::End
    }
}

impl<'de> Reader<'de> for PickleReader<'de> {
    fn next(&mut self) -> Result<Token<'de>> {
        let graph = match self.graph.take() {
            Some(graph) => graph,
            None => {
                let graph = machine::run(self.bytes, self.settings.without_pyro)?;
                self.on_path = vec![false; graph.len()];
                let token = self.enter(&graph, graph.root);
                self.graph = Some(graph);
                return token;
            }
        };
        let token = self.advance(&graph);
        self.graph = Some(graph);
        token
    }

    fn share(&self, bytes: &'de [u8]) -> Bytes {
        Input::new(self.bytes).share(bytes)
    }

    /// A dict is a dict here, whatever its keys: instances are something else.
    fn instance(&self, dict: Dict) -> Result<Value> {
        if self.instance { self.settings.classes.instance(Codec::Pickle, dict) } else { Ok(dict.into()) }
    }
}
