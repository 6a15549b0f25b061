//! What codecs are told of this machine: its time zone, and the settings that concern them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use salamander_codec::{Settings, Zone, ZoneRules};

use crate::config::Config;

struct Local(TimeZone);

impl ZoneRules for Local {
    fn offset_at_utc(&self, seconds: i64) -> i32 {
        Timestamp::from_second(seconds).map_or(0, |moment| self.0.to_offset(moment).seconds())
    }

    fn offset_at_civil(&self, seconds: i64) -> i32 {
        let civil = DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(SignedDuration::from_secs(seconds));
        let offset = civil.ok().and_then(|civil| {
            let moment = self.0.to_ambiguous_timestamp(civil).compatible().ok()?;
            Some(self.0.to_offset(moment).seconds())
        });
        offset.unwrap_or(0)
    }
}

/// The settings of the codecs.
pub(crate) fn codec_settings(config: &Config) -> Settings {
    let mut settings = here();
    settings.serpent_bytes_repr = config.serpent_bytes_repr;
    settings
}

/// The settings of the codecs on this machine, whatever the configuration.
pub(crate) fn here() -> Settings {
    let mut settings = Settings::default();
    settings.zone = Zone::new(Local(TimeZone::system()));
    settings
}
