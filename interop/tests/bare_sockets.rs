//! Time servers and servers of one file: ours, and those of programs that know nothing but Python's `socket`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod programs;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use programs::{Server, outcome, run, salamander};

fn bare(name: &str, args: &[&str]) -> Command {
    let script = interop::python::workspace().join("interop/python/bare").join(name);
    programs::python(&[&[script.to_str().unwrap()], args].concat())
}

/// Starts a server of ours; gives its port, too.
fn serve(what: &[&str]) -> (Server, String) {
    let server = Server::start(&mut salamander(&[&["socket"], what, &["--port", "0"]].concat()), "");
    let port = server.told.trim_end().rsplit(':').next().unwrap().to_owned();
    (server, port)
}

/// Starts a server in Python; gives its port, too.
fn serve_python(name: &str, args: &[&str]) -> (Server, String) {
    let server = Server::start(&mut bare(name, args), "port ");
    let port = server.told_after("port ").to_owned();
    (server, port)
}

/// Whether a line is one of `time.ctime()`.
fn is_time(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    line.trim_end().len() == 24 && words.len() == 5 && words[3].split(':').count() == 3
}

#[test]
fn the_time_goes_to_bare_sockets() {
    for udp in [&[][..], &["udp"]] {
        let option: &[&str] = if udp.is_empty() { &[] } else { &["--udp"] };
        let (_server, port) = serve(&[&["time-server"], option].concat());
        let told = run(&mut bare("time_client.py", &[&[&*port], udp].concat()));
        assert_eq!(told, "as ctime True now True\n");
        // By both names of this machine.
        for host in ["localhost", "127.0.0.1"] {
            let line = run(&mut salamander(&[&["socket", "time", &format!("{host}:{port}")], option].concat()));
            assert!(is_time(&line), "{line}");
        }
        let (_server, port) = serve_python("time_server.py", udp);
        let line = run(&mut salamander(&[&["socket", "time", &format!("127.0.0.1:{port}")], option].concat()));
        assert!(is_time(&line), "{line}");
    }
}

#[test]
fn a_file_goes_to_bare_sockets() {
    let folder = std::env::temp_dir().join(format!("salamander-bare-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| -> PathBuf { folder.join(name) };
    for (name, size) in [("empty", 0_usize), ("small", 5), ("large", 3_000_001)] {
        let contents: Vec<u8> = (0..size).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
        let (file, copy) = (path(name), path("copy"));
        fs::write(&file, &contents).unwrap();
        let (_server, port) = serve(&["file-server", file.to_str().unwrap()]);
        assert_eq!(run(&mut bare("file_client.py", &[&port, copy.to_str().unwrap()])), "received\n");
        assert!(fs::read(&copy).unwrap() == contents);
        fs::remove_file(&copy).unwrap();
        let (mut server, port) = serve_python("file_server.py", &[file.to_str().unwrap()]);
        let address = format!("127.0.0.1:{port}");
        let told = run(&mut salamander(&["socket", "file", &address, copy.to_str().unwrap(), "--json"]));
        assert_eq!(told, format!("{{\"size\": {size}}}\n"));
        assert!(fs::read(&copy).unwrap() == contents && server.line() == "heard Hello server!\n");
    }
    let (ok, _, told) = outcome(&mut salamander(&["socket", "file-server", folder.to_str().unwrap(), "-p", "0"]), "");
    assert!(!ok && told.contains("no regular file"), "{told}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn who_says_nothing_is_hung_up_on_and_holds_up_nobody() {
    let folder = std::env::temp_dir().join(format!("salamander-silent-{}", std::process::id()));
    fs::write(&folder, "contents").unwrap();
    let server = serve(&["file-server", folder.to_str().unwrap(), "--timeout", "0.2", "--max-clients", "2"]);
    let connect = || {
        let client = TcpStream::connect(format!("127.0.0.1:{}", server.1)).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        client
    };
    let silent: Vec<TcpStream> = (0..5).map(|_| connect()).collect();
    let mut last = connect();
    last.write_all(b"Hello server!").unwrap();
    let mut said = String::new();
    last.read_to_string(&mut said).unwrap();
    assert_eq!(said, "contents");
    for mut silent in silent {
        assert_eq!(silent.read(&mut [0; 9]).unwrap(), 0);
    }
    fs::remove_file(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_servers() {
    for what in [&["time-server"][..], &["time-server", "--udp"], &["file-server", "Cargo.toml"]] {
        let (server, _) = serve(what);
        let ended = server.terminate();
        assert!(ended.success(), "{what:?}: {ended}");
    }
}

#[test]
fn nobody_there_is_told() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for option in [&[][..], &["--udp"]] {
        let address = format!("127.0.0.1:{port}");
        let mut command = salamander(&[&["socket", "time", &*address, "--timeout", "30"], option].concat());
        assert_eq!(command.output().unwrap().status.code(), Some(3));
    }
}
