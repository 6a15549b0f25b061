//! [`EchoServer`]: the object that Pyro's clients are tested with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Zoned;
use salamander::{Exception, Value, expose};
use tokio::sync::Notify;

/// What is served as `test.echoserver`: Pyro's object of this name, method by method. If it is verbose, it prints the calls.
pub(crate) struct EchoServer {
    verbose: AtomicBool,
    shut_down: Arc<Notify>,
}

impl EchoServer {
    /// An object that tells by `shut_down` that a client wants it to end.
    pub(crate) fn new(verbose: bool, shut_down: Arc<Notify>) -> Self {
        Self { verbose: verbose.into(), shut_down }
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.verbose() {
            let what = what();
            // It is no fault of the caller's where nobody reads this any more.
            use std::io::Write;
            let _ = writeln!(std::io::stdout(), "{} - {what}", now());
        }
    }
}

/// Pyro's test object: gives back what it gets, in many ways.
#[expose]
impl EchoServer {
    /// Gives the message back.
    fn echo(&self, message: Value) -> Value {
        self.say(|| format!("echo: {message}"));
        message
    }

    /// Raises a `ValueError`.
    fn error(&self) -> Result<(), Exception> {
        self.say(|| "error: generating exception".to_owned());
        Err(Exception::value_error("this is the generated error from echoserver echo() method"))
    }

    /// Raises a `ValueError` with another text.
    fn error_with_text(&self) -> Result<(), Exception> {
        self.say(|| "error: generating exception".to_owned());
        Err(Exception::value_error("the message of the error"))
    }

    /// As `echo`, for a client that does not wait.
    #[oneway]
    fn oneway_echo(&self, message: Value) -> &'static str {
        self.say(|| format!("oneway_echo: {message}"));
        "bogus return value"
    }

    /// Answers after a while.
    async fn slow(&self) -> &'static str {
        self.say(|| "slow: waiting a bit...".to_owned());
        tokio::time::sleep(DELAY).await;
        self.say(|| "slow: returning result".to_owned());
        "Finally, an answer!"
    }

    /// Three items, one at a time.
    fn generator(&self) -> impl Iterator<Item = &'static str> + use<> {
        ["one", "two", "three"].into_iter()
    }

    /// The float that is no number.
    fn nan(&self) -> f64 {
        f64::NAN
    }

    /// The float beyond all others.
    fn inf(&self) -> f64 {
        f64::INFINITY
    }

    /// As `slow`, for a client that does not wait.
    #[oneway]
    async fn oneway_slow(&self) -> &'static str {
        self.say(|| "oneway_slow: waiting a bit...".to_owned());
        tokio::time::sleep(DELAY).await;
        self.say(|| "oneway_slow: returning result".to_owned());
        "bogus return value"
    }

    /// A special method by its name, which is no private one.
    fn __dunder__(&self) -> &'static str {
        "should be allowed (dunder)"
    }

    /// Asks the server to end.
    fn shutdown(&self) {
        self.say(|| "shutting down".to_owned());
        self.shut_down.notify_one();
    }

    /// Whether the calls are printed.
    #[property]
    fn verbose(&self) -> bool {
        self.verbose.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_verbose(&self, onoff: Value) {
        self.verbose.store(onoff.truth(), Ordering::Relaxed);
    }
}

/// How long the slow methods take.
const DELAY: Duration = Duration::from_secs(5);

/// As Python's `time.asctime()`.
fn now() -> String {
    Zoned::now().strftime("%a %b %e %H:%M:%S %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_python_shows_them() {
        let now = now();
        assert_eq!(now.len(), "Tue Jul  1 12:00:00 2025".len(), "{now}");
    }

    #[tokio::test]
    async fn a_client_can_ask_for_the_end() {
        let shut_down = Arc::new(Notify::new());
        let echo = EchoServer::new(false, shut_down.clone());
        echo.shutdown();
        shut_down.notified().await;
        echo.set_verbose(1.into());
        assert!(echo.verbose());
    }
}
