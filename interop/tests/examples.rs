//! The examples: each Rust program and the Python program beside it, talking to each other.
#![allow(clippy::unwrap_used)]

mod programs;

use programs::{Server, example, examples, outcome, python, run, salamander};

/// Starts an example, calls it from Python and from Rust, each on a server of its own; both have to print this.
#[track_caller]
fn talks(name: &str, expected: &str) {
    let script = examples().join(format!("{name}.py"));
    let server = Server::start(&mut example(name, &[]), "next: python crates/salamander/examples/");
    assert_eq!(run(&mut python(&[script.to_str().unwrap(), server.uri()])), expected, "from Python");
    let server = Server::start(&mut example(name, &[]), "next: ");
    assert_eq!(run(&mut example(name, &[server.uri()])), expected, "from Rust");
}

const FORTUNE: &str = "Hello, Ada. Here is your fortune message:\nTomorrow's lucky number is 12345678.\n";

#[test]
fn greeting_by_its_name() {
    let names = Server::start(&mut salamander(&["ns", "-p", "0"]), "URI = ");
    let server = Server::start(example("greeting", &[]).env("PYRO_NS_PORT", names.port()), "next: ");
    assert!(server.told.starts_with("registered, "), "{}", server.told);
    let script = examples().join("greeting.py");
    let told = run(python(&[script.to_str().unwrap()]).env("PYRO_NS_PORT", names.port()));
    assert_eq!(told, FORTUNE);
    let uri = format!("PYRONAME:example.greeting@localhost:{}", names.port());
    assert_eq!(run(&mut example("greeting", &[&uri])), FORTUNE);
    assert_eq!(run(&mut example("greeting", &[server.uri()])), FORTUNE);
}

#[test]
fn greeting_by_its_uri_without_a_name_server() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut command = example("greeting", &[]);
    // Nor are broadcasts heard by any.
    command.env("PYRO_NS_PORT", &nobody).env("PYRO_NS_BCPORT", &nobody);
    let server = Server::start(&mut command, "next: ");
    let script = examples().join("greeting.py");
    assert_eq!(run(&mut python(&[script.to_str().unwrap(), server.uri()])), FORTUNE);
}

#[test]
fn attributes() {
    let server = Server::start(&mut example("attributes", &[]), "next: ");
    let told = run(&mut example("attributes", &[server.uri()]));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines[..2],
        ["21.5 degrees Celsius are 70.7 degrees Fahrenheit", "ValueError: colder than anything can be"]
    );
    assert!(lines[2].starts_with("AttributeError: "), "{told}");
    talks("attributes", &told);
}

#[test]
fn streaming() {
    talks(
        "streaming",
        "[5, 4, 3, 2, 1]\n128 is the first beyond 100\ntick 1\ntick 2\ntick 3\nRuntimeError: the clock has stopped\n",
    );
}

#[test]
fn batch() {
    talks("batch", "100\n70\nValueError: there are only 70\n");
}

#[test]
fn exceptions() {
    talks(
        "exceptions",
        "KeyError: 'milk'\nValueError: invalid float literal\nshop.SoldOut: we do not have so many; left: 2\n",
    );
}

#[test]
fn chain() {
    talks("chain", "hello -> A -> B -> C -> A\n");
}

#[test]
fn typed() {
    talks("typed", "Spring catalogue\n2.5\ntrue\ntea 2.5\ncoffee 5\n");
}

#[test]
fn gateway() {
    let server = Server::start(&mut example("gateway", &[]), "next: ");
    let url = server.told_after("in a browser: ").to_owned();
    let script = examples().join("gateway.py");
    let told = run(&mut python(&[script.to_str().unwrap(), &url]));
    let events = "data: 1\ndata: 2\ndata: 3\nevent: end\ndata: null\n";
    assert_eq!(told, format!("9\n20\n500 builtins.ValueError a die has sides\n{events}"));
}

#[test]
fn blocking() {
    talks("blocking", "25 primes are below 100\n2\n3\n5\n7\n");
}

#[test]
fn call_python() {
    let next = run(&mut example("call_python", &[]));
    assert!(next.starts_with("next: python crates/salamander/examples/call_python.py\n"), "{next}");
    let script = examples().join("call_python.py");
    let server = Server::start(
        &mut python(&[script.to_str().unwrap()]),
        "next: cargo run -p salamander --example call_python -- ",
    );
    let told = run(&mut example("call_python", &[server.uri()]));
    assert_eq!(
        told,
        "{\"and\": 1, \"cat\": 1, \"dog\": 1, \"the\": 2}\n[\"a\", \"b\", \"c\"], 2 calls so far\na\nb\nc\n\
         ValueError: empty separator\nraised in call_python.py\n"
    );
}

#[test]
fn what_does_not_answer_is_told() {
    let (ok, _, told) = outcome(&mut example("greeting", &["PYRO:example.greeting@localhost:1"]), "");
    assert!(!ok && told.contains("cannot connect to localhost:1"), "{told}");
}
