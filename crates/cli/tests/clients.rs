//! The commands that call: nsc, call, meta, bench; and check-config.

#![allow(clippy::unwrap_used)]

mod support;

use support::{Done, Scratch, Server, finish, run, run_answering, salamander};

/// `salamander up`, and commands that talk to it.
struct Up {
    server: Server,
    _data: Scratch,
}

impl Up {
    fn start() -> Self {
        let data = Scratch::new();
        Self { server: Server::up(&data.0, &[]), _data: data }
    }

    fn nsc(&self, args: &[&str]) -> Done {
        run(&[&["nsc", "-n", "localhost", "-p", self.server.port()], args].concat())
    }

    fn call(&self, name: &str, args: &[&str]) -> Done {
        run(&[&["call", &self.server.named(name)], args].concat())
    }
}

/// A port at which nothing listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[test]
fn nsc_does_what_pyro5_nsc_does() {
    let up = Up::start();
    assert_eq!(up.nsc(&["ping"]).ok(), "Name server ping ok.\n");
    assert_eq!(up.nsc(&["register", "my.one", "PYRO:one@h:1"]).ok(), "Registered my.one\n");
    assert_eq!(up.nsc(&["register", "my.two", "PYRO:two@h:1"]).ok(), "Registered my.two\n");
    assert_eq!(up.nsc(&["setmeta", "my.one", "b", "a"]).ok(), "Metadata updated\n");
    assert_eq!(
        up.nsc(&["list", "my."]).ok(),
        "--------START LIST - prefix 'my.'\nmy.one --> PYRO:one@h:1\n    metadata: {'a', 'b'}\n\
         my.two --> PYRO:two@h:1\n--------END LIST - prefix 'my.'\n"
    );
    assert_eq!(
        up.nsc(&["listmatching", r"my\..w"]).ok(),
        "--------START LIST - regex 'my\\..w'\nmy.two --> PYRO:two@h:1\n--------END LIST - regex 'my\\..w'\n"
    );
    let searched = "--------START LIST  - searched by metadata\nmy.one --> PYRO:one@h:1\n    metadata: {'a', 'b'}\n\
                    --------END LIST  - searched by metadata\n";
    assert_eq!(up.nsc(&["yplookup_all", "a", "b"]).ok(), searched);
    assert_eq!(up.nsc(&["yplookup_any", "a", "c"]).ok(), searched);
    assert_eq!(up.nsc(&["lookup", "my.one"]).ok(), "PYRO:one@h:1\nmetadata: {'a', 'b'}\n");
    assert_eq!(up.nsc(&["setmeta", "my.one"]).ok(), "Metadata cleared\n");
    assert_eq!(up.nsc(&["lookup", "my.one"]).ok(), "PYRO:one@h:1\n");
    assert_eq!(up.nsc(&["remove", "my.one"]).ok(), "Removed my.one\n");
    assert_eq!(up.nsc(&["remove", "my.one"]).ok(), "Nothing removed\n");
    let told = up.nsc(&["-v", "ping"]).out;
    assert!(told.starts_with("Locating name server...\nName server found: PYRO:Pyro.NameServer@"), "{told}");
    assert!(told.ends_with("\nDone.\n"), "{told}");
}

#[test]
fn nsc_asks_before_it_removes_much() {
    let up = Up::start();
    let question = "Potentially removing lots of items from the Name server. Are you sure (y/n)?";
    let args = ["nsc", "-n", "localhost", "-p", up.server.port(), "removematching", "example.*"];
    assert_eq!(run_answering(&args, "n\n").ok(), question);
    assert_eq!(run_answering(&args, "").ok(), question);
    assert_eq!(run_answering(&args, "y\n").ok(), format!("{question}2 items removed.\n"));
    assert_eq!(up.nsc(&["-y", "removematching", "test.*"]).ok(), "1 items removed.\n");
}

#[test]
fn nsc_tells_what_is_wrong_by_its_exit_code() {
    let up = Up::start();
    assert_eq!(up.nsc(&["lookup", "nobody"]).failed(1), "Error: NamingError - unknown name: nobody\n");
    let again = up.nsc(&["register", "test.echoserver", "PYRO:one@h:1"]).failed(1);
    assert_eq!(again, "Error: NamingError - name already registered: test.echoserver\n");
    assert_eq!(up.nsc(&["register", "x", "nonsense"]).failed(1), "Error: PyroError - invalid uri\n");
    assert_eq!(up.nsc(&["lookup"]).failed(2), "Error: lookup requires one argument: name\n");
    assert_eq!(run(&["nsc", "nonsense"]).code, Some(2));
    let nobody = run(&["nsc", "-n", "localhost", "-p", &nowhere(), "list"]).failed(3);
    assert!(nobody.contains("Failed to locate the nameserver") && nobody.contains("salamander ns"), "{nobody}");
}

#[test]
fn nsc_speaks_json() {
    let up = Up::start();
    let list = up.nsc(&["--json", "list", "test."]).json();
    let uri = list["test.echoserver"]["uri"].as_str().unwrap();
    assert!(uri.starts_with("PYRO:test.echoserver@localhost:"), "{uri}");
    assert!(list["test.echoserver"]["metadata"].is_array());
    assert_eq!(up.nsc(&["--json", "lookup", "test.echoserver"]).json()["uri"], uri);
    assert_eq!(up.nsc(&["--json", "register", "x", uri]).json()["registered"], "x");
    assert_eq!(up.nsc(&["--json", "setmeta", "x", "t"]).json()["metadata"][0], "t");
    assert_eq!(up.nsc(&["--json", "yplookup_any", "t"]).json()["x"]["uri"], uri);
    assert_eq!(up.nsc(&["--json", "remove", "x"]).json()["removed"], 1);
    assert_eq!(up.nsc(&["--json", "ping"]).json()["ping"], "ok");
    let error: serde_json::Value = serde_json::from_str(&up.nsc(&["--json", "lookup", "x"]).failed(1)).unwrap();
    assert_eq!(error["error"]["class"], "Pyro5.errors.NamingError");
    assert_eq!(error["error"]["message"], "unknown name: x");
}

#[test]
fn call_reads_arguments_and_prints_results() {
    let up = Up::start();
    let add = |args: &[&str]| up.call("example.calculator", &[&["add"], args].concat());
    assert_eq!(add(&["2", "3"]).ok(), "5\n");
    assert_eq!(add(&["-2", "-3.5"]).ok(), "-5.5\n");
    assert_eq!(add(&["99999999999999999999", "1"]).ok(), "100000000000000000000\n");
    assert_eq!(add(&["sala", "mander"]).ok(), "'salamander'\n");
    assert_eq!(add(&["\"2\"", "\"3\""]).ok(), "'23'\n");
    assert_eq!(add(&["[1]", "[null]"]).ok(), "[1, None]\n");
    assert_eq!(add(&["--kw", "y=3", "2"]).ok(), "5\n");
    assert_eq!(add(&["--kw", "y=3", "--kw", "x=10"]).ok(), "13\n");
    assert_eq!(add(&["--", "-a", "-b"]).ok(), "'-a-b'\n");
    for serializer in ["serpent", "marshal", "json", "msgpack"] {
        assert_eq!(add(&["2", "3", "--serializer", serializer]).ok(), "5\n");
    }
    assert_eq!(up.call("test.echoserver", &["echo", "{\"a\": [1.5, true]}"]).ok(), "{'a': [1.5, True]}\n");
    assert_eq!(
        up.call("test.echoserver", &["echo", "{\"a\": [1.5, true]}", "--json"]).ok(),
        "{\"a\": [1.5, true]}\n"
    );
    assert_eq!(up.call("test.echoserver", &["nan"]).ok(), "nan\n");
    assert_eq!(up.call("test.echoserver", &["nan", "--json"]).ok(), "\"nan\"\n");
    assert_eq!(up.call("test.echoserver", &["oneway_echo", "x", "--oneway"]).ok(), "");
}

#[test]
fn call_prints_items_as_they_come() {
    let up = Up::start();
    assert_eq!(up.call("test.echoserver", &["generator"]).ok(), "'one'\n'two'\n'three'\n");
    assert_eq!(up.call("test.echoserver", &["generator", "--stream"]).ok(), "'one'\n'two'\n'three'\n");
    let items = up.call("test.echoserver", &["generator", "--json"]).json();
    assert_eq!(items, serde_json::json!(["one", "two", "three"]));
    assert_eq!(up.call("test.echoserver", &["echo", "[1, 2]", "--stream"]).ok(), "1\n2\n");
    assert_eq!(up.call("test.echoserver", &["echo", "[]", "--stream", "--json"]).json(), serde_json::json!([]));
}

#[test]
fn call_tells_of_exceptions() {
    let up = Up::start();
    let raised = up.call("test.echoserver", &["error_with_text"]);
    assert_eq!((raised.code, raised.out.as_str()), (Some(1), ""));
    assert!(raised.err.starts_with("Error: ValueError: the message of the error\n"), "{}", raised.err);
    assert!(
        raised.err.contains("\n +--- remote traceback:\n | Traceback (most recent call last):\n"),
        "{}",
        raised.err
    );
    let told = up.call("test.echoserver", &["error", "--json"]).failed(1);
    let error: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(error["error"]["class"], "builtins.ValueError");
    assert!(error["error"]["traceback"].as_str().unwrap().starts_with("Traceback"));
    let python = up.call("example.calculator", &["add", "1", "a"]).err;
    assert!(python.starts_with("Error: TypeError: unsupported operand type(s) for +: 'int' and 'str'\n"), "{python}");
    assert!(up.call("test.echoserver", &["nothing"]).err.starts_with("Error: AttributeError: "));
}

#[test]
fn call_tells_who_is_at_fault_by_its_exit_code() {
    let up = Up::start();
    let nowhere = nowhere();
    let nobody = run(&["call", &format!("PYRO:x@localhost:{nowhere}"), "y"]).failed(3);
    assert!(nobody.contains("nothing answers for PYRO:x@localhost:"), "{nobody}");
    let no_names = run(&["call", &format!("PYRONAME:x@localhost:{nowhere}"), "y"]).failed(3);
    assert!(no_names.contains("start one with `salamander ns`"), "{no_names}");
    let unknown = up.call("nobody", &["y"]).failed(1);
    assert_eq!(unknown, "Error: unknown name: nobody; `salamander nsc list` shows the names that there are\n");
    let object = run(&["call", &format!("PYRO:nothing@localhost:{}", up.server.port()), "y"]).failed(1);
    assert!(object.contains("unknown object"), "{object}");
    assert!(run(&["call", "nonsense", "y"]).failed(2).contains("invalid uri"));
    for wrong in
        [&["call"][..], &["call", "PYRO:x@h:1"], &["nonsense"], &["call", "x", "y", "--serializer", "pickle"]]
    {
        assert_eq!(run(wrong).code, Some(2), "{wrong:?}");
    }
    let setting = finish(salamander(["call", "x", "y"]).env("PYRO_NONSENSE", "1")).failed(2);
    assert!(setting.contains("PYRO_NONSENSE"), "{setting}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("PYRO:x@127.0.0.1:{}", silent.local_addr().unwrap().port());
    let deadline = run(&["call", &uri, "y", "--timeout", "0.05"]).failed(3);
    assert!(deadline.contains("nothing answers for"), "{deadline}");
}

#[test]
fn meta_lists_what_an_object_exposes() {
    let up = Up::start();
    let meta = run(&["meta", &up.server.named("example.calculator")]).ok();
    assert!(
        meta.starts_with("Calculator\n      Reckons as Python does.\nmethods:\n  add(x: Value, y: Value) -> Value\n      `x + y`, as Python"),
        "{meta}"
    );
    assert!(meta.ends_with("\noneway:\nattributes:\n"), "{meta}");
    let meta = run(&["meta", "--json", &up.server.named("test.echoserver")]).json();
    assert_eq!(meta["oneway"], serde_json::json!(["oneway_echo", "oneway_slow"]));
    assert_eq!(meta["attributes"], serde_json::json!(["verbose"]));
    assert_eq!(meta["methods"].as_array().unwrap().len(), 11);
    assert_eq!(meta["interface"]["class"], "EchoServer");
}

#[test]
fn bench_counts_calls_and_measures_them() {
    let up = Up::start();
    let uri = up.server.named("example.calculator");
    let bench = |more: &[&str]| run(&[&["bench", &uri, "add", "2", "3", "--duration", "0.1"], more].concat());
    let told = bench(&["--connections", "2", "--concurrency", "4"]).ok();
    assert!(told.contains(" calls in ") && told.contains("4 at a time, 2 connections\n"), "{told}");
    assert!(told.contains(" calls/s\nlatency\n") && told.contains("\n  p99.9 "), "{told}");
    let report = bench(&["--json"]).json();
    assert!(report["calls"].as_u64().unwrap() > 0);
    assert_eq!(report["failed"], 0);
    assert!(report["latency_ms"]["p50"].is_f64());
    let failing = run(&["bench", &uri, "nothing"]);
    assert_eq!(failing.code, Some(1), "{}", failing.err);
    assert_eq!(run(&["bench", &uri, "add", "--concurrency", "0"]).code, Some(2));
}

#[test]
fn check_config_shows_the_settings() {
    let shown = finish(salamander(["check-config"]).env("PYRO_NS_PORT", "9191")).ok();
    assert!(shown.contains("\nCurrently active global configuration settings:\n"), "{shown}");
    assert!(shown.contains("\nNS_PORT = 9191\n") && shown.contains("\nCOMMTIMEOUT = 0.0\n"), "{shown}");
    let json = finish(salamander(["check-config", "--json"]).env("PYRO_COMMTIMEOUT", "2.5")).json();
    assert_eq!(json["settings"]["COMMTIMEOUT"], 2.5);
    assert_eq!(json["settings"]["NATHOST"], serde_json::Value::Null);
    let wrong = finish(salamander(["check-config"]).env("PYRO_NS_PORT", "high")).failed(2);
    assert!(wrong.contains("PYRO_NS_PORT=high"), "{wrong}");
}

#[test]
fn help_and_version_are_there() {
    assert_eq!(run(&["--version"]).ok(), format!("salamander {}\n", env!("CARGO_PKG_VERSION")));
    let help = run(&["--help"]).ok();
    for command in ["up", "ns", "nsc", "echoserver", "httpgateway", "check-config", "call", "meta", "bench"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        assert!(run(&[command, "--help"]).ok().contains("Examples:\n"), "{command}");
    }
    assert_eq!(run(&[]).code, Some(2));
}

#[test]
fn the_log_goes_where_pyros_settings_say() {
    let data = Scratch::new();
    let up = Up::start();
    let file = data.0.join("pyro.log");
    let uri = up.server.named("test.echoserver");
    let mut call = salamander(["call", &uri, "echo", "x"]);
    call.env("PYRO_LOGFILE", &file).env("PYRO_LOGLEVEL", "DEBUG").env("PYRO_LOGWIRE", "1");
    finish(&mut call).ok();
    let log = std::fs::read_to_string(&file).unwrap();
    assert!(log.contains("salamander::wire"), "{log}");
    let loud = finish(salamander(["call", &uri, "echo", "x"]).env("PYRO_LOGWIRE", "1"));
    assert!(loud.code == Some(0) && loud.err.contains("salamander::wire"), "{}", loud.err);
    let filter = finish(salamander(["check-config"]).env("RUST_LOG", "a=b=c")).failed(2);
    assert!(filter.contains("RUST_LOG=a=b=c"), "{filter}");
}

#[test]
fn settings_may_stand_in_a_file() {
    let data = Scratch::new();
    let file = data.0.join("settings.toml");
    std::fs::write(&file, "ns_port = 7000\nserializer = 'json'\n").unwrap();
    let path = file.to_str().unwrap();
    let shown = run(&["check-config", "--config", path]).ok();
    assert!(shown.contains("NS_PORT = 7000\n") && shown.contains("SERIALIZER = json\n"), "{shown}");
    // The environment goes before the file, and the option before the variable.
    let mut command = salamander(["check-config"]);
    command.env("SALAMANDER_CONFIG", path).env("PYRO_NS_PORT", "7001");
    let shown = finish(&mut command).ok();
    assert!(shown.contains("NS_PORT = 7001\n") && shown.contains("SERIALIZER = json\n"), "{shown}");
    std::fs::write(&file, "ns_prot = 7000\n").unwrap();
    let told = run(&["check-config", "--config", path]).failed(2);
    assert!(told.contains(path) && told.contains("ns_prot (did you mean ns_port?)"), "{told}");
    assert!(run(&["check-config", "--config", "/nowhere.toml"]).failed(2).contains("/nowhere.toml"));
}
