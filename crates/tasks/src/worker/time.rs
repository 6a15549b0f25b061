//! Times as messages and backends have them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use salamander_value::DateTime;

/// Microseconds since 1970.
pub(crate) fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Seconds since 1970.
pub(crate) fn now_seconds() -> f64 {
    now_micros() as f64 / 1e6
}

/// A moment as Python's `isoformat()` has it, in UTC.
pub(crate) fn iso_utc(micros: i64) -> String {
    let time = DateTime::from_civil_micros(micros).map(|time| time.to_string()).unwrap_or_default();
    format!("{time}+00:00")
}

/// Seconds since 1970 of a time in the form of ISO 8601; one without a zone is in UTC.
///
/// # Errors
/// Python's words for what is no time.
pub(crate) fn from_iso(text: &str) -> Result<f64, String> {
    let time: DateTime = text.parse().map_err(|_| format!("Invalid isoformat string: '{text}'"))?;
    let offset = time.time.offset.map_or(0, |offset| offset.microseconds);
    Ok((time.to_civil_micros() - offset) as f64 / 1e6)
}

/// The instant of a moment; far ahead where it is beyond what can be waited for.
pub(crate) fn instant_of(seconds: f64, now: Instant) -> Instant {
    let wait = Duration::try_from_secs_f64((seconds - now_seconds()).max(0.0)).unwrap_or(FAR).min(FAR);
    now + wait
}

/// A hundred years.
const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A number of seconds as Python prints it.
pub(crate) fn seconds(duration: Duration) -> String {
    number(duration.as_secs_f64())
}

/// A number as Python prints it: without a point where it is whole.
pub(crate) fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_as_python_does() {
        assert_eq!(iso_utc(1_600_000_000_123_456), "2020-09-13T12:26:40.123456+00:00");
        for text in
            ["2020-09-13T12:26:40.123456+00:00", "2020-09-13T14:26:40.123456+02:00", "2020-09-13T12:26:40.123456"]
        {
            assert_eq!(from_iso(text), Ok(1_600_000_000.123_456));
        }
        assert_eq!(from_iso("soon").unwrap_err(), "Invalid isoformat string: 'soon'");
        let now = Instant::now();
        assert_eq!((instant_of(0.0, now), instant_of(f64::NAN, now)), (now, now));
        assert!(instant_of(1e300, now) > now);
    }
}
