//! Dates and times as Python's `datetime` module has them: microseconds, years 1 to 9999, naive or with an offset.

use std::fmt;

/// `datetime.date`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// 1 to 9999
    pub year: u16,
    /// 1 to 12
    pub month: u8,
    /// 1 to the month's last
    pub day: u8,
}

/// `datetime.time`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Time {
    /// 0 to 23
    pub hour: u8,
    /// 0 to 59
    pub minute: u8,
    /// 0 to 59
    pub second: u8,
    /// 0 to 999,999
    pub microsecond: u32,
    /// The offset from UTC; none for a naive time.
    pub offset: Option<FixedOffset>,
}

/// `datetime.datetime`: a date and a time of day, naive or aware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// The date.
    pub date: Date,
    /// The time, with the offset of an aware one.
    pub time: Time,
}

/// `datetime.timezone`: a fixed offset east of UTC, in microseconds, less than a day either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FixedOffset {
    /// Microseconds east of UTC.
    pub microseconds: i64,
}

/// `datetime.timedelta`, normalised as Python does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeDelta {
    /// -999,999,999 to 999,999,999
    pub days: i32,
    /// 0 to 86,399
    pub seconds: u32,
    /// 0 to 999,999
    pub microseconds: u32,
}

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400;

impl Date {
    /// A date, if there is one.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let date = Self { year, month, day };
        ((1..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month))
            .then_some(date)
    }

    /// The day's number as Python counts: 1 January of year 1 is 1.
    pub fn to_ordinal(self) -> i64 {
        // Days of civil calendar, counted from 1 March of year 0.
        let month = i64::from(self.month);
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 305
    }

    /// The date of a day's number.
    pub fn from_ordinal(ordinal: i64) -> Option<Self> {
        if !(1..=3_652_059).contains(&ordinal) {
            return None;
        }
        let days = ordinal + 305;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self::new(u16::try_from(year).ok()?, month as u8, day as u8)
    }
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Time {
    /// A naive time of day, if there is one.
    pub fn new(hour: u8, minute: u8, second: u8, microsecond: u32) -> Option<Self> {
        (hour < 24 && minute < 60 && second < 60 && microsecond < 1_000_000).then_some(Self {
            hour,
            minute,
            second,
            microsecond,
            offset: None,
        })
    }

    /// Microseconds since midnight.
    pub fn micros_of_day(self) -> i64 {
        ((i64::from(self.hour) * 60 + i64::from(self.minute)) * 60 + i64::from(self.second)) * MICROS
            + i64::from(self.microsecond)
    }
}

impl DateTime {
    /// A date and a time of day together.
    pub fn new(date: Date, time: Time) -> Self {
        Self { date, time }
    }

    /// Microseconds since 1970 as the clock on this wall shows it: the offset of an aware one is not regarded.
    pub fn to_civil_micros(self) -> i64 {
        (self.date.to_ordinal() - 719_163) * DAY * MICROS + self.time.micros_of_day()
    }

    /// The naive date and time at this many microseconds after 1970 began.
    pub fn from_civil_micros(micros: i64) -> Option<Self> {
        let date = Date::from_ordinal(micros.div_euclid(DAY * MICROS) + 719_163)?;
        let in_day = micros.rem_euclid(DAY * MICROS);
        let seconds = in_day / MICROS;
        let time = Time::new(
            (seconds / 3600) as u8,
            (seconds / 60 % 60) as u8,
            (seconds % 60) as u8,
            (in_day % MICROS) as u32,
        )?;
        Some(Self { date, time })
    }
}

impl TimeDelta {
    /// A duration of this many microseconds, if Python's range has it.
    pub fn from_micros(micros: i128) -> Option<Self> {
        let day = i128::from(DAY * MICROS);
        let days =
            i32::try_from(micros.div_euclid(day)).ok().filter(|days| (-999_999_999..=999_999_999).contains(days))?;
        let rest = micros.rem_euclid(day);
        Some(Self {
            days,
            seconds: (rest / i128::from(MICROS)) as u32,
            microseconds: (rest % i128::from(MICROS)) as u32,
        })
    }

    /// All of it in microseconds.
    pub fn to_micros(self) -> i128 {
        (i128::from(self.days) * i128::from(DAY) + i128::from(self.seconds)) * i128::from(MICROS)
            + i128::from(self.microseconds)
    }

    /// All of it in seconds, as Python's `total_seconds()`.
    pub fn total_seconds(self) -> f64 {
        let micros = self.to_micros();
        match micros.unsigned_abs() < 1 << f64::MANTISSA_DIGITS {
            // Both are exact, so that only the quotient is rounded.
            true => micros as f64 / MICROS as f64,
            // Beyond 285 years; Python divides exactly there too, which reading a decimal does.
            false => format!("{micros}e-6").parse().unwrap_or_default(),
        }
    }
}

/// As Python's `isoformat()`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// As Python's `isoformat()`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.hour, self.minute, self.second)?;
        if self.microsecond != 0 {
            write!(f, ".{:06}", self.microsecond)?;
        }
        match self.offset {
            Some(offset) => write!(f, "{offset}"),
            None => Ok(()),
        }
    }
}

/// As Python's `isoformat()`.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date, self.time)
    }
}

/// As in Python's `isoformat()`: `+02:00`, with seconds and microseconds only where there are any.
impl fmt::Display for FixedOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.microseconds < 0 { '-' } else { '+' };
        let micros = self.microseconds.abs();
        let seconds = micros / MICROS;
        write!(f, "{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60)?;
        if seconds % 60 != 0 || micros % MICROS != 0 {
            write!(f, ":{:02}", seconds % 60)?;
        }
        if micros % MICROS != 0 {
            write!(f, ".{:06}", micros % MICROS)?;
        }
        Ok(())
    }
}

/// As Python's `str()`: `1 day, 2:03:04.000005`.
impl fmt::Display for TimeDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != 0 {
            write!(f, "{} day{}, ", self.days, if matches!(self.days, 1 | -1) { "" } else { "s" })?;
        }
        write!(f, "{}:{:02}:{:02}", self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60)?;
        if self.microseconds != 0 {
            write!(f, ".{:06}", self.microseconds)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_are_pythons() {
        for (ordinal, text) in
            [(1, "0001-01-01"), (719_163, "1970-01-01"), (738_000, "2021-07-29"), (3_652_059, "9999-12-31")]
        {
            let date = Date::from_ordinal(ordinal).unwrap();
            assert_eq!((date.to_string().as_str(), date.to_ordinal()), (text, ordinal));
        }
        for ordinal in 1..3_652_060 {
            assert_eq!(Date::from_ordinal(ordinal).unwrap().to_ordinal(), ordinal);
        }
        assert_eq!(Date::from_ordinal(0), None);
        assert_eq!(Date::new(2023, 2, 29), None);
    }

    #[test]
    fn text_is_isoformat() {
        let mut time = Time::new(7, 5, 9, 12).unwrap();
        assert_eq!(time.to_string(), "07:05:09.000012");
        time.offset = Some(FixedOffset { microseconds: -(5 * 3600 + 30 * 60) * MICROS });
        assert_eq!(time.to_string(), "07:05:09.000012-05:30");
        assert_eq!(TimeDelta::from_micros(-1).unwrap().to_string(), "-1 day, 23:59:59.999999");
        let long = TimeDelta::from_micros(-29_514_139_346_801_187_500).unwrap();
        assert_eq!(long.total_seconds(), -29_514_139_346_801.188);
        let most = |days: i128| TimeDelta::from_micros(days * i128::from(DAY * MICROS));
        assert_eq!(most(-999_999_999).unwrap().to_string(), "-999999999 days, 0:00:00");
        assert_eq!((most(-1_000_000_000), most(i32::MIN.into()), most(i128::from(i32::MIN) - 1)), (None, None, None));
        let when = DateTime::from_civil_micros(-1).unwrap();
        assert_eq!(when.to_string(), "1969-12-31T23:59:59.999999");
        assert_eq!(when.to_civil_micros(), -1);
    }
}
