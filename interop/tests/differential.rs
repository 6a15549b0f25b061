//! Random values through our codecs and through Python's, both ways.
//!
//! Of every value and call that the Python side makes, our codec must refuse what the library refuses, with the same
//! exception; write the same bytes (marshal: bytes from which the library reads the same); and read from the library's
//! bytes what the library reads from them. Where they differ on purpose, it stands in `DELIBERATE`.
//!
//! Environment: `SALAMANDER_PYTHON` (the interpreter), `SALAMANDER_VALUES` (how many values, 100,000 unless told, of kombu's 3,000),
//! `SALAMANDER_SEED` (another series of values), `SALAMANDER_VALUE` (only the one of this number, with all it is),
//! `SALAMANDER_CODECS` (only these, with commas between).

// The environment tells which values are tried.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::Bytes;
use interop::codec_peer::{CodecPeer, Encoded, Refusal, Told};
use interop::description::{build, build_all, describe};
use salamander_codec::{Args, Codec, Output, Settings, Zone, ZoneRules};
use salamander_value::{Error, Result, Value, read_value};

/// What differs on purpose, and why.
const DELIBERATE: &[Deliberate] = &[
    Deliberate {
        codecs: &Codec::ALL,
        python: "builtins.UnicodeEncodeError",
        ours: "builtins.ValueError",
        among: |_| true,
        reason: "a peer cannot make a UnicodeEncodeError of one argument; it is a ValueError",
    },
    Deliberate {
        codecs: &Codec::ALL,
        python: "builtins.UnicodeDecodeError",
        ours: "builtins.ValueError",
        among: |_| true,
        reason: "a peer cannot make a UnicodeDecodeError of one argument; it is a ValueError",
    },
    Deliberate {
        codecs: &[Codec::XmlRpc],
        python: "builtins.UnicodeEncodeError",
        ours: "builtins.ValueError",
        among: |_| true,
        reason: "a peer cannot make a UnicodeEncodeError of one argument; it is a ValueError",
    },
    Deliberate {
        codecs: &[Codec::Json],
        python: "json.decoder.JSONDecodeError",
        ours: "builtins.ValueError",
        among: |_| true,
        reason: "a peer cannot make a JSONDecodeError of one argument; it is a ValueError",
    },
    Deliberate {
        codecs: &[Codec::Msgpack],
        python: "msgpack.exceptions.*",
        ours: "builtins.ValueError",
        among: |_| true,
        reason: "a peer need not have msgpack; its exceptions are ValueErrors",
    },
    Deliberate {
        codecs: &[Codec::Marshal],
        python: "Pyro5.errors.SerializeError",
        ours: "builtins.ValueError",
        among: |case| case.is_call,
        reason: "of several arguments that it cannot carry, ours names the first; Pyro looks into them last",
    },
    Deliberate {
        codecs: &[Codec::Serpent],
        python: "builtins.TypeError",
        ours: "builtins.KeyError",
        among: |case| find(case.bytes, b"'__class__':'float'"),
        reason: "of an unhashable key and a dict of class float without a value, ours finds what comes first, Pyro the key",
    },
    Deliberate {
        codecs: &[Codec::Json],
        python: "*",
        ours: "builtins.ValueError",
        among: |case| case.description.windows(2).any(|pair| matches!(pair, [0xED, 0xA0..=0xBF])),
        reason: "of several parts that it cannot carry, ours names the first; Python looks for surrogates last",
    },
    Deliberate {
        codecs: &[Codec::Serpent],
        python: "builtins.TypeError",
        ours: READ,
        among: |case| find(case.bytes, b"'__class__':'float'") || find(case.bytes, b"'__class__': 'float'"),
        reason: "NaN as a key, which serpent writes but cannot read",
    },
    Deliberate {
        codecs: &[Codec::Yaml],
        python: "yaml.*",
        ours: "yaml.YAMLError",
        among: |_| true,
        reason: "a peer need not have PyYAML; its exceptions are of one class",
    },
];

/// Where they differ.
struct Deliberate {
    codecs: &'static [Codec],
    /// The exception with which Python refuses.
    python: &'static str,
    /// Ours, or `READ`.
    ours: &'static str,
    among: fn(&Case) -> bool,
    #[allow(dead_code)]
    reason: &'static str,
}

/// Python refuses to read it, ours does not.
const READ: &str = "read";

const BATCH: u32 = 2000;

/// Every so manieth encoding is read by the library, although its bytes are those that the library wrote.
const REREAD: u32 = 16;

#[test]
fn all_codecs_agree_with_the_python_libraries() {
    let codecs = match std::env::var("SALAMANDER_CODECS") {
        Ok(names) => names.split(',').map(|name| name.parse().expect("a codec")).collect(),
        Err(_) => Codec::ALL.to_vec(),
    };
    agree(&codecs);
}

/// Its values are others: those that XML-RPC carries, and documents that were spoilt.
#[test]
fn xml_rpc_agrees_with_the_python_library() {
    agree(&[Codec::XmlRpc]);
}

/// kombu's serializers are others, and so are its values.
#[test]
fn kombus_serializers_agree_with_kombu() {
    agree(&KOMBU);
}

/// Those of kombu's that text and data go through; its pickles are read by the reader of Pyro's.
const KOMBU: [Codec; 3] = [Codec::Json, Codec::Msgpack, Codec::Yaml];

fn agree(codecs: &[Codec]) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u32>().expect("a number"));
    let seed = number("SALAMANDER_SEED").unwrap_or(1);
    let (first, count) = match number("SALAMANDER_VALUE") {
        Some(only) => (only, 1),
        None => (0, number("SALAMANDER_VALUES").unwrap_or(if codecs == KOMBU { 3_000 } else { 100_000 })),
    };
    let mut test = Test::new(seed, count == 1, codecs == KOMBU);
    let mut at = first;
    while at < first + count {
        let batch = BATCH.min(first + count - at);
        test.batch(at, batch, codecs);
        assert!(test.failures < 20, "too many failures, after {} values:\n{}", at + batch, test.report);
        at += batch;
    }
    println!("{count} values of seed {seed}:");
    for ((codec, what), count) in &test.counts {
        println!("{codec:>8} {what:<40} {count:>8}");
    }
    assert!(test.failures == 0, "{}", test.report);
}

struct Test {
    peer: CodecPeer,
    settings: Settings,
    seed: u32,
    verbose: bool,
    failures: usize,
    report: String,
    counts: BTreeMap<(&'static str, String), usize>,
}

/// What is compared.
#[derive(Clone, Copy)]
struct Case<'a> {
    codec: Codec,
    number: u32,
    is_call: bool,
    description: &'a [u8],
    /// What is read, if it is about reading.
    bytes: &'a [u8],
}

impl Test {
    fn new(seed: u32, verbose: bool, kombu: bool) -> Self {
        let mut settings = Settings::default();
        settings.kombu = kombu;
        settings.zone = Zone::new(CentralEurope);
        settings.xmlrpc = settings.xmlrpc.allow_none(true);
        Self {
            peer: if kombu { CodecPeer::start_kombu(CENTRAL_EUROPE) } else { CodecPeer::start(CENTRAL_EUROPE) },
            settings,
            seed,
            verbose,
            failures: 0,
            report: String::new(),
            counts: BTreeMap::new(),
        }
    }

    fn batch(&mut self, first: u32, count: u32, codecs: &[Codec]) {
        let batch = self.peer.values(self.seed, first, count, codecs);
        let mut to_read = Vec::new();
        for (number, told) in (first..).zip(&batch) {
            if self.verbose {
                println!("{}", told.description.escape_ascii());
            }
            for (codec, theirs) in codecs.iter().copied().zip(&told.encoded) {
                let case = Case { codec, number, is_call: told.is_call, description: &told.description, bytes: &[] };
                let ours = self.encode(codec, told);
                self.compare_encoded(case, &ours, theirs);
                let Ok(theirs) = theirs else { continue };
                self.compare_read(case, &theirs.bytes, &theirs.decoded);
                for (bytes, decoded) in &theirs.others {
                    self.compare_read(Case { is_call: false, ..case }, bytes, decoded);
                }
                if let Ok(ours) = ours
                    && (has_freedom(codec) || number % REREAD == 0)
                {
                    let expected = match codec {
                        // PyYAML sorts keys, which ours does not, and ours has no lone surrogates.
                        Codec::Yaml => match self.decode(codec, &Bytes::from(ours.clone())) {
                            Ok(read) => Ok(Bytes::from(read)),
                            Err(_) => continue,
                        },
                        _ => theirs.decoded.clone(),
                    };
                    to_read.push((case, ours, expected));
                }
            }
        }
        let ours: Vec<_> = to_read.iter().map(|(case, ours, _)| (case.codec, case.is_call, &ours[..])).collect();
        let read = self.peer.decode(&ours);
        for ((case, ours, expected), read) in to_read.iter().zip(&read) {
            if read == expected {
                self.count(case.codec, "ours read by Python");
            } else {
                let what = format!("Python reads from our bytes {}\n  {}", ours.escape_ascii(), shown(read));
                self.fail(*case, &what, &shown(expected));
            }
        }
    }

    fn encode(&self, codec: Codec, told: &Told) -> Result<Vec<u8>> {
        if !told.is_call {
            return codec.encode_value(&build(&told.description), &self.settings);
        }
        let Ok([Value::Str(object), Value::Str(method), Value::Tuple(positional), Value::Dict(keywords)]) =
            <[Value; 4]>::try_from(build_all(&told.description[1..told.description.len() - 1]))
        else {
            panic!("a call of other than four parts")
        };
        let mut out = Output::new();
        let args = Args { positional, keywords: *keywords };
        codec.write_call(&mut out, &self.settings, &object, &method, &args).map(|()| out.into_vec())
    }

    fn compare_encoded(&mut self, case: Case, ours: &Result<Vec<u8>>, theirs: &Result<Encoded, Refusal>) {
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) if has_freedom(case.codec) || *ours == theirs.bytes => {
                self.count(case.codec, if has_freedom(case.codec) { "written" } else { "written alike" });
            }
            (Err(ours), Err(theirs)) if same_class(case, ours.class(), theirs) => {
                self.count(case.codec, &format!("refused with {}", theirs.class));
            }
            _ => {
                let ours = ours.as_ref().map_or_else(refusal, |ours| ours.escape_ascii().to_string());
                let theirs = theirs.as_ref().map(|theirs| theirs.bytes.clone()).map_err(Clone::clone);
                self.fail(case, &format!("we write {ours}"), &shown(&theirs));
            }
        }
    }

    fn compare_read(&mut self, case: Case, bytes: &Bytes, expected: &Result<Bytes, Refusal>) {
        let case = Case { bytes, ..case };
        let read = if case.is_call { self.decode_call(case.codec, bytes) } else { self.decode(case.codec, bytes) };
        match (&read, expected) {
            (Ok(read), Ok(expected)) if read == expected => self.count(case.codec, "read alike"),
            (Err(ours), Err(theirs)) if same_class(case, ours.class(), theirs) && same_words(case, ours, theirs) => {
                self.count(case.codec, &format!("not read, with {}", theirs.class));
            }
            (Ok(_), Err(theirs)) if same_class(case, READ, theirs) => self.count(case.codec, "read by ours only"),
            // A parser of YAML 1.2 takes no escapes of lone surrogates.
            (Err(ours), _) if case.codec == Codec::Yaml && ours.message().contains("invalid Unicode character") => {
                self.count(case.codec, "lone surrogates, not read");
            }
            _ => {
                let read = read.as_ref().map_or_else(refusal, |read| read.escape_ascii().to_string());
                let what = format!("from the bytes {}\n  we read {read}", bytes.escape_ascii());
                self.fail(case, &what, &shown(expected));
            }
        }
    }

    fn decode(&self, codec: Codec, bytes: &Bytes) -> Result<Vec<u8>> {
        codec.decode_value(bytes, &self.settings).map(|value| describe(&value))
    }

    /// Described as the tuple of its parts that it is for Python.
    fn decode_call(&self, codec: Codec, bytes: &Bytes) -> Result<Vec<u8>> {
        let (head, mut reader) = codec.call_reader(bytes, &self.settings)?;
        let head = [&*head.object, &*head.method].map(Value::from);
        let [object, method] = head;
        let call = vec![object, method, read_value(&mut reader)?, read_value(&mut reader)?];
        reader.finish()?;
        Ok(describe(&Value::Tuple(call)))
    }

    fn count(&mut self, codec: Codec, what: &str) {
        match self.counts.get_mut(&(codec.name(), what.to_owned())) {
            Some(count) => *count += 1,
            None => _ = self.counts.insert((codec.name(), what.to_owned()), 1),
        }
    }

    fn fail(&mut self, case: Case, what: &str, expected: &str) {
        self.failures += 1;
        if self.failures <= 20 {
            let limited =
                |text: &str| text.chars().take(if self.verbose { 100_000 } else { 600 }).collect::<String>();
            let _ = writeln!(
                self.report,
                "{}, SALAMANDER_SEED={} SALAMANDER_VALUE={}:\n  {}\n  but Python has {}",
                case.codec,
                self.seed,
                case.number,
                limited(what),
                limited(expected),
            );
        }
    }
}

/// Whether the same value may be written in more than one way: with references or without.
fn has_freedom(codec: Codec) -> bool {
    matches!(codec, Codec::Marshal | Codec::Pickle | Codec::Yaml)
}

fn same_class(case: Case, ours: &str, theirs: &Refusal) -> bool {
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => theirs.class.starts_with(start),
        None => theirs.class == pattern,
    };
    let is_deliberate = |entry: &Deliberate| {
        entry.codecs.contains(&case.codec) && matches(entry.python) && entry.ours == ours && (entry.among)(&case)
    };
    ours == theirs.class || DELIBERATE.iter().any(is_deliberate)
}

/// Whether a refusal says the same, where people see what it says: in the faults of XML-RPC. For what stands outside of the document
/// element, expat has more words than ours; of letters in names beyond ASCII it has another idea.
fn same_words(case: Case, ours: &Error, theirs: &Refusal) -> bool {
    let outside = ["syntax error", "junk after document element", "partial character"];
    let plain = case.bytes.iter().all(|b| b.is_ascii() && *b != 0);
    let words = |said: &str| said.split(": line ").next().unwrap_or_default().to_owned();
    let before = case.bytes.starts_with(b"<?xml")
        && ours.message().contains("declaration") != theirs.message.contains("declaration")
        || case.bytes.iter().take(2).any(|b| *b == 0);
    case.codec != Codec::XmlRpc
        || before
        || ours.message() == theirs.message
        || !plain && words(ours.message()) == words(&theirs.message)
        || outside.iter().any(|words| ours.message().starts_with(words) || theirs.message.starts_with(words))
}

fn find(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn refusal(error: &Error) -> String {
    format!("refused with {} ({error})", error.class())
}

fn shown(outcome: &Result<Bytes, Refusal>) -> String {
    match outcome {
        Ok(bytes) => bytes.escape_ascii().to_string(),
        Err(refusal) => format!("refused with {} ({})", refusal.class, refusal.message),
    }
}

/// The zone that the Python side is in: one hour east of UTC, two from the last Sunday of March to that of October.
const CENTRAL_EUROPE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

struct CentralEurope;

const HOUR: i64 = 3600;

impl CentralEurope {
    /// When summer begins and ends in the year of this moment.
    fn summer(seconds: i64) -> std::ops::Range<i64> {
        let day = |date: salamander_value::Date| date.to_ordinal() - 719_163;
        let civil = salamander_value::DateTime::from_civil_micros(seconds * 1_000_000);
        let year = civil.map_or(1970, |civil| civil.date.year);
        let last_sunday = |month| {
            let last = day(salamander_value::Date { year, month, day: 31 });
            // 1 January 1970 was a Thursday.
            (last - (last + 4).rem_euclid(7)) * 24 * HOUR + HOUR
        };
        // Before 1970 the C library that Python asks takes no account of summer.
        if year < 1970 { 0..0 } else { last_sunday(3)..last_sunday(10) }
    }
}

impl ZoneRules for CentralEurope {
    fn offset_at_utc(&self, seconds: i64) -> i32 {
        if Self::summer(seconds).contains(&seconds) { 7200 } else { 3600 }
    }

    fn offset_at_civil(&self, seconds: i64) -> i32 {
        // The hour that is left out belongs to what was before; of the hour that comes twice, the first is meant.
        let summer = Self::summer(seconds);
        if (summer.start + 2 * HOUR..summer.end + 2 * HOUR).contains(&seconds) { 7200 } else { 3600 }
    }
}
