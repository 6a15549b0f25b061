//! The neutral description of values that `python/describe.py` defines, from and into [`Value`].

use std::str;

use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Dict, Exception, FixedOffset, Object, Set, SurrogateStr, Time,
    TimeDelta, Uuid, Value,
};

/// The description of what was decoded: members of sets are sorted by their descriptions.
pub fn describe(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, value);
    out
}

/// The value of a description.
///
/// # Panics
/// Where it is none: the other side is a part of the tests.
pub fn build(description: &[u8]) -> Value {
    let mut build = Build { rest: description };
    let value = build.value();
    assert!(build.rest.is_empty(), "{} bytes follow the description", build.rest.len());
    value
}

/// The values that are described one after the other.
///
/// # Panics
/// As [`build`].
pub fn build_all(description: &[u8]) -> Vec<Value> {
    let mut build = Build { rest: description };
    let mut values = Vec::new();
    while !build.rest.is_empty() {
        values.push(build.value());
    }
    values
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::None => out.push(b'N'),
        Value::Bool(flag) => out.push(if *flag { b'T' } else { b'F' }),
        Value::Int(number) => {
            let sign = if *number < 0 { "-" } else { "" };
            out.extend(format!("i{sign}{:x};", number.unsigned_abs()).into_bytes());
        }
        Value::BigInt(number) => out.extend(format!("i{};", number.to_str_radix(16)).into_bytes()),
        Value::Float(number) => {
            out.push(b'f');
            out.extend(number.to_be_bytes());
        }
        Value::Complex(number) => {
            out.push(b'c');
            out.extend(number.re.to_be_bytes());
            out.extend(number.im.to_be_bytes());
        }
        Value::Str(text) => put_sized(out, b's', text.as_bytes()),
        Value::Surrogates(text) => put_sized(out, b's', &text.to_wtf8()),
        Value::Bytes(bytes) => put_sized(out, b'b', bytes),
        Value::ByteArray(bytes) => put_sized(out, b'a', bytes),
        Value::List(items) => put_items(out, b'l', items),
        Value::Tuple(items) => put_items(out, b't', items),
        Value::Set(set) => put_members(out, b'S', set),
        Value::FrozenSet(set) => put_members(out, b'Z', set),
        Value::Dict(dict) => put_entries(out, b'd', dict),
        Value::Object(object) => put_entries(out, b'o', object.fields()),
        Value::Exception(exception) => {
            out.push(b'E');
            put_sized(out, b's', exception.class().as_bytes());
            put_items(out, b't', exception.args());
            put_entries(out, b'd', exception.attributes());
        }
        Value::DateTime(when) => put_micros(out, b'D', when.to_civil_micros(), when.time.offset),
        Value::Date(date) => out.extend(format!("y{};", date.to_ordinal()).into_bytes()),
        Value::Time(time) => put_micros(out, b'h', time.micros_of_day(), time.offset),
        Value::TimeDelta(delta) => out.extend(format!("x{};", delta.to_micros()).into_bytes()),
        Value::Decimal(number) => put_sized(out, b'm', number.to_string().as_bytes()),
        Value::Uuid(uuid) => {
            out.push(b'u');
            out.extend(uuid.as_bytes());
        }
        other => panic!("no description for {other:?}"),
    }
}

fn put_sized(out: &mut Vec<u8>, letter: u8, bytes: &[u8]) {
    out.push(letter);
    out.extend(format!("{}:", bytes.len()).into_bytes());
    out.extend(bytes);
}

fn put_micros(out: &mut Vec<u8>, letter: u8, micros: i64, offset: Option<FixedOffset>) {
    let offset = offset.map_or("n".to_owned(), |offset| offset.microseconds.to_string());
    out.push(letter);
    out.extend(format!("{micros},{offset};").into_bytes());
}

fn put_items(out: &mut Vec<u8>, letter: u8, items: &[Value]) {
    out.push(letter);
    items.iter().for_each(|item| put(out, item));
    out.push(b'e');
}

fn put_members(out: &mut Vec<u8>, letter: u8, set: &Set) {
    let mut members: Vec<Vec<u8>> = set.iter().map(describe).collect();
    members.sort();
    out.push(letter);
    out.extend(members.concat());
    out.push(b'e');
}

fn put_entries(out: &mut Vec<u8>, letter: u8, dict: &Dict) {
    out.push(letter);
    for (key, value) in dict.iter() {
        put(out, key);
        put(out, value);
    }
    out.push(b'e');
}

struct Build<'a> {
    rest: &'a [u8],
}

impl<'a> Build<'a> {
    fn value(&mut self) -> Value {
        match self.byte() {
            b'N' => Value::None,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'i' => {
                let digits = self.until(b';').as_bytes();
                BigInt::parse_bytes(digits, 16).expect("an int in hexadecimal").into()
            }
            b'f' => Value::Float(self.float()),
            b'c' => Value::Complex(Complex { re: self.float(), im: self.float() }),
            b's' => self.text(),
            b'b' => Value::Bytes(self.sized().into()),
            b'a' => Value::ByteArray(self.sized().into()),
            b'l' => Value::List(self.items()),
            b't' => Value::Tuple(self.items()),
            b'S' => Value::Set(Box::new(self.members())),
            b'Z' => Value::FrozenSet(Box::new(self.members())),
            b'd' => self.dict().into(),
            b'o' => match Object::from_dict(self.dict()) {
                Ok(object) => object.into(),
                Err(dict) => panic!("an instance of no class: {dict:?}"),
            },
            b'E' => {
                let (Value::Str(class), Value::Tuple(args), Value::Dict(attributes)) =
                    (self.value(), self.value(), self.value())
                else {
                    panic!("an exception without its three parts")
                };
                let mut exception = Exception::with_args(&class, args);
                *exception.attributes_mut() = *attributes;
                exception.into()
            }
            b'D' => {
                let (micros, offset) = self.micros();
                let mut when = DateTime::from_civil_micros(micros).expect("a datetime");
                when.time.offset = offset;
                when.into()
            }
            b'y' => Value::Date(Date::from_ordinal(self.number(b';')).expect("a date")),
            b'h' => {
                let (micros, offset) = self.micros();
                let when = DateTime::from_civil_micros(micros).expect("a time of day");
                Time { offset, ..when.time }.into()
            }
            b'x' => Value::TimeDelta(TimeDelta::from_micros(self.number(b';')).expect("a timedelta")),
            b'm' => {
                let text = str::from_utf8(self.sized()).expect("the text of a decimal");
                text.parse::<Decimal>().expect("a decimal").into()
            }
            b'u' => Uuid::from_slice(self.take(16)).expect("16 bytes").into(),
            other => panic!("nothing is described by {:?}", char::from(other)),
        }
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn until(&mut self, end: u8) -> &'a str {
        let len = self.rest.iter().position(|&byte| byte == end).expect("the end of a number");
        let text = str::from_utf8(self.take(len)).expect("the text of a number");
        self.take(1);
        text
    }

    fn number<T: str::FromStr>(&mut self, end: u8) -> T {
        self.until(end).parse().ok().expect("a number")
    }

    fn float(&mut self) -> f64 {
        f64::from_be_bytes(self.take(8).try_into().expect("eight bytes"))
    }

    fn sized(&mut self) -> &'a [u8] {
        let len = self.number(b':');
        self.take(len)
    }

    fn text(&mut self) -> Value {
        let bytes = self.sized();
        match str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => SurrogateStr::from_wtf8(bytes).expect("text").into(),
        }
    }

    fn micros(&mut self) -> (i64, Option<FixedOffset>) {
        let micros = self.number(b',');
        let offset = match self.until(b';') {
            "n" => None,
            offset => Some(FixedOffset { microseconds: offset.parse().expect("an offset") }),
        };
        (micros, offset)
    }

    fn items(&mut self) -> Vec<Value> {
        let mut items = Vec::new();
        while self.rest[0] != b'e' {
            items.push(self.value());
        }
        self.take(1);
        items
    }

    fn members(&mut self) -> Set {
        let mut set = Set::new();
        for member in self.items() {
            assert!(
                set.insert(member).expect("a hashable member"),
                "two members of a set are equal here, but not in Python"
            );
        }
        set
    }

    fn dict(&mut self) -> Dict {
        let mut dict = Dict::new();
        let mut items = self.items().into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let before = dict.insert_value(key, value).expect("a hashable key");
            assert!(before.is_none(), "two keys of a dict are equal here, but not in Python");
        }
        dict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_of_values_come_back() {
        let list = b"lNTFi-80;iffffffffffffffffffff;f\x3f\xf8\0\0\0\0\0\0s4:\xed\xa0\x80ab2:\x00\xffa0:tNe\
            D-5,n;D5,-60;y719163;h1,60;x-7;m4:1.50u0123456789abcdefdi1;NeSi1;i2;eZeos9:__class__s1:xe\
            Es3:a.bti1;edee";
        let value = build(list);
        assert_eq!(describe(&value), list);
        assert_eq!(build_all(b"NTi5;"), [Value::None, Value::Bool(true), Value::Int(5)]);
    }
}
