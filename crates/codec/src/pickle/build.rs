//! What a pickle asks for that Python would import and call: here it is noted, or refused.

use std::str;

use salamander_value::{Error, Result, Token};

use super::classes::Class;
use super::machine::{Id, Machine, Node, refused, refused_class};
use super::op;

impl<'de> Machine<'de> {
    pub(super) fn instance(&mut self, code: u8) -> Result<()> {
        match code {
            op::GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                let class = self.named(module, name)?;
                self.add(Node::Class(class))
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let class = match (self.text(module), self.text(name)) {
                    (Some(module), Some(name)) => self.named(module.as_bytes(), name.as_bytes())?,
                    _ => return Err(Error::malformed("STACK_GLOBAL requires str")),
                };
                self.add(Node::Class(class))
            }
            op::REDUCE => {
                let (args, class) = (self.pop()?, self.pop()?);
                let class = self.class(class)?;
                self.call(class, args)
            }
            op::NEWOBJ => {
                let (args, class) = (self.pop()?, self.pop()?);
                let class = self.class(class)?;
                self.new_object(class, args)
            }
            op::BUILD => self.build(),
            // No class of the table is made so: it is how Python 2 had instances of its old classes.
            op::INST => {
                let (module, name) = (self.line()?, self.line()?);
                Err(refused_class(&self.named(module, name)?))
            }
            op::OBJ => Err(refused("an instance of a class of Python 2")),
            _ => Err(refused("an instance that is made with keyword arguments")),
        }
    }

    fn call(&mut self, class: Class<'de>, args: Id) -> Result<()> {
        let Some(Node::Tuple(items)) = self.nodes.get(args as usize) else {
            return Err(Error::malformed("arguments that are no tuple"));
        };
        match (class, &items[..]) {
            (Class::Reconstructor, &[class, base, state]) => {
                let plain = matches!(self.nodes.get(base as usize), Some(Node::Class(Class::Object)))
                    && matches!(self.nodes.get(state as usize), Some(Node::Scalar(Token::None)));
                let class = self.class(class)?;
                if plain { self.plain_instance(class) } else { Err(refused_class(&class)) }
            }
            (Class::NewObject, &[class]) => {
                let class = self.class(class)?;
                self.plain_instance(class)
            }
            (Class::OrderedDict, []) => self.add(Node::Dict(Vec::new())),
            (Class::Signature, &[dict]) if matches!(self.nodes.get(dict as usize), Some(Node::Dict(_))) => {
                self.again(dict);
                Ok(())
            }
            (
                Class::Object
                | Class::Reconstructor
                | Class::NewObject
                | Class::OrderedDict
                | Class::Daemon
                | Class::ExceptionWrapper
                | Class::Signature
                | Class::Uuid,
                _,
            ) => Err(refused_class(&class)),
            _ => self.add(Node::Called(class, args, None)),
        }
    }

    fn new_object(&mut self, class: Class<'de>, args: Id) -> Result<()> {
        match self.nodes.get(args as usize) {
            Some(Node::Tuple(items)) if items.is_empty() => self.plain_instance(class),
            _ => Err(refused_class(&class)),
        }
    }

    /// An instance whose state comes by itself.
    fn plain_instance(&mut self, class: Class<'de>) -> Result<()> {
        match class {
            Class::Uri | Class::Proxy | Class::Daemon | Class::ExceptionWrapper | Class::Uuid => {
                self.add(Node::Instance(class, None))
            }
            _ => Err(refused_class(&class)),
        }
    }

    fn build(&mut self) -> Result<()> {
        let given = self.pop()?;
        let onto = self.top()?;
        match self.nodes.get_mut(onto as usize) {
            Some(Node::Instance(_, state @ None) | Node::Called(Class::Exception(..), _, state @ None)) => {
                *state = Some(given);
                Ok(())
            }
            _ => Err(refused("a state for what has none")),
        }
    }

    fn class(&self, id: Id) -> Result<Class<'de>> {
        match self.nodes.get(id as usize) {
            Some(Node::Class(class)) => Ok(*class),
            _ => Err(refused("a call of what is no class")),
        }
    }

    fn text(&self, id: Id) -> Option<&'de str> {
        match self.nodes.get(id as usize) {
            Some(Node::Scalar(Token::Str(std::borrow::Cow::Borrowed(text)))) => Some(text),
            _ => None,
        }
    }

    fn named(&self, module: &'de [u8], name: &'de [u8]) -> Result<Class<'de>> {
        let (Ok(module), Ok(name)) = (str::from_utf8(module), str::from_utf8(name)) else {
            return Err(Error::malformed("the name of a class is not UTF-8"));
        };
        Class::of_name(module, name)
            .filter(|class| !(self.without_pyro && class.is_pyros()))
            .ok_or_else(|| refused(&format!("the class {module}.{name}")))
    }
}
