//! Field tables: dicts of text, numbers, times and further ones.

use salamander_value::{Blob, DateTime, Decimal, Dict, Str, SurrogateStr, Value};

use super::MAX_DEPTH;
use super::fields::{self, Fields};
use crate::WireError;

const MICROS: i64 = 1_000_000;

/// Reads a table.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Dict, WireError> {
    read_table(fields, 0)
}

fn read_table(fields: &mut Fields<'_>, depth: usize) -> Result<Dict, WireError> {
    if depth > MAX_DEPTH {
        return Err(WireError::amqp(format!("tables are nested deeper than {MAX_DEPTH} levels")));
    }
    let mut rest = Fields(fields.long()?);
    let mut dict = Dict::new();
    while !rest.0.is_empty() {
        let key = text(rest.short()?);
        let value = read_item(&mut rest, depth)?;
        dict.insert_value(key, value).map_err(|error| WireError::decode(&error))?;
    }
    Ok(dict)
}

fn read_item(fields: &mut Fields<'_>, depth: usize) -> Result<Value, WireError> {
    Ok(match fields.u8()? {
        b't' => Value::Bool(fields.u8()? != 0),
        b'b' => Value::Int((fields.u8()? as i8).into()),
        b'B' => Value::Int(fields.u8()?.into()),
        // The specification has short strings under `s`, which nobody sends.
        b's' | b'U' => Value::Int((fields.u16()? as i16).into()),
        b'u' => Value::Int(fields.u16()?.into()),
        b'I' => Value::Int((fields.u32()? as i32).into()),
        b'i' => Value::Int(fields.u32()?.into()),
        b'l' | b'L' => Value::Int(fields.u64()? as i64),
        b'f' => Value::Float(f32::from_bits(fields.u32()?).into()),
        b'd' => Value::Float(f64::from_bits(fields.u64()?)),
        b'D' => {
            let (scale, digits) = (fields.u8()?, fields.u32()? as i32);
            let text = format!("{digits}e-{scale}");
            Value::from(text.parse::<Decimal>().map_err(|error| WireError::decode(&error))?)
        }
        b'S' => text(fields.long()?),
        b'x' => Value::Bytes(Blob::from(fields.long()?.to_vec())),
        b'T' => {
            let micros = i64::try_from(fields.u64()?).ok().and_then(|seconds| seconds.checked_mul(MICROS));
            let time = micros.and_then(DateTime::from_civil_micros);
            Value::DateTime(Box::new(time.ok_or_else(|| WireError::amqp("a time is beyond the year 9999"))?))
        }
        b'V' => Value::None,
        b'F' => Value::Dict(Box::new(read_table(fields, depth + 1)?)),
        b'A' => {
            if depth >= MAX_DEPTH {
                return Err(WireError::amqp(format!("arrays are nested deeper than {MAX_DEPTH} levels")));
            }
            let mut rest = Fields(fields.long()?);
            let mut items = Vec::new();
            while !rest.0.is_empty() {
                items.push(read_item(&mut rest, depth + 1)?);
            }
            Value::List(items)
        }
        other => return Err(WireError::amqp(format!("no type of a field is called {:?}", char::from(other)))),
    })
}

/// Text, if it is; py-amqp has bytes then, too.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::Str(Str::from(text)),
        Err(_) => match SurrogateStr::from_wtf8(bytes) {
            Some(text) => Value::Surrogates(Box::new(text)),
            None => Value::Bytes(Blob::from(bytes.to_vec())),
        },
    }
}

/// Appends a table.
pub(super) fn write(out: &mut Vec<u8>, dict: &Dict) -> Result<(), WireError> {
    write_table(out, dict, 0)
}

/// Appends what another one appends, behind its length.
fn measured(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), WireError>) -> Result<(), WireError> {
    let start = out.len();
    out.extend([0; 4]);
    write(out)?;
    let size = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
    Ok(())
}

fn write_table(out: &mut Vec<u8>, dict: &Dict, depth: usize) -> Result<(), WireError> {
    if depth > MAX_DEPTH {
        return Err(WireError::unencodable("tables are nested too deep"));
    }
    measured(out, |out| {
        for (key, value) in dict.iter() {
            match key {
                Value::Str(key) => fields::short(out, "the name of a header", key.as_bytes())?,
                Value::Surrogates(key) => fields::short(out, "the name of a header", &key.to_wtf8())?,
                Value::Bytes(key) => fields::short(out, "the name of a header", key)?,
                _ => return Err(WireError::unencodable("headers have names that are text")),
            }
            write_item(out, value, depth)?;
        }
        Ok(())
    })
}

fn write_item(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), WireError> {
    match value {
        Value::None => out.push(b'V'),
        Value::Bool(flag) => out.extend([b't', u8::from(*flag)]),
        Value::Int(number) => match i32::try_from(*number) {
            Ok(number) => {
                out.push(b'I');
                out.extend(number.to_be_bytes());
            }
            Err(_) => {
                out.push(b'l');
                out.extend(number.to_be_bytes());
            }
        },
        Value::Float(number) => {
            out.push(b'd');
            out.extend(number.to_bits().to_be_bytes());
        }
        Value::Decimal(number) => {
            let (scale, digits) = scaled(number).ok_or_else(|| {
                WireError::unencodable(&format!("the decimal {number} has more digits than a header can have"))
            })?;
            out.extend([b'D', scale]);
            out.extend(digits.to_be_bytes());
        }
        Value::Str(text) => {
            out.push(b'S');
            fields::long(out, text.as_bytes());
        }
        Value::Surrogates(text) => {
            out.push(b'S');
            fields::long(out, &text.to_wtf8());
        }
        Value::Bytes(bytes) | Value::ByteArray(bytes) => {
            out.push(b'x');
            fields::long(out, bytes);
        }
        Value::DateTime(time) => {
            let offset = time.time.offset.map_or(0, |offset| offset.microseconds);
            let seconds = (time.to_civil_micros() - offset).div_euclid(MICROS);
            let seconds = u64::try_from(seconds).map_err(|_| WireError::unencodable("a time before 1970"))?;
            out.push(b'T');
            out.extend(seconds.to_be_bytes());
        }
        Value::List(items) | Value::Tuple(items) => {
            if depth >= MAX_DEPTH {
                return Err(WireError::unencodable("lists are nested too deep"));
            }
            out.push(b'A');
            measured(out, |out| items.iter().try_for_each(|item| write_item(out, item, depth + 1)))?;
        }
        Value::Dict(dict) => {
            out.push(b'F');
            write_table(out, dict, depth + 1)?;
        }
        _ => return Err(WireError::unencodable("a value of a type that headers cannot have")),
    }
    Ok(())
}

/// A decimal number as an integer and how many of its digits are behind the point.
fn scaled(number: &Decimal) -> Option<(u8, i32)> {
    let text = number.to_string();
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i32 = format!("{whole}{fraction}").parse().ok()?;
    let scale = i64::try_from(fraction.len()).ok()? - exponent.parse::<i64>().ok()?;
    match u8::try_from(scale) {
        Ok(scale) => Some((scale, digits)),
        Err(_) if (-9..0).contains(&scale) => Some((0, digits.checked_mul(10_i32.pow(scale.unsigned_abs() as u32))?)),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(entries: &[(&str, Value)]) -> Dict {
        let mut dict = Dict::new();
        for (name, value) in entries {
            dict.insert(*name, value.clone());
        }
        dict
    }

    fn round(dict: &Dict) -> Dict {
        let mut out = Vec::new();
        write(&mut out, dict).unwrap();
        let mut fields = Fields(&out);
        let read = read(&mut fields).unwrap();
        assert!(fields.0.is_empty());
        read
    }

    #[test]
    fn what_py_amqp_writes_is_read() {
        // amqp.serialization.dumps("F", [{...}]) of py-amqp 5.3
        let bytes =
            b"\x00\x00\x00\x86\x04noneV\x04truet\x01\x03intI\xff\xff\xff\xff\x04longL\x00\x00\x01\x00\x00\x00\x00\
            \x00\x05floatd?\xe0\x00\x00\x00\x00\x00\x00\x03decD\x02\x00\x00\x00\x96\x04timeT\x00\x00\x00\x00e\
            \x92\x00\x80\x04textS\x00\x00\x00\x02\xc3\xa9\x05bytesS\x00\x00\x00\x02\xff\xfe\x04listA\x00\x00\x00\
            \x06I\x00\x00\x00\x01V\x04dictF\x00\x00\x00\x08\x01aS\x00\x00\x00\x01b";
        let time = DateTime::from_civil_micros(0x6592_0080 * MICROS).unwrap();
        let expected = dict(&[
            ("none", Value::None),
            ("true", Value::Bool(true)),
            ("int", Value::Int(-1)),
            ("long", Value::Int(1 << 40)),
            ("float", Value::Float(0.5)),
            ("dec", Value::from("1.50".parse::<Decimal>().unwrap())),
            ("time", Value::DateTime(Box::new(time))),
            ("text", Value::from("\u{e9}")),
            ("bytes", Value::Bytes(Blob::from(vec![0xFF, 0xFE]))),
            ("list", Value::List(vec![Value::Int(1), Value::None])),
            ("dict", Value::from(dict(&[("a", Value::from("b"))]))),
        ]);
        let mut fields = Fields(bytes);
        assert_eq!(read(&mut fields).unwrap(), expected);
        assert_eq!(round(&expected), expected);
    }

    #[test]
    fn nothing_is_lost_that_can_be_written() {
        let values = dict(&[
            ("least", Value::Int(i64::MIN)),
            ("edge", Value::Int(i64::from(i32::MIN))),
            ("empty", Value::Bytes(Blob::from(Vec::new()))),
            ("readable bytes", Value::Bytes(Blob::from(b"text".to_vec()))),
            ("surrogate", Value::Surrogates(Box::new(SurrogateStr::new(vec![0xD800]).unwrap()))),
            ("infinite", Value::Float(f64::INFINITY)),
            ("small", Value::from("-0.0000012".parse::<Decimal>().unwrap())),
        ]);
        assert_eq!(round(&values), values);
        assert_eq!(scaled(&"12E+3".parse().unwrap()), Some((0, 12_000)));
        for value in [
            Value::from("1E+30".parse::<Decimal>().unwrap()),
            Value::from("NaN".parse::<Decimal>().unwrap()),
            Value::from(u64::MAX),
            Value::from(dict(&[(&"k".repeat(256), Value::None)])),
        ] {
            let before = vec![1, 2];
            let mut out = before.clone();
            assert!(write(&mut out, &dict(&[("x", value)])).is_err());
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let mut bytes = Vec::new();
        for _ in 0..20_000 {
            let mut outer = vec![0, b'F'];
            fields::long(&mut outer, &bytes);
            bytes = outer;
            if bytes.len() > 120_000 {
                break;
            }
        }
        let mut table = Vec::new();
        fields::long(&mut table, &bytes);
        assert!(read(&mut Fields(&table)).unwrap_err().to_string().contains("nested"));
        for wrong in
            [&b"\x00\x00\x00\x01"[..], b"\x00\x00\x00\x02\x00?", b"\x00\x00\x00\x06\x00S\xff\xff\xff\xff", b"\x00"]
        {
            assert!(read(&mut Fields(wrong)).is_err(), "{wrong:?}");
        }
    }
}
