//! Tests against the real Python libraries: what several of them need.
//!
//! These tests start processes and read the environment, which the crates they test may not.
#![allow(clippy::disallowed_methods)]

pub mod backend_contract;
pub mod broker_contract;
pub mod browser;
pub mod certs;
pub mod codec_peer;
pub mod description;
pub mod examples;
pub mod gateway;
pub mod http;
pub mod jsonrpc;
pub mod metered;
pub mod node;
pub mod pyro4;
pub mod pyro5;
pub mod python;
pub mod queues;
pub mod servers;
pub mod storage_contract;
pub mod xmlrpc;

/// Notes that the test that runs cannot run here, so that it is counted as left out and not as passed.
pub fn left_out(reason: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("{name} is left out: {reason}");
    let Some(path) = std::env::var_os("SALAMANDER_SKIPPED") else { return };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    let noted =
        file.and_then(|mut file| std::io::Write::write_all(&mut file, format!("{name}: {reason}\n").as_bytes()));
    assert!(noted.is_ok(), "it could not be noted that {name} is left out: {noted:?}");
}

/// So many cases, and many more where long tests are wanted.
pub fn cases(count: usize) -> usize {
    if std::env::var_os("SALAMANDER_SOAK").is_some() { count * 50 } else { count }
}
