//! The commands that serve: up, ns, echoserver.

#![allow(clippy::unwrap_used)]

mod support;

use support::{Scratch, Server, finish, run, salamander};

#[test]
fn up_serves_and_says_what_to_try() {
    let data = Scratch::new();
    let up = Server::up(&data.0, &[]);
    let port = up.port().to_owned();
    for served in ["Pyro.NameServer", "test.echoserver", "example.greeting", "example.calculator"] {
        assert_eq!(up.told_after(&format!("  {served} ")), format!("PYRO:{served}@localhost:{port}"));
    }
    let example = format!("salamander call PYRONAME:example.calculator@localhost:{port} add 2 3");
    assert!(up.told.contains(&example), "{}", up.told);
    assert_eq!(run(&["call", &up.named("example.calculator"), "add", "2", "3"]).ok(), "5\n");
    let greeting = run(&["call", &up.named("example.greeting"), "get_fortune", "Ada"]).ok();
    assert!(greeting.starts_with("\"Hello, Ada."), "{greeting}");
    assert_eq!(run(&["call", &up.named("test.echoserver"), "echo", "[1]"]).ok(), "[1]\n");
}

#[cfg(unix)]
#[test]
fn up_stops_cleanly_by_a_signal() {
    let data = Scratch::new();
    for signal in ["-INT", "-TERM"] {
        let up = Server::up(&data.0, &[]);
        assert_eq!(up.stopped_by(signal).ok(), "salamander has stopped.\n");
    }
}

#[cfg(unix)]
#[test]
fn names_outlive_the_process() {
    let data = Scratch::new();
    let first = Server::up(&data.0, &[]);
    let old = first.told_after("  example.greeting ").to_owned();
    let uri = "PYRO:thing@localhost:4711";
    run(&["nsc", "-n", "localhost", "-p", first.port(), "register", "my.thing", uri]).ok();
    first.stopped_by("-TERM").ok();

    let second = Server::up(&data.0, &[]);
    let list = run(&["nsc", "-n", "localhost", "-p", second.port(), "list"]).ok();
    assert!(list.contains(&format!("my.thing --> {uri}\n")), "{list}");
    let new = second.told_after("  example.greeting ");
    assert!(list.contains(&format!("example.greeting --> {new}\n")), "{list} {old}");
    second.stopped_by("-TERM").ok();

    let bare = Server::up(&data.0, &["--no-demo"]);
    let list = run(&["nsc", "-n", "localhost", "-p", bare.port(), "list", "--json"]).json();
    let names: Vec<&String> = list.as_object().unwrap().keys().collect();
    assert_eq!(names, ["Pyro.NameServer", "kombu.broker", "my.thing"]);
}

#[test]
fn a_second_up_says_who_has_the_data_or_the_port() {
    let data = Scratch::new();
    let first = Server::up(&data.0, &[]);
    let same_data = run(&["up", "--port", "0", "--data", data.0.to_str().unwrap()]).failed(1);
    assert!(same_data.contains(&format!(" on localhost:{}; stop that, or ", first.port())), "{same_data}");
    assert!(same_data.contains("in use by process ") && same_data.contains("--data"), "{same_data}");

    let other = Scratch::new();
    let same_port = run(&["up", "--port", first.port(), "--data", other.0.to_str().unwrap()]).failed(1);
    assert!(same_port.contains("in use") && same_port.contains("--port"), "{same_port}");
}

#[test]
fn data_of_another_version_is_refused() {
    let data = Scratch::new();
    std::fs::write(data.0.join("version"), "999\n").unwrap();
    let told = run(&["up", "--port", "0", "--data", data.0.to_str().unwrap()]).failed(1);
    assert!(told.contains("has version 999"), "{told}");
}

#[test]
fn up_tells_programs_too() {
    let data = Scratch::new();
    let up = Server::start(&["up", "--json", "--port", "0", "--data", data.0.to_str().unwrap()], "{");
    let told: serde_json::Value = serde_json::from_str(&up.told).unwrap();
    assert_eq!(told["objects"].as_object().unwrap().len(), 5);
    let uri = told["objects"]["example.calculator"].as_str().unwrap();
    assert_eq!(run(&["call", uri, "sub", "2", "3"]).ok(), "-1\n");
}

#[test]
fn up_takes_its_address_from_pyros_settings() {
    let data = Scratch::new();
    let mut command = salamander(["up", "--data", data.0.to_str().unwrap()]);
    let up = Server::of(command.env("PYRO_NS_PORT", "0").env("PYRO_HOST", "127.0.0.1"), "Ctrl-C stops it.");
    assert!(up.told_after(" is up on ").starts_with("127.0.0.1:"), "{}", up.told);
}

#[test]
fn a_server_serves_on_where_nobody_reads_what_it_prints() {
    let data = Scratch::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let args = ["up", "--port", &free, "--data", data.0.to_str().unwrap()];
    let mut up = salamander(args).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(up.stdout.take());
    let uri = format!("PYRO:example.calculator@localhost:{free}");
    // It answers as soon as it listens.
    while run(&["call", &uri, "add", "2", "3"]).code == Some(3) {
        assert_eq!(up.try_wait().unwrap(), None, "it has ended");
    }
    assert_eq!(run(&["call", &uri, "add", "2", "3"]).ok(), "5\n");
    up.kill().unwrap();
    up.wait().unwrap();
}

#[test]
fn ns_prints_what_pyro5_ns_prints() {
    let ns = Server::start(&["ns", "-p", "0"], "URI = ");
    let uri = ns.told_after("URI = ").to_owned();
    let location = uri.strip_prefix("PYRO:Pyro.NameServer@").unwrap();
    let expected =
        format!("Not starting broadcast server for localhost.\nNS running on {location} (127.0.0.1)\nURI = {uri}\n");
    assert_eq!(ns.told, expected);
    #[cfg(unix)]
    assert_eq!(ns.stopped_by("-INT").ok(), "NS shut down.\n");
}

#[test]
fn ns_has_an_outside_and_an_inside_address() {
    let args = ["ns", "--port", "0", "--nathost", "names.example.org", "--natport", "4711"];
    let ns = Server::start(&args, "external URI = ");
    assert!(ns.told_after("internal URI = ").starts_with("PYRO:Pyro.NameServer@localhost:"));
    assert_eq!(ns.told_after("external URI = "), "PYRO:Pyro.NameServer@names.example.org:4711");
    assert!(run(&["ns", "--natport", "4711"]).failed(2).contains("must provide natport with nathost"));
}

#[test]
fn ns_answers_broadcasts_beyond_localhost() {
    let ns = Server::start(&["ns", "-n", "0.0.0.0", "-p", "0", "--bcport", "0"], "URI = ");
    let port = ns.told_after("Broadcast server running on 0.0.0.0:");
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"GET_NSURI", format!("127.0.0.1:{port}")).unwrap();
    let mut answer = [0; 200];
    let count = socket.recv(&mut answer).unwrap();
    let uri = std::str::from_utf8(&answer[..count]).unwrap();
    assert!(uri.starts_with("PYRO:Pyro.NameServer@127.0.0.1:"), "{uri}");
    let silent = Server::start(&["ns", "-n", "0.0.0.0", "-p", "0", "-x"], "URI = ");
    assert!(!silent.told.contains("roadcast"), "{}", silent.told);
}

#[test]
fn ns_keeps_names_in_a_file() {
    let data = Scratch::new();
    let storage = format!("sql:{}", data.0.join("names.sqlite").display());
    for told in ["NS running", "Persistent store contains 2 existing registrations.\nNS running"] {
        let ns = Server::start(&["ns", "-p", "0", "-s", &storage], "URI = ");
        assert!(ns.told.contains(told), "{}", ns.told);
        let uri = ns.told_after("URI = ").to_owned();
        let (_, port) = uri.rsplit_once(':').unwrap();
        let list = run(&["nsc", "-n", "localhost", "-p", port, "list", "my."]).ok();
        if !list.contains("my.thing") {
            run(&["nsc", "-n", "localhost", "-p", port, "register", "my.thing", &uri]).ok();
        }
        #[cfg(unix)]
        ns.stopped_by("-TERM").ok();
    }
    assert!(run(&["ns", "-p", "0", "-s", "cloud"]).failed(2).contains("invalid storage type 'cloud'"));
}

#[cfg(unix)]
#[test]
fn unix_domain_sockets_serve_as_well() {
    let data = Scratch::new();
    let path = data.0.join("ns.sock").to_str().unwrap().to_owned();
    let ns = Server::start(&["ns", "-u", &path], "URI = ");
    assert!(ns.told.starts_with(&format!("NS running on ./u:{path} (Unix domain socket)\n")), "{}", ns.told);
    assert_eq!(run(&["nsc", "-u", &path, "ping"]).ok(), "Name server ping ok.\n");
    let taken = run(&["ns", "-u", &path]).failed(1);
    assert!(taken.contains("--unixsocket"), "{taken}");
    let echo = data.0.join("echo.sock").to_str().unwrap().to_owned();
    let server = Server::start(&["echoserver", "-u", &echo], "echoserver running.");
    assert_eq!(run(&["call", server.told_after("echo uri: "), "echo", "x"]).ok(), "'x'\n");
    ns.stopped_by("-TERM").ok();
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn a_port_in_use_is_said_with_the_option() {
    let ns = Server::start(&["ns", "-p", "0"], "URI = ");
    let (_, port) = ns.told_after("URI = ").rsplit_once(':').unwrap();
    for command in ["ns", "echoserver"] {
        let told = finish(&mut salamander([command, "-p", port])).err;
        assert!(told.contains("in use") && told.contains("--port"), "{told}");
    }
}

#[test]
fn echoserver_prints_what_pyro5_echoserver_prints() {
    let server = Server::start(&["echoserver"], "echoserver running.");
    let uri = server.told_after("echo uri: ").to_owned();
    assert_eq!(
        server.told,
        format!(
            "Starting Pyro's built-in test echo server.\nobject name: test.echoserver\necho uri: {uri}\n\
             echoserver running.\n"
        )
    );
    assert_eq!(run(&["call", &uri, "__dunder__"]).ok(), "'should be allowed (dunder)'\n");
    assert_eq!(run(&["call", &uri, "shutdown"]).ok(), "None\n");
    server.ended().ok();
}

#[test]
fn echoserver_tells_of_its_calls_and_of_name_servers() {
    let mut command = salamander(["echoserver", "-v", "-N"]);
    let mut server = Server::of(command.env("PYRO_NS_PORT", "0"), "echoserver running.");
    assert!(server.told.contains("\nnot using a broadcast server\n"), "{}", server.told);
    let names = server.told_after("using name server at ").to_owned();
    let (_, port) = names.rsplit_once(':').unwrap();
    let uri = run(&["nsc", "-n", "localhost", "-p", port, "lookup", "test.echoserver"]).ok();
    assert_eq!(uri.trim_end(), server.told_after("echo uri: "));
    run(&["call", uri.trim_end(), "oneway_echo", "hello", "--oneway"]).ok();
    let line = server.line();
    assert!(line.ends_with(" - oneway_echo: 'hello'\n"), "{line}");
    let quiet = Server::of(salamander(["echoserver", "-q", "--json"]).env("PYRO_NS_PORT", "0"), "{");
    let told: serde_json::Value = serde_json::from_str(&quiet.told).unwrap();
    assert_eq!(told["name"], "test.echoserver");
}

/// The status line and the body of the answer to a GET.
fn get(port: &str, target: &str, header: &str) -> (String, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    write!(stream, "GET {target} HTTP/1.0\r\nHost: localhost:{port}\r\n{header}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[test]
fn up_answers_http_on_its_port_but_not_to_pages_of_elsewhere() {
    let data = Scratch::new();
    let up = Server::up(&data.0, &[]);
    let target = "/pyro/example.calculator/add?x=a&y=b";
    assert_eq!(get(up.port(), target, ""), ("HTTP/1.0 200 OK".to_owned(), "\"ab\"".to_owned()));
    let (status, page) = get(up.port(), "/", "");
    assert!(status == "HTTP/1.0 200 OK" && page.contains("/RPC2") && page.contains("/pyro/"), "{page}");
    assert!(get(up.port(), "/pyro/", "").1.contains("example.greeting"));
    let elsewhere = "Origin: https://example.org\r\n";
    assert_eq!(get(up.port(), target, elsewhere).0, "HTTP/1.0 403 Forbidden");
    drop(up);
    let up = Server::up(&data.0, &["--no-http"]);
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", up.port().parse().unwrap())).unwrap();
    std::io::Write::write_all(&mut stream, b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
    assert!(!answer.starts_with(b"HTTP"));
}
