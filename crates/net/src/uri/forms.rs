//! The forms of URIs as `Pyro5.core.URI` (5.17) reads, shows and refuses them. Written by `record/uris.py`.

use super::*;

/// The text, then its state (protocol, object or sorted tags, socket, host and port) and `str()`, or the refusal.
type Form = (&'static str, Result<(&'static str, &'static str), &'static str>);

#[rustfmt::skip]
const FORMS: &[Form] = &[
    ("PYRO:obj@host:123", Ok(("PYRO|obj|-|host|123", "PYRO:obj@host:123"))),
    ("PYRO:obj@host:0", Ok(("PYRO|obj|-|host|0", "PYRO:obj@host:0"))),
    ("pyro:obj@host:123", Ok(("PYRO|obj|-|host|123", "PYRO:obj@host:123"))),
    ("PyRo:obj@host:123", Ok(("PYRO|obj|-|host|123", "PYRO:obj@host:123"))),
    ("PYRO:obj@", Err("invalid uri")),
    ("PYRO:obj", Err("invalid uri")),
    ("PYRO:@host:1", Err("invalid uri")),
    ("PYRO:@@host:1", Ok(("PYRO|@|-|host|1", "PYRO:@@host:1"))),
    ("PYRO:a@b@c:1", Ok(("PYRO|a|-|b@c|1", "PYRO:a@b@c:1"))),
    ("PYRO:obj@host", Err("invalid port in uri, port=None")),
    ("PYRO:obj@host:", Err("invalid port in uri, port=None")),
    ("PYRO:obj@host:abc", Err("invalid port in uri, port=abc")),
    ("PYRO:obj@host:12x", Err("invalid port in uri, port=12x")),
    ("PYRO:obj@:123", Ok(("PYRO|obj|-||123", "PYRO:obj"))),
    ("PYRO:obj@host: 12 ", Ok(("PYRO|obj|-|host|12", "PYRO:obj@host:12"))),
    ("PYRO:obj@host:+12", Ok(("PYRO|obj|-|host|12", "PYRO:obj@host:12"))),
    ("PYRO:obj@host:1_2", Ok(("PYRO|obj|-|host|12", "PYRO:obj@host:12"))),
    ("PYRO:obj@host:1__2", Err("invalid port in uri, port=1__2")),
    ("PYRO:obj@my host:12", Ok(("PYRO|obj|-|my host|12", "PYRO:obj@my host:12"))),
    ("PYRO:my obj@host:12", Err("invalid uri")),
    ("PYRO:obj@./u:sock", Ok(("PYRO|obj|sock|-|-", "PYRO:obj@./u:sock"))),
    ("PYRO:obj@./u:/tmp/a b.sock", Ok(("PYRO|obj|/tmp/a b.sock|-|-", "PYRO:obj@./u:/tmp/a b.sock"))),
    ("PYRO:obj@./u:", Err("invalid uri (location)")),
    ("PYRO:obj@./u:a:b", Err("invalid uri (location)")),
    ("PYRO:obj@./U:a", Err("invalid port in uri, port=a")),
    ("PYRO:obj@[::1]:99", Ok(("PYRO|obj|-|::1|99", "PYRO:obj@[::1]:99"))),
    ("PYRO:obj@[::1]", Err("invalid port in uri, port=None")),
    ("PYRO:obj@[::1]:", Err("invalid port in uri, port=None")),
    ("PYRO:obj@[::1]:99x", Ok(("PYRO|obj|-|::1|99", "PYRO:obj@[::1]:99"))),
    ("PYRO:obj@[::1]x", Err("invalid port in uri, port=None")),
    ("PYRO:obj@[[::1]]:99", Err("invalid ipv6 address: enclosed in too many brackets")),
    ("PYRO:obj@[::1", Err("invalid ipv6 address: the part between brackets must be a numeric ipv6 address")),
    ("PYRO:obj@[fe80::1%0]:99", Ok(("PYRO|obj|-|fe80::1%0|99", "PYRO:obj@[fe80::1%0]:99"))),
    ("PYRO:obj@[fe80::1%eth0]:99", Err("invalid ipv6 address: the part between brackets must be a numeric ipv6 address")),
    ("PYRO:obj@[]:99", Err("invalid ipv6 address: the part between brackets must be a numeric ipv6 address")),
    ("PYRO:obj@[host]:99", Err("invalid ipv6 address: the part between brackets must be a numeric ipv6 address")),
    ("PYRO:obj@::1:99", Err("invalid port in uri, port=:1:99")),
    ("PYRO:obj@127.0.0.1:99", Ok(("PYRO|obj|-|127.0.0.1|99", "PYRO:obj@127.0.0.1:99"))),
    ("PYRO:ob:j@h:1", Ok(("PYRO|ob:j|-|h|1", "PYRO:ob:j@h:1"))),
    ("PYRO:\u{e9}\u{20ac}@h\u{f6}st:1", Ok(("PYRO|\u{e9}\u{20ac}|-|h\u{f6}st|1", "PYRO:\u{e9}\u{20ac}@h\u{f6}st:1"))),
    ("PYRO:a\u{a0}b@h:1", Err("invalid uri")),
    ("PYRO:a\u{1c}b@h:1", Err("invalid uri")),
    ("PYRO:obj@h:1\n", Ok(("PYRO|obj|-|h|1", "PYRO:obj@h:1"))),
    ("PYRO:obj@h:1\n\n", Err("invalid uri")),
    ("PYRO:obj@h\n:1", Err("invalid uri")),
    ("PYRO:obj@h:1\r", Ok(("PYRO|obj|-|h|1", "PYRO:obj@h:1"))),
    ("PYRONAME:name", Ok(("PYRONAME|name|-|-|-", "PYRONAME:name"))),
    ("PYRONAME:name\n", Ok(("PYRONAME|name|-|-|-", "PYRONAME:name"))),
    ("PYRONAME:name@host", Ok(("PYRONAME|name|-|host|9090", "PYRONAME:name@host:9090"))),
    ("PYRONAME:name@host:77", Ok(("PYRONAME|name|-|host|77", "PYRONAME:name@host:77"))),
    ("PYRONAME:name@[::1]", Ok(("PYRONAME|name|-|::1|9090", "PYRONAME:name@[::1]:9090"))),
    ("PYRONAME:name@[::1]:77", Ok(("PYRONAME|name|-|::1|77", "PYRONAME:name@[::1]:77"))),
    ("PYRONAME:name@./u:sock", Ok(("PYRONAME|name|sock|-|-", "PYRONAME:name@./u:sock"))),
    ("PYRONAME:name@", Ok(("PYRONAME|name@|-|-|-", "PYRONAME:name@"))),
    ("PYRONAME:name@\n", Ok(("PYRONAME|name@|-|-|-", "PYRONAME:name@"))),
    ("PYRONAME:name@:", Ok(("PYRONAME|name|-||9090", "PYRONAME:name"))),
    ("PYRONAME:name@:5", Ok(("PYRONAME|name|-||5", "PYRONAME:name"))),
    ("PYRONAME:a b", Err("invalid uri")),
    ("pyroname:Name.x@h", Ok(("PYRONAME|Name.x|-|h|9090", "PYRONAME:Name.x@h:9090"))),
    ("PYRONAME:", Err("invalid uri")),
    ("PYROMETA:a", Ok(("PYROMETA|a|-|-|-", "PYROMETA:a"))),
    ("PYROMETA:b,a,b", Ok(("PYROMETA|a,b|-|-|-", "PYROMETA:a,b"))),
    ("PYROMETA:a,,b", Ok(("PYROMETA|,a,b|-|-|-", "PYROMETA:,a,b"))),
    ("PYROMETA:,@host", Ok(("PYROMETA||-|host|9090", "PYROMETA:@host:9090"))),
    ("PYROMETA:a,b@host:5", Ok(("PYROMETA|a,b|-|host|5", "PYROMETA:a,b@host:5"))),
    ("PYROMETA:a, b", Err("invalid uri")),
    ("PYROMETA:a,b@[::1]", Ok(("PYROMETA|a,b|-|::1|9090", "PYROMETA:a,b@[::1]:9090"))),
    ("PYROLOC:x@h:1", Err("invalid uri (protocol)")),
    ("PYROX:x", Err("invalid uri (protocol)")),
    ("PYRO5:x@h:1", Err("invalid uri")),
    ("PYR:x@h:1", Err("invalid uri")),
    ("", Err("invalid uri")),
    (":", Err("invalid uri")),
    ("PYRO", Err("invalid uri")),
    ("PYRO:", Err("invalid uri")),
    (" PYRO:obj@h:1", Err("invalid uri")),
    ("xPYRO:obj@h:1", Err("invalid uri")),
    ("PYRO :obj@h:1", Err("invalid uri")),
    ("PYRO:obj@host:99999999999999999999x", Err("invalid port in uri, port=99999999999999999999x")),
    ("PYRO:obj@h:0x10", Err("invalid port in uri, port=0x10")),
    ("PYRO:obj@h:1.5", Err("invalid port in uri, port=1.5")),
    ("PYRO:obj@h:1:2", Err("invalid port in uri, port=1:2")),
    ("PYRO:obj @h:1", Err("invalid uri")),
    ("PYRO: obj@h:1", Err("invalid uri")),
    ("PYRO:obj@ h:1", Ok(("PYRO|obj|-| h|1", "PYRO:obj@ h:1"))),
];

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
}
