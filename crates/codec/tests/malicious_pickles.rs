//! Pickles that ask for what no data needs: each is refused, or is data within the limits.
//!
//! One test, in a process of its own, because it looks at how much memory the process has had.

#[path = "malicious/table.rs"]
#[allow(unreachable_pub, missing_docs)]
mod table;

use bytes::Bytes;
use salamander_codec::{Codec, Settings};
use table::Becomes;

#[test]
fn none_executes_or_allocates_beyond_its_limit() {
    let mut settings = Settings::default();
    settings.without_pyro = true;
    let cases = table::cases("touch /nowhere");
    assert!(cases.len() >= 50);
    let mut wrong = Vec::new();
    for (what, bytes, becomes) in cases {
        let len = bytes.len();
        let before = most_memory();
        let read = Codec::Pickle.decode_value(&Bytes::from(bytes), &settings);
        let as_expected = match (&becomes, &read) {
            (Becomes::Refused(kind, words), Err(error)) => error.kind() == *kind && error.message().contains(words),
            (Becomes::Data(shown), Ok(value)) => value.to_string() == *shown,
            (Becomes::Large, Ok(_)) => true,
            _ => false,
        };
        if !as_expected {
            let shown = read.as_ref().map(|value| value.type_name());
            wrong.push(format!("{what}: {shown:?}"));
        }
        // Values that are named again and again are limited to 64 for each byte; all the rest is nothing beside that.
        let grown = most_memory() - before;
        let most = (len * 64 * 32).max(1 << 22);
        assert!(grown <= most, "{what}: {grown} bytes of memory for {len} bytes");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// How much memory the process has had at most, where the system says so.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kilobytes.unwrap_or(0) << 10
}
