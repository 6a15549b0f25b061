//! From events to a graph: every node stands once, whatever leads to it.

use std::borrow::Cow;
use std::collections::HashMap;

use salamander_value::{Error, Kind as ErrorKind, Result, Token};
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::READ_DEPTH;
use super::scalar::{self, Kind};

/// A node's place in the graph.
pub(super) type Id = usize;

/// What a document is made of.
pub(super) enum Node<'de> {
    Scalar(Token<'de>),
    /// `<<`, which is nothing by itself.
    Merge,
    /// `=`, which is text as a key and nothing elsewhere.
    Value,
    List(Vec<Id>),
    Tuple([Id; 2]),
    Dict(Vec<(Id, Id)>),
    Set(Vec<Id>),
}

/// A document.
pub(super) struct Graph<'de> {
    pub(super) nodes: Vec<Node<'de>>,
    /// None of an empty stream.
    pub(super) root: Option<Id>,
}

impl Graph<'_> {
    /// The same, which does not need its text any more.
    pub(super) fn into_owned(self) -> Graph<'static> {
        let owned = |node| match node {
            Node::Scalar(token) => Node::Scalar(token.into_owned()),
            Node::Merge => Node::Merge,
            Node::Value => Node::Value,
            Node::List(items) => Node::List(items),
            Node::Tuple(items) => Node::Tuple(items),
            Node::Dict(entries) => Node::Dict(entries),
            Node::Set(items) => Node::Set(items),
        };
        Graph { nodes: self.nodes.into_iter().map(owned).collect(), root: self.root }
    }
}

/// An open container.
struct Open {
    anchor: usize,
    tag: Of,
    is_map: bool,
    parts: Vec<Id>,
}

/// What a tag says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Nothing,
    Scalar(Kind),
    Binary,
    Seq,
    Map,
    Set,
    /// `!!omap`, `!!pairs`
    Pairs,
}

struct Builder<'de> {
    nodes: Vec<Node<'de>>,
    anchors: HashMap<usize, Id>,
    open: Vec<Open>,
    root: Option<Id>,
    /// How many entries may come by merging.
    merged: usize,
}

/// The graph of a document.
///
/// # Errors
/// What is no YAML, more than one document, tags that PyYAML's safe loader does not know, and containers inside of themselves.
pub(super) fn build<'de>(text: &'de str, budget: usize) -> Result<Graph<'de>> {
    let mut parser: Parser<'de, StrInput<'de>> = Parser::new_from_str(text);
    let mut builder =
        Builder { nodes: Vec::new(), anchors: HashMap::new(), open: Vec::new(), root: None, merged: budget };
    let mut documents = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            // Of containers in the flow style the parser takes 255 levels.
            let kind =
                if error.info().contains("recursion limit") { ErrorKind::TooDeep } else { ErrorKind::Malformed };
            Error::new(kind, error.info()).as_class("yaml.YAMLError").at(error.marker().index())
        })?;
        let at = span.start.index();
        match event {
            Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err(wrong("expected a single document in the stream").at(at));
                }
            }
            event => builder.event(event).map_err(|error| error.at(at))?,
        }
    }
    Ok(Graph { nodes: builder.nodes, root: builder.root })
}

#[cold]
fn wrong(message: &str) -> Error {
    Error::malformed(message).as_class("yaml.YAMLError")
}

impl<'de> Builder<'de> {
    fn event(&mut self, event: Event<'de>) -> Result<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar_node(text, style, of_tag(tag.as_deref())?)?;
                self.add(node, anchor)
            }
            Event::SequenceStart(anchor, tag) => self.begin(anchor, of_tag(tag.as_deref())?, false),
            Event::MappingStart(anchor, tag) => self.begin(anchor, of_tag(tag.as_deref())?, true),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => match self.anchors.get(&anchor).copied() {
                Some(id) => {
                    self.put(id);
                    Ok(())
                }
                None if self.open.iter().any(|open| open.anchor == anchor) => {
                    let message = "a document holds a container that contains itself";
                    Err(Error::new(ErrorKind::Unsupported, message).as_class("builtins.ValueError"))
                }
                None => Err(wrong("found undefined alias")),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, anchor: usize, tag: Of, is_map: bool) -> Result<()> {
        if self.open.len() >= READ_DEPTH {
            return Err(Error::too_deep(READ_DEPTH));
        }
        let fits = match tag {
            Of::Nothing => true,
            Of::Map | Of::Set => is_map,
            Of::Seq | Of::Pairs => !is_map,
            Of::Scalar(_) | Of::Binary => false,
        };
        if !fits {
            return Err(wrong("a tag on a node of another kind"));
        }
        self.open.push(Open { anchor, tag, is_map, parts: Vec::new() });
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let Open { anchor, tag, is_map, parts } = self.open.pop().ok_or_else(|| wrong("nothing is open"))?;
        let node = match (is_map, tag) {
            (false, Of::Pairs) => self.pairs(&parts)?,
            (false, _) => Node::List(parts),
            (true, Of::Set) => Node::Set(self.entries(&parts)?.into_iter().map(|(key, _)| key).collect()),
            (true, _) => Node::Dict(self.entries(&parts)?),
        };
        self.add(node, anchor)
    }

    /// The entries of a dict, those that are merged into it first.
    fn entries(&mut self, parts: &[Id]) -> Result<Vec<(Id, Id)>> {
        let mut own = Vec::with_capacity(parts.len() / 2);
        let mut merged = Vec::new();
        for pair in parts.chunks(2) {
            let &[key, value] = pair else { return Err(wrong("a key without a value")) };
            match self.nodes.get(key) {
                Some(Node::Merge) => self.merge(value, &mut merged)?,
                Some(Node::Value) => own.push((self.text("="), value)),
                _ => own.push((key, value)),
            }
        }
        if merged.is_empty() {
            return Ok(own);
        }
        merged.append(&mut own);
        Ok(merged)
    }

    fn merge(&mut self, value: Id, merged: &mut Vec<(Id, Id)>) -> Result<()> {
        let refused = || wrong("expected a mapping or list of mappings for merging");
        let from = match self.nodes.get(value) {
            Some(Node::Dict(_)) => vec![value],
            Some(Node::List(items)) => items.iter().rev().copied().collect(),
            _ => return Err(refused()),
        };
        for id in from {
            let Some(Node::Dict(entries)) = self.nodes.get(id) else { return Err(refused()) };
            self.merged = self
                .merged
                .checked_sub(entries.len())
                .ok_or_else(|| Error::new(ErrorKind::TooLarge, "too many entries by merging"))?;
            merged.extend_from_slice(entries);
        }
        Ok(())
    }

    fn pairs(&mut self, parts: &[Id]) -> Result<Node<'de>> {
        let mut pairs = Vec::with_capacity(parts.len());
        for part in parts {
            let Some(Node::Dict(entries)) = self.nodes.get(*part) else {
                return Err(wrong("expected a mapping of length 1"));
            };
            let &[(key, value)] = &entries[..] else { return Err(wrong("expected a mapping of length 1")) };
            self.nodes.push(Node::Tuple([key, value]));
            pairs.push(self.nodes.len() - 1);
        }
        Ok(Node::List(pairs))
    }

    fn text(&mut self, text: &'static str) -> Id {
        self.nodes.push(Node::Scalar(Token::Str(text.into())));
        self.nodes.len() - 1
    }

    /// A new node, which is known by its anchor from now on.
    fn add(&mut self, node: Node<'de>, anchor: usize) -> Result<()> {
        self.nodes.push(node);
        let id = self.nodes.len() - 1;
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        self.put(id);
        Ok(())
    }

    fn put(&mut self, id: Id) {
        match self.open.last_mut() {
            Some(open) => open.parts.push(id),
            None => self.root = Some(id),
        }
    }
}

fn scalar_node<'de>(text: Cow<'de, str>, style: ScalarStyle, tag: Of) -> Result<Node<'de>> {
    let kind = match tag {
        Of::Nothing if style == ScalarStyle::Plain => scalar::kind(&text),
        Of::Nothing => Kind::Str,
        Of::Scalar(kind) => kind,
        Of::Binary => return scalar::binary(&text).map(Node::Scalar),
        Of::Seq | Of::Map | Of::Set | Of::Pairs => return Err(wrong("a tag on a node of another kind")),
    };
    match kind {
        Kind::Merge => Ok(Node::Merge),
        Kind::Value => Ok(Node::Value),
        kind => scalar::value(kind, text).map(Node::Scalar),
    }
}

fn of_tag(tag: Option<&Tag>) -> Result<Of> {
    const OWN: &str = "tag:yaml.org,2002:";
    let Some(tag) = tag else { return Ok(Of::Nothing) };
    let full = format!("{}{}", tag.handle, tag.suffix);
    Ok(match full.strip_prefix(OWN) {
        Some("null") => Of::Scalar(Kind::Null),
        Some("bool") => Of::Scalar(Kind::Bool),
        Some("int") => Of::Scalar(Kind::Int),
        Some("float") => Of::Scalar(Kind::Float),
        Some("timestamp") => Of::Scalar(Kind::Timestamp),
        Some("str") => Of::Scalar(Kind::Str),
        Some("binary") => Of::Binary,
        Some("seq") => Of::Seq,
        Some("map") => Of::Map,
        Some("set") => Of::Set,
        Some("omap" | "pairs") => Of::Pairs,
        None if full == "!" => Of::Nothing,
        _ => {
            let message = format!("could not determine a constructor for the tag '{full}'");
            return Err(Error::new(ErrorKind::Security, message).as_class("yaml.YAMLError"));
        }
    })
}
