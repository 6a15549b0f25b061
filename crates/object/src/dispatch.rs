//! From the name of a member to the call of it, by Python's rules of what is private.

use salamander_value::{Exception, Reader, Token};

use crate::{Invocation, Member, Members, Object, Step, caught, failed};

/// Special methods that are never reachable from elsewhere, as in Pyro.
const PRIVATE_DUNDER: &[&str] = &[
    "__init__",
    "__init_subclass__",
    "__class__",
    "__module__",
    "__weakref__",
    "__call__",
    "__new__",
    "__del__",
    "__repr__",
    "__str__",
    "__format__",
    "__nonzero__",
    "__bool__",
    "__coerce__",
    "__cmp__",
    "__eq__",
    "__ne__",
    "__hash__",
    "__ge__",
    "__gt__",
    "__le__",
    "__lt__",
    "__dir__",
    "__enter__",
    "__exit__",
    "__copy__",
    "__deepcopy__",
    "__sizeof__",
    "__getattr__",
    "__setattr__",
    "__hasattr__",
    "__getattribute__",
    "__delattr__",
    "__instancecheck__",
    "__subclasscheck__",
    "__getinitargs__",
    "__getnewargs__",
    "__getstate__",
    "__setstate__",
    "__reduce__",
    "__reduce_ex__",
    "__subclasshook__",
];

/// Whether a name is private: it starts with an underscore, and is no special method that may be called.
pub fn is_private(name: &str) -> bool {
    if !name.starts_with('_') {
        return false;
    }
    if PRIVATE_DUNDER.contains(&name) {
        return true;
    }
    !(name.len() > 4 && name.starts_with("__") && name.ends_with("__"))
}

/// The method of this name.
///
/// # Errors
/// `AttributeError` with Pyro's words for names that are private, not exposed or not there.
pub fn find(members: &'static Members, name: &str) -> Result<Member, Exception> {
    if let Some(at) = members.methods.iter().position(|method| method.name == name) {
        return Ok(Member::Method(at));
    }
    if is_private(name) {
        return Err(Exception::attribute_error(format!("attempt to access private attribute '{name}'")));
    }
    if members.unexposed.contains(&name) || members.properties.iter().any(|property| property.name == name) {
        return Err(Exception::attribute_error(format!("attempt to access unexposed attribute '{name}'")));
    }
    Err(no_attribute(members, name))
}

/// The member that a call names: a method, or with Python's `__getattr__` and `__setattr__` the property that is the first
/// argument, which is then taken from `args`.
///
/// # Errors
/// As [`find`], and where an attribute's name is no string.
pub fn resolve(members: &'static Members, name: &str, args: &mut dyn Reader<'_>) -> Result<Member, Exception> {
    let set = match name {
        "__getattr__" => false,
        "__setattr__" => true,
        _ => return find(members, name),
    };
    match (args.next()?, args.next()?) {
        (Token::List(_) | Token::Tuple(_), Token::Str(name)) => find_property(members, &name, set),
        _ => Err(Exception::type_error("attribute name must be string")),
    }
}

/// The property of this name, to read or to set.
///
/// # Errors
/// `AttributeError` with Pyro's words.
fn find_property(members: &'static Members, name: &str, set: bool) -> Result<Member, Exception> {
    let found = members.properties.iter().position(|property| property.name == name);
    match found {
        Some(at) if set && members.properties[at].writable => Ok(Member::Set(at)),
        Some(at) if !set && members.properties[at].readable => Ok(Member::Get(at)),
        None if !members.unexposed.contains(&name) && !members.methods.iter().any(|method| method.name == name) => {
            Err(Exception::attribute_error(format!("type object '{}' has no attribute '{name}'", members.class)))
        }
        _ => Err(Exception::attribute_error(format!(
            "attempt to access unexposed or unknown remote attribute '{name}'"
        ))),
    }
}

/// What Python says of an attribute that is not there.
pub fn no_attribute(members: &Members, name: &str) -> Exception {
    Exception::attribute_error(format!("'{}' object has no attribute '{name}'", members.class))
}

/// Calls a member; a panic is a failed call, and whoever wants to know of failures is told.
pub fn run_now(object: &dyn Object, member: Member, call: &mut Invocation<'_, '_>) -> Step {
    match caught(|| object.invoke(member, call)) {
        Ok(Step::Failed(exception)) | Err(exception) => {
            Step::Failed(failed(call.request, object.members(), member, exception))
        }
        Ok(step) => step,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_is_what_pyro_holds_for_private() {
        for name in ["_x", "__x", "__init__", "__getattr__", "____", "__", "_x_", "__x_"] {
            assert!(is_private(name), "{name}");
        }
        for name in ["x", "x_", "__len__", "__dunder__", "__getitem__", "x__y"] {
            assert!(!is_private(name), "{name}");
        }
    }
}
