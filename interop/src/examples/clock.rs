//! What time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use salamander::{Date, DateTime, FixedOffset};

/// Now, in a zone so many hours east of Greenwich.
pub(super) fn now(hours: i64) -> DateTime {
    let epoch = DateTime::new(Date { year: 1970, month: 1, day: 1 }, salamander::Time::default());
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(passed.as_micros()).unwrap_or_default() + hours * 3_600_000_000;
    let mut now = DateTime::from_civil_micros(epoch.to_civil_micros() + micros).unwrap_or(epoch);
    now.time.offset = Some(FixedOffset { microseconds: hours * 3_600_000_000 });
    now
}

/// Now in Greenwich, as Python's `isoformat` has it.
pub(super) fn text() -> String {
    let DateTime { date, time } = now(0);
    let date = format!("{:04}-{:02}-{:02}", date.year, date.month, date.day);
    format!("{date}T{:02}:{:02}:{:02}.{:06}", time.hour, time.minute, time.second, time.microsecond)
}
