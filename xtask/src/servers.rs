//! The servers that tests start: of the distribution's packages, which are installed where that is allowed.

use std::path::Path;

use crate::setup::{install, may_install};

/// A package, where its program is, and what cannot be tested without it.
const SERVERS: &[(&str, &[&str], &str)] = &[
    ("redis-server", &["/usr/bin/redis-server", "/usr/local/bin/redis-server"], "names in Redis"),
    ("rabbitmq-server", &["/usr/lib/rabbitmq/bin/rabbitmq-server"], "tasks on RabbitMQ"),
    ("postgresql", &["/usr/lib/postgresql", "/usr/local/bin/postgres", "/usr/local/pgsql"], "names in PostgreSQL"),
];

/// Installs what is missing. Tests that need what cannot be had are left out, each with its reason.
pub fn prepare() {
    for (package, places, what) in SERVERS {
        if places.iter().any(|place| Path::new(place).exists()) {
            continue;
        }
        if !may_install() {
            println!(
                "there is no {package}: tests of {what} are left out (Debian, as root: apt-get install -y {package})"
            );
        } else if let Err(error) = install(&[package]) {
            println!("{package} could not be installed, tests of {what} are left out: {error}");
        }
    }
}
