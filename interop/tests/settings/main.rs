//! Every setting of Pyro5: it can be set in the environment, in a file and in code, Pyro5 reads the same of it, and it has its
//! effect, or a reason for having none.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod effects;
#[path = "../programs/mod.rs"]
mod programs;
mod sources;

use std::sync::Arc;

use salamander::Config;

/// Settings that have no counterpart, each with the reason, which their documentation gives too.
const WITHOUT: &[(&str, &str)] = &[
    ("SERVERTYPE", "any number of connections is served at once by few threads, which is what both kinds are for"),
    ("THREADPOOL_SIZE_MIN", "connections have no threads; only what Pyro5 refuses is refused"),
    ("DETAILED_TRACEBACK", "nobody knows the values of local variables while a program runs"),
];

/// Settings whose effect only the inside of the library sees, with the file of the test that looks.
const INSIDE: &[(&str, &str)] = &[("SOCK_NODELAY", "crates/net/src/stream.rs")];

/// Settings of Pyro4, which the tests of Pyro4 set and look at.
const PYRO4: &[(&str, &str)] =
    &[("SERIALIZERS_ACCEPTED", "interop/tests/pyro4_client.rs"), ("HMAC_KEY", "interop/tests/pyro4_server/keys.rs")];

fn config(settings: &[(&str, &str)]) -> Arc<Config> {
    let vars = settings.iter().map(|(name, value)| (format!("PYRO_{name}"), *value));
    Arc::new(Config::from_vars(vars).expect("the settings are right"))
}

#[test]
fn every_setting_has_its_effect_or_a_reason_for_none() {
    let mut shown = effects::NAMES.to_vec();
    shown.extend(WITHOUT.iter().chain(INSIDE).chain(PYRO4).map(|(name, _)| *name));
    shown.sort_unstable();
    let mut all = Config::NAMES.to_vec();
    all.sort_unstable();
    assert_eq!(shown, all);
    for (name, file) in PYRO4 {
        let text = std::fs::read_to_string(interop::python::workspace().join(file)).unwrap();
        assert!(text.contains(&format!("PYRO_{name}")), "{file} should set {name}");
    }
    for (name, file) in INSIDE {
        let text = std::fs::read_to_string(interop::python::workspace().join(file)).unwrap();
        assert!(text[text.find("mod tests").unwrap()..].contains(name), "{file} should have a test of {name}");
    }
}
