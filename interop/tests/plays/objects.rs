//! Examples of objects that are handed over and called back.

use interop::examples as ours;
use interop::examples::Printed;
use interop::pyro5::until;
use salamander::SerializedBlob;
use salamander::prelude::*;

use crate::Program;
use crate::both::{Play, either, new_stage, numbers, registered};
use interop::examples::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn autoproxy() {
    let (client, stage) = Play::of("autoproxy").alike(numbers).same(ours::autoproxy::serve).await;
    assert!(client.printed.contains(either("<Pyro5.client.Proxy at ", "Speaking stuff.")), "{}", client.printed);
    assert!(stage.printed.text().contains("Thingy 3 says: I am last then..."), "{}", stage.printed.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blob_dispatch() {
    let stage = new_stage().await;
    ours::blob_dispatch::serve(&stage).await.unwrap();
    let listeners =
        ["news", "weather"].map(|topic| Program::start(&stage, "blob-dispatch/listeners", &["main.py", topic]));
    for listener in &listeners {
        listener.until("waiting for data.").await;
    }
    let mut client = Program::start(&stage, "blob-dispatch/client", &["client.py"]);
    client.input("news\nnobody\n\n").await;
    assert_eq!(client.done().await.matches("processed").count(), 2);
    listeners[0].until("a=42, b=hello world").await;
    listeners[0].until("customdata.CustomData").await;
    assert!(!listeners[1].printed.text().contains("Received"));
}

/// Their dispatcher, with a listener of ours beside one of theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blob_dispatch_with_their_dispatcher() {
    let stage = new_stage().await;
    let server = Program::start(&stage, "blob-dispatch/dispatcher", &["dispatcher.py"]);
    registered(&stage, "example.blobdispatcher", &server).await;
    let daemon = stage.daemon().await.unwrap();
    let listener = daemon.share(ours::blob_dispatch::Listener(stage.printed.clone())).unwrap();
    daemon.spawn();
    let dispatcher = stage.proxy("PYRONAME:example.blobdispatcher").unwrap();
    dispatcher.call::<()>("register", ("news", &listener)).await.unwrap();
    let theirs = Program::start(&stage, "blob-dispatch/listeners", &["main.py", "news"]);
    theirs.until("waiting for data.").await;
    let mut client = Program::start(&stage, "blob-dispatch/client", &["client.py"]);
    client.input("news\n\n").await;
    assert_eq!(client.done().await.matches("processed").count(), 1);
    stage.printed.until("'news': a=42, b=hello world, c=").await.unwrap();
    // Ours sends some as well.
    let data = ours::blob_dispatch::CustomData::new(7, "from Rust", "2026");
    dispatcher.call_blob::<()>("process_blob", &SerializedBlob::new("news", data).unwrap()).await.unwrap();
    stage.printed.until("'news': a=7, b=from Rust, c=2026").await.unwrap();
    theirs.until("a=7, b=from Rust, c=2026").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callback() {
    let stage = new_stage().await;
    let daemon = ours::callback::serve(&stage).await.unwrap();
    let printed = Program::start(&stage, "callback", &["client.py"]).done().await;
    for worker in 1..=5 {
        assert!(printed.contains(&format!("callback: worker {worker} reports work is done!")), "{printed}");
    }
    assert!(printed.ends_with("done!\n"), "{printed}");
    // The workers have taken themselves out.
    until("no workers are left", async || daemon.registered().iter().all(|id| !id.starts_with("obj_"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callback_that_fails() {
    let stage = new_stage().await;
    ours::callback::serve_2(&stage).await.unwrap();
    let client = Program::start(&stage, "callback", &["client2.py"]);
    client.until("callback 2 received from server!").await;
    stage.printed.until("server: callbacks done.").await.unwrap();
    let printed = stage.printed.text();
    assert_eq!(printed.matches("ZeroDivisionError: integer division or modulo by zero").count(), 2, "{printed}");
    assert_eq!(printed.matches("in crash").count(), 2, "{printed}");
    client.told.until("in call2").await.unwrap();
}

/// Who waits for the workers of a server.
struct Handler(Printed);

#[expose]
impl Handler {
    fn done(&self, number: i64) {
        self.0.line(format_args!("worker {number} is done"));
    }

    #[callback]
    fn call1(&self) -> Result<(), Exception> {
        Err(Exception::value_error("the first fails"))
    }

    #[callback]
    fn call2(&self) -> Result<(), Exception> {
        Err(Exception::value_error("and so does the second"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callback_with_their_server() {
    let stage = new_stage().await;
    let servers = ["server.py", "server2.py"].map(|script| Program::start(&stage, "callback", &[script]));
    let daemon = stage.daemon().await.unwrap();
    let handler = daemon.share(Handler(stage.printed.clone())).unwrap();
    daemon.spawn();
    registered(&stage, "example.callback", &servers[0]).await;
    let server = stage.proxy("PYRONAME:example.callback").unwrap();
    for number in 1..=3 {
        let worker: Proxy = server.call("addworker", (&handler,)).await.unwrap();
        worker.call::<()>("work", (1,)).await.unwrap();
        stage.printed.until(&format!("worker {number} is done")).await.unwrap();
    }
    registered(&stage, "example.callback2", &servers[1]).await;
    let server = stage.proxy("PYRONAME:example.callback2").unwrap();
    server.call::<()>("doCallback", (&handler,)).await.unwrap();
    servers[1].until("server: callbacks done.").await;
    let printed = servers[1].printed.text();
    assert!(printed.contains("ValueError: the first fails"), "{printed}");
    assert!(printed.contains("ValueError: and so does the second"), "{printed}");
    assert!(printed.contains("objects.rs"), "{printed}");
}

/// Somebody enters the garden. The client has a thread that registers the object to be called back, and goes on without waiting
/// for it: who is too fast has nothing to hand over, and tries again.
async fn enters(stage: &Stage, nick: &str) -> Program {
    loop {
        let mut client = Program::start(stage, "chatbox", &["client.py"]);
        client.input(&format!("garden\n{nick}\n")).await;
        tokio::select! {
            () = client.until("Ready for input!") => return client,
            Ok(()) = client.told.until("argument 'callback': expected a URI") => {}
        }
    }
}

// What their threads print may come between a line and its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chatbox() {
    let stage = new_stage().await;
    ours::chatbox::serve(&stage).await.unwrap();
    let mut ada = enters(&stage, "Ada").await;
    ada.until("People on this channel: Ada").await;
    let mut bob = enters(&stage, "Bob").await;
    bob.until("The following channels already exist: garden").await;
    bob.until("People on this channel: Ada, Bob").await;
    ada.until("[SERVER] ** Bob joined **").await;
    bob.input("hello Ada\n").await;
    ada.until("[Bob] hello Ada").await;
    bob.input("/quit\n").await;
    assert!(bob.done().await.ends_with("Exit.\n"));
    ada.until("[SERVER] ** Bob left **").await;
    ada.input("/quit\n").await;
    assert!(ada.done().await.ends_with("Exit.\n"));
    stage.printed.until("Ada LEFT garden").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn circular() {
    let whole = "Result=['passed on from A', 'passed on from B', 'passed on from C', 'complete at A']\n";
    let stage = new_stage().await;
    for (name, next) in [("A", "B"), ("B", "C"), ("C", "A")] {
        ours::circular::serve(&stage, name, next).await.unwrap();
    }
    assert_eq!(Program::start(&stage, "circular", &["client.py"]).done().await, whole);
    // Python's server is one link among ours.
    for script in ["servA.py", "servB.py", "servC.py"] {
        let stage = new_stage().await;
        let letter = &script[4..5];
        let python = Program::start(&stage, "circular", &[script]);
        for (name, next) in [("A", "B"), ("B", "C"), ("C", "A")].into_iter().filter(|(name, _)| *name != letter) {
            ours::circular::serve(&stage, name, next).await.unwrap();
        }
        registered(&stage, &format!("example.chain.{letter}"), &python).await;
        assert_eq!(Program::start(&stage, "circular", &["client.py"]).done().await, whole, "{script}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messagebus() {
    let stage = new_stage().await;
    ours::messagebus::serve(&stage).await.unwrap();
    let mut publisher = Program::start(&stage, "messagebus", &["publisher.py"]);
    publisher.input("Rome\n").await;
    publisher.until_times("Forecast: ('Rome', ", 3).await;
    let mut manual = Program::start(&stage, "messagebus", &["subscriber_manual_consume.py"]);
    manual.input("\n").await;
    let mut subscriber = Program::start(&stage, "messagebus", &["subscriber.py"]);
    subscriber.input("\n").await;
    subscriber.until("Topics on the bus:  {'weather-forecast'}\n").await;
    subscriber.until_times("    data: ('Rome', '", 20).await;
    // It takes five messages, unsubscribes, and takes five of those that have come before.
    let printed = manual.done().await;
    assert_eq!(printed.matches("PROCESSING MESSAGE:").count(), 10, "{printed}");
    stage.printed.until("unsubscribed from weather-forecast").await.unwrap();
    // Who has gone without a word is taken off.
    drop(subscriber);
    stage.printed.until("removing subscription of ").await.unwrap();
    publisher.until_times("Forecast: ", 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messagebus_of_many_topics() {
    let stage = new_stage().await;
    ours::messagebus::serve(&stage).await.unwrap();
    let publisher = Program::start(&stage, "messagebus", &["manytopics_publisher.py"]);
    publisher.until("publishing messages on a random topic").await;
    let subscriber = Program::start(&stage, "messagebus", &["manytopics_subscriber.py"]);
    stage.printed.until_times("subscribed to msg.topic.", 26).await.unwrap();
    subscriber.until("'message ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn robots() {
    let stage = new_stage().await;
    let game = ours::robots::serve(&stage).await.unwrap();
    let start = |name: &'static str, kind| Program::start(&stage, "robots", &["client.py", name, kind]);
    let angry = start("Hulk", "angry");
    stage.printed.until("Hulk says: 'Hi there! I'm here to kick your ass'").await.unwrap();
    let others = [start("Rincewind", "scared"), start("Nobby", "drunk")];
    for program in others.iter().chain([&angry]) {
        program.until("Pyro server registered on ").await;
    }
    // A name can be had once.
    let again = start("Hulk", "angry").end().await;
    assert!(again.code == Some(1) && again.told.contains("that name is already taken"), "{again:?}");
    game.round(60).await.unwrap();
    angry.until("I WON!!!").await;
    for loser in &others {
        loser.until("I DIED\nHulk KILLED ME :(\n").await;
    }
    stage.printed.until("Hulk says: 'I'll kill you all! GRR'").await.unwrap();
    stage.printed.until("Rincewind says: 'I'm scared!'").await.unwrap();
    // How often depends on where the drunk one stumbles to.
    stage.printed.until("Hulk goes (").await.unwrap();
}
