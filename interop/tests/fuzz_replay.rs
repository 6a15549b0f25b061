//! The fuzz targets on stable Rust: each is given every file of its corpus, and then a series of mutations of them, which is the same
//! each time. Nothing may panic or hang; the targets themselves look at what was read.
//!
//! `SALAMANDER_SOAK` makes the series longer.
// Reads the environment and the corpus.
#![allow(clippy::disallowed_methods)]

#[path = "../../fuzz/src/lib.rs"]
#[allow(dead_code, unreachable_pub, missing_docs)]
mod bodies;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many mutations a target is given.
const MUTATIONS: usize = 20_000;

/// An input that takes this long hangs: the slowest take milliseconds, and patterns are stopped after two seconds.
const HANG: Duration = Duration::from_secs(60);

/// Inputs grow no larger than this.
const LONGEST: usize = 16 * 1024;

#[test]
fn serpent() {
    replay("serpent", MUTATIONS);
}

#[test]
fn json() {
    replay("json", MUTATIONS);
}

#[test]
fn marshal() {
    replay("marshal", MUTATIONS);
}

#[test]
fn msgpack() {
    replay("msgpack", MUTATIONS);
}

#[test]
fn pickle() {
    replay("pickle", MUTATIONS);
}

#[test]
fn xmlrpc() {
    replay("xmlrpc", MUTATIONS);
}

#[test]
fn yaml() {
    replay("yaml", MUTATIONS);
}

#[test]
fn envelope() {
    replay("envelope", MUTATIONS);
}

#[test]
fn task() {
    replay("task", MUTATIONS);
}

#[test]
fn jsonrpc() {
    replay("jsonrpc", MUTATIONS);
}

#[test]
fn wire() {
    replay("wire", MUTATIONS);
}

#[test]
fn wire_pyro4() {
    replay("wire_pyro4", MUTATIONS);
}

#[test]
fn multiprocessing() {
    replay("multiprocessing", MUTATIONS);
}

#[test]
fn zmtp() {
    replay("zmtp", MUTATIONS);
}

#[test]
fn amqp() {
    replay("amqp", MUTATIONS);
}

#[test]
fn uri() {
    replay("uri", MUTATIONS);
}

#[test]
fn name_pattern() {
    // Matching is slow beside the others.
    replay("name_pattern", MUTATIONS / 10);
}

#[test]
fn http() {
    replay("http", MUTATIONS);
}

#[test]
fn every_target_is_replayed() {
    let replayed = [
        "serpent",
        "json",
        "marshal",
        "msgpack",
        "pickle",
        "xmlrpc",
        "yaml",
        "envelope",
        "task",
        "jsonrpc",
        "wire",
        "wire_pyro4",
        "multiprocessing",
        "zmtp",
        "amqp",
        "uri",
        "name_pattern",
        "http",
    ];
    assert_eq!(bodies::TARGETS.map(|(name, _)| name), replayed);
    // And each of them is one for cargo-fuzz, with a corpus.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    let mut known: Vec<&str> =
        manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")).collect();
    known.iter_mut().for_each(|file| *file = file.trim_end_matches(".rs\""));
    let mut names = replayed.to_vec();
    for folder in [folder.join("fuzz_targets"), folder.join("corpus")] {
        let entries = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut found: Vec<String> =
            entries.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
        found.sort();
        names.sort_unstable();
        assert_eq!(found, names, "{}", folder.display());
    }
    known.sort_unstable();
    assert_eq!(known, names);
}

/// Gives a target its corpus, then mutations of it.
fn replay(name: &str, mutations: usize) {
    let (_, body) = *bodies::TARGETS.iter().find(|(target, _)| *target == name).expect("a target of this name");
    let corpus = corpus(name);
    let mutations = if std::env::var_os("SALAMANDER_SOAK").is_some() { mutations * 20 } else { mutations };
    let mut mutator = Mutator { corpus: corpus.clone(), random: Random(seed(name)) };
    let inputs = corpus.into_iter().chain((0..mutations).map(move |_| mutator.next()));
    let current = Arc::new(Mutex::new(Vec::new()));
    let (done, progress) = channel();
    let worker = std::thread::spawn({
        let current = current.clone();
        move || {
            for input in inputs {
                current.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&input);
                if catch_unwind(AssertUnwindSafe(|| body(&input))).is_err() {
                    return Err(input);
                }
                // Whoever listens may have given up.
                let _ = done.send(());
            }
            Ok(())
        }
    });
    loop {
        match progress.recv_timeout(HANG) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let input = current.lock().unwrap_or_else(PoisonError::into_inner);
                panic!("{name} hangs on b\"{}\"", input.escape_ascii());
            }
        }
    }
    if let Err(input) = worker.join().expect("the worker catches panics") {
        panic!("{name} fails on b\"{}\"", input.escape_ascii());
    }
}

/// The files of a target's corpus, sorted by name.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| std::fs::read(file).expect("a file of the corpus")).collect()
}

/// A start for the series of each target.
fn seed(name: &str) -> u64 {
    name.bytes().fold(0x5a1a_3a2d_e500_0001, |seed, byte| seed.rotate_left(7) ^ u64::from(byte))
}

/// SplitMix64
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`; 0 where that is 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let (one, other) = (self.below(len + 1), self.below(len + 1));
        one.min(other)..one.max(other)
    }
}

/// Numbers at which lengths and counts change their meaning.
const LENGTHS: [u64; 16] = [
    0,
    1,
    2,
    0x0f,
    0x10,
    0x1f,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
];

/// Makes new inputs out of a corpus.
struct Mutator {
    corpus: Vec<Vec<u8>>,
    random: Random,
}

impl Mutator {
    fn next(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        for _ in 0..=self.random.below(4) {
            self.mutate(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn seed(&mut self) -> Vec<u8> {
        let at = self.random.below(self.corpus.len());
        self.corpus[at].clone()
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let random = &mut self.random;
        let at = random.below(input.len());
        match random.below(8) {
            // A bit is flipped.
            0 if !input.is_empty() => input[at] ^= 1 << random.below(8),
            // A byte becomes another.
            1 if !input.is_empty() => input[at] = random.next() as u8,
            // The end is missing.
            2 => input.truncate(at),
            // A length, or what stands where one may stand, becomes another.
            3 => {
                let length = LENGTHS[random.below(LENGTHS.len())];
                let width = [1, 2, 4, 8][random.below(4)];
                let bytes = if random.below(2) == 0 {
                    length.to_le_bytes()[..width].to_vec()
                } else {
                    length.to_be_bytes()[8 - width..].to_vec()
                };
                let end = (at + width).min(input.len());
                input.splice(at..end, bytes);
            }
            // A part is missing.
            4 => drop(input.drain(random.range(input.len()))),
            // A part stands there again, up to 64 times.
            5 => {
                let part = input[random.range(input.len())].to_vec();
                let times = 1 + random.below(64).min(LONGEST / part.len().max(1));
                input.splice(at..at, part.repeat(times));
            }
            // A part becomes a part of another input.
            6 => {
                let other = self.seed();
                let part = other[self.random.range(other.len())].to_vec();
                let range = self.random.range(input.len());
                input.splice(range, part);
            }
            // Another input follows on the beginning of this one.
            _ => {
                let other = self.seed();
                input.truncate(at);
                input.extend_from_slice(&other[self.random.below(other.len())..]);
            }
        }
    }
}
