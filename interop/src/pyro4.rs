//! Both ends of Pyro 4: Python's, which serve and call the same objects as those of Pyro 5 do, and ours.

use std::sync::OnceLock;

use crate::pyro5::ours::Ours;
use crate::pyro5::peer::{self, Server};
use crate::python;

/// The serializers that all tests are made with.
pub const SERIALIZERS: &[&str] = &["serpent", "marshal", "json", "msgpack", "pickle"];

/// All of them are accepted, on either side.
pub const ACCEPTED: (&str, &str) = ("PYRO_SERIALIZERS_ACCEPTED", "serpent,marshal,json,msgpack,pickle");

/// Makes a Python process one of Pyro 4: what it imports as Pyro5 is Pyro4 under Pyro5's names.
pub fn environment(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let path = python::workspace().join("interop/python/pyro4").display().to_string();
    let mut all = vec![("PYTHONPATH".to_owned(), path)];
    all.extend([ACCEPTED].iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    all
}

/// A daemon of Pyro 4; see [`Server::start`].
///
/// # Panics
/// Where it does not start.
pub fn server(arguments: &[&str], settings: &[(&str, &str)]) -> Server {
    server_of("server.py", arguments, settings)
}

/// The same with another script; see [`Server::start_script`].
///
/// # Panics
/// Where it does not start.
pub fn server_of(script: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Server {
    let environment = environment(settings);
    let environment: Vec<_> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
    Server::start_script(script, arguments, &environment)
}

/// The daemon that all tests of this process share.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    // Tests of many clients run beside others.
    SHARED.get_or_init(|| server(&[], &[("PYRO_THREADPOOL_SIZE", "300")]))
}

/// Runs `client.py` with Pyro 4; see [`peer::client`].
///
/// # Errors
/// What it said where it failed.
pub async fn client(arguments: &[&str]) -> Result<String, String> {
    run("client.py", arguments, &[]).await
}

/// Runs a script, or a module behind `-m `, with Pyro 4; see [`peer::script`].
///
/// # Errors
/// What it said where it failed.
pub async fn run(script: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Result<String, String> {
    let environment = environment(settings);
    let environment: Vec<_> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
    peer::script(script, arguments, &environment).await
}

/// A daemon of ours that accepts all serializers.
pub async fn ours(
    settings: &[(&str, &str)],
    location: &str,
    set_up: impl FnOnce(salamander::Builder) -> salamander::Builder,
) -> Ours {
    let settings: Vec<_> = [ACCEPTED].iter().chain(settings).copied().collect();
    Ours::with(&settings, location, set_up).await
}
