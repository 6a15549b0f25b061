//! Examples of what servers do for each of their clients: instances, sessions, resources, time.

use interop::examples as ours;

use crate::Program;
use crate::both::{Play, either, new_stage, registered, stage_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disconnects() {
    let stage = stage_with(&[("PYRO_COMMTIMEOUT", "1")]).await;
    let uri = ours::disconnects::serve(&stage).await.unwrap();
    let mut client = Program::start(&stage, "disconnects", &["client.py"]);
    client.input(&format!("{uri}\n")).await;
    client.until("Press enter to continue:").await;
    stage.printed.until("a client is gone").await.unwrap();
    client.input("\n").await;
    let printed = client.done().await;
    assert!(printed.contains("<proxy: Connection lost. REBINDING...>"), "{printed}");
    assert!(printed.contains("<proxy: Connection restored, continue with actual method call...>"), "{printed}");
    assert_eq!(printed.matches("result = 12345\n").count(), 2, "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gui_eventloop() {
    let (client, stage) = Play::of("gui_eventloop").ours(ours::gui_eventloop::serve).await;
    assert!(client.printed.ends_with("done!\n"), "{}", client.printed);
    let told = stage.printed.text();
    assert!(
        told.starts_with("Hello there!\nHow's it going?\nCounting 0\n") && told.contains("Counting 19\n"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instancemode() {
    let (client, _) =
        Play::named("instancemode", "instance.percall").alike(ids).same(ours::instancemode::serve).await;
    let ids: Vec<&str> = client.printed.lines().filter(|line| line.starts_with(['(', '1'])).collect();
    let (percalls, all) = either((9, 24), (3, 15));
    assert_eq!(ids.len(), all, "{}", client.printed);
    let (percall, rest) = ids.split_at(percalls);
    assert!(percall.iter().collect::<std::collections::HashSet<_>>().len() == percalls, "{percall:?}");
    let (session, single) = rest.split_at(6);
    assert!(session[..3].iter().all(|id| *id == session[0]) && session[3..].iter().all(|id| *id == session[3]));
    assert!(session[0] != session[3] && single.iter().all(|id| *id == single[0]), "{rest:?}");
}

/// Ids are numbers; correlation ids are such that `numbers` does not know.
fn ids(printed: &str) -> String {
    let line =
        |line: &str| if line.starts_with('(') || line.starts_with(char::is_numeric) { "id" } else { line }.to_owned();
    printed.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonameserver() {
    let (client, _) = Play::of("nonameserver").input("URI\n").same(ours::nonameserver::serve).await;
    assert!(client.printed.contains("Getting some quotes...\n"), "{}", client.printed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oneway() {
    let (client, stage) = Play::named("oneway", "example.oneway").ours(ours::oneway::serve).await;
    assert!(client.printed.contains("server done?\nno, trying again\n"), "{}", client.printed);
    assert!(
        client.printed.contains("yes!\ngetting the result from the server: The result :)\n"),
        "{}",
        client.printed
    );
    // The client has left by now, or soon will have.
    stage.printed.until("work's done!").await.unwrap();
    assert_eq!(stage.printed.text().matches("nothing got called").count(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resourcetracking() {
    let play = Play::of("resourcetracking").input("URI\n\n").alike(numbers_in_quotes);
    let (client, _) = play.same(ours::resourcetracking::serve).await;
    assert!(client.printed.ends_with("allocated resources: []\ndone.\n"), "{}", client.printed);
    // A client that is interrupted instead.
    let stage = new_stage().await;
    let uri = ours::resourcetracking::serve(&stage).await.unwrap();
    let mut client = Program::start(&stage, "resourcetracking", &["client.py"]);
    client.input(&format!("{uri}\n")).await;
    client.until("hit Enter now").await;
    let service = stage.proxy(&uri.to_string()).unwrap();
    assert_eq!(service.call::<Vec<String>>("list", ()).await.unwrap().len(), 2);
    client.interrupt().await;
    client.end().await;
    stage.printed.until_times("Resource: closing", 2).await.unwrap();
    assert!(service.call::<Vec<String>>("list", ()).await.unwrap().is_empty());
}

/// The names of resources are random.
fn numbers_in_quotes(printed: &str) -> String {
    let line = |line: &str| line.split_once("resource... ").map_or(line, |(what, _)| what).to_owned();
    printed.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servertypes() {
    let (client, _) = Play::named("servertypes", "example.servertypes").ours(ours::servertypes::serve).await;
    let printed = &client.printed;
    assert!(printed.contains("Number of completed calls in the server: 10\n"), "{printed}");
    assert!(printed.contains("Servertype is thread. All calls will run in parallel."), "{printed}");
    assert!(printed.ends_with("Done. Number of completed calls in the server: 5\n"), "{printed}");
}

/// Their server in both of its types, which our client hears of, and feels.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servertypes_with_their_server() {
    for (answer, kind) in [("t\n", "thread"), ("m\n", "multiplex")] {
        let stage = new_stage().await;
        let mut server = Program::start(&stage, "servertypes", &["server.py"]);
        server.input(answer).await;
        registered(&stage, "example.servertypes", &server).await;
        let proxy = stage.proxy("PYRONAME:example.servertypes").unwrap();
        let config: salamander::Dict = proxy.call("getconfig", ()).await.unwrap();
        assert_eq!(config.get("SERVERTYPE").and_then(|kind| kind.as_str().map(str::to_owned)).as_deref(), Some(kind));
        // One-way calls go side by side in either.
        for _ in 0..5 {
            proxy.call::<()>("onewaydelay", ()).await.unwrap();
        }
        assert_eq!(proxy.call::<i64>("getcount", ()).await.unwrap(), 0, "{kind}");
        // Proxies of their own are served by threads of their own, if there are any.
        let begun = std::time::Instant::now();
        let proxies: Vec<_> = (0..3).map(|_| stage.proxy("PYRONAME:example.servertypes").unwrap()).collect();
        let calls = proxies.iter().map(|proxy| proxy.call::<String>("delay", ()));
        futures_util::future::try_join_all(calls).await.unwrap();
        assert_eq!(begun.elapsed().as_secs_f64() >= 3.0, kind == "multiplex", "{kind}: {:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shoppingcart() {
    let play = Play::named("shoppingcart", "example.shop").programs(&["shopserver.py"], &["clients.py"]).failing();
    let (client, _) = play.ours(ours::shoppingcart::serve).await;
    let printed = &client.printed;
    assert!(printed.contains("Customers currently in the shop: ['Harry', 'Sally', 'shoplifter']\n"), "{printed}");
    assert_eq!(printed.matches("The cart now contains: [] (should be empty)\n").count(), 2, "{printed}");
    assert!(
        printed.contains("\nReceipt for Harry.\n") && printed.matches("       total:  ").count() == 2,
        "{printed}"
    );
    assert!(printed.contains("Exception: attempt to steal a full cart prevented"), "{printed}");
    assert!(printed.ends_with("which should fail because the cart does no longer exist.\n"), "{printed}");
    assert!(client.told.contains("unknown object"), "{}", client.told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streaming() {
    let (client, _) = Play::of("streaming").same(ours::streaming::serve).await;
    let last = either("property generator:\n[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n", "\n8\n9\n");
    assert!(client.printed.ends_with(last), "{}", client.printed);
    assert!(client.printed.contains("\nvia generator:\n[1, 2, 3, 4, 5, 6, 7, 8, 9]\n"), "{}", client.printed);
}

/// The streams of their server, in our client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streaming_with_their_server() {
    let stage = new_stage().await;
    let server = Program::start(&stage, "streaming", &["server.py"]);
    let streamer = stage.proxy(&server.uri().await).unwrap();
    for method in ["iterator", "generator", "slow_generator"] {
        let items = streamer.stream::<i64>(method, ()).await.unwrap().collect().await.unwrap();
        assert_eq!(items, (1..10).collect::<Vec<_>>(), "{method}");
    }
    let mut endless = streamer.stream::<u64>("fibonacci", ()).await.unwrap();
    let mut numbers = Vec::new();
    for _ in 0..10 {
        numbers.push(endless.next().await.unwrap().unwrap());
    }
    assert_eq!(numbers, [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirdpartylib() {
    let play = Play::of("thirdpartylib");
    let (client, _) = play.same(ours::thirdpartylib::serve).await;
    assert!(client.printed.contains("couldn't call weird()") && client.printed.ends_with("boo\n"));
    let (client, _) = play.programs(&["server2.py"], &["client.py"]).same(ours::thirdpartylib::serve_adapter).await;
    assert!(client.printed.contains("weird awesome\ncouldn't call private()"), "{}", client.printed);
}

/// The client measures how long things take, to a fifth of a second: a machine that is busy gets a second try and a third.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timeout() {
    let stage = new_stage().await;
    let _frozen = ours::timeout::serve(&stage).await.unwrap();
    let mut told = String::new();
    for _ in 0..3 {
        let client = Program::start(&stage, "timeout", &["client.py"]);
        tokio::select! {
            biased;
            // From here on it waits for ever.
            () = client.until("Feel free to abort with ctrl-c or ctrl-break.\n") => {
                let printed = client.printed.text();
                assert_eq!(printed.matches("TimeoutError! As expected!\n").count(), 3, "{printed}");
                return;
            }
            Ok(()) = client.told.until("AssertionError: expected ") => told = client.told.text(),
        }
    }
    panic!("{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unixdomainsock() {
    let path = std::env::temp_dir().join(format!("salamander-example-{}.sock", std::process::id()));
    let name = format!("\0salamander-example-{}", std::process::id());
    // A file, and a name that is none.
    for path in [path.to_str().unwrap(), &name] {
        let stage = new_stage().await;
        let uri = ours::unixdomainsock::serve(&stage, path).await.unwrap();
        let mut client = Program::start(&stage, "unixdomainsock", &["client.py"]);
        client.input(&format!("{}\n", uri.to_string().replace('\0', "\\x00"))).await;
        let printed = client.done().await;
        assert!(printed.ends_with("Response was: Roger!\n"), "{printed}");
        assert_eq!(printed.contains("(uri contains 0-byte)"), path == name, "{printed}");
        stage.printed.until("Message received: Hello there!").await.unwrap();
    }
    let _ = std::fs::remove_file(path);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usersession() {
    let play = Play::named("usersession", "example.usersession.sessiondb").input("\n\n");
    let (client, stage) = play.ours(ours::usersession::serve).await;
    assert_eq!(client.printed.matches("] num=1").count() % 3, 0, "{}", client.printed);
    let (session, single) =
        client.printed.split_once("Multiple concurrent proxies on the Singleton Database").unwrap();
    assert_eq!(session.matches("] num=10").count(), 6, "{session}");
    assert!(client.told.contains("RuntimeError: ERROR: concurrent connection access"), "{single}{}", client.told);
    // An instance for each of four connections.
    assert_eq!(stage.printed.text().matches("new instance and connection for user: user123").count(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn warehouse() {
    let visits = "lamp\nbike\n\ncouch\n";
    let visit = |phase| Play::of(phase).programs(&["warehouse.py"], &["visit.py"]);
    let input = format!("URI\n{visits}");
    let (client, stage) = visit("warehouse/phase2").input(&input).same(ours::warehouse::serve).await;
    assert!(client.printed.contains("['chair', 'flashlight', 'laptop', 'couch', 'lamp']"), "{}", client.printed);
    assert_eq!(stage.printed.text(), "Janet stored the lamp.\nJanet took the bike.\nHenry took the couch.\n");
    let named = Play { name: Some("example.warehouse"), ..visit("warehouse/phase3") };
    named.input(visits).same(ours::warehouse::serve).await;
    // What is not there cannot be taken, and where that was found is told.
    let (client, _) = named.input("lamp\nunicorn\n").failing().ours(ours::warehouse::serve).await;
    assert!(client.told.contains("ValueError: list.remove(x): x not in list"), "{}", client.told);
    assert!(client.told.contains("warehouse.rs"), "{}", client.told);
}
