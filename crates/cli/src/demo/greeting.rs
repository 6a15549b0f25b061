//! [`Greeting`]: the first object that anybody calls.

use salamander::{Value, expose};

/// What is served as `example.greeting`.
pub(crate) struct Greeting;

/// Greets people, and tells their fortune.
#[expose]
impl Greeting {
    /// A fortune for somebody.
    fn get_fortune(&self, name: Value) -> String {
        format!("Hello, {}. Here is your fortune message:\nTomorrow's lucky number is 12345678.", text(&name))
    }

    /// A welcome for somebody.
    #[name("welcomeMessage")]
    fn welcome_message(&self, name: Value) -> String {
        format!("Hi welcome {}", text(&name))
    }
}

/// Python's `str()`: whoever has a name that is no text is greeted all the same.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anybody_is_greeted() {
        assert!(Greeting.get_fortune("Ada".into()).starts_with("Hello, Ada. Here is your fortune message:\n"));
        assert_eq!(Greeting.welcome_message(7.into()), "Hi welcome 7");
    }
}
