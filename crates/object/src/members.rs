//! What an object exposes: its methods and properties, as `#[expose]` found them in the source.

use salamander_value::{Dict, Set, Value};

use crate::schema::Schema;

/// All that a type exposes.
#[derive(Debug)]
pub struct Members {
    /// The name of the Rust type, which stands where Python shows the class.
    pub class: &'static str,
    /// The documentation of the type's exposed block.
    pub doc: &'static str,
    /// The exposed methods.
    pub methods: &'static [Method],
    /// The exposed properties.
    pub properties: &'static [Property],
    /// Names that stand in the exposed block but are not exposed.
    pub unexposed: &'static [&'static str],
}

/// An exposed method.
#[derive(Debug)]
pub struct Method {
    /// The name that clients call it by.
    pub name: &'static str,
    /// Its documentation.
    pub doc: &'static str,
    /// Its parameters, without `self` and what is injected.
    pub params: &'static [Param],
    /// It is called back by those whom its object was handed to: its exceptions concern this side as well.
    pub callback: bool,
    /// Clients do not wait for it.
    pub oneway: bool,
    /// It runs right where it is called: neither async, nor blocking, nor behind a lock.
    pub plain: bool,
    /// Its result is a stream of items.
    pub stream: bool,
    /// The type it returns where it does not fail, or that of its items, as written.
    pub returns: &'static str,
    /// What that is in JSON.
    pub schema: Schema,
    /// Where it stands in the source.
    pub file: &'static str,
    /// The line there.
    pub line: u32,
}

/// An exposed property.
#[derive(Debug)]
pub struct Property {
    /// The name that clients know it by.
    pub name: &'static str,
    /// Its documentation.
    pub doc: &'static str,
    /// The type, as written.
    pub ty: &'static str,
    /// What that is in JSON.
    pub schema: Schema,
    /// It can be read.
    pub readable: bool,
    /// It can be set.
    pub writable: bool,
}

/// A parameter of a method.
#[derive(Debug)]
pub struct Param {
    /// Its name, by which it can be given.
    pub name: &'static str,
    /// The type, as written.
    pub ty: &'static str,
    /// What that is in JSON.
    pub schema: Schema,
    /// How it is given.
    pub kind: ParamKind,
    /// What it is where it is left out: the expression, as written.
    pub default: Option<&'static str>,
}

/// How an argument reaches a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// By position or name; it must be given.
    Required,
    /// By position or name; it may be left out.
    Optional,
    /// All further positional arguments: `*args`.
    Args,
    /// All further keyword arguments: `**kwargs`.
    Kwargs,
}

/// One member of an object, by its place in [`Members`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// Calls the method with this index.
    Method(usize),
    /// Reads the property with this index.
    Get(usize),
    /// Sets the property with this index.
    Set(usize),
}

impl Members {
    /// The metadata that Pyro's clients ask for: the names of methods, one-way methods and attributes, as sets.
    pub fn metadata(&self) -> Dict {
        let set = |names: &mut dyn Iterator<Item = &'static str>| Value::from(Set::from_iter(names));
        Dict::from_iter([
            ("methods", set(&mut self.methods.iter().map(|method| method.name))),
            ("oneway", set(&mut self.methods.iter().filter(|method| method.oneway).map(|method| method.name))),
            ("attrs", set(&mut self.properties.iter().map(|property| property.name))),
        ])
    }

    /// The name of a member.
    pub fn name(&self, member: Member) -> &'static str {
        match member {
            Member::Method(at) => self.methods[at].name,
            Member::Get(at) | Member::Set(at) => self.properties[at].name,
        }
    }

    /// Whether a member is a method that is called back.
    pub(crate) fn is_callback(&self, member: Member) -> bool {
        matches!(member, Member::Method(at) if self.methods[at].callback)
    }

    /// Whether every method runs right where it is called.
    pub fn all_plain(&self) -> bool {
        self.methods.iter().all(|method| method.plain && !method.stream)
    }
}

impl Method {
    /// How many positional arguments it takes at most, unless it takes any number.
    pub(crate) fn positional(&self) -> usize {
        self.params.iter().filter(|param| matches!(param.kind, ParamKind::Required | ParamKind::Optional)).count()
    }
}
