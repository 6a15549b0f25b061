//! Serde's `Serialize` into a [`Writer`].

use num_bigint::BigInt;
use serde::ser::{self, Serialize, SerializeMap};

use crate::{
    Build, Complex, Date, DateTime, Decimal, Dict, Error, Result, Set, SurrogateStr, Time, TimeDelta, Token, Uuid,
    Value, Writer, handover, write_value,
};

/// Writes any serializable value.
///
/// Structs become dicts, tuples tuples, sequences lists, `Option` the value or `None`, unit variants their name and
/// other variants a dict of one entry, as serde's other formats do it.
///
/// # Errors
/// Those of the writer, and of the `Serialize` implementation.
pub fn to_writer<T: Serialize + ?Sized>(value: &T, writer: &mut dyn Writer) -> Result<()> {
    value.serialize(Bridge { writer, sequence: Sequence::List })
}

/// Makes a value of any serializable one.
///
/// # Errors
/// Those of the `Serialize` implementation, and unhashable keys.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    let mut writer = ValueWriter::default();
    to_writer(value, &mut writer)?;
    writer.into_value()
}

/// What the next sequence or map is, where our own types have announced it.
#[derive(Clone, Copy)]
enum Sequence {
    List,
    Tuple,
    Set,
    FrozenSet,
    Object,
}

struct Bridge<'w> {
    writer: &'w mut dyn Writer,
    sequence: Sequence,
}

/// An open container, and how many of them its end closes.
struct Container<'w> {
    writer: &'w mut dyn Writer,
    depth: usize,
}

impl Container<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        to_writer(value, self.writer)
    }

    fn close(self) -> Result<()> {
        for _ in 0..self.depth {
            self.writer.end()?;
        }
        Ok(())
    }
}

impl<'w> Bridge<'w> {
    /// Begins the dict of one entry in which a variant's contents stand under its name.
    fn variant(self, variant: &str) -> Result<&'w mut dyn Writer> {
        self.writer.begin_dict(Some(1))?;
        self.writer.str(variant)?;
        Ok(self.writer)
    }
}

impl<'w> ser::Serializer for Bridge<'w> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Container<'w>;
    type SerializeTuple = Container<'w>;
    type SerializeTupleStruct = Container<'w>;
    type SerializeTupleVariant = Container<'w>;
    type SerializeMap = Container<'w>;
    type SerializeStruct = Container<'w>;
    type SerializeStructVariant = Container<'w>;

    fn serialize_bool(self, value: bool) -> Result<()> {
        self.writer.bool(value)
    }
    fn serialize_i8(self, value: i8) -> Result<()> {
        self.writer.int(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<()> {
        self.writer.int(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<()> {
        self.writer.int(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<()> {
        self.writer.int(value)
    }
    fn serialize_i128(self, value: i128) -> Result<()> {
        match i64::try_from(value) {
            Ok(value) => self.writer.int(value),
            Err(_) => self.writer.big_int(&value.into()),
        }
    }
    fn serialize_u8(self, value: u8) -> Result<()> {
        self.writer.int(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<()> {
        self.writer.int(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<()> {
        self.writer.int(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<()> {
        self.writer.uint(value)
    }
    fn serialize_u128(self, value: u128) -> Result<()> {
        match i64::try_from(value) {
            Ok(value) => self.writer.int(value),
            Err(_) => self.writer.big_int(&value.into()),
        }
    }
    fn serialize_f32(self, value: f32) -> Result<()> {
        self.writer.float(value.into())
    }
    fn serialize_f64(self, value: f64) -> Result<()> {
        self.writer.float(value)
    }
    fn serialize_char(self, value: char) -> Result<()> {
        self.writer.str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<()> {
        self.writer.str(value)
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.writer.bytes(value)
    }
    fn serialize_none(self) -> Result<()> {
        self.writer.none()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<()> {
        self.writer.none()
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        self.writer.none()
    }
    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<()> {
        self.writer.str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(mut self, name: &'static str, value: &T) -> Result<()> {
        match name {
            handover::SCALAR => {
                if let Some(value) = handover::take() {
                    return write_value(&value, self.writer);
                }
            }
            handover::TUPLE => self.sequence = Sequence::Tuple,
            handover::SET => self.sequence = Sequence::Set,
            handover::FROZEN_SET => self.sequence = Sequence::FrozenSet,
            handover::OBJECT => self.sequence = Sequence::Object,
            _ => {}
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        let writer = self.variant(variant)?;
        to_writer(value, writer)?;
        writer.end()
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Container<'w>> {
        match self.sequence {
            Sequence::Tuple => self.writer.begin_tuple(len)?,
            Sequence::Set => self.writer.begin_set(len)?,
            Sequence::FrozenSet => self.writer.begin_frozen_set(len)?,
            Sequence::List | Sequence::Object => self.writer.begin_list(len)?,
        }
        Ok(Container { writer: self.writer, depth: 1 })
    }

    fn serialize_tuple(self, len: usize) -> Result<Container<'w>> {
        self.writer.begin_tuple(Some(len))?;
        Ok(Container { writer: self.writer, depth: 1 })
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Container<'w>> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Container<'w>> {
        let writer = self.variant(variant)?;
        writer.begin_tuple(Some(len))?;
        Ok(Container { writer, depth: 2 })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Container<'w>> {
        match self.sequence {
            Sequence::Object => self.writer.begin_object(len)?,
            _ => self.writer.begin_dict(len)?,
        }
        Ok(Container { writer: self.writer, depth: 1 })
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<Container<'w>> {
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Container<'w>> {
        let writer = self.variant(variant)?;
        writer.begin_dict(Some(len))?;
        Ok(Container { writer, depth: 2 })
    }
}

macro_rules! sequences {
    ($($trait:ident $method:ident),*) => {$(
        impl ser::$trait for Container<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.item(value)
            }

            fn end(self) -> Result<()> {
                self.close()
            }
        }
    )*};
}
sequences!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

impl SerializeMap for Container<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.item(value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

macro_rules! structs {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Container<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
                self.writer.str(key)?;
                self.item(value)
            }

            fn end(self) -> Result<()> {
                self.close()
            }
        }
    )*};
}
structs!(SerializeStruct, SerializeStructVariant);

/// A writer that makes a [`Value`] of what is written.
#[derive(Default)]
pub struct ValueWriter {
    build: Build,
    done: Option<Value>,
    /// Of each open container whether it was begun as an instance, where that is what makes one.
    instances: Option<Vec<bool>>,
}

impl ValueWriter {
    /// A writer that makes an instance only of what was begun as one, and not of any dict that says of what class it is.
    pub fn of_instances() -> Self {
        Self { instances: Some(Vec::new()), ..Self::default() }
    }

    /// The value that was written.
    ///
    /// # Errors
    /// Where it is not whole.
    pub fn into_value(self) -> Result<Value> {
        self.done.ok_or_else(Error::eof)
    }

    fn token(&mut self, token: Token<'static>) -> Result<()> {
        let mut instance = true;
        if let Some(open) = &mut self.instances {
            match &token {
                Token::End => instance = open.pop().unwrap_or_default(),
                token if token.opens() => open.push(false),
                _ => {}
            }
        }
        let share = bytes::Bytes::from_static;
        let made = |dict| Ok(if instance { Value::of_class(dict) } else { dict.into() });
        if let Some(value) = self.build.token_as(token, share, made)? {
            self.done = Some(value);
        }
        Ok(())
    }
}

impl Writer for ValueWriter {
    fn none(&mut self) -> Result<()> {
        self.token(Token::None)
    }
    fn bool(&mut self, value: bool) -> Result<()> {
        self.token(Token::Bool(value))
    }
    fn int(&mut self, value: i64) -> Result<()> {
        self.token(Token::Int(value))
    }
    fn big_int(&mut self, value: &BigInt) -> Result<()> {
        self.token(Token::BigInt(Box::new(value.clone())))
    }
    fn float(&mut self, value: f64) -> Result<()> {
        self.token(Token::Float(value))
    }
    fn complex(&mut self, value: Complex) -> Result<()> {
        self.token(Token::Complex(value))
    }
    fn str(&mut self, value: &str) -> Result<()> {
        self.token(Token::Str(value.to_owned().into()))
    }
    fn surrogates(&mut self, value: &SurrogateStr) -> Result<()> {
        self.token(Token::Surrogates(Box::new(value.clone())))
    }
    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.token(Token::Bytes(value.to_owned().into()))
    }
    fn byte_array(&mut self, value: &[u8]) -> Result<()> {
        self.token(Token::ByteArray(value.to_owned().into()))
    }
    fn decimal(&mut self, value: &Decimal) -> Result<()> {
        self.token(Token::Decimal(Box::new(value.clone())))
    }
    fn date_time(&mut self, value: &DateTime) -> Result<()> {
        self.token(Token::DateTime(*value))
    }
    fn date(&mut self, value: &Date) -> Result<()> {
        self.token(Token::Date(*value))
    }
    fn time(&mut self, value: &Time) -> Result<()> {
        self.token(Token::Time(*value))
    }
    fn time_delta(&mut self, value: &TimeDelta) -> Result<()> {
        self.token(Token::TimeDelta(*value))
    }
    fn uuid(&mut self, value: &Uuid) -> Result<()> {
        self.token(Token::Uuid(*value))
    }
    fn begin_list(&mut self, len: Option<usize>) -> Result<()> {
        self.token(Token::List(len))
    }
    fn begin_tuple(&mut self, len: Option<usize>) -> Result<()> {
        self.token(Token::Tuple(len))
    }
    fn begin_set(&mut self, len: Option<usize>) -> Result<()> {
        self.token(Token::Set(len))
    }
    fn begin_frozen_set(&mut self, len: Option<usize>) -> Result<()> {
        self.token(Token::FrozenSet(len))
    }
    fn begin_dict(&mut self, len: Option<usize>) -> Result<()> {
        self.token(Token::Dict(len))
    }
    fn begin_object(&mut self, len: Option<usize>) -> Result<()> {
        self.begin_dict(len)?;
        if let Some(open) = self.instances.as_mut().and_then(|open| open.last_mut()) {
            *open = true;
        }
        Ok(())
    }
    fn end(&mut self) -> Result<()> {
        self.token(Token::End)
    }
}

/// Our own types announce what they are; to other serializers they look like ordinary data.
mod announce {
    use super::{Date, DateTime, Decimal, Dict, Set, Time, TimeDelta, Value, handover};
    use crate::{Complex, Int};
    use serde::{Serialize, Serializer};

    struct Items<'a, I>(&'a I);
    impl<'a, I> Serialize for Items<'a, I>
    where
        &'a I: IntoIterator<Item = &'a Value>,
    {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.0)
        }
    }

    impl<'a> IntoIterator for &'a Set {
        type Item = &'a Value;
        type IntoIter = std::slice::Iter<'a, Value>;

        fn into_iter(self) -> Self::IntoIter {
            self.iter()
        }
    }

    impl Serialize for Value {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let whole = || self.clone();
            match self {
                Value::None => serializer.serialize_unit(),
                Value::Bool(flag) => serializer.serialize_bool(*flag),
                Value::Int(number) => serializer.serialize_i64(*number),
                Value::BigInt(number) => handover::scalar(serializer, whole, &number.to_string()),
                Value::Float(number) => serializer.serialize_f64(*number),
                Value::Complex(Complex { re, im }) => handover::scalar(serializer, whole, &(re, im)),
                Value::Str(text) => serializer.serialize_str(text),
                Value::Surrogates(_) => handover::scalar(serializer, whole, &self.to_string()),
                Value::Bytes(bytes) => bytes.serialize(serializer),
                Value::ByteArray(bytes) => handover::scalar(serializer, whole, &bytes[..]),
                Value::List(items) => serializer.collect_seq(items),
                Value::Tuple(items) => serializer.serialize_newtype_struct(handover::TUPLE, items),
                Value::Set(set) => set.serialize(serializer),
                Value::FrozenSet(set) => serializer.serialize_newtype_struct(handover::FROZEN_SET, &Items(&**set)),
                Value::Dict(dict) => dict.serialize(serializer),
                Value::DateTime(when) => when.serialize(serializer),
                Value::Date(date) => date.serialize(serializer),
                Value::Time(time) => time.serialize(serializer),
                Value::TimeDelta(delta) => delta.serialize(serializer),
                Value::Decimal(number) => number.serialize(serializer),
                Value::Uuid(uuid) => handover::scalar(serializer, whole, &uuid.to_string()),
                Value::Object(object) => serializer.serialize_newtype_struct(handover::OBJECT, object.fields()),
                Value::Exception(exception) => {
                    serializer.serialize_newtype_struct(handover::OBJECT, &exception.to_dict())
                }
            }
        }
    }

    impl Serialize for Dict {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.iter())
        }
    }

    impl Serialize for Set {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_newtype_struct(handover::SET, &Items(self))
        }
    }

    impl Serialize for crate::Exception {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_newtype_struct(handover::OBJECT, &self.to_dict())
        }
    }

    macro_rules! scalars {
        ($($type:ty => $plain:expr;)*) => {$(
            impl Serialize for $type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let plain: fn(&Self) -> _ = $plain;
                    handover::scalar(serializer, || Value::from(self.clone()), &plain(self))
                }
            }
        )*};
    }
    scalars! {
        Int => |it| it.to_string();
        Decimal => |it| it.to_string();
        DateTime => |it| it.to_string();
        Date => |it| it.to_string();
        Time => |it| it.to_string();
        TimeDelta => |it| it.total_seconds();
        Complex => |it| (it.re, it.im);
    }
}
