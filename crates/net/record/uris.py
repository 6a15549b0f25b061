"""Prints src/uri/forms.rs, made by Pyro5.core.URI."""
from Pyro5 import core, errors

FORMS = [
    'PYRO:obj@host:123', 'PYRO:obj@host:0', 'pyro:obj@host:123', 'PyRo:obj@host:123', 'PYRO:obj@',
    'PYRO:obj', 'PYRO:@host:1', 'PYRO:@@host:1', 'PYRO:a@b@c:1', 'PYRO:obj@host', 'PYRO:obj@host:',
    'PYRO:obj@host:abc', 'PYRO:obj@host:12x', 'PYRO:obj@:123', 'PYRO:obj@host: 12 ',
    'PYRO:obj@host:+12', 'PYRO:obj@host:1_2', 'PYRO:obj@host:1__2', 'PYRO:obj@my host:12',
    'PYRO:my obj@host:12', 'PYRO:obj@./u:sock', 'PYRO:obj@./u:/tmp/a b.sock', 'PYRO:obj@./u:',
    'PYRO:obj@./u:a:b', 'PYRO:obj@./U:a', 'PYRO:obj@[::1]:99', 'PYRO:obj@[::1]', 'PYRO:obj@[::1]:',
    'PYRO:obj@[::1]:99x', 'PYRO:obj@[::1]x', 'PYRO:obj@[[::1]]:99', 'PYRO:obj@[::1',
    'PYRO:obj@[fe80::1%0]:99', 'PYRO:obj@[fe80::1%eth0]:99', 'PYRO:obj@[]:99', 'PYRO:obj@[host]:99',
    'PYRO:obj@::1:99', 'PYRO:obj@127.0.0.1:99', 'PYRO:ob:j@h:1', 'PYRO:\xe9\u20ac@h\xf6st:1',
    'PYRO:a\xa0b@h:1', 'PYRO:a\x1cb@h:1', 'PYRO:obj@h:1\n', 'PYRO:obj@h:1\n\n', 'PYRO:obj@h\n:1',
    'PYRO:obj@h:1\r', 'PYRONAME:name', 'PYRONAME:name\n', 'PYRONAME:name@host',
    'PYRONAME:name@host:77', 'PYRONAME:name@[::1]', 'PYRONAME:name@[::1]:77',
    'PYRONAME:name@./u:sock', 'PYRONAME:name@', 'PYRONAME:name@\n', 'PYRONAME:name@:',
    'PYRONAME:name@:5', 'PYRONAME:a b', 'pyroname:Name.x@h', 'PYRONAME:', 'PYROMETA:a',
    'PYROMETA:b,a,b', 'PYROMETA:a,,b', 'PYROMETA:,@host', 'PYROMETA:a,b@host:5', 'PYROMETA:a, b',
    'PYROMETA:a,b@[::1]', 'PYROLOC:x@h:1', 'PYROX:x', 'PYRO5:x@h:1', 'PYR:x@h:1', '', ':', 'PYRO',
    'PYRO:', ' PYRO:obj@h:1', 'xPYRO:obj@h:1', 'PYRO :obj@h:1',
    'PYRO:obj@host:99999999999999999999x', 'PYRO:obj@h:0x10', 'PYRO:obj@h:1.5', 'PYRO:obj@h:1:2',
    'PYRO:obj @h:1', 'PYRO: obj@h:1', 'PYRO:obj@ h:1',
]


def rust(text):
    """A string literal of Rust."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(
        escapes.get(c) or (c if " " <= c <= "~" else "\\u{%x}" % ord(c)) for c in text
    ) + '"'


print('''//! The forms of URIs as `Pyro5.core.URI` (5.17) reads, shows and refuses them. Written by `record/uris.py`.

use super::*;

/// The text, then its state (protocol, object or sorted tags, socket, host and port) and `str()`, or the refusal.
type Form = (&'static str, Result<(&'static str, &'static str), &'static str>);

#[rustfmt::skip]
const FORMS: &[Form] = &[''')
for form in FORMS:
    try:
        uri = core.URI(form)
    except errors.PyroError as error:
        print(f"    ({rust(form)}, Err({rust(str(error))})),")
        continue
    # The tags of PYROMETA are a set, shown in any order.
    uri.object = uri.object if isinstance(uri.object, str) else ",".join(sorted(uri.object))
    state = "|".join("-" if part is None else str(part) for part in uri.__getstate__())
    text = uri.protocol + ":" + uri.object + ("@" + uri.location if uri.location else "")
    print(f"    ({rust(form)}, Ok(({rust(state)}, {rust(text)}))),")
print('''];

#[test]
fn uris_are_read_and_refused_as_pyro_does_it() {
    for (text, expected) in FORMS {
        let read = text.parse::<Uri>().map(|uri| {
            let part = |part: Option<String>| part.unwrap_or("-".to_owned());
            let state = [
                uri.protocol().to_string(),
                uri.object().to_owned(),
                part(uri.socket_name().map(str::to_owned)),
                part(uri.host().map(str::to_owned)),
                part(uri.port().map(|port| port.to_string())),
            ];
            (state.join("|"), uri.to_string())
        });
        let expected = expected.map(|(state, shown)| (state.to_owned(), shown.to_owned()));
        assert_eq!(read.map_err(|error| error.to_string()), expected.map_err(str::to_owned), "{text:?}");
    }
}''')
