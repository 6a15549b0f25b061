//! [`ResultTree`]: ids of results, with those that they come from and those that they led to.

use salamander_value::{Str, Value};

use crate::WireError;

/// What Python's `AsyncResult.as_tuple()` and `GroupResult.as_tuple()` give: `((id, parent), children)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultTree {
    /// The task's id, or the group's.
    pub id: Str,
    /// The result that this one followed.
    pub parent: Option<Box<ResultTree>>,
    /// The members of a group; none where it is a single task.
    pub children: Option<Vec<ResultTree>>,
}

/// How far parents and members may nest.
const MAX_DEPTH: usize = 256;

impl ResultTree {
    /// A task's.
    pub fn task(id: impl Into<Str>) -> Self {
        Self { id: id.into(), parent: None, children: None }
    }

    /// A group's.
    pub fn group(id: impl Into<Str>, members: Vec<ResultTree>) -> Self {
        Self { id: id.into(), parent: None, children: Some(members) }
    }

    /// As Python has it, in nested tuples.
    pub fn to_value(&self) -> Value {
        let parent = self.parent.as_ref().map_or(Value::None, |parent| parent.to_value());
        let own = Value::Tuple(vec![Value::Str(self.id.clone()), parent]);
        let children = match &self.children {
            Some(children) => Value::List(children.iter().map(Self::to_value).collect()),
            None => Value::None,
        };
        Value::Tuple(vec![own, children])
    }

    /// Out of nested tuples or lists.
    ///
    /// # Errors
    /// What is of another form, and nesting beyond 256 levels.
    pub fn from_value(value: &Value) -> Result<Self, WireError> {
        Self::read(value, MAX_DEPTH)
    }

    fn read(value: &Value, depth: usize) -> Result<Self, WireError> {
        let wrong = || WireError::undecodable("no result as a tuple");
        let depth = depth.checked_sub(1).ok_or_else(|| WireError::undecodable("results nest too deep"))?;
        let Some([own, children]) = value.as_slice() else { return Err(wrong()) };
        let (id, parent) = match own {
            Value::Str(id) => (id, &Value::None),
            own => match own.as_slice() {
                Some([Value::Str(id), parent]) => (id, parent),
                _ => return Err(wrong()),
            },
        };
        let parent = if parent.truth() { Some(Box::new(Self::read(parent, depth)?)) } else { None };
        let children = match children {
            Value::None => None,
            children => {
                let children = children.as_slice().ok_or_else(wrong)?;
                Some(children.iter().map(|child| Self::read(child, depth)).collect::<Result<_, _>>()?)
            }
        };
        Ok(Self { id: id.clone(), parent, children })
    }
}
