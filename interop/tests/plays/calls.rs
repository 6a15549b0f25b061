//! Examples of calls: values, errors, batches, annotations.

use interop::examples as ours;

use crate::both::{Play, either};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes() {
    let (client, _) = Play::of("attributes").same(ours::attributes::serve).await;
    assert!(client.printed.contains("actual remote value:  542") && client.printed.contains("....:  yep\n"));
    assert_eq!(client.printed.matches("ok, got expected error").count(), 5, "{}", client.printed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn autoretry() {
    let settings = &[("PYRO_COMMTIMEOUT", "0.5")];
    let play = Play::named("autoretry", "example.autoretry").settings(settings);
    let (client, _) = play.same(ours::autoretry::serve).await;
    assert!(client.printed.contains("Got exception") && client.printed.contains("ConnectionClosedError"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn banks() {
    let (client, _) = Play::named("banks", "example.banks.abn").same(ours::banks::serve).await;
    assert_eq!(client.printed.matches("Failed: insufficent balance").count(), 2, "{}", client.printed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batchedcalls() {
    let (client, stage) = Play::of("batchedcalls").ours(ours::batchedcalls::serve).await;
    let printed = &client.printed;
    // Pyro4's batches keep the calls that were made asynchronously, and make them again: its client shows their results.
    let results =
        either("100//3 = 33\n100//2 = 50\n100//1 = 100\nA divide", "= 33\n100//-3 = 50\n100//-4 = 100\nA divide");
    assert!(printed.contains(&format!("{results} by zero error occurred")), "{printed}");
    assert_eq!(printed.contains("results= [0, 42, 30, 2, 0]\n"), either(false, true), "{printed}");
    assert!(printed.contains("ZeroDivisionError: integer division or modulo by zero"), "{printed}");
    // The one-way batch goes on by itself.
    stage.printed.until("end of batch #2").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn benchmark() {
    let (client, _) = Play::of("benchmark").ours(ours::benchmark::serve).await;
    assert!(client.printed.contains("total method calls: 12000\n"), "{}", client.printed);
    let play = Play::of("benchmark").programs(&["server.py"], &["connections.py"]);
    let (client, _) = play.ours(ours::benchmark::serve).await;
    assert!(client.printed.contains("10000 calls in "), "{}", client.printed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exceptions() {
    let play = Play::named("exceptions", "example.exceptions").alike(without_tracebacks).failing();
    let (client, stage) = play.same(ours::exceptions::serve).await;
    assert!(client.told.contains("complexerror") && client.told.contains("remote"), "{}", client.told);
    // The hook is told of the one-way call as well, which Pyro4's client does not make.
    let last = either("ERROR IN onewayerr: ValueError: error in oneway call!", "ERROR IN complexerror: TypeError: ");
    stage.printed.until(last).await.unwrap();
}

/// Tracebacks show where the server is; and what cannot be serialized differs.
fn without_tracebacks(printed: &str) -> String {
    let cut = |text: &str, from: &str, to: &str| {
        let (before, rest) = text.split_once(from).unwrap();
        format!("{before}{from}{}", rest.split_once(to).unwrap().1)
    };
    cut(&cut(printed, "UNSERIALIZABLE ERROR: ", "\n"), "Printing Pyro traceback >>>>>>", "<<<<<<<")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshake() {
    let (client, _) = Play::of("handshake").input("URI\npancakes\n").same(ours::handshake::serve).await;
    assert!(client.printed.contains("response data:  ['how', 'are', 'you', 'doing']\nConnection ok!\ndone.\n"));
    let (client, _) = Play::of("handshake").input("URI\nwaffles\n").failing().same(ours::handshake::serve).await;
    assert!(client.told.contains("wrong secret code, connection refused"), "{}", client.told);
}
