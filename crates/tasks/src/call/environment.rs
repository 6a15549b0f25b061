//! What comes from outside: the clock, ids, the name of this machine, chance.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use salamander_codec::Settings;
use salamander_net::CorrelationIds;
use salamander_value::{DateTime, FixedOffset, Str, Uuid};
use salamander_wire::celery;

static SETTINGS: LazyLock<Arc<Settings>> = LazyLock::new(|| Arc::new(celery::settings()));

/// The settings by which messages and results are read and written.
pub(crate) fn shared_settings() -> &'static Arc<Settings> {
    &SETTINGS
}

/// The same, not shared.
pub(crate) fn codec_settings() -> &'static Settings {
    shared_settings()
}

/// A moment, read once for all that is computed from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(SystemTime);

impl Clock {
    pub(crate) fn now() -> Self {
        Self(SystemTime::now())
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(self) -> f64 {
        micros(self.0) as f64 / 1e6
    }

    /// So many seconds later, in the form of ISO 8601.
    pub(crate) fn after(self, seconds: f64) -> Str {
        let micros = micros(self.0).saturating_add((seconds * 1e6) as i64);
        utc(micros).map_or_else(|| "9999-12-31T23:59:59+00:00".into(), |when| when.to_string().into())
    }

    /// How many seconds there are up to a time; a time without a zone is in UTC.
    pub(crate) fn until(self, time: &DateTime) -> f64 {
        (utc_micros(time) - micros(self.0)) as f64 / 1e6
    }

    /// In how many milliseconds a message with this time in `expires` is of no use, as text.
    pub(crate) fn expiration(self, expires: &str) -> Option<Str> {
        let time: DateTime = expires.parse().ok()?;
        expiration(self.until(&time))
    }
}

/// Seconds as the property of a message has them; what is in the past is none at all.
///
/// RabbitMQ refuses messages with more than 32 bits of milliseconds, 49 days; workers look at the header then.
pub(crate) fn expiration(seconds: f64) -> Option<Str> {
    let millis = u32::try_from((seconds.max(0.0) * 1000.0) as u64).ok()?;
    Some(millis.to_string().into())
}

fn micros(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    }
}

/// The time in UTC at so many microseconds after 1970 began.
fn utc(micros: i64) -> Option<DateTime> {
    let mut when = DateTime::from_civil_micros(micros)?;
    when.time.offset = Some(FixedOffset::default());
    Some(when)
}

fn utc_micros(time: &DateTime) -> i64 {
    time.to_civil_micros() - time.time.offset.map_or(0, |offset| offset.microseconds)
}

/// A point in time in the system's clock as Python's aware `datetime` in UTC.
pub(crate) fn date_time(time: SystemTime) -> Option<DateTime> {
    utc(micros(time))
}

/// Now, as backends store when a task was done.
pub(crate) fn date_done() -> Str {
    Clock::now().after(0.0)
}

/// A new id of a task, or of a message: random where the process begins and counted from there on, because asking the system for
/// randomness takes longer than many a step of a task.
pub(crate) fn new_id() -> Str {
    static IDS: LazyLock<CorrelationIds> = LazyLock::new(CorrelationIds::new);
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    Str::from(&*Uuid::from_bytes(IDS.next()).hyphenated().encode_lower(&mut text))
}

/// A number below this one, by chance.
pub(crate) fn random_below(below: u64) -> u64 {
    Uuid::new_v4().as_u64_pair().1.checked_rem(below).unwrap_or_default()
}

/// The name of this machine, as Python's `gethostname()` gives it.
pub(crate) fn hostname() -> &'static Str {
    static NAME: LazyLock<Str> = LazyLock::new(|| {
        #[cfg(unix)]
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        #[cfg(not(unix))]
        let name = std::env::var("COMPUTERNAME").unwrap_or_default();
        if name.is_empty() { "localhost".into() } else { name.into() }
    });
    &NAME
}

/// Who sends from here: `gen123@host`.
pub(crate) fn origin() -> &'static Str {
    static ORIGIN: LazyLock<Str> = LazyLock::new(|| format!("gen{}@{}", std::process::id(), hostname()).into());
    &ORIGIN
}

/// The pause before an attempt that follows on so many.
pub(crate) fn pause(start: f64, step: f64, max: f64, attempts: u32) -> Duration {
    Duration::try_from_secs_f64((start + step * f64::from(attempts)).min(max).max(0.0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_python_writes_them() {
        let clock = Clock(UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456));
        assert_eq!(clock.after(0.0), "2023-11-14T22:13:20.123456+00:00");
        assert_eq!(clock.after(0.876_544), "2023-11-14T22:13:21+00:00");
        assert_eq!(clock.after(1e30), "9999-12-31T23:59:59+00:00");
        assert_eq!(clock.expiration("2023-11-14T23:13:21.123456+01:00").unwrap(), "1000");
        assert_eq!(clock.expiration("2023-11-14T22:13:19").unwrap(), "0");
        assert_eq!((clock.expiration("tomorrow"), clock.expiration("2040-01-01")), (None, None));
    }

    #[test]
    fn origins_name_the_process_and_the_machine() {
        assert_eq!(**origin(), format!("gen{}@{}", std::process::id(), hostname()));
        assert!((0..100).all(|_| random_below(3) < 3) && random_below(0) == 0);
    }
}
