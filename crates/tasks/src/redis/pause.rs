//! [`Pauses`]: how long to wait before the next attempt.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(20);
/// Short enough that work is taken up again soon after a server has come back.
const LONGEST: Duration = Duration::from_secs(1);

/// Pauses between attempts, each twice as long as the one before.
pub(crate) struct Pauses(Duration);

impl Pauses {
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    /// Begins anew, after something has worked.
    pub(crate) fn reset(&mut self) {
        self.0 = FIRST;
    }

    /// The next pause. Up to a quarter of it is left to chance, so that not everybody comes at once.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST);
        let chance = uuid::Uuid::new_v4().as_bytes()[0];
        pause - pause.mul_f64(f64::from(chance) / 1024.0)
    }
}
