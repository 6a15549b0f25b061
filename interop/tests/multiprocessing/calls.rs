//! Python's clients of the recipe call functions of ours.

use salamander::multiprocessing::Options;

use super::{KEY, Ours, Scratch, pythons, run};

/// What clients get whose exceptions are exceptions.
pub(super) const GOT: &str = r#"[5, ["TypeError", ["\"unsupported operand type(s) for -: 'list' and 'int'\""]], 5, "ab", ["TypeError", ["\"add() missing 1 required positional argument: 'y'\""]], ["KeyError", ["'nothing'"]], 1180591620717411303425, ["KeyError", ["'example.calculator.nothing'"]], ["KeyError", ["'Pyro.Daemon.ping'"]]]"#;

/// What those get whose exceptions are text.
pub(super) const GOT_BY_JSON: &str = r#"[5, "unsupported operand type(s) for -: 'list' and 'int'", 5, "ab", "add() missing 1 required positional argument: 'y'", "'nothing'", 1180591620717411303425, "'example.calculator.nothing'", "'Pyro.Daemon.ping'"]"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_answered_in_the_form_in_which_it_calls() {
    let ours = Ours::start().await;
    for python in pythons() {
        for form in ["pickle-in-pickle", "old-pickle-in-pickle", "pickle", "old-pickle"] {
            assert_eq!(run(python, &["call", &ours.location, KEY, form]).await, GOT, "3.{} {form}", python.minor);
        }
        for form in ["json-text", "json-in-pickle", "json"] {
            let got = run(python, &["call", &ours.location, KEY, form]).await;
            assert_eq!(got, GOT_BY_JSON, "3.{} {form}", python.minor);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_and_exceptions_come_back_as_they_went() {
    let ours = Ours::start().await;
    for python in pythons() {
        assert_eq!(run(python, &["values", &ours.location, KEY]).await, "ok False", "3.{}", python.minor);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unix_sockets_and_clients_without_a_key() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    for (options, key) in [(Options::new(), "-"), (Options::new().authkey(KEY), KEY)] {
        let ours = Ours::with(options, &format!("./u:{path}")).await;
        for python in pythons() {
            assert_eq!(run(python, &["call", &path, key, "pickle-in-pickle"]).await, GOT);
        }
        ours.daemon.shutdown();
        ours.daemon.stopped().await;
        assert!(!std::fs::exists(&path).unwrap(), "the file of the socket is left");
    }
}
