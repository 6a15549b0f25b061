//! Examples whose servers are Pyro's own tools: here they are those of the program.

use std::process::Command;

use interop::examples::Ended;

use crate::Program;
use crate::both::{either, new_stage};
use crate::programs::{Server, python, salamander};

/// Runs an example's client with an echo server, ours or Python's.
async fn with_echo_server(mut command: Command, example: &str) -> Ended {
    let server = Server::start(&mut command, "echoserver running.");
    let stage = new_stage().await;
    let mut client = Program::start(&stage, example, &["client.py"]);
    client.input(&format!("{}\n", server.uri())).await;
    client.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn echoserver() {
    let client = with_echo_server(salamander(&["echoserver"]), "echoserver").await;
    assert_eq!(client.code, Some(0), "{client:?}");
    assert!(client.printed.contains("got back from the server: [1, 2, 3, 4]\n"), "{client:?}");
    assert!(client.printed.contains("got element from remote iterator:"), "{client:?}");
    assert!(client.printed.contains("caught an exception (expected), traceback:\n"), "{client:?}");
    assert!(client.printed.contains("shutting down the test echo server."), "{client:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maxsize() {
    let client = with_echo_server(salamander(&["echoserver"]), "maxsize").await;
    assert!(client.printed.contains("no limit on message size...\nsuccess.\n"), "{client:?}");
    // The client of Pyro 5 waits for an exception of a class that Pyro's own check does not raise.
    let refused = either(
        "ProtocolError: message too large (30093, max=2500)",
        "EXCEPTION (expected): max message size exceeded (30093 where max=2500)",
    );
    assert!(format!("{}{}", client.printed, client.told).contains(refused), "{client:?}");
    let theirs =
        with_echo_server(python(&["-m", either("Pyro5.utils.echoserver", "Pyro4.test.echoserver")]), "maxsize").await;
    assert_eq!((client.code, client.printed, client.told), (theirs.code, theirs.printed, theirs.told));
}

/// The client calls port 8080, which is in the program; the gateway is tested for itself where that port is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http() {
    if std::net::TcpListener::bind("127.0.0.1:8080").is_err() {
        return interop::left_out("port 8080 is taken");
    }
    let stage = new_stage().await;
    let port = stage.port().to_string();
    let at_stage = |arguments: &[&str]| {
        let mut command = salamander(arguments);
        command.env("PYRO_NS_HOST", "127.0.0.1").env("PYRO_NS_PORT", &port);
        command
    };
    let _echo = Server::start(&mut at_stage(&["echoserver", "-n"]), "echoserver running.");
    let gateway = &mut at_stage(&["httpgateway", "-H", "127.0.0.1", "-e", "Pyro.|test."]);
    let _gateway = Server::start(gateway, "Pyro HTTP gateway running on http://127.0.0.1:8080");
    let printed = Program::start(&stage, "http", &["client.py"]).done().await;
    assert!(printed.contains("\nLIST--->\n{") && printed.contains("'PYRO:Pyro.NameServer@127.0.0.1:"), "{printed}");
    assert!(printed.contains("'PYRO:test.echoserver@"), "{printed}");
    assert!(printed.contains("\nMETA--->\n{") && printed.contains("'yplookup']}\n"), "{printed}");
    assert!(printed.contains("\nLOOKUP--->\n{'__class__': 'Pyro5.core.URI',\n"), "{printed}");
    assert!(printed.contains("\nONEWAY_SLOW--->\nNone\n"), "{printed}");
    assert!(printed.ends_with("\nSLOW--->\n'Finally, an answer!'\n"), "{printed}");
    assert!(!printed.contains("Error"), "{printed}");
}
