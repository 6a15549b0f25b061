//! `salamander up` and the recipe's client.

use super::programs::{Server, outcome, salamander};
use super::{Scratch, pythons, run};

const READY: &str = "Ctrl-C stops it.";

pub(super) fn up(data: &str, options: &[&str]) -> Server {
    Server::start(&mut salamander(&[&["up", "--port", "0", "--data", data], options].concat()), READY)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recipes_client_calls_what_up_serves() {
    let scratch = Scratch::new();
    let (data, socket) = (scratch.0.join("data").display().to_string(), scratch.socket());
    let file = scratch.0.join("key");
    std::fs::write(&file, "from a file\n").unwrap();
    let file = file.display().to_string();
    for (options, key) in [
        (&["--mp-port", "0", "--authkey", "peekaboo"][..], "peekaboo"),
        (&["--mp-port", "0"], "-"),
        #[cfg(unix)]
        (&["--mp-socket", &socket, "--authkey-file", &file], "from a file"),
    ] {
        let server = up(&data, options);
        let location = server.told_after("  multiprocessing      ").trim_start_matches("./u:").to_owned();
        for python in pythons() {
            let got = run(python, &["call", &location, key, "pickle-in-pickle"]).await;
            let sub = r#"["TypeError", ["\"unsupported operand type(s) for -: 'list' and 'int'\""]]"#;
            assert!(got.starts_with(&format!("[5, {sub}, 5, \"ab\", ")), "3.{}: {got}", python.minor);
        }
    }
}

/// The line that it says one could try.
#[test]
fn what_up_says_to_try_works() {
    let scratch = Scratch::new();
    let server = up(&scratch.0.join("data").display().to_string(), &["--mp-port", "0", "--authkey", "KEY"]);
    let line = server.told.lines().find(|line| line.contains("multiprocessing.connection")).expect("a line to try");
    let lines = line.split('\'').nth(1).expect("what Python runs");
    assert_eq!(super::programs::run(&mut super::programs::script(lines, &[])), "5\n");
}

/// What `up` tells where it does not start.
pub(super) fn refused(data: &str, options: &[&str]) -> String {
    let (ok, _, told) = outcome(&mut salamander(&[&["up", "--port", "0", "--data", data], options].concat()), "");
    assert!(!ok, "{options:?}");
    told
}

#[test]
fn nobody_is_let_in_by_mistake() {
    let scratch = Scratch::new();
    let data = scratch.0.join("data").display().to_string();
    let refused = |options: &[&str]| refused(&data, options);
    let told = refused(&["--host", "0.0.0.0", "--mp-port", "0"]);
    assert!(told.contains("--authkey") && told.contains("--without-key multiprocessing"), "{told}");
    assert!(refused(&["--authkey", "k"]).contains("--mp-port"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(refused(&["--mp-port", &port]).contains("the options are --mp-port and --mp-socket"));
    let open = ["--host", "127.0.0.1", "--mp-port", "0", "--without-key", "multiprocessing"];
    let server = up(&data, &open);
    assert!(server.told_after("  multiprocessing      ").starts_with("127.0.0.1:"));
}
