//! Values into tokens.

use crate::{Dict, Result, Value, Writer};

/// Writes a value, containers and all.
///
/// # Errors
/// Those of the writer: what its format cannot carry, and nesting beyond its limit.
pub fn write_value<W: Writer + ?Sized>(value: &Value, writer: &mut W) -> Result<()> {
    match value {
        Value::None => writer.none(),
        Value::Bool(flag) => writer.bool(*flag),
        Value::Int(number) => writer.int(*number),
        Value::BigInt(number) => writer.big_int(number),
        Value::Float(number) => writer.float(*number),
        Value::Complex(number) => writer.complex(*number),
        Value::Str(text) => writer.str(text),
        Value::Surrogates(text) => writer.surrogates(text),
        Value::Bytes(bytes) => writer.shared_bytes(bytes),
        Value::ByteArray(bytes) => writer.byte_array(bytes),
        Value::Decimal(number) => writer.decimal(number),
        Value::DateTime(when) => writer.date_time(when),
        Value::Date(date) => writer.date(date),
        Value::Time(time) => writer.time(time),
        Value::TimeDelta(delta) => writer.time_delta(delta),
        Value::Uuid(uuid) => writer.uuid(uuid),
        Value::List(items) => {
            writer.begin_list(Some(items.len()))?;
            write_items(items, writer)
        }
        Value::Tuple(items) => {
            writer.begin_tuple(Some(items.len()))?;
            write_items(items, writer)
        }
        Value::Set(set) => {
            writer.begin_set(Some(set.len()))?;
            write_items(set.iter(), writer)
        }
        Value::FrozenSet(set) => {
            writer.begin_frozen_set(Some(set.len()))?;
            write_items(set.iter(), writer)
        }
        Value::Dict(dict) => {
            writer.begin_dict(Some(dict.len()))?;
            write_entries(dict, writer)
        }
        Value::Object(object) => {
            writer.begin_object(Some(object.fields().len()))?;
            write_entries(object.fields(), writer)
        }
        Value::Exception(exception) => {
            let dict = exception.to_dict();
            writer.begin_object(Some(dict.len()))?;
            write_entries(&dict, writer)
        }
    }
}

fn write_items<'a, W: Writer + ?Sized>(items: impl IntoIterator<Item = &'a Value>, writer: &mut W) -> Result<()> {
    for item in items {
        write_value(item, writer)?;
    }
    writer.end()
}

fn write_entries<W: Writer + ?Sized>(dict: &Dict, writer: &mut W) -> Result<()> {
    for (key, value) in dict.iter() {
        write_value(key, writer)?;
        write_value(value, writer)?;
    }
    writer.end()
}
