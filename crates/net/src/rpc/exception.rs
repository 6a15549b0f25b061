//! Exceptions for programs that know nothing of Pyro: each is to be raised there as its own class.

use salamander_value::{Exception, Value};

/// The exception in the words of Python's own library: what stands for Pyro's classes, and nothing of Pyro's among the attributes.
pub(super) fn portable(exception: Exception) -> Exception {
    let class = match exception.class() {
        "Pyro5.errors.TimeoutError" => "builtins.TimeoutError",
        "Pyro5.errors.ConnectionClosedError" => "builtins.ConnectionError",
        "Pyro5.errors.CommunicationError" => "builtins.OSError",
        "Pyro5.errors.NamingError" => "builtins.LookupError",
        "Pyro5.errors.SecurityError" => "builtins.PermissionError",
        "Pyro5.errors.SerializeError" => "builtins.TypeError",
        class if class.starts_with("Pyro") => "builtins.RuntimeError",
        class => class,
    };
    let mut portable = Exception::with_args(class, exception.args().to_vec());
    for (name, value) in exception.attributes().iter() {
        if let Some(name) = name.as_str().filter(|name| !name.starts_with("_pyro")) {
            portable.attributes_mut().insert(name, value.clone());
        }
    }
    if can_be_made(&portable) { portable } else { spelled_out(&portable) }
}

/// What can be raised everywhere instead: it says of which class the exception was.
pub(super) fn spelled_out(exception: &Exception) -> Exception {
    Exception::runtime_error(exception.to_string())
}

/// Whether Python makes it of its arguments: some of its classes take no others than their own.
fn can_be_made(exception: &Exception) -> bool {
    use Value::{Bytes, Int, Str};
    match (exception.class(), exception.args()) {
        ("builtins.UnicodeDecodeError", args) => matches!(args, [Str(_), Bytes(_), Int(_), Int(_), Str(_)]),
        ("builtins.UnicodeEncodeError", args) => matches!(args, [Str(_), Str(_), Int(_), Int(_), Str(_)]),
        ("builtins.UnicodeTranslateError", args) => matches!(args, [Str(_), Int(_), Int(_), Str(_)]),
        // Pythons that have no groups cannot read one.
        ("builtins.ExceptionGroup" | "builtins.BaseExceptionGroup", _) => false,
        ("builtins.EncodingWarning", _) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_pyro_is_left() {
        let mut error = Exception::value_error("bad").with_attribute("code", 3);
        error.set_traceback(vec!["line 1\n".to_owned()]);
        assert_eq!(portable(error), Exception::value_error("bad").with_attribute("code", 3));
        for class in ["CommunicationError", "DaemonError", "SecurityError", "ProtocolError", "TimeoutError", "Other"]
        {
            let error = portable(Exception::pyro(class, "x"));
            assert!(error.class().starts_with("builtins."), "{error:?}");
        }
    }

    #[test]
    fn what_python_could_not_make_is_spelled_out() {
        let error = portable(Exception::new("UnicodeDecodeError", "no text"));
        assert_eq!(error, Exception::runtime_error("UnicodeDecodeError: no text"));
        let args = vec!["utf-8".into(), Value::Bytes(b"\xff".to_vec().into()), 0.into(), 1.into(), "bad".into()];
        let error = Exception::with_args("UnicodeDecodeError", args);
        assert_eq!(portable(error.clone()), error);
    }
}
