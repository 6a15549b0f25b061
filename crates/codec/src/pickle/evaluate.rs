//! What the calls and instances in a pickle stand for.

use std::borrow::Cow;

use salamander_value::{
    BigInt, Complex, Date, DateTime, Decimal, Error, FixedOffset, Kind, Result, Time, TimeDelta, Token, Uuid,
};

use super::classes::Class;
use super::machine::{Graph, Id, Node, refused_class};

impl<'de> Graph<'de> {
    /// The items of a tuple.
    pub(super) fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Some(Node::Tuple(items)) => Some(items),
            _ => None,
        }
    }

    /// The part that holds the members of a set, a list or a tuple.
    pub(super) fn members(&self, id: Id) -> Option<(Id, &[Id])> {
        match self.get(id)? {
            Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => Some((id, items)),
            Node::Called(Class::Set | Class::FrozenSet, args, None) => match self.tuple(*args)? {
                [] => Some((*args, &[])),
                &[list] => match self.get(list)? {
                    Node::List(items) | Node::Tuple(items) => Some((list, items)),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    fn token(&self, id: Id) -> Option<&Token<'de>> {
        match self.get(id) {
            Some(Node::Scalar(token)) => Some(token),
            _ => None,
        }
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.token(id) {
            Some(Token::Str(text)) => Some(text),
            _ => None,
        }
    }

    fn int(&self, id: Id) -> Option<i64> {
        match self.token(id) {
            Some(Token::Int(number)) => Some(*number),
            Some(Token::Bool(flag)) => Some(i64::from(*flag)),
            _ => None,
        }
    }

    fn float(&self, id: Id) -> Option<f64> {
        match self.token(id) {
            Some(Token::Float(number)) => Some(*number),
            _ => self.int(id).map(|number| number as f64),
        }
    }

    /// The value that a call stands for, where that is a scalar.
    ///
    /// # Errors
    /// Where the arguments are none that Python's own pickles have.
    pub(super) fn scalar(&self, class: Class<'de>, args: Id) -> Result<Token<'de>> {
        let items = self.tuple(args).unwrap_or_default();
        let bad = || refused_class(&class);
        Ok(match class {
            Class::Bytes | Class::Encode => Token::Bytes(self.bytes_of_call(class, items).ok_or_else(bad)?),
            Class::ByteArray => Token::ByteArray(self.bytes_of_call(class, items).ok_or_else(bad)?),
            Class::Complex => Token::Complex(self.complex(items).ok_or_else(bad)?),
            Class::Decimal => {
                let &[text] = items else { return Err(bad()) };
                let text = self.text(text).ok_or_else(bad)?;
                Token::Decimal(Box::new(text.parse::<Decimal>()?))
            }
            Class::DateTime => Token::DateTime(self.date_time(items).ok_or_else(bad)?),
            Class::Date => Token::Date(self.date(items).ok_or_else(bad)?),
            Class::Time => Token::Time(self.time(items).ok_or_else(bad)?),
            Class::TimeDelta => {
                let delta = self.time_delta(items).ok_or_else(bad)?;
                Token::TimeDelta(TimeDelta::from_micros(delta).ok_or_else(|| out_of_range("a timedelta"))?)
            }
            _ => return Err(bad()),
        })
    }

    fn bytes_of_call(&self, class: Class<'de>, items: &[Id]) -> Option<Cow<'de, [u8]>> {
        match (class, items) {
            (Class::Bytes | Class::ByteArray, []) => Some(Cow::Borrowed(&[])),
            (Class::Bytes | Class::ByteArray, &[bytes]) => self.bytes(bytes),
            (Class::Encode | Class::ByteArray, &[text, encoding]) => {
                if !matches!(self.text(encoding)?, "latin1" | "latin-1" | "iso-8859-1") {
                    return None;
                }
                let text = self.text(text)?.chars();
                text.map(|character| u8::try_from(u32::from(character)).ok())
                    .collect::<Option<Vec<u8>>>()
                    .map(Cow::Owned)
            }
            _ => None,
        }
    }

    fn bytes(&self, id: Id) -> Option<Cow<'de, [u8]>> {
        match self.get(id)? {
            Node::Scalar(Token::Bytes(bytes)) => Some(bytes.clone()),
            Node::Called(class @ (Class::Encode | Class::Bytes), args, None) => {
                // The argument of bytes is not looked at again, so this goes no deeper.
                match (class, self.tuple(*args)?) {
                    (Class::Bytes, []) => Some(Cow::Borrowed(&[])),
                    (Class::Encode, items) => self.bytes_of_call(Class::Encode, items),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn complex(&self, items: &[Id]) -> Option<Complex> {
        let &[re, im] = items else { return None };
        Some(Complex { re: self.float(re)?, im: self.float(im)? })
    }

    fn date_time(&self, items: &[Id]) -> Option<DateTime> {
        let (state, zone) = self.moment(items)?;
        let &[year_high, year_low, month, day, ref time @ ..] = &*state else { return None };
        // The first bit of the month says which of two it is where clocks show a time twice.
        let date = Date::new(u16::from_be_bytes([year_high, year_low]), month & 0x7F, day)?;
        Some(DateTime::new(date, Time { offset: zone, ..time_of(time)? }))
    }

    fn date(&self, items: &[Id]) -> Option<Date> {
        let (state, None) = self.moment(items)? else { return None };
        let &[year_high, year_low, month, day] = &*state else { return None };
        Date::new(u16::from_be_bytes([year_high, year_low]), month, day)
    }

    fn time(&self, items: &[Id]) -> Option<Time> {
        let (state, zone) = self.moment(items)?;
        let &[hour, ref rest @ ..] = &*state else { return None };
        let state: Vec<u8> = [&[hour & 0x7F], rest].concat();
        Some(Time { offset: zone, ..time_of(&state)? })
    }

    /// The bytes and the zone, if there is one.
    fn moment(&self, items: &[Id]) -> Option<(Cow<'de, [u8]>, Option<FixedOffset>)> {
        match *items {
            [state] => Some((self.bytes(state)?, None)),
            [state, zone] => Some((self.bytes(state)?, Some(self.zone(zone)?))),
            _ => None,
        }
    }

    fn zone(&self, id: Id) -> Option<FixedOffset> {
        let Some(Node::Called(Class::TimeZone, args, None)) = self.get(id) else { return None };
        // A name may follow, which says nothing that the offset does not.
        let &[delta, ..] = self.tuple(*args)? else { return None };
        let Some(Node::Called(Class::TimeDelta, args, None)) = self.get(delta) else { return None };
        let microseconds = i64::try_from(self.time_delta(self.tuple(*args)?)?).ok()?;
        (microseconds.abs() < 86_400_000_000).then_some(FixedOffset { microseconds })
    }

    /// In microseconds.
    fn time_delta(&self, items: &[Id]) -> Option<i128> {
        let &[days, seconds, microseconds] = items else { return None };
        let part = |id| self.int(id).map(i128::from);
        Some((part(days)? * 86_400 + part(seconds)?) * 1_000_000 + part(microseconds)?)
    }

    /// The UUID that has this state.
    pub(super) fn uuid(&self, state: Option<Id>) -> Result<Uuid> {
        let bad = || refused_class(&Class::Uuid);
        let Some(Node::Dict(entries)) = state.and_then(|state| self.get(state)) else { return Err(bad()) };
        let number = entries.chunks_exact(2).rfind(|entry| self.text(entry[0]) == Some("int"));
        let number = match number.and_then(|entry| self.token(entry[1])) {
            Some(Token::Int(number)) => u128::try_from(*number).ok(),
            Some(Token::BigInt(number)) => u128::try_from(&**number as &BigInt).ok(),
            _ => None,
        };
        number.map(Uuid::from_u128).ok_or_else(bad)
    }

    /// The text of a URI, out of its state or out of what it is made of.
    pub(super) fn uri(&self, id: Id) -> Option<String> {
        let state = match self.get(id)? {
            Node::Instance(Class::Uri, Some(state)) => self.tuple(*state)?,
            Node::Called(Class::Uri, args, None) => match self.tuple(*args)? {
                &[text] => return self.text(text).map(str::to_owned),
                _ => return None,
            },
            _ => return self.text(id).map(str::to_owned),
        };
        let &[protocol, object, socket, host, port] = state else { return None };
        let object = match self.text(object) {
            Some(object) => object.to_owned(),
            None => {
                let (_, tags) = self.members(object)?;
                tags.iter().map(|&tag| self.text(tag)).collect::<Option<Vec<_>>>()?.join(",")
            }
        };
        let location = match (self.text(host), self.text(socket), self.int(port)) {
            (Some(host), _, Some(port)) if host.contains(':') => format!("@[{host}]:{port}"),
            (Some(host), _, Some(port)) => format!("@{host}:{port}"),
            (None, Some(socket), _) => format!("@./u:{socket}"),
            _ => String::new(),
        };
        Some(format!("{}:{object}{location}", self.text(protocol)?))
    }
}

fn time_of(state: &[u8]) -> Option<Time> {
    let &[hour, minute, second, high, middle, low] = state else { return None };
    Time::new(hour, minute, second, u32::from_be_bytes([0, high, middle, low]))
}

fn out_of_range(what: &str) -> Error {
    Error::new(Kind::Overflow, format!("{what} is out of range"))
}
