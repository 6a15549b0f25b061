//! [`Value`]: all of Python's plain data.

use num_bigint::BigInt;
use uuid::Uuid;

use crate::{Blob, Date, DateTime, Decimal, Dict, Exception, Set, Str, SurrogateStr, Time, TimeDelta};

/// Any of the values that Python's serializers carry, without loss.
///
/// Equality is by type and content: `Int(1)` is not `Float(1.0)`, and a NaN equals nothing, as in Rust. Where keys are
/// compared, inside [`Dict`] and [`Set`], Python's own rule holds (`1 == 1.0 == True`).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `None`
    #[default]
    None,
    /// `bool`
    Bool(bool),
    /// `int` that fits 64 bits
    Int(i64),
    /// `int` that does not fit 64 bits
    BigInt(Box<BigInt>),
    /// `float`
    Float(f64),
    /// `complex`
    Complex(Complex),
    /// `str`
    Str(Str),
    /// `str` with lone surrogates, which are not Unicode text
    Surrogates(Box<SurrogateStr>),
    /// `bytes`
    Bytes(Blob),
    /// `bytearray`
    ByteArray(Blob),
    /// `list`
    List(Vec<Value>),
    /// `tuple`
    Tuple(Vec<Value>),
    /// `set`
    Set(Box<Set>),
    /// `frozenset`
    FrozenSet(Box<Set>),
    /// `dict`
    Dict(Box<Dict>),
    /// `datetime.datetime`, naive or aware
    DateTime(Box<DateTime>),
    /// `datetime.date`
    Date(Date),
    /// `datetime.time`
    Time(Box<Time>),
    /// `datetime.timedelta`
    TimeDelta(TimeDelta),
    /// `decimal.Decimal`
    Decimal(Box<Decimal>),
    /// `uuid.UUID`
    Uuid(Box<Uuid>),
    /// An instance of a class, as data
    Object(Box<Object>),
    /// An exception, as data
    Exception(Box<Exception>),
}

/// `complex`: a real and an imaginary part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

/// An instance of a class, as the dict that stands for it on the wire, `__class__` among its keys.
///
/// It is data: nothing is imported, constructed or called for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    fields: Dict,
}

impl Object {
    /// An instance of `class` (with its module, as `shop.Order`) that has these attributes.
    pub fn new(class: &str, mut attributes: Dict) -> Self {
        attributes.insert("__class__", class);
        Self { fields: attributes }
    }

    /// What Pyro sends for its own classes: the class name and what `__getstate__` gave.
    pub fn with_state(class: &str, state: Value) -> Self {
        Self { fields: Dict::from_iter([("__class__", Value::from(class)), ("state", state)]) }
    }

    /// The instance that this dict stands for, if it says of what class it is.
    ///
    /// # Errors
    /// Gives the dict back where `__class__` is missing or is no string.
    pub fn from_dict(dict: Dict) -> Result<Self, Dict> {
        match dict.get("__class__") {
            Some(Value::Str(_)) => Ok(Self { fields: dict }),
            _ => Err(dict),
        }
    }

    /// The name of the class, with its module.
    pub fn class(&self) -> &str {
        self.fields.get("__class__").and_then(Value::as_str).unwrap_or_default()
    }

    /// What `__getstate__` gave, for the classes of Pyro.
    pub fn state(&self) -> Option<&Value> {
        self.fields.get("state")
    }

    /// All that stands for the instance, `__class__` included.
    pub fn fields(&self) -> &Dict {
        &self.fields
    }

    /// The dict itself.
    pub fn into_fields(self) -> Dict {
        self.fields
    }
}

impl Value {
    /// The exception, the object or just the dict that a dict stands for, by its key `__class__`.
    pub fn of_class(dict: Dict) -> Self {
        match Exception::from_dict(dict) {
            Ok(exception) => Value::Exception(Box::new(exception)),
            Err(dict) => match Object::from_dict(dict) {
                Ok(object) => Value::Object(Box::new(object)),
                Err(dict) => Value::Dict(Box::new(dict)),
            },
        }
    }

    /// The name of the Python type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::BigInt(_) => "int",
            Value::Float(_) => "float",
            Value::Complex(_) => "complex",
            Value::Str(_) | Value::Surrogates(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::ByteArray(_) => "bytearray",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Set(_) => "set",
            Value::FrozenSet(_) => "frozenset",
            Value::Dict(_) => "dict",
            Value::DateTime(_) => "datetime",
            Value::Date(_) => "date",
            Value::Time(_) => "time",
            Value::TimeDelta(_) => "timedelta",
            Value::Decimal(_) => "Decimal",
            Value::Uuid(_) => "UUID",
            Value::Object(_) => "object",
            Value::Exception(_) => "exception",
        }
    }

    /// Whether this is `None`.
    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    /// The text of a `str`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an `int` of 64 bits, or of a `bool`.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Bool(flag) => Some(i64::from(*flag)),
            _ => None,
        }
    }

    /// The bytes of `bytes` or `bytearray`.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(bytes) | Value::ByteArray(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items of a `list` or `tuple`.
    pub fn as_slice(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) | Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The `dict`, or the fields of an object.
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Value::Dict(dict) => Some(dict),
            Value::Object(object) => Some(object.fields()),
            _ => None,
        }
    }

    /// The value that stands for `key` in a `dict`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_dict().and_then(|dict| dict.get(key))
    }

    /// What Python calls the truth of a value: false for `None`, zero and what is empty.
    pub fn truth(&self) -> bool {
        match self {
            Value::None => false,
            Value::Bool(flag) => *flag,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Complex(number) => number.re != 0.0 || number.im != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Bytes(bytes) | Value::ByteArray(bytes) => !bytes.is_empty(),
            Value::List(items) | Value::Tuple(items) => !items.is_empty(),
            Value::Set(set) | Value::FrozenSet(set) => !set.is_empty(),
            Value::Dict(dict) => !dict.is_empty(),
            Value::TimeDelta(delta) => *delta != TimeDelta::default(),
            _ => true,
        }
    }
}
