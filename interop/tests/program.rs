//! The program and Python's: `salamander up` for Python clients, our tools for Python servers, and both side by side.
#![allow(clippy::unwrap_used)]

mod programs;

use programs::{Server, outcome, python, run, salamander, script};

/// `salamander up` with a data directory of its own.
fn up(name: &str) -> Server {
    up_with(name, &[])
}

/// The same with further arguments.
fn up_with(name: &str, further: &[&str]) -> Server {
    let data = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&data);
    let args = [&["up", "--port", "0", "--data", data.to_str().unwrap()], further].concat();
    Server::start(&mut salamander(&args), "Ctrl-C stops it.")
}

fn python_ns() -> Server {
    Server::start(&mut python(&["-m", "Pyro5.nameserver", "-p", "0"]), "URI = ")
}

fn our_ns() -> Server {
    Server::start(&mut salamander(&["ns", "-p", "0"]), "URI = ")
}

fn python_echo() -> Server {
    Server::start(&mut python(&["-m", "Pyro5.utils.echoserver"]), "echoserver running.")
}

#[test]
fn python_calls_by_xml_rpc() {
    let up = up("xmlrpc");
    let lines = "import sys, xmlrpc.client\nserver = xmlrpc.client.ServerProxy(sys.argv[1])\n\
                 print(server.add(3, 4), server.example.greeting.get_fortune('Ada').splitlines()[0])\n\
                 try: server.sub([1, 2], 4)\nexcept xmlrpc.client.Fault as fault: print(fault)\n\
                 print({'add', 'sub', 'example.calculator.add', 'system.multicall'} <= set(server.system.listMethods()))\n\
                 print(server.system.methodHelp('add'))";
    let told = run(&mut python(&["-c", lines, &format!("http://localhost:{}", up.port())]));
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "7 Hello, Ada. Here is your fortune message:",
            "<Fault 1: \"<class 'TypeError'>:unsupported operand type(s) for -: 'list' and 'int'\">",
            "True",
            "`x + y`, as Python adds: numbers of any size and kind, text, lists.",
        ]
    );
}

/// What curl does, and a plain connection; each can be switched off.
#[test]
fn json_is_called_on_the_same_port() {
    let lines = "import http.client, json, socket, sys, urllib.request\n\
                 port = int(sys.argv[1])\n\
                 def call(method, *params): return json.dumps({'jsonrpc': '2.0', 'method': method, 'params': params, 'id': 1}).encode()\n\
                 def post(*asked):\n    \
                     url, kind = f'http://localhost:{port}/jsonrpc', {'Content-Type': 'application/json'}\n    \
                     return json.load(urllib.request.urlopen(urllib.request.Request(url, call(*asked), kind), timeout=60))\n\
                 def line(*asked):\n    \
                     with socket.create_connection(('localhost', port), timeout=60) as plain:\n        \
                         plain.sendall(call(*asked) + b'\\n')\n        \
                         return json.loads(plain.makefile().readline())\n\
                 for way in (post, line):\n    \
                     try:\n        \
                         error = way('sub', [1, 2], 4)['error']\n        \
                         print(way('add', 3, 4)['result'], way('example.calculator.sub', 3, 4)['result'], error['data']['class'])\n    \
                     except (OSError, ValueError, http.client.HTTPException): print('closed')";
    let open = "7 -1 builtins.TypeError";
    for (name, switch, told) in [
        ("jsonrpc", None, [open, open]),
        ("jsonrpc-posted", Some("--no-raw-jsonrpc"), [open, "closed"]),
        ("jsonrpc-closed", Some("--no-jsonrpc"), ["closed", "closed"]),
        ("jsonrpc-lines", Some("--no-http"), ["closed", open]),
    ] {
        let up = up_with(name, switch.as_slice());
        assert_eq!(run(&mut script(lines, &[up.port()])).lines().collect::<Vec<_>>(), told, "{switch:?}");
    }
}

#[test]
fn python_finds_the_greeting_by_its_name() {
    let up = up("greeting");
    let lines = "import Pyro5.api; print(Pyro5.api.Proxy('PYRONAME:example.greeting').get_fortune('Ada'))";
    let told = run(script(lines, &[]).env("PYRO_NS_PORT", up.port()));
    assert!(told.starts_with("Hello, Ada. "), "{told}");
    let list = run(python(&["-m", "Pyro5.nsc", "list"]).env("PYRO_NS_PORT", up.port()));
    assert!(
        list.contains(&format!("example.greeting --> PYRO:example.greeting@localhost:{}\n", up.port())),
        "{list}"
    );
    // What `up` says to try.
    let line = up.told.lines().find(|line| line.trim_start().starts_with("python -c ")).unwrap();
    let lines = line.split('\'').nth(1).unwrap();
    assert_eq!(run(&mut script(lines, &[])), told);
}

#[test]
fn python_uses_all_of_the_name_server() {
    // Python's own shows that these lines are right.
    let servers = [up("names"), our_ns(), python_ns()];
    let lines = r#"
import Pyro5.api, Pyro5.core, Pyro5.errors
ns = Pyro5.api.locate_ns()
ns.ping()
before = ns.count()
ns.register("my.one", "PYRO:one@h:1", safe=True, metadata={"a", "b"})
ns.register("my.two", Pyro5.api.URI("PYRO:two@h:2"))
assert ns.count() == before + 2
assert ns.lookup("my.one") == Pyro5.api.URI("PYRO:one@h:1")
if Pyro5.api.config.SERIALIZER != "marshal":
    # Which has no URI inside of a tuple.
    uri, meta = ns.lookup("my.one", return_metadata=True)
    assert set(meta) == {"a", "b"}, meta
assert ns.list(prefix="my.") == {"my.one": "PYRO:one@h:1", "my.two": "PYRO:two@h:2"}
assert list(ns.list(regex=r"my\..w.")) == ["my.two"]
if Pyro5.api.config.SERIALIZER in ("serpent", "marshal"):
    # Pyro5's name server has frozensets for no metadata, which its other serializers refuse.
    assert {name: set(meta) for name, (uri, meta) in ns.list(prefix="my.", return_metadata=True).items()} == {"my.one": {"a", "b"}, "my.two": set()}
ns.set_metadata("my.two", ["b", "c"])
assert set(ns.yplookup(meta_any={"a", "c"}, return_metadata=False)) == {"my.one", "my.two"}
assert set(ns.yplookup(meta_all={"b", "c"})) == {"my.two"}
for call, wanted in [
    (lambda: ns.lookup("nobody"), "NamingError unknown name: nobody"),
    (lambda: ns.register("my.one", "PYRO:x@h:1", safe=True), "NamingError name already registered: my.one"),
    (lambda: ns.register("my.x", "x"), "PyroError invalid uri"),
    (lambda: ns.list(prefix="a", regex="b"), "ValueError you can only filter on one thing at a time"),
    (lambda: ns.list(regex="("), "NamingError invalid regex: missing ), unterminated subpattern at position 0"),
    (lambda: ns.set_metadata("my.one", "text"), "TypeError metadata should not be a str, but another iterable (set, list, etc)"),
]:
    try:
        call()
        raise SystemExit("not refused: " + wanted)
    except Exception as error:
        assert f"{type(error).__name__} {error}" == wanted, error
assert ns.remove("my.one") == 1
assert ns.remove(prefix="my.") == 1
assert ns.remove(regex="my.*") == 0
assert ns.remove("Pyro.NameServer") == 0
# The functions around it.
assert Pyro5.core.resolve("PYRONAME:Pyro.NameServer").object == "Pyro.NameServer"
assert Pyro5.core.resolve("PYROMETA:class:Pyro5.nameserver.NameServer").object == "Pyro.NameServer"
print("done")
"#;
    for server in &servers {
        for serializer in ["serpent", "marshal", "json", "msgpack"] {
            let told = run(script(lines, &[]).env("PYRO_NS_PORT", server.port()).env("PYRO_SERIALIZER", serializer));
            assert_eq!(told, "done\n", "{serializer}");
        }
    }
}

#[test]
fn python_echoes() {
    let up = up("echo");
    let lines = r#"
import math, Pyro5.api, Pyro5.server
from Pyro5.utils.echoserver import EchoServer
echo = Pyro5.api.Proxy("PYRONAME:test.echoserver")
echo._pyroBind()
exposed = Pyro5.server._get_exposed_members(EchoServer())
assert (echo._pyroMethods, echo._pyroOneway, echo._pyroAttrs) == (exposed["methods"], exposed["oneway"], exposed["attrs"])
for value in [None, True, 5, -2**70, 1.5, "t\u20ac\U0001f980", [1, [2, "x"]], {"a": {"b": None}}]:
    assert echo.echo(value) == value, value
    assert echo.echo(message=value) == value, value
assert math.isnan(echo.nan()) and echo.inf() == math.inf
assert list(echo.generator()) == ["one", "two", "three"]
assert echo.__dunder__() == "should be allowed (dunder)"
assert echo.oneway_echo("x") is None and echo.oneway_slow() is None
assert echo.slow() == "Finally, an answer!"
assert echo.verbose is False
echo.verbose = 1
assert echo.verbose is True
echo.verbose = False
for method, wanted in [("error", "this is the generated error from echoserver echo() method"), ("error_with_text", "the message of the error")]:
    try:
        getattr(echo, method)()
    except ValueError as error:
        assert str(error) == wanted and "EchoServer." + method in "".join(Pyro5.errors.get_pyro_traceback()), error
for private in ["_private", "_EchoServer__private", "nothing"]:
    try:
        echo._pyroInvoke(private, (), {})
        raise SystemExit(private)
    except AttributeError:
        pass
echo.shutdown()
assert echo.echo("still there") == "still there"
print("done")
"#;
    assert_eq!(run(script(lines, &[]).env("PYRO_NS_PORT", up.port())), "done\n");
}

/// The calculator is asked for all pairs of some values, and has to say what Python says.
#[test]
fn the_calculator_reckons_as_python_does() {
    let up = up("calculator");
    let lines = r#"
import itertools, operator, Pyro5.api
values = [0, 1, -7, 2**63 - 1, -2**63, 10**30, -10**400, True, 0.1, -0.0, 1e308, float("inf"), 2**53 + 1, 3+4j, -1.5j,
          "text", "", [1, "x"], [], (1,), (), None, {"a": 1}, {1, 2}]
if Pyro5.api.config.SERIALIZER == "marshal":
    values += [b"bytes", frozenset([1])]
if Pyro5.api.config.SERIALIZER == "msgpack":
    # Which has lists alone.
    values = [value for value in values if not isinstance(value, (tuple, set))]
calculator = Pyro5.api.Proxy("PYRONAME:example.calculator")
def outcome(work, *args):
    try:
        result = work(*args)
        return type(result).__name__, repr(result)
    except Exception as error:
        return type(error).__name__, str(error)
wrong = 0
for x, y in itertools.product(values, repeat=2):
    for remote, local in [(calculator.add, operator.add), (calculator.sub, operator.sub)]:
        if local is operator.sub and isinstance(x, (set, frozenset)) and isinstance(y, (set, frozenset)):
            continue
        if outcome(remote, x, y) != outcome(local, x, y):
            wrong += 1
            print(remote._RemoteMethod__name, repr(x)[:40], repr(y)[:40], outcome(remote, x, y), outcome(local, x, y))
print(wrong, "differences")
"#;
    for serializer in ["serpent", "marshal", "msgpack"] {
        let told = run(script(lines, &[]).env("PYRO_NS_PORT", up.port()).env("PYRO_SERIALIZER", serializer));
        assert_eq!(told, "0 differences\n", "{serializer}");
    }
}

/// What a control tool says to each of these commands, on a name server of its own.
fn transcript(server: &Server, tool: impl Fn(&[&str]) -> std::process::Command) -> Vec<String> {
    let commands: &[&[&str]] = &[
        &["ping"],
        &["register", "my.one", "PYRO:one@h:1"],
        &["register", "my.one", "PYRO:two@h:1"],
        &["register", "my.two", "pyro:two@h:1"],
        &["register", "my.x", "nonsense"],
        &["setmeta", "my.one", "tag"],
        &["setmeta", "nobody", "tag"],
        &["list"],
        &["list", "my."],
        &["listmatching", r"my\.(?P<x>o).*"],
        &["listmatching", "("],
        &["lookup", "my.one"],
        &["lookup", "my.two"],
        &["lookup", "nobody"],
        &["yplookup_all", "tag"],
        &["yplookup_any", "tag", "other"],
        &["setmeta", "my.one"],
        &["remove", "my.one"],
        &["remove", "my.one"],
        &["removematching", "my.*"],
        &["-v", "list"],
    ];
    let talk = |command: &&[&str]| {
        let args = [&["-n", "localhost", "-p", server.port()], *command].concat();
        let (ok, out, err) = outcome(&mut tool(&args), "y\n");
        // Pyro's tool prints its errors, and a traceback behind them; ours tells them.
        let err = err.lines().filter(|line| line.starts_with("Error: ")).collect::<String>();
        let told = [out.trim_end(), &err].concat().replace(server.port(), "PORT");
        format!("{} {ok} {told}", command.join(" "))
    };
    commands.iter().map(talk).collect()
}

#[test]
fn both_control_tools_say_the_same_to_both_name_servers() {
    let ours = |args: &[&str]| salamander(&[&["nsc"], args].concat());
    let pythons = |args: &[&str]| python(&[&["-m", "Pyro5.nsc"], args].concat());
    let expected = transcript(&python_ns(), pythons);
    assert!(expected[2].ends_with("false Error: NamingError - name already registered: my.one"), "{}", expected[2]);
    assert_eq!(transcript(&python_ns(), ours), expected);
    assert_eq!(transcript(&our_ns(), pythons), expected);
    assert_eq!(transcript(&our_ns(), ours), expected);
}

#[test]
fn both_name_servers_print_the_same() {
    let file = |name: &str| {
        let file = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_file(&file);
        file.to_str().unwrap().to_owned()
    };
    let (socket, store) = (file("ns.sock"), format!("sql:{}", file("ns.sqlite")));
    for flags in [
        &["-p", "0"][..],
        &["-n", "127.0.0.1", "-p", "0"],
        &["-n", "0.0.0.0", "-p", "0", "--bcport", "0"],
        &["-n", "0.0.0.0", "-p", "0", "--bchost", "127.0.0.1", "--bcport", "0"],
        &["-n", "0.0.0.0", "-p", "0", "-x"],
        &["-p", "0", "--nathost", "names.example.org", "--natport", "77"],
        &["-p", "0", "--nathost", "names.example.org"],
        &["-u", &socket],
        &["-p", "0", "-s", &store],
        &["-p", "0", "-s", &store],
    ] {
        let told = |command: &mut std::process::Command| {
            let ready = if flags.contains(&"--nathost") { "external URI = " } else { "URI = " };
            let server = Server::start(command, ready);
            let _ = std::fs::remove_file(&socket);
            // Ports differ.
            let hidden = |word: &str| match word.trim_end_matches(|c: char| c.is_ascii_digit()) {
                start if start.ends_with(':') && !word.ends_with(":77") => format!("{start}PORT"),
                _ => word.to_owned(),
            };
            server.told.split_inclusive(char::is_whitespace).map(|word| hidden(word.trim()) + " ").collect::<String>()
        };
        let expected = told(&mut python(&[&["-m", "Pyro5.nameserver"], flags].concat()));
        assert_eq!(told(&mut salamander(&[&["ns"], flags].concat())), expected, "{flags:?}");
    }
}

#[test]
fn both_find_the_others_name_server_by_broadcast() {
    let flags = ["-n", "0.0.0.0", "-p", "0", "--bcport", "0"];
    let servers = [
        Server::start(&mut salamander(&[&["ns"], &flags[..]].concat()), "URI = "),
        Server::start(&mut python(&[&["-m", "Pyro5.nameserver"], &flags[..]].concat()), "URI = "),
    ];
    for server in servers {
        let port = server.told_after("Broadcast server running on 0.0.0.0:");
        for mut command in [salamander(&["nsc", "ping"]), python(&["-m", "Pyro5.nsc", "ping"])] {
            // Not by way of the address that is tried first.
            command.env("PYRO_NS_HOST", "0.0.0.1").env("PYRO_NS_BCPORT", port);
            assert_eq!(run(&mut command), "Name server ping ok.\n", "{command:?}");
        }
    }
}

#[test]
fn both_echo_servers_print_the_same() {
    let names = our_ns();
    for flags in [&[][..], &["-v"], &["-n"], &["-n", "-v"], &["-N", "-v"]] {
        let told = |command: &mut std::process::Command| {
            let port = if flags.contains(&"-N") { "0" } else { names.port() };
            let server = Server::start(command.env("PYRO_NS_PORT", port), "echoserver running.");
            let hidden = |line: &str| line.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned() + "\n";
            server.told.lines().map(hidden).collect::<String>()
        };
        let expected = told(&mut python(&[&["-m", "Pyro5.utils.echoserver"], flags].concat()));
        assert_eq!(told(&mut salamander(&[&["echoserver"], flags].concat())), expected, "{flags:?}");
    }
}

#[test]
fn both_echo_servers_print_their_calls() {
    let lines = r#"
import sys, Pyro5.api
echo = Pyro5.api.Proxy(sys.argv[1])
echo.echo("it's")
echo.echo([1, None, 2.5])
try:
    echo.error()
except ValueError:
    pass
echo.shutdown()
"#;
    let mut told = Vec::new();
    for mut command in [python(&["-m", "Pyro5.utils.echoserver", "-v"]), salamander(&["echoserver", "--verbose"])] {
        let mut server = Server::start(&mut command, "echoserver running.");
        run(&mut script(lines, &[server.uri()]));
        // Behind the time.
        let said: Vec<String> =
            (0..4).map(|_| server.line().split_once(" - ").map(|(_, said)| said.to_owned()).unwrap()).collect();
        told.push(said);
    }
    assert_eq!(told[0][0], "echo: \"it's\"\n");
    assert_eq!(told[1], told[0]);
}

#[test]
fn both_show_the_same_settings() {
    let settings = |command: &mut std::process::Command| {
        command.env("PYRO_NS_PORT", "9191").env("PYRO_COMMTIMEOUT", "2.5").env("PYRO_NATHOST", "a.example.org");
        let told = run(command.env("PYRO_COMPRESSION", "yes").env("PYRO_SERIALIZER", "json"));
        told[told.find("Currently active").unwrap()..].to_owned()
    };
    let expected = settings(&mut python(&["-m", "Pyro5.configure"]));
    assert!(expected.contains("NS_PORT = 9191\n"), "{expected}");
    let ours = settings(&mut salamander(&["check-config"]));
    // Pyro4's are beside them.
    let of_pyro4 = ["HMAC_KEY = ", "SERIALIZERS_ACCEPTED = "];
    let (pyro4, pyro5): (Vec<&str>, Vec<&str>) =
        ours.lines().partition(|line| of_pyro4.iter().any(|name| line.starts_with(name)));
    assert_eq!((pyro4.len(), pyro5), (2, expected.lines().collect()));
}

#[test]
fn our_tools_call_python() {
    let echo = python_echo();
    let call = |args: &[&str]| run(&mut salamander(&[&["call", echo.uri()], args].concat()));
    for serializer in ["serpent", "marshal", "json", "msgpack"] {
        let given = r#"{"a": [1, -2.5, null, true], "b": {"c": "\u20ac"}, "d": 123456789012345678901}"#;
        let shown = "{'a': [1, -2.5, None, True], 'b': {'c': '€'}, 'd': 123456789012345678901}\n";
        assert_eq!(call(&["echo", given, "--serializer", serializer]), shown, "{serializer}");
    }
    assert_eq!(call(&["echo", "--kw", "message=plain text"]), "'plain text'\n");
    assert_eq!(call(&["generator"]), "'one'\n'two'\n'three'\n");
    assert_eq!(call(&["generator", "--json"]), "[\"one\"\n,\"two\"\n,\"three\"\n]\n");
    assert_eq!(call(&["nan"]), "nan\n");
    assert_eq!(call(&["oneway_echo", "x"]), "None\n");
    assert_eq!(call(&["oneway_echo", "x", "--oneway"]), "");
    let (ok, out, err) = outcome(&mut salamander(&["call", echo.uri(), "error_with_text"]), "");
    assert!(!ok && out.is_empty() && err.starts_with("Error: ValueError: the message of the error\n"), "{err}");
    assert!(err.contains(" | Traceback (most recent call last):\n") && err.contains("echoserver.py"), "{err}");
    let (ok, _, err) = outcome(&mut salamander(&["call", &echo.uri().replace("test", "no"), "echo"]), "");
    assert!(!ok && err.contains("rejected: unknown object"), "{err}");

    let ours = up("meta");
    let meta = |uri: &str| run(&mut salamander(&["meta", uri]));
    let named = format!("PYRONAME:test.echoserver@localhost:{}", ours.port());
    // Of ours there is more to tell: the names are the same.
    let ours = meta(&named);
    assert!(ours.contains("  echo(message: Value) -> Value\n      Gives the message back.\n"), "{ours}");
    let is_name = |line: &&str| line.ends_with(':') || (line.starts_with("  ") && !line.starts_with("   "));
    let names: String = ours
        .lines()
        .filter(is_name)
        .map(|line| match line.ends_with(':') {
            true => format!("{line}\n"),
            false => format!("{}\n", line.split(['(', ':']).next().unwrap()),
        })
        .collect();
    assert_eq!(meta(echo.uri()), names);
    let bench = run(&mut salamander(&["bench", echo.uri(), "echo", "1", "--duration", "0.2", "--connections", "2"]));
    assert!(bench.contains(" calls/s\n"), "{bench}");
}

#[test]
fn our_tools_find_python_by_its_name() {
    let names = python_ns();
    let echo = Server::start(
        python(&["-m", "Pyro5.utils.echoserver", "-n"]).env("PYRO_NS_PORT", names.port()),
        "echoserver running.",
    );
    let by_name =
        run(salamander(&["call", "PYRONAME:test.echoserver", "echo", "5"]).env("PYRO_NS_PORT", names.port()));
    assert_eq!(by_name, "5\n");
    let listed = run(salamander(&["nsc", "--json", "lookup", "test.echoserver"]).env("PYRO_NS_PORT", names.port()));
    assert!(listed.contains(echo.uri()), "{listed}");
}

#[test]
fn both_gateways_print_the_same() {
    let names = our_ns();
    for flags in [&[][..], &["-e", ""], &["-H", "127.0.0.1", "-e", "a|b", "-c", "x", "-g", "key", "-t", "1.5"]] {
        let told = |command: &mut std::process::Command| {
            command.args(["-p", "0"]).args(flags).env("PYRO_NS_PORT", names.port());
            let server = Server::start(command, "Pyro HTTP gateway running on http://127.0.0.1:");
            let hidden = |line: &str| match line.strip_suffix("/pyro/") {
                Some(url) => url.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned() + "\n",
                None => line.to_owned() + "\n",
            };
            server.told.lines().map(hidden).collect::<String>()
        };
        let expected = told(&mut python(&["-m", "Pyro5.utils.httpgateway"]));
        assert!(expected.contains("Connected to name server at:  PYRO:"), "{expected}");
        assert_eq!(told(&mut salamander(&["httpgateway"])), expected, "{flags:?}");
    }
}

#[test]
fn our_gateway_has_flags_of_its_own() {
    let names = our_ns();
    let mut command =
        salamander(&["httpgateway", "-p", "0", "--json", "--nshost", "localhost", "--nsport", names.port()]);
    let server = Server::start(&mut command, "{");
    assert!(server.told.contains("\"name_server\": \"PYRO:Pyro.NameServer@"), "{}", server.told);
    let (ok, _, err) = outcome(&mut salamander(&["httpgateway", "-e", "("]), "");
    assert!(!ok && err.contains("--expose: "), "{err}");
}

#[test]
fn up_keeps_its_names_where_it_is_told() {
    let folder = std::env::temp_dir().join(format!("salamander-storage-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let storage = format!("sql:{}", folder.join("names").display());
    let data = |name: &str| folder.join(name).display().to_string();
    let start = |args: &[&str]| Server::start(&mut salamander(args), "Ctrl-C stops it.");
    let nsc =
        |port: &str, args: &[&str]| run(&mut salamander(&[&["nsc", "-n", "localhost", "-p", port], args].concat()));
    let first = start(&["up", "--port", "0", "--data", &data("first"), "--storage", &storage]);
    assert!(first.told.contains(&format!("names are kept in {storage}\n")), "{}", first.told);
    nsc(first.port(), &["register", "my.own", "PYRO:o@h:1"]);
    // One beside it has the same names, and leaves the demonstration objects of the other alone.
    let second = start(&["up", "--port", "0", "--data", &data("second"), "--storage", &storage, "--no-demo"]);
    let listed = nsc(second.port(), &["list"]);
    assert!(
        listed.contains("my.own --> PYRO:o@h:1") && listed.contains(first.told_after("example.greeting ")),
        "{listed}"
    );
    drop(first);
    // Without demonstration objects there are none at its own place either.
    let port = second.port().to_owned();
    drop(second);
    let again = ["up", "--port", &port, "--data", &data("second"), "--storage", &storage];
    let demo = start(&again);
    assert!(nsc(&port, &["list"]).contains(demo.told_after("example.greeting ")));
    drop(demo);
    let without = start(&[&again[..], &["--no-demo"]].concat());
    assert!(!nsc(&port, &["list"]).contains("example.greeting"));
    drop(without);
    let (ok, _, err) =
        outcome(&mut salamander(&["up", "--port", "0", "--data", &data("third"), "--storage", "sqlite:x"]), "");
    assert!(!ok && err.contains("invalid storage type 'sqlite:x'"), "{err}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn our_tools_call_pyro4() {
    let server = interop::pyro4::server(&[], &[]);
    for serializer in ["serpent", "marshal", "json", "msgpack", "pickle"] {
        let shown = run(&mut salamander(&["call", &server.uri, "add", "2", "3", "--serializer", serializer]));
        assert_eq!(shown, "5\n", "{serializer}");
    }
    assert_eq!(run(&mut salamander(&["call", &server.uri, "count_to", "3", "--pyro", "4"])), "0\n1\n2\n");
    assert!(run(&mut salamander(&["meta", &server.uri])).contains("velocity"));
    let (ok, _, err) = outcome(&mut salamander(&["call", &server.uri, "raise_pyro", "NamingError", "gone"]), "");
    assert!(!ok && err.contains("NamingError: gone") && err.contains(" | Traceback"), "{err}");
    let (ok, _, err) = outcome(&mut salamander(&["call", &server.uri, "add", "2", "3", "--pyro", "5"]), "");
    assert!(!ok && err.contains("invalid protocol version: 48"), "{err}");
    let names = interop::pyro4::server_of("pyro4/names.py", &["serve", "a key"], &[]);
    let (host, port) = names.uri.rsplit_once('@').and_then(|(_, place)| place.split_once(':')).unwrap();
    let nsc = |args: &[&str]| {
        let mut command = salamander(&[&["nsc", "--host", host, "--port", port], args].concat());
        outcome(command.env("PYRO_HMAC_KEY", "a key"), "")
    };
    assert_eq!(nsc(&["register", "a.name", "PYRO:o@h:1"]).1, "Registered a.name\n");
    assert!(nsc(&["list"]).1.contains("a.name --> PYRO:o@h:1"), "{:?}", nsc(&["list"]));
    assert!(nsc(&["yplookup_all", "class:Pyro4.naming.NameServer"]).1.contains("Pyro.NameServer"));
}

#[test]
fn a_key_in_the_environment_closes_all_that_cannot_show_it() {
    let start = |args: &[&str]| {
        let mut command = salamander(&[&["echoserver"], args].concat());
        Server::start(command.env("PYRO_HMAC_KEY", "a key"), "echoserver running.")
    };
    let closed = start(&[]);
    let (ok, _, err) = outcome(&mut salamander(&["call", closed.uri(), "echo", "1"]), "");
    assert!(!ok && err.contains("this daemon has an HMAC key"), "{err}");
    let called = run(salamander(&["call", closed.uri(), "echo", "1"]).env("PYRO_HMAC_KEY", "a key"));
    assert_eq!(called, "1\n");
    let open = start(&["--without-key", "pyro5"]);
    assert_eq!(run(&mut salamander(&["call", open.uri(), "echo", "1"])), "1\n");
}
