//! What can be reached from elsewhere, and what the environment can change.

use std::process::Command;
use std::sync::Arc;

use salamander::{Codec, Config, Daemon};

use super::Marker;
use super::programs::{Server, salamander};

/// The port that a server has told, behind the last colon of its line.
fn port(server: &Server) -> u16 {
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    let line = server.told.lines().find(|line| line.contains("localhost:") || line.contains("127.0.0.1:")).unwrap();
    let places = line.split("localhost:").chain(line.split("127.0.0.1:")).map(digits);
    places.into_iter().find(|digits| !digits.is_empty()).unwrap().parse().unwrap()
}

/// The addresses on which this machine listens at a port, as the kernel writes them.
fn listening(port: u16) -> Vec<String> {
    let mut found = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        // Where there is no IPv6 there is no table of it.
        let text = std::fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let (address, its_port) = cells[1].rsplit_once(':').unwrap();
            // "Listening" of TCP, and "unconnected" of UDP.
            if u16::from_str_radix(its_port, 16) == Ok(port) && matches!(cells[3], "0A" | "07") {
                found.push(format!("{table} {address}"));
            }
        }
    }
    found
}

#[track_caller]
fn is_local(server: &Server) {
    let found = listening(port(server));
    assert!(found.contains(&"tcp 0100007F".to_owned()), "{found:?}: {}", server.told);
    let local = ["tcp 0100007F", "tcp6 00000000000000000000000001000000"];
    assert!(found.iter().all(|address| local.contains(&address.as_str())), "{found:?}: {}", server.told);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "only Linux tells in files who listens where")]
fn programs_listen_on_this_machine_only() {
    let data = Marker::new();
    let up = Server::start(&mut salamander(&["up", "--port", "0", "--data", data.path()]), "Ctrl-C stops it.");
    is_local(&up);
    std::fs::remove_dir_all(data.path()).unwrap();
    is_local(&Server::start(&mut salamander(&["ns", "--port", "0"]), "URI = "));
    is_local(&Server::start(&mut salamander(&["echoserver"]), "echoserver running."));
    let args = ["httpgateway", "-p", "0", "--nshost", "localhost", "--nsport", up.port()];
    is_local(&Server::start(&mut salamander(&args), "Pyro HTTP gateway running on "));
}

/// An environment that nobody trusts must not open what the command line closes.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "only Linux tells in files who listens where")]
fn what_the_command_line_says_goes_before_the_environment() {
    let mut command = salamander(&["ns", "--host", "localhost", "--port", "0", "--nobc"]);
    is_local(&Server::start(command.env("PYRO_HOST", "0.0.0.0").env("PYRO_NS_HOST", "0.0.0.0"), "URI = "));
}

/// What a program says in code, too: `Config::default()` looks at no variable. The variables have to be there when a process
/// begins, so this test starts itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_need_not_look_at_the_environment() {
    const HOSTILE: [(&str, &str); 4] = [
        ("PYRO_HOST", "0.0.0.0"),
        ("PYRO_SERIALIZERS_ACCEPTED", "pickle"),
        ("PYRO_MAX_MESSAGE_SIZE", "1"),
        ("PYRO_HMAC_KEY", "known to all"),
    ];
    if HOSTILE.iter().any(|(name, value)| std::env::var(name).as_deref() != Ok(value)) {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "network::a_program_need_not_look_at_the_environment"]).envs(HOSTILE);
        let output = tokio::task::spawn_blocking(move || again.output().unwrap()).await.unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{told}");
        return;
    }
    let theirs = Config::from_env().unwrap();
    assert_eq!((&*theirs.host, &theirs.serializers_accepted[..]), ("0.0.0.0", &[Codec::Pickle][..]));
    let config = Config::default();
    assert_eq!((&*config.host, &config.serializers_accepted[..]), ("localhost", &Codec::PYRO5[..]));
    let daemon = Daemon::builder().config(Arc::new(config)).bind("localhost:0").await.unwrap();
    assert!(daemon.local_addr().unwrap().ip().is_loopback());
    let uri = daemon.internal_uri_for(salamander::DAEMON_NAME).unwrap();
    let daemon = daemon.spawn();
    super::proxy(&uri, &[]).call::<()>("ping", ()).await.unwrap();
    daemon.shutdown();
}
