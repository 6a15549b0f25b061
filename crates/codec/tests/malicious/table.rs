//! Pickles that ask for what no data needs, and what becomes of each. Python would run, import or make what most of them name.

use salamander_value::Kind;

/// What becomes of a pickle.
pub enum Becomes {
    /// It is refused, with these words.
    Refused(Kind, &'static str),
    /// It is data, which shows as this.
    Data(&'static str),
    /// It is data of some size, within the limits.
    Large,
}

use Becomes::{Data, Large, Refused};

/// A pickle with what it is about.
pub type Case = (String, Vec<u8>, Becomes);

/// What Python would call, each with one argument that shows whether it did.
const CALLED: &[(&str, &str)] = &[
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("os", "popen"),
    ("os", "remove"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "compile"),
    ("builtins", "open"),
    ("builtins", "getattr"),
    ("builtins", "setattr"),
    ("builtins", "__import__"),
    ("builtins", "breakpoint"),
    ("builtins", "print"),
    ("builtins", "type"),
    ("builtins", "list"),
    ("builtins", "dict"),
    ("builtins", "str.format"),
    ("builtins", "ValueError.__init__"),
    ("builtins", "memoryview"),
    ("__builtin__", "eval"),
    ("__builtin__", "apply"),
    ("__builtin__", "execfile"),
    ("__main__", "main"),
    ("subprocess", "Popen"),
    ("subprocess", "check_output"),
    ("commands", "getoutput"),
    ("pty", "spawn"),
    ("platform", "popen"),
    ("runpy", "_run_code"),
    ("importlib", "import_module"),
    ("pickle", "loads"),
    ("_pickle", "Unpickler"),
    ("marshal", "loads"),
    ("types", "FunctionType"),
    ("types", "CodeType"),
    ("operator", "attrgetter"),
    ("operator", "methodcaller"),
    ("functools", "partial"),
    ("functools", "reduce"),
    ("itertools", "starmap"),
    ("ctypes", "CDLL"),
    ("socket", "create_connection"),
    ("urllib.request", "urlopen"),
    ("shutil", "rmtree"),
    ("webbrowser", "open"),
    ("code", "InteractiveInterpreter"),
    ("timeit", "timeit"),
    ("bdb", "Bdb.run"),
    ("cProfile", "run"),
    ("logging.config", "listen"),
    ("multiprocessing.reduction", "ForkingPickler"),
    ("multiprocessing.managers", "RebuildProxy"),
    ("collections", "defaultdict"),
    ("codecs", "decode"),
    ("copyreg", "add_extension"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("torch", "load"),
    ("decimal", "Context"),
    ("datetime", "tzinfo"),
    ("uuid", "uuid1"),
    ("Pyro4.core", "Daemon.register"),
    ("Pyro5.api", "Proxy"),
    ("", ""),
];

/// All of them. `command` is what a shell, and Python, would have to be given to leave a trace.
pub fn cases(command: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (module, name) in CALLED {
        // Protocol 0 names it in lines, protocol 4 on the stack.
        let old = format!("c{module}\n{name}\n(V{command}\ntR.").into_bytes();
        let new = [&b"\x80\x04"[..], &text(module), &text(name), b"\x93", &text(command), b"\x85R."].concat();
        for (protocol, bytes) in [(0, old), (4, new)] {
            let what = format!("{module}.{name}, protocol {protocol}");
            cases.push((what, bytes, Refused(Kind::Security, "a pickle holds the class ")));
        }
    }
    let fixed: Vec<(&str, Vec<u8>, Becomes)> = [instances(command), opcodes(command), sizes(), shapes()].concat_all();
    cases.extend(fixed.into_iter().map(|(what, bytes, becomes)| (what.to_owned(), bytes, becomes)));
    cases
}

type Fixed = Vec<(&'static str, Vec<u8>, Becomes)>;

trait ConcatAll {
    fn concat_all(self) -> Fixed;
}

impl<const N: usize> ConcatAll for [Fixed; N] {
    fn concat_all(self) -> Fixed {
        self.into_iter().flatten().collect()
    }
}

/// Known classes, put to a use that Python's own pickles do not have.
fn instances(command: &str) -> Fixed {
    let security = |what: &'static str, bytes: &[u8], words: &'static str| {
        (what, bytes.to_vec(), Refused(Kind::Security, words))
    };
    vec![
        security("a class that nobody calls", b"cos\nsystem\n0N.", "the class os.system"),
        security("a class as a value", b"cbuiltins\nset\n.", "the class builtins.set itself"),
        security("a class in a list", b"(lcdecimal\nDecimal\na.", "the class decimal.Decimal itself"),
        security("bytes of a size", b"cbuiltins\nbytes\n(L1099511627776L\ntR.", "a use of builtins.bytes"),
        security(
            "a bytearray of a size",
            b"cbuiltins\nbytearray\n(L1099511627776L\ntR.",
            "a use of builtins.bytearray",
        ),
        security("an object", b"cbuiltins\nobject\n)R.", "a use of builtins.object"),
        security("text that is packed", b"c_codecs\nencode\n(Vx\nVzip\ntR.", "a use of _codecs.encode"),
        security("text by any codec", b"c_codecs\nencode\n(Vx\nVos\ntR.", "a use of _codecs.encode"),
        security(
            "an instance of any class",
            b"ccopyreg\n_reconstructor\n(cbuiltins\nset\ncbuiltins\nobject\nNtR.",
            "a use of builtins.set",
        ),
        security(
            "an instance with a base of its own",
            b"ccopyreg\n_reconstructor\n(cuuid\nUUID\ncbuiltins\nset\nNtR.",
            "a use of uuid.UUID",
        ),
        security(
            "a class of no fields",
            b"ccopyreg\n__newobj__\n(cdecimal\nDecimal\ntR.",
            "a use of decimal.Decimal",
        ),
        security("a date in year 0", b"cdatetime\ndate\n(C\x04\x00\x00\x01\x01tR.", "a use of datetime.date"),
        security(
            "a time in a zone that is called",
            b"cdatetime\ntime\n(C\x06\x00\x00\x00\x00\x00\x00cbuiltins\nset\n)RtR.",
            "a use of datetime.time",
        ),
        security("a UUID that is none", b"cuuid\nUUID\n)\x81}Vint\nVx\nsb.", "a use of uuid.UUID"),
        security("Pyro's daemon", b"cPyro4.core\nDaemon\n)\x81.", "the class Pyro4.core.Daemon"),
        security("Pyro's proxy", b"cPyro4.core\nProxy\n)\x81)b.", "the class Pyro4.core.Proxy"),
        security("an error of Pyro's", b"cPyro4.errors\nNamingError\n)R.", "the class Pyro4.errors.NamingError"),
        security("a state that hooks", b"cbuiltins\nValueError\n)Rcos\nsystem\nb.", "the class os.system"),
        security(
            "a state that is no dict",
            b"cbuiltins\nValueError\n)R(Vx\ntb.",
            "a state of an exception that is no dict",
        ),
        security("two states", b"cbuiltins\nValueError\n)R}b}b.", "a state for what has none"),
        security("a state for a list", b"]}V__class__\ncos\nsystem\nsb.", "the class os.system"),
        security("a call of a number", b"I1\n)R.", "a call of what is no class"),
        security("a call of text", &[&text(command)[..], b")R."].concat(), "a call of what is no class"),
        (
            "an attribute that would change the class",
            b"cbuiltins\nValueError\n(Vx\ntR}V__class__\nVos._wrap_close\nsb.".to_vec(),
            Data("ValueError('x')"),
        ),
        (
            "an attribute that would be called",
            b"cbuiltins\nOSError\n(I2\nVgone\ntR}V__reduce__\nVos.system\nsb.".to_vec(),
            Data("OSError(2, 'gone')"),
        ),
        ("a range without end", b"cbuiltins\nrange\n(I0\nL1000000000000000000L\nI1\ntR.".to_vec(), Large),
        ("a number with many zeros", b"cdecimal\nDecimal\n(V1E+999999\ntR.".to_vec(), Large),
    ]
}

/// Opcodes for what data does not need.
fn opcodes(command: &str) -> Fixed {
    let security = |what: &'static str, bytes: &[u8], words: &'static str| {
        (what, bytes.to_vec(), Refused(Kind::Security, words))
    };
    vec![
        security("INST", format!("(V{command}\nios\nsystem\n.").as_bytes(), "the class os.system"),
        security("INST of an exception", b"(ibuiltins\nValueError\n.", "a use of builtins.ValueError"),
        security("OBJ", format!("(cos\nsystem\nV{command}\no.").as_bytes(), "the class os.system"),
        security("OBJ of an exception", b"(cbuiltins\nValueError\no.", "an instance of a class of Python 2"),
        security("NEWOBJ", b"cbuiltins\nset\n)\x81.", "a use of builtins.set"),
        security("NEWOBJ of another class", b"csubprocess\nPopen\n(Vls\nt\x81.", "the class subprocess.Popen"),
        security("NEWOBJ_EX", b"cuuid\nUUID\n)}\x92.", "made with keyword arguments"),
        security(
            "NEWOBJ_EX of another class",
            b"csubprocess\nPopen\n)}Vshell\nI01\ns\x92.",
            "the class subprocess.Popen",
        ),
        security("EXT1", b"\x82\x01.", "the registry of extensions"),
        security("EXT2", b"\x83\x01\x00.", "the registry of extensions"),
        security("EXT4", b"\x84\x01\x00\x00\x00.", "the registry of extensions"),
        security("PERSID", b"Pos.system\n.", "a persistent id"),
        security("BINPERSID", b"Vos.system\nQ.", "a persistent id"),
        security("NEXT_BUFFER", b"\x80\x05\x97.", "a buffer out of band"),
        security("READONLY_BUFFER", b"\x80\x05C\x01x\x98.", "a buffer out of band"),
        ("an opcode that is none", b"\xffN.".to_vec(), Refused(Kind::Malformed, "invalid load key")),
        (
            "a protocol that is none",
            b"\x80\x06N.".to_vec(),
            Refused(Kind::Unsupported, "unsupported pickle protocol"),
        ),
        ("a class of numbers", b"I1\nI2\n\x93.".to_vec(), Refused(Kind::Malformed, "STACK_GLOBAL requires str")),
    ]
}

/// Lengths and numbers beyond what there is.
fn sizes() -> Fixed {
    let malformed = |what: &'static str, bytes: &[u8]| (what, bytes.to_vec(), Refused(Kind::Malformed, ""));
    vec![
        malformed("a frame of 2^64 bytes", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN."),
        malformed("text of 2^64 bytes", b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff."),
        malformed("text of 2^40 bytes", b"\x8d\x00\x00\x00\x00\x00\x01\x00\x00."),
        malformed("text of 2^32 bytes", b"X\xff\xff\xff\xff."),
        malformed("bytes of 2^63 bytes", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f."),
        malformed("bytes of 2^32 bytes", b"B\xff\xff\xff\xffa."),
        malformed("a bytearray of 2^40 bytes", b"\x96\x00\x00\x00\x00\x00\x01\x00\x00."),
        malformed("a number of 2^31 bytes", b"\x8b\xff\xff\xff\x7f."),
        malformed("a number of -1 bytes", b"\x8b\xff\xff\xff\xff."),
        malformed("old text of -1 bytes", b"T\xff\xff\xff\xffa."),
        ("a place in the memo far away", b"Nr\xff\xff\xff\xff0j\xff\xff\xff\xff.".to_vec(), Data("None")),
        (
            "a place in the memo still farther",
            b"Np18446744073709551615\n.".to_vec(),
            Refused(Kind::Malformed, "memo key"),
        ),
        (
            "a number of a million digits",
            [&b"L"[..], &vec![b'9'; 1_000_000], b"L\n."].concat(),
            Refused(Kind::TooLarge, "4300 digits"),
        ),
        ("a number of a megabyte", [&b"\x8b\x00\x00\x10\x00"[..], &vec![0x7f; 1 << 20], b"."].concat(), Large),
    ]
}

/// Nesting, sharing, and what is inside of itself.
fn shapes() -> Fixed {
    let deep = |open: u8, close: u8| [&vec![open; 100_000][..], &vec![close; 99_999], b"."].concat();
    let too_large = || Refused(Kind::TooLarge, "again and again");
    let shared = |first: &[u8], again: &[u8], times: usize| [first, &again.repeat(times), b"e."].concat();
    let long = [&b"\x80\x02X\x00\x10\x00\x00"[..], &vec![b'x'; 1 << 12], b"q\x000]("].concat();
    vec![
        ("lists in lists", deep(b']', b'a'), Refused(Kind::TooDeep, "")),
        ("tuples in tuples", [&b"N"[..], &vec![0x85; 100_000], b"."].concat(), Refused(Kind::TooDeep, "")),
        (
            "dicts in dicts",
            [&b"}"[..], &b"N}".repeat(50_000), &vec![b's'; 50_000], b"."].concat(),
            Refused(Kind::TooDeep, ""),
        ),
        ("marks without end", [&vec![b'('; 100_000][..], b"N."].concat(), Data("None")),
        ("lists that double", doubling(b']', b"e", 30), too_large()),
        ("tuples that double", doubling_tuples(30), too_large()),
        ("dicts that double", doubling_dicts(30), too_large()),
        ("text of 4 KiB, 20,000 times", shared(&long, b"h\x00", 20_000), too_large()),
        ("the same by DUP", shared(&[&long[..], b"h\x00"].concat(), b"2", 20_000), too_large()),
        (
            "an exception in its own arguments",
            b"cbuiltins\nValueError\n]q\x00\x85Rq\x01h\x00h\x01a0h\x01.".to_vec(),
            Refused(Kind::Unsupported, "contains itself"),
        ),
        ("a list in itself", b"\x80\x02]q\x00h\x00a.".to_vec(), Refused(Kind::Unsupported, "contains itself")),
        ("a dict in itself", b"}q\x00K\x01h\x00s.".to_vec(), Refused(Kind::Unsupported, "contains itself")),
        ("a dict with a list as a key", b"}]Ns.".to_vec(), Refused(Kind::Unhashable, "unhashable type: 'list'")),
        ("nothing on the stack", b"0.".to_vec(), Refused(Kind::Malformed, "stack underflow")),
        ("no end", b"]".to_vec(), Refused(Kind::Malformed, "ends in the middle")),
    ]
}

/// `levels` containers, each of which names the one before it twice.
fn doubling(empty: u8, end: &[u8], levels: u8) -> Vec<u8> {
    let mut bytes = vec![0x80, 2, empty, b'q', 0];
    for level in 0..levels {
        bytes.extend([empty, b'q', level + 1, b'(', b'h', level, b'h', level]);
        bytes.extend(end);
    }
    bytes.push(b'.');
    bytes
}

fn doubling_tuples(levels: u8) -> Vec<u8> {
    let mut bytes = b"\x80\x02)q\x00".to_vec();
    for level in 0..levels {
        bytes.extend([b'h', level, 0x86, b'q', level + 1]);
        bytes.splice(bytes.len() - 5..bytes.len() - 5, [b'h', level]);
    }
    bytes.push(b'.');
    bytes
}

fn doubling_dicts(levels: u8) -> Vec<u8> {
    let mut bytes = b"\x80\x02}q\x00".to_vec();
    for level in 0..levels {
        bytes.extend([b'}', b'q', level + 1, b'(', b'K', 1, b'h', level, b'K', 2, b'h', level, b'u']);
    }
    bytes.push(b'.');
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8][..], text.as_bytes()].concat()
}
