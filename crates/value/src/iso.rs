//! Dates and times out of text in the form of ISO 8601, as Python's `fromisoformat()` reads them.

use std::str::FromStr;

use crate::{Date, DateTime, Error, FixedOffset, Result, Time};

const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// What is left of a text.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((&first, rest)) if first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// A number of just so many digits.
    fn digits(&mut self, len: usize) -> Option<u16> {
        let (digits, rest) = self.0.split_at_checked(len)?;
        let number = digits.iter().try_fold(0, |number: u16, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0'))
        })?;
        self.0 = rest;
        Some(number)
    }

    fn two(&mut self) -> Option<u8> {
        self.digits(2).and_then(|number| u8::try_from(number).ok())
    }

    /// `2020-01-31`, `20200131`, `2020-W05-5`, `2020W055`, `2020-W05`.
    fn date(&mut self) -> Option<Date> {
        let year = self.digits(4)?;
        let dashes = self.take(b'-');
        if self.take(b'W') {
            let week = self.two()?;
            let has_day = if dashes { self.take(b'-') } else { self.0.first().is_some_and(u8::is_ascii_digit) };
            let day = if has_day { self.digits(1)? } else { 1 };
            return of_week(year, week, day);
        }
        let month = self.two()?;
        if dashes && !self.take(b'-') {
            return None;
        }
        Date::new(year, month, self.two()?)
    }

    /// Hours, and minutes, seconds and microseconds as far as they are given.
    fn clock(&mut self) -> Option<(u8, u8, u8, u32)> {
        let hour = self.two()?;
        let colons = self.take(b':');
        if !colons && !self.0.first().is_some_and(u8::is_ascii_digit) {
            return Some((hour, 0, 0, 0));
        }
        let minute = self.two()?;
        let more = if colons { self.take(b':') } else { self.0.first().is_some_and(u8::is_ascii_digit) };
        if !more {
            return Some((hour, minute, 0, 0));
        }
        let second = self.two()?;
        if !self.take(b'.') && !self.take(b',') {
            return Some((hour, minute, second, 0));
        }
        let len = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(len).filter(|_| len > 0)?;
        self.0 = rest;
        // What is finer than a microsecond is cut off.
        let padded = digits.iter().chain(b"000000").take(6);
        Some((hour, minute, second, padded.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))))
    }

    fn offset(&mut self) -> Option<Option<FixedOffset>> {
        if self.is_empty() {
            return Some(None);
        }
        if self.take(b'Z') {
            return Some(Some(FixedOffset::default()));
        }
        let negative = self.take(b'-');
        if !negative && !self.take(b'+') {
            return None;
        }
        let (hours, minutes, seconds, micros) = self.clock()?;
        let seconds = (i64::from(hours) * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
        let micros = seconds * 1_000_000 + i64::from(micros);
        (micros < DAY_MICROS).then_some(Some(FixedOffset { microseconds: if negative { -micros } else { micros } }))
    }

    fn time(&mut self) -> Option<Time> {
        let (hour, minute, second, micros) = self.clock()?;
        let time = Time::new(hour, minute, second, micros)?;
        let offset = self.offset()?;
        self.is_empty().then_some(Time { offset, ..time })
    }
}

/// The date of a day of a week of ISO 8601's calendar.
fn of_week(year: u16, week: u8, day: u16) -> Option<Date> {
    let monday_of_first = |year: u16| {
        let fourth = Date::new(year, 1, 4)?.to_ordinal();
        Some(fourth - (fourth - 1).rem_euclid(7))
    };
    let start = monday_of_first(year)?;
    let weeks = monday_of_first(year.checked_add(1)?).map_or(53, |next| (next - start) / 7);
    ((1..=7).contains(&day) && week >= 1 && i64::from(week) <= weeks)
        .then(|| Date::from_ordinal(start + (i64::from(week) - 1) * 7 + i64::from(day) - 1))?
}

#[cold]
fn invalid(text: &str) -> Error {
    // Python shows the text as its `repr()`.
    let mut shown = Vec::new();
    crate::repr::str_repr(&mut shown, text);
    Error::malformed(format!("Invalid isoformat string: {}", String::from_utf8_lossy(&shown)))
}

/// As Python's `date.fromisoformat()`.
impl FromStr for Date {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut rest = Rest(text.as_bytes());
        rest.date().filter(|_| rest.is_empty()).ok_or_else(|| invalid(text))
    }
}

/// As Python's `time.fromisoformat()`.
impl FromStr for Time {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut rest = Rest(text.as_bytes());
        rest.take(b'T');
        rest.time().ok_or_else(|| invalid(text))
    }
}

/// As Python's `datetime.fromisoformat()`: any one character may stand between date and time, which may be missing.
impl FromStr for DateTime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut rest = Rest(text.as_bytes());
        let date = rest.date().ok_or_else(|| invalid(text))?;
        if rest.is_empty() {
            return Ok(DateTime::new(date, Time::default()));
        }
        // Between characters: dates are ASCII.
        let behind = text.len() - rest.0.len();
        let between = text.get(behind..).and_then(|text| text.chars().next()).map_or(0, char::len_utf8);
        let mut rest = Rest(text.as_bytes().get(behind + between..).unwrap_or_default());
        rest.time().map(|time| DateTime::new(date, time)).ok_or_else(|| invalid(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Python 3.11 makes of these.
    #[test]
    fn what_python_reads_is_read() {
        for (text, shown) in [
            ("2020-01-31", "2020-01-31T00:00:00"),
            ("20200131", "2020-01-31T00:00:00"),
            ("2020-W05-5", "2020-01-31T00:00:00"),
            ("2020W055", "2020-01-31T00:00:00"),
            ("2020-W05", "2020-01-27T00:00:00"),
            ("2020-01-31T01", "2020-01-31T01:00:00"),
            ("2020-01-31 01:02", "2020-01-31T01:02:00"),
            ("2020-01-31é01:02:03", "2020-01-31T01:02:03"),
            ("2020-01-31T010203", "2020-01-31T01:02:03"),
            ("2020-01-31T01:02:03.5", "2020-01-31T01:02:03.500000"),
            ("2020-01-31T01:02:03,1234569", "2020-01-31T01:02:03.123456"),
            ("2020-01-31T01:02:03Z", "2020-01-31T01:02:03+00:00"),
            ("2020-01-31T01:02:03+01:60", "2020-01-31T01:02:03+02:00"),
            ("2020-01-31T01:02:03+02", "2020-01-31T01:02:03+02:00"),
            ("2020-01-31T01:02:03.000001-0530", "2020-01-31T01:02:03.000001-05:30"),
            ("2020-01-31T01:02:03+01:02:03.000004", "2020-01-31T01:02:03+01:02:03.000004"),
        ] {
            assert_eq!(text.parse::<DateTime>().unwrap().to_string(), shown, "{text}");
        }
        assert_eq!("T07:05:09.000012+00:30".parse::<Time>().unwrap().to_string(), "07:05:09.000012+00:30");
        assert_eq!("0001-01-01".parse::<Date>().unwrap().to_ordinal(), 1);
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in [
            "",
            "x",
            "2020",
            "2020-1-1",
            "2020-13-01",
            "2020-0131",
            "2020-01-31T",
            "2020-01-31T1",
            "2020-01-31T25",
            "2020-01-31T01:60",
            "2020-01-31T01:02:03.",
            "2020-01-31T01:02:03+24:00",
            "2020-01-31T01:02:03z",
            "2020-W54-1",
            "2020-01-31T01:02:03 ",
        ] {
            let error = text.parse::<DateTime>().unwrap_err();
            assert_eq!(error.message(), format!("Invalid isoformat string: '{text}'"));
        }
    }
}
