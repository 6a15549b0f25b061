//! What messages are read and written by.

use std::sync::LazyLock;

use salamander_codec::Settings;

use super::Accept;

static SETTINGS: LazyLock<Settings> = LazyLock::new(settings);

/// The settings by which kombu's serializers are read and written; whoever changes more of them begins with these.
pub fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.kombu = true;
    settings.without_pyro = true;
    settings
}

/// The same, for what has no settings of its own.
pub(super) fn plain() -> &'static Settings {
    &SETTINGS
}

/// How messages are read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decoding {
    /// The content types that are taken.
    pub accept: Accept,
    /// The most bytes that a body may have, decompressed too.
    pub max_size: usize,
    /// By which bodies are read; [`settings`] makes them.
    pub settings: Settings,
}

impl Default for Decoding {
    /// JSON alone, up to 64 MiB.
    fn default() -> Self {
        Self { accept: Accept::default(), max_size: 64 << 20, settings: settings() }
    }
}

impl Decoding {
    /// The same with other content types.
    #[must_use]
    pub fn accepting(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }
}
