//! [`Printed`]: what a program prints, for those who wait for it.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long something may take to be printed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Text that grows. Clones are the same text.
#[derive(Clone, Debug, Default)]
pub struct Printed(Arc<watch::Sender<String>>);

impl Printed {
    /// Prints a line.
    pub fn line(&self, text: impl Display) {
        self.add(&format!("{text}\n"));
    }

    pub(super) fn add(&self, text: &str) {
        self.0.send_modify(|all| all.push_str(text));
    }

    /// All of it so far.
    pub fn text(&self) -> String {
        self.0.borrow().clone()
    }

    /// Waits until this has been printed, for a minute at most.
    pub async fn until(&self, wanted: &str) -> Result<(), String> {
        self.until_so(wanted, |text| text.contains(wanted)).await
    }

    /// Waits until this has been printed so many times.
    pub async fn until_times(&self, wanted: &str, times: usize) -> Result<(), String> {
        let what = format!("{times} times {wanted}");
        self.until_so(&what, |text| text.matches(wanted).count() >= times).await
    }

    async fn until_so(&self, what: &str, so: impl Fn(&str) -> bool) -> Result<(), String> {
        let mut text = self.0.subscribe();
        let waited = tokio::time::timeout(PATIENCE, text.wait_for(|text| so(text))).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            _ => Err(format!("{what:?} should have been printed; there is only\n{}", self.text())),
        }
    }
}
