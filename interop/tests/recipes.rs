//! The recipe book: every recipe, run as its reader does, and what it prints.
#![allow(clippy::unwrap_used)]

mod programs;

use std::collections::BTreeSet;

use programs::{Server, python, recipe, run, salamander};

#[track_caller]
fn prints(name: &str, expected: &str) {
    assert_eq!(run(&mut recipe(name)), expected);
}

const FORTUNE: &str = "Hello, Ada. Here is your fortune message:\nTomorrow's lucky number is 12345678.\n";

#[test]
fn greeting_by_uri() {
    prints("greeting_by_uri", FORTUNE);
}

#[test]
fn greeting_by_name() {
    prints("greeting_by_name", FORTUNE);
}

#[test]
fn chain() {
    prints("chain", "hello -> A -> B -> C -> A\n");
}

#[test]
fn attributes() {
    let told = run(&mut recipe("attributes"));
    let expected =
        "21.5 degrees Celsius are 70.7 degrees Fahrenheit\nValueError: colder than anything can be\nAttributeError: ";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn metadata() {
    prints(
        "metadata",
        "printer.hall: colour:no, resource:printer\nprinter.office: colour:yes, resource:printer\n\
         printed in the office: a picture\n",
    );
}

#[test]
fn oneway() {
    prints("oneway", "one-way: write\nthe caller went on\n[\"a line\"]\n");
}

#[test]
fn batch() {
    prints("batch", "100\n70\nValueError: there are only 70\n");
}

#[test]
fn socket_time() {
    let told = run(&mut recipe("socket_time"));
    let lines: Vec<&str> = told.lines().collect();
    for (line, words) in lines.iter().zip(["The time got from the server is ", "The time got by a datagram is "]) {
        // As in "Thu Jun  6 12:00:05 2024".
        let time = line.strip_prefix(words).unwrap();
        assert!(time.len() == 24 && time.matches(':').count() == 2, "{told}");
    }
    assert_eq!(lines.len(), 2);
}

#[test]
fn file_transfer() {
    prints(
        "file_transfer",
        "sent 1000000 bytes, SHA-256 ec21d64624228af3...\nreceived 1000000 bytes, of which 400000 were there\nthe same: true\n\
         ValueError: the name \"../here/numbers\" is refused: it has dots for folders\n\
         ValueError: the name \"/etc/passwd\" is refused: it is absolute, or a part of it is empty\n\
         FileNotFoundError: missing: No such file or directory (os error 2)\n",
    );
}

#[test]
fn sum_task() {
    prints("sum_task", "5 + 5 = 10\n");
}

#[test]
fn xmlrpc_sum() {
    prints(
        "xmlrpc_sum",
        "3 + 4 = 7\n30\n\
         xmlrpc.client.Fault: (1, '<class \\'TypeError\\'>:add() argument \\'x\\': expected i64, got string \"ten\"')\n",
    );
}

#[test]
fn pickle_rpc() {
    prints(
        "pickle_rpc",
        "add(2, 3) = 5\nsub(2, 3) = -1\nsub([1, 2], 4) raises a TypeError: sub() argument 'x': expected i64, got sequence\n\
         with another key: the other end does not accept the authkey: it has another\n",
    );
}

#[test]
fn json_rpc() {
    prints(
        "json_rpc",
        "add(2, 3) = 5\nsub([1, 2], 4): TypeError: sub() argument 'x': expected i64, got sequence\n30\n-10\n3\n2\n1\n",
    );
}

/// A recipe that serves, called by its script in Python and by its own client, each on a server of its own: they have to print the same.
#[track_caller]
fn talks(name: &str, script: &str) {
    let path = interop::python::workspace().join("examples/recipes/python").join(script);
    let told = run(&mut recipe(name));
    let server =
        || Server::start(recipe(name).arg("serve"), &format!("next: python examples/recipes/python/{script} "));
    assert_eq!(run(&mut python(&[path.to_str().unwrap(), server().uri()])), told, "from Python");
    assert_eq!(run(recipe(name).arg(server().uri())), told, "from Rust");
}

#[test]
fn each_end_alone_talks_with_python() {
    talks("greeting_by_uri", "greeting.py");
    talks("attributes", "attributes.py");
    talks("batch", "batch.py");
    talks("chain", "chain.py");
}

#[test]
fn python_finds_the_greeting_by_its_name() {
    let names = Server::start(&mut salamander(&["ns", "-p", "0"]), "URI = ");
    let server = Server::start(recipe("greeting_by_name").arg("serve").env("PYRO_NS_PORT", names.port()), "next: ");
    let script = interop::python::workspace().join("examples/recipes/python/greeting.py");
    let greeting = || python(&[script.to_str().unwrap()]);
    assert_eq!(run(greeting().env("PYRO_NS_PORT", names.port())), FORTUNE);
    let name = server.told_after("greeting.py ");
    assert_eq!(name, format!("PYRONAME:example.greeting@localhost:{}", names.port()));
    assert_eq!(run(greeting().arg(name)), FORTUNE);
    assert_eq!(run(recipe("greeting_by_name").arg(name)), FORTUNE);
}

#[test]
fn every_recipe_stands_in_the_book_and_is_tested() {
    let folder = interop::python::workspace().join("examples/recipes");
    let book = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let programs: BTreeSet<String> = std::fs::read_dir(folder.join("src/bin"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let tests = include_str!("recipes.rs");
    for name in &programs {
        assert!(book.contains(&format!("`cargo run -p recipes --bin {name}`")), "{name} is not in the book");
        assert!(tests.contains(&format!("fn {name}()")), "{name} has no test");
    }
}
