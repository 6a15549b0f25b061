//! What a method raises, on our side.

use salamander::{Codec, Error, Kind, Value};

use crate::{At, cases};

async fn raised(at: &At, name: &str, args: Vec<Value>) -> Error {
    at.proxy().call::<Value>("raise_builtin", (name, args)).await.unwrap_err()
}

const BUILTINS: &[&str] = &[
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "BytesWarning",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "DeprecationWarning",
    "EOFError",
    "Exception",
    "FileExistsError",
    "FileNotFoundError",
    "FloatingPointError",
    "FutureWarning",
    "ImportError",
    "ImportWarning",
    "IndentationError",
    "IndexError",
    "InterruptedError",
    "IsADirectoryError",
    "KeyError",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "NotADirectoryError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PendingDeprecationWarning",
    "PermissionError",
    "ProcessLookupError",
    "RecursionError",
    "ReferenceError",
    "ResourceWarning",
    "RuntimeError",
    "RuntimeWarning",
    "StopIteration",
    "SyntaxError",
    "SyntaxWarning",
    "SystemError",
    "TabError",
    "TimeoutError",
    "TypeError",
    "UnboundLocalError",
    "UnicodeError",
    "UnicodeWarning",
    "UserWarning",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
];

cases! {
    async fn every_builtin_exception_is_known_by_its_class(at) {
        for name in BUILTINS {
            let error = raised(&at, name, vec!["what is wrong".into()]).await;
            let exception = error.exception().unwrap();
            assert_eq!(exception.class(), format!("builtins.{name}"));
            assert!(error.is(name) && error.is("Exception") && error.kind() == Kind::Remote);
            assert_eq!(exception.args(), ["what is wrong".into()]);
        }
    }

    async fn exceptions_keep_all_their_arguments(at) -> Vec<Value> {
        let args = vec!["a".into(), 2.into(), Value::List(vec![3.into()]), Value::None];
        raised(&at, "ValueError", args).await.exception().unwrap().args().to_vec()
    }

    async fn exceptions_may_have_no_arguments(at) -> String {
        raised(&at, "KeyError", Vec::new()).await.to_string()
    }

    async fn an_exception_is_of_the_classes_it_derives_from(at) {
        let error = raised(&at, "ZeroDivisionError", vec!["x".into()]).await;
        assert!(error.is("ArithmeticError") && !error.is("LookupError"));
    }

    async fn attributes_of_exceptions_are_there(at) -> String {
        let error = at.proxy().call::<Value>("raise_with_attributes", ()).await.unwrap_err();
        let mut attributes = error.exception().unwrap().attributes().clone();
        assert_eq!(attributes.get("code"), Some(&Value::Int(42)));
        attributes.remove("_pyroTraceback");
        format!("{attributes:?}")
    }

    async fn the_remote_traceback_is_there(at) {
        let error = raised(&at, "ValueError", vec!["here".into()]).await;
        let lines = error.exception().unwrap().traceback().concat();
        assert!(lines.contains("Traceback (most recent call last)") && lines.contains("raise_builtin"), "{lines}");
        assert!(format!("{error:?}").contains("remote traceback"));
    }

    async fn pyros_own_exceptions_are_known(at) {
        for (name, base) in [("NamingError", "PyroError"), ("DaemonError", "PyroError"), ("SerializeError", "ProtocolError")] {
            let error = at.proxy().call::<Value>("raise_pyro", (name, "what")).await.unwrap_err();
            assert!(error.is(name) && error.is(base), "{error:?}");
            assert_eq!(error.exception().unwrap().class(), format!("Pyro5.errors.{name}"));
        }
    }

    async fn an_exception_of_a_class_unknown_here_is_data(at) {
        if at.codec == Codec::Pickle {
            // There the name of a class is something to be looked up.
            return;
        }
        let error = at.proxy().call::<Value>("raise_custom", ()).await.unwrap_err();
        let exception = error.exception().unwrap();
        assert_eq!((exception.class(), exception.message()), ("thing.CustomError", "unheard of".to_owned()));
    }

    async fn the_connection_survives_exceptions(at) {
        let proxy = at.proxy();
        for _ in 0..20 {
            assert!(proxy.call::<i64>("divide", (1, 0)).await.unwrap_err().is("ZeroDivisionError"));
        }
        assert_eq!(proxy.call::<i64>("divide", (7, 2)).await.unwrap(), 3);
    }

    async fn the_text_of_an_exception_is_pythons(at) -> Vec<String> {
        let mut texts = Vec::new();
        for (name, args) in [
            ("ValueError", vec!["simple".into()]),
            ("KeyError", vec!["quoted".into()]),
            ("ValueError", vec![1.into(), "b".into()]),
            ("RuntimeError", vec![]),
            ("TypeError", vec![Value::Float(1.5)]),
        ] {
            texts.push(raised(&at, name, args).await.to_string());
        }
        texts
    }
}
