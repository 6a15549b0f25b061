//! The start page of a daemon's port: the lines of code on it do what they say.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::process::Stdio;

use interop::http::Ask;
use interop::pyro5::until;
use interop::python;
use salamander::http::{Gateway, GatewayOptions, JsonRpc, Site, XmlRpc};
use salamander::prelude::*;
use salamander::{Config, DaemonHandle, multiprocessing, zeromq};
use tokio::process::Command;

#[expose]
fn add(x: i64, y: i64) -> i64 {
    x + y
}

async fn start() -> DaemonHandle {
    let gateway = Gateway::new(GatewayOptions::default(), &Config::default()).unwrap();
    let own = ["known.example".to_owned()];
    let site = Site::new().xmlrpc(XmlRpc::new()).jsonrpc(JsonRpc::new()).gateway(gateway).own_pages_only(own);
    let daemon = Daemon::builder().door(site).bind("127.0.0.1:0").await.unwrap();
    daemon.register_fn("add", add).unwrap();
    multiprocessing::Options::new().serve(&daemon, "127.0.0.1:0").await.unwrap().spawn();
    zeromq::Options::new().serve(&daemon, "127.0.0.1:0").await.unwrap().spawn();
    until("both have begun", async || daemon.beside().len() == 2).await;
    daemon.spawn()
}

/// The lines of code on the page, each with its language.
fn lines(page: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&")
    };
    let rows = page.lines().filter_map(|line| line.strip_prefix("<dt>")?.split_once("</dt><dd><pre>"));
    rows.map(|(language, code)| (language.to_owned(), plain(code.strip_suffix("</pre></dd>").unwrap()))).collect()
}

/// What a command prints.
async fn printed(mut command: Command, code: &str) -> String {
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{code}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_of_the_start_page_work_as_they_are() {
    let daemon = start().await;
    let page = Ask::get("/").send(daemon.local_addr().unwrap()).await;
    assert_eq!(page.status, 200);
    let page = String::from_utf8(page.body).unwrap();
    assert!(page.contains("<li><code>add</code></li>"), "{page}");
    let lines = lines(&page);
    let of = |language: &str| lines.iter().filter(|(other, _)| other == language).count();
    assert_eq!(["Python", "Rust", "curl", "JavaScript"].map(of), [6, 5, 3, 3]);
    let has_curl = Command::new("curl").arg("--version").stdout(Stdio::null()).status().await.is_ok();
    if !has_curl {
        interop::left_out("there is no curl on this machine");
    }
    for (language, code) in &lines {
        let command = match language.as_str() {
            "Python" => {
                let mut command = Command::new(python::interpreter());
                command.args(["-c", code]);
                command
            }
            "curl" if has_curl => {
                let mut command = Command::new("sh");
                command.args(["-c", &format!("{code} --silent --show-error --fail")]);
                command
            }
            _ => continue,
        };
        // The gateway has no name server here, and says so.
        if !code.contains("/pyro/") {
            let printed = printed(command, code).await;
            let calls_add = code.contains("multiprocessing") || code.contains("zmq");
            let expected =
                if calls_add { printed == "5\n" } else { printed.contains("add") || printed.contains("Pyro.Daemon") };
            assert!(expected, "{code}: {printed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_page_is_for_those_who_know_this_place() {
    let address = start().await.local_addr().unwrap();
    for (host, status) in [("known.example", 200), ("localhost:9090", 200), ("strange.example", 403)] {
        assert_eq!(Ask::get("/").header("Host", host).send(address).await.status, status, "{host}");
    }
    // What stands in a header does not get into the page as it is.
    let page = Ask::get("/").header("Host", "127.0.0.1<script>").send(address).await;
    assert!(!String::from_utf8(page.body).unwrap().contains("<script>"));
}
