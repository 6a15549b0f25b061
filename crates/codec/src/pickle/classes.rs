//! The classes that a pickle may name. There is no other way to any class.

use salamander_value::exception_class;

/// A class or function that a pickle names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class<'de> {
    Object,
    Set,
    FrozenSet,
    Bytes,
    ByteArray,
    Complex,
    Range,
    /// `_codecs.encode`, by which older protocols write `bytes`.
    Encode,
    /// `copyreg._reconstructor`: an instance by its class alone.
    Reconstructor,
    /// `copyreg.__newobj__`: the same.
    NewObject,
    Decimal,
    DateTime,
    Date,
    Time,
    TimeDelta,
    TimeZone,
    Uuid,
    OrderedDict,
    Uri,
    Proxy,
    Daemon,
    ExceptionWrapper,
    /// `celery.canvas.signature`, which makes a signature of a dict: it stands for the dict.
    Signature,
    Exception(Module, &'de str),
}

/// A module of exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Module {
    Builtins,
    Pyro,
    Sqlite3,
    Struct,
    Celery,
    Billiard,
    Kombu,
    /// `celery.utils.serialization`, of which only the wrapper of exceptions may come.
    Wrapped,
}

/// Those that have one name. Python 2's names of modules come in protocols 0 to 2.
const TABLE: &[(&str, &str, Class<'static>)] = &[
    ("builtins", "object", Class::Object),
    ("builtins", "set", Class::Set),
    ("builtins", "frozenset", Class::FrozenSet),
    ("builtins", "bytes", Class::Bytes),
    ("builtins", "bytearray", Class::ByteArray),
    ("builtins", "complex", Class::Complex),
    ("builtins", "range", Class::Range),
    ("builtins", "xrange", Class::Range),
    ("_codecs", "encode", Class::Encode),
    ("copyreg", "_reconstructor", Class::Reconstructor),
    ("copyreg", "__newobj__", Class::NewObject),
    ("decimal", "Decimal", Class::Decimal),
    ("datetime", "datetime", Class::DateTime),
    ("datetime", "date", Class::Date),
    ("datetime", "time", Class::Time),
    ("datetime", "timedelta", Class::TimeDelta),
    ("datetime", "timezone", Class::TimeZone),
    ("uuid", "UUID", Class::Uuid),
    ("collections", "OrderedDict", Class::OrderedDict),
    ("Pyro4.core", "URI", Class::Uri),
    ("Pyro4.core", "Proxy", Class::Proxy),
    ("Pyro4.core", "Daemon", Class::Daemon),
    ("Pyro4.futures", "_ExceptionWrapper", Class::ExceptionWrapper),
    ("celery.canvas", "signature", Class::Signature),
];

const PYRO_ERRORS: &[&str] = &[
    "PyroError",
    "CommunicationError",
    "ConnectionClosedError",
    "TimeoutError",
    "ProtocolError",
    "MessageTooLargeError",
    "NamingError",
    "DaemonError",
    "SecurityError",
    "SerializeError",
];

const SQLITE_ERRORS: &[&str] = &[
    "Error",
    "DatabaseError",
    "DataError",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
];

impl<'de> Class<'de> {
    /// The class of this name, if it is one of those that may come.
    pub(super) fn of_name(module: &str, name: &'de str) -> Option<Self> {
        let module = match module {
            "__builtin__" | "exceptions" => "builtins",
            "copy_reg" => "copyreg",
            other => other,
        };
        let known = TABLE.iter().find(|(of, known, _)| *of == module && *known == name);
        known.map(|(_, _, class)| *class).or_else(|| Self::exception(module, name))
    }

    /// The exception of this name, if it is one of those that may be sent or come.
    pub(super) fn exception(module: &str, name: &'de str) -> Option<Self> {
        let (module, known) = match module {
            "builtins" => (Module::Builtins, !name.contains('.') && exception_class(name) != name),
            "Pyro4.errors" | "Pyro5.errors" => (Module::Pyro, PYRO_ERRORS.contains(&name)),
            "sqlite3" => (Module::Sqlite3, SQLITE_ERRORS.contains(&name)),
            "struct" => (Module::Struct, name == "error"),
            "celery.exceptions" => (Module::Celery, is_class(name)),
            "billiard.exceptions" => (Module::Billiard, is_class(name)),
            "kombu.exceptions" => (Module::Kombu, is_class(name)),
            "celery.utils.serialization" => (Module::Wrapped, name == "UnpickleableExceptionWrapper"),
            _ => return None,
        };
        known.then_some(Class::Exception(module, name))
    }

    /// Whether only those know it who have Pyro.
    pub(super) fn is_pyros(self) -> bool {
        matches!(
            self,
            Class::Uri | Class::Proxy | Class::Daemon | Class::ExceptionWrapper | Class::Exception(Module::Pyro, _)
        )
    }

    /// Whether only those know it who have Celery.
    pub(super) fn is_celerys(self) -> bool {
        let modules = [Module::Celery, Module::Billiard, Module::Kombu, Module::Wrapped];
        matches!(self, Class::Exception(module, _) if modules.contains(&module)) || self == Class::Signature
    }

    /// The module and the name by which Pyro 4 knows it.
    pub(super) fn name(self) -> (&'static str, &'de str) {
        match self {
            Class::Exception(module, name) => (module.name(), name),
            _ => TABLE
                .iter()
                .find(|(_, _, class)| *class == self)
                .map_or(("builtins", "object"), |(module, name, _)| (*module, *name)),
        }
    }
}

impl Module {
    fn name(self) -> &'static str {
        match self {
            Module::Builtins => "builtins",
            Module::Pyro => "Pyro4.errors",
            Module::Sqlite3 => "sqlite3",
            Module::Struct => "struct",
            Module::Celery => "celery.exceptions",
            Module::Billiard => "billiard.exceptions",
            Module::Kombu => "kombu.exceptions",
            Module::Wrapped => "celery.utils.serialization",
        }
    }

    /// What the module is called inside of this program.
    pub(super) fn own_name(self) -> &'static str {
        match self {
            Module::Pyro => "Pyro5.errors",
            other => other.name(),
        }
    }
}

/// Whether a name of a module of exceptions is one of a class, as those are written.
fn is_class(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_in_the_table_has_a_class() {
        for (module, name) in [
            ("builtins", "eval"),
            ("builtins", "getattr"),
            ("builtins", "ValueError.__init__"),
            ("builtins", "ValueErrors"),
            ("builtins", "type"),
            ("os", "system"),
            ("posix", "system"),
            ("copyreg", "add_extension"),
            ("Pyro4.core", "Proxy._pyroInvoke"),
            ("Pyro4.errors", "os"),
            ("sqlite3", "connect"),
            ("celery.exceptions", "sys"),
            ("celery.exceptions", "Retry.__init__"),
            ("celery.canvas", "maybe_signature"),
            ("celery.utils.serialization", "create_exception_cls"),
            ("", ""),
        ] {
            assert_eq!(Class::of_name(module, name), None, "{module}.{name}");
        }
        let error = Class::of_name("exceptions", "KeyError").unwrap();
        assert_eq!((error, error.name()), (Class::Exception(Module::Builtins, "KeyError"), ("builtins", "KeyError")));
        assert_eq!(Class::of_name("__builtin__", "set"), Some(Class::Set));
        assert_eq!(Class::Uri.name(), ("Pyro4.core", "URI"));
        assert_eq!(Class::Range.name(), ("builtins", "range"));
    }
}
