//! The examples: each Rust program and the Python program beside it, talking to each other.
#![allow(clippy::unwrap_used)]

mod programs;

use interop::servers::Store;
use programs::{Server, example, examples, outcome, python, recipe, run};

/// Starts an example, calls it from Python and from Rust, each on a server of its own; both have to print this.
#[track_caller]
fn talks(name: &str, expected: &str) {
    let script = examples().join(format!("{name}.py"));
    let server = Server::start(&mut example(name, &[]), "next: python crates/salamander/examples/");
    assert_eq!(run(&mut python(&[script.to_str().unwrap(), server.uri()])), expected, "from Python");
    let server = Server::start(&mut example(name, &[]), "next: ");
    assert_eq!(run(&mut example(name, &[server.uri()])), expected, "from Rust");
}

#[test]
fn streaming() {
    talks(
        "streaming",
        "[5, 4, 3, 2, 1]\n128 is the first beyond 100\ntick 1\ntick 2\ntick 3\nRuntimeError: the clock has stopped\n",
    );
}

#[test]
fn exceptions() {
    talks(
        "exceptions",
        "KeyError: 'milk'\nValueError: invalid float literal\nshop.SoldOut: we do not have so many; left: 2\n",
    );
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
    let (ok, _, told) = outcome(&mut example("blocking", &["PYRO:example.primes@localhost:1"]), "");
    assert!(!ok && told.contains("cannot connect to localhost:1"), "{told}");
}

/// Python's client, and ours, of a worker of the recipe book; and our client of a worker of Python's.
#[test]
fn tasks() {
    let Some(redis) = Store::redis() else { return };
    let worker = Server::start(recipe("sum_task").args(["worker", &redis.url()]), "waiting for tasks");
    sums(&redis.url());
    drop(worker);
    let Some(redis) = Store::redis() else { return };
    let mut celery = python(&["-m", "celery", "--app", "tasks", "worker", "--pool", "solo"]);
    let _worker =
        Server::start(celery.current_dir(examples()).env("BROKER_URL", redis.url()), " -------------- celery@");
    sums(&redis.url());
}

/// Sends the sum from each language.
#[track_caller]
fn sums(broker: &str) {
    let ours = run(&mut example("tasks", &[broker]));
    assert!(ours.starts_with("5 + 5 = 10\n") && ours.contains("missing"), "{ours}");
    assert_eq!(run(recipe("sum_task").args(["client", broker])), "5 + 5 = 10\n");
    let script = examples().join("tasks.py");
    assert_eq!(run(python(&[script.to_str().unwrap()]).env("BROKER_URL", broker)), "5 + 5 = 10\n");
}
