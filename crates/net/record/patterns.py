"""Prints src/naming/pattern/recorded.rs, made by Python 3.11's re module from patterns.txt beside this."""
import pathlib
import re
import warnings

warnings.simplefilter("ignore")

TEXTS = [
    '', 'a', 'ab', 'abc', 'aab', 'b', 'ABC', 'a.b', 'a+b', 'test.obj', 'test_obj', 'Test.Obj', 'x1',
    'x12', '1', '12', 'a b', 'a\n', 'a\nb', '\n', '\xe9', '\xe91', 'a-b', 'a]', '[a]', '{a}',
    'a{2}', 'a{,2}', '<a>', 'a\tb', '\u0663', 'aa', 'aaa', 'aaaa', 'abab', 'aabb',
    'Pyro.NameServer', 'Pyro5', 'a\x1cb', '#a', 'ab#', '\\', 'a|b', '()', '\xb2', 'a_b', '$', '^',
    '-', 'a&&b', 'K', 'aA', '\xc9', 'a{a}', 'a{', '\x00', '\x08', 'ayz', 'axz', '\u0301',
]
# Those that do not fit on a line of patterns.txt.
MORE = [
    'a\n(', '\n)', '[\n\nb-a]', '(?x)a\n b # c\n c', 'a\nb$', '', '\u212a', '(?P<x\ny>a)',
    '(?<=a|)b', '\\N{DIGIT ONE}', '(\\w(?(1)x|y)z)', '\\b\u0301', '(?a)\\b\xe9', '(?a)\\B', '\\B',
    '(?a)a\\b', '(?=a)*?b', '(?=a){0}b', '(?=a){2}b', '(?=(a))?\\1b', '(?=(a))??\\1b', '(^)*a',
    '()*+a',
]


def rust(text):
    """A string literal of Rust."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(
        escapes.get(c) or (c if " " <= c <= "~" else "\\u{%x}" % ord(c)) for c in text
    ) + '"'


print("//! What Python 3.11's `re.match` finds in some texts, and what `re.compile` says of bad patterns.")
print("//! Written by `record/patterns.py`.\n")
print("use super::Pattern;\n")
print("#[rustfmt::skip]\nconst TEXTS: &[&str] = &[")
for text in TEXTS:
    print(f"    {rust(text)},")
print("];\n")
print("/// A pattern, and the numbers of the texts that it matches, or the refusal.")
print("type Case = (&'static str, Result<&'static [usize], &'static str>);\n")
print("#[rustfmt::skip]\nconst CASES: &[Case] = &[")
patterns = pathlib.Path(__file__).with_name("patterns.txt").read_text().split("\n")[:-1]
for pattern in patterns + MORE:
    try:
        compiled = re.compile(pattern)
        found = ", ".join(str(at) for at, text in enumerate(TEXTS) if compiled.match(text))
        print(f"    ({rust(pattern)}, Ok(&[{found}])),")
    except (re.error, OverflowError) as error:
        print(f"    ({rust(pattern)}, Err({rust(str(error))})),")
print("];")
print('''
/// What we are known to treat otherwise; the reasons are in the module's documentation.
const DIFFERENT: &[&str] = &["(?<=a|)b", "\\\\N{DIGIT ONE}", "(\\\\w(?(1)x|y)z)"];

#[test]
fn patterns_match_and_are_refused_as_in_python() {
    let mut wrong = Vec::new();
    for (pattern, expected) in CASES {
        let found = Pattern::new(pattern).and_then(|compiled| {
            let matches = |text: &&str| compiled.matches(text);
            let found: Result<Vec<bool>, String> = TEXTS.iter().map(matches).collect();
            Ok(found?.iter().enumerate().filter(|(_, found)| **found).map(|(at, _)| at).collect::<Vec<_>>())
        });
        let expected = expected.map(<[usize]>::to_vec).map_err(str::to_owned);
        if (found == expected) == DIFFERENT.contains(pattern) {
            wrong.push(format!("{pattern:?}:\\n  {found:?}, not\\n  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\\n"));
}''')
