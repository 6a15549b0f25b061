//! Examples of name servers and of much work spread over several.

use interop::examples as ours;
use interop::examples::distributed_computing::work;

use crate::both::{Play, either, new_stage, registered, words};
use crate::{GENERATION, Program};

/// Checks lines like `12 --> [2, 2, 3]`, with this between number and factors; gives how many there are.
fn factorized(printed: &str, between: &str) -> usize {
    let lines = printed.lines().filter_map(|line| line.split_once(between));
    let products = lines.filter_map(|(number, factors)| {
        let number: u64 = number.rsplit(' ').next()?.parse().ok()?;
        let factors = factors.strip_prefix('[')?.strip_suffix(']')?;
        Some((number, factors.split(", ").map(|factor| factor.parse::<u64>().unwrap()).product()))
    });
    products.inspect(|(number, product): &(u64, u64)| assert_eq!(number, product)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distributed_computing() {
    let stage = new_stage().await;
    ours::distributed_computing::serve(&stage).await.unwrap();
    let worker = Program::start(&stage, "distributed-computing", &["worker.py"]);
    worker.until("getting work from dispatcher.").await;
    let client = Program::start(&stage, "distributed-computing", &["client.py"]);
    // Ours is much faster, so that Python's gets its share first.
    worker.until("factorizing").await;
    let printed = tokio::select! {
        error = work(&stage, "Rust") => panic!("the worker has ended: {error:?}"),
        printed = client.done() => printed,
    };
    assert_eq!(factorized(&printed, " --> "), 40, "{printed}");
    assert!(printed.contains("(from Rust)") && printed.contains("(from Worker_"), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distributed_computing_with_their_dispatcher() {
    let stage = new_stage().await;
    let dispatcher = Program::start(&stage, "distributed-computing", &["dispatcher.py"]);
    registered(&stage, "example.distributed.dispatcher", &dispatcher).await;
    let client = Program::start(&stage, "distributed-computing", &["client.py"]);
    let printed = tokio::select! {
        error = work(&stage, "Rust") => panic!("the worker has ended: {error:?}"),
        printed = client.done() => printed,
    };
    assert_eq!((factorized(&printed, " --> "), printed.matches("(from Rust)").count()), (40, 40), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distributed_computing2() {
    fn without_times(printed: &str) -> String {
        let lines = printed.lines().filter(|line| !line.starts_with("Time taken:"));
        // Two words are fifth.
        lines.collect::<Vec<_>>().join("\n").replace("  about (102)", "  down (102)")
    }
    let play = Play::named("distributed-computing2", ours::distributed_computing2::name(GENERATION))
        .programs(&["servers.py"], &["client.py"]);
    let (client, _) = play.alike(without_times).same(ours::distributed_computing2::serve).await;
    assert_eq!(client.printed.matches("Top five words:\n  said (").count(), 2, "{}", client.printed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distributed_computing3() {
    let stage = new_stage().await;
    for name in ["Worker_one", "Worker_two"] {
        ours::distributed_computing3::serve(&stage, name).await.unwrap();
    }
    let printed = Program::start(&stage, "distributed-computing3", &["client.py"]).done().await;
    assert_eq!(factorized(&printed, ": "), 100, "{printed}");
    assert!(printed.contains("Worker_one factorized") && printed.contains("Worker_two factorized"), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distributed_mandelbrot() {
    let stage = new_stage().await;
    for number in 1..=2 {
        ours::distributed_mandelbrot::serve(&stage, number).await.unwrap();
    }
    // It goes on for half a minute, in which it shows nothing new.
    let client = Program::start(&stage, "distributed-mandelbrot", &["client_asciizoom.py"]);
    client.until("2 mandelbrot calculation servers found.\n").await;
    client.until_times(" FPS time=", 4).await;
    let printed = client.printed.text();
    let frame = printed.split(" FPS time=").nth(2).unwrap();
    let lines: Vec<&str> = frame.lines().skip(1).take(40).collect();
    assert!(lines.len() == 40 && lines.iter().all(|line| line.chars().count() == 100), "{frame}");
    // The set itself is blank.
    assert!(lines[20].contains("          ") && lines[0].contains("\"\"\"\""), "{frame}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eventloop() {
    let stage = new_stage().await;
    let names = ours::eventloop::serve(&stage).await.unwrap();
    let port = names.to_string().rsplit(':').next().unwrap().to_owned();
    let mut client = Program::start_with(&stage, "eventloop", &["client.py"], &[("PYRO_NS_PORT", &port)]);
    client.input("\n").await;
    let printed = client.done().await;
    assert!(printed.starts_with("5*11=55\n'x'*10=xxxxxxxxxx\n"), "{printed}");
    assert!(printed.ends_with("2*i=38\n'@'*i=@@@@@@@@@@@@@@@@@@@\n"), "{printed}");
}

/// The server is the point of this one: name server, broadcasts and objects in one loop, in two ways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eventloop_with_their_servers() {
    for script in ["server_multiplexed.py", "server_threads.py"] {
        let stage = new_stage().await;
        let ports = [("PYRO_NS_PORT", "0"), ("PYRO_NS_BCPORT", "0")];
        let server = Program::start_with(&stage, "eventloop", &[script], &ports);
        let names = server.uri().await;
        server.until("Waiting for requests...").await;
        let (_, location) = names.split_once('@').unwrap();
        let proxy = stage.proxy(&format!("PYRONAME:{}@{location}", ours::eventloop::name(GENERATION))).unwrap();
        assert_eq!(proxy.call::<i64>("multiply", (5, 11)).await.unwrap(), 55, "{script}");
        assert_eq!(proxy.call::<String>("multiply", ("x", 10)).await.unwrap(), "xxxxxxxxxx", "{script}");
        // Many at once, from one connection of ours.
        let calls = (1..20).map(|number| proxy.call::<i64>("multiply", (2, number)));
        let all = futures_util::future::try_join_all(calls).await.unwrap();
        assert_eq!(all, (1..20).map(|number| 2 * number).collect::<Vec<_>>(), "{script}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nameserverstress() {
    let stage = new_stage().await;
    let client = Program::start(&stage, "nameserverstress", &["stress.py"]);
    for thread in 0..5 {
        client.until_times(&format!("{thread} "), 300).await;
    }
    client.interrupt().await;
    let printed = client.done().await;
    let (_, rest) = printed.split_once("cleaned up ").unwrap();
    let count: usize = rest.split(' ').next().unwrap().parse().unwrap();
    assert!(count > 300, "{printed}");
    assert_eq!(stage.names().await.unwrap().count().await.unwrap(), 1, "only its own name is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ns_metadata() {
    let stage = new_stage().await;
    let with_ours = Program::start(&stage, "ns-metadata", &["example.py"]).done().await;
    // The same with the name server of Pyro itself.
    let server = Program::start(
        &stage,
        "ns-metadata",
        &["-m", either("Pyro5.nameserver", "Pyro4.naming"), "-n", "127.0.0.1", "-p", "0"],
    );
    let uri = server.uri().await;
    let settings = [("PYRO_NS_PORT", uri.rsplit(':').next().unwrap())];
    let with_theirs = Program::start_with(&stage, "ns-metadata", &["example.py"], &settings).done().await;
    // Ours has the class of Pyro5's name server, and is found by that of Pyro4's as well.
    let [with_ours, with_theirs] = [with_ours, with_theirs]
        .map(|printed| printed.replace("class:Pyro4.naming.NameServer", "class:Pyro5.nameserver.NameServer"));
    // Ours lists names in their order, theirs as they came.
    let sorted = |printed: &str| {
        let printed = words(printed);
        let mut lines: Vec<String> = printed.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&with_ours), sorted(&with_theirs));
    assert!(with_ours.contains("all FAST printers (after photoprinter upgrade):"), "{with_ours}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stockquotes() {
    let stage = new_stage().await;
    ours::stockquotes::serve(&stage).await.unwrap();
    for phase in ["stockquotes/phase2", "stockquotes/phase3"] {
        let viewer = Program::start(&stage, phase, &["viewer.py"]);
        viewer.until("found market example.stockmarket.newyork").await;
        for symbol in ["NASDAQ.AAPL: ", "NASDAQ.MSFT: ", "NYSE.IBM: "] {
            viewer.until_times(symbol, 5).await;
        }
        assert!(!viewer.printed.text().contains("HPQ"), "{phase}");
    }
}

/// Our client looks at their markets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stockquotes_with_their_markets() {
    let stage = new_stage().await;
    let server = Program::start(&stage, "stockquotes/phase2", &["stockmarket.py"]);
    server.until("Stockmarkets available.").await;
    let markets = stage.names().await.unwrap().list_prefix("example.stockmarket.").await.unwrap();
    assert_eq!(markets.len(), 2);
    for registration in markets.values() {
        let market = stage.proxy(&registration.uri).unwrap();
        let symbols: Vec<String> = market.get("symbols").await.unwrap();
        let mut quotes = market.stream::<(String, f64)>("quotes", ()).await.unwrap();
        for _ in 0..4 {
            let (symbol, price) = quotes.next().await.unwrap().unwrap();
            assert!(symbols.contains(&symbol) && (5.0..=150.0).contains(&price), "{symbol} {price}");
        }
    }
}

/// The server has its port in the program, so that it stands here for whoever has that port free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn autoreconnect() {
    for (script, by_name) in [("client.py", false), ("clientNS.py", true)] {
        let stage = new_stage().await;
        let (uri, daemon) = ours::autoreconnect::serve(&stage, 0).await.unwrap();
        let port: u16 = uri.to_string().rsplit(':').next().unwrap().parse().unwrap();
        let mut client = Program::start(&stage, "autoreconnect", &[script]);
        if !by_name {
            client.input(&format!("{uri}\n")).await;
        }
        client.until_times("Sleeping 1 second", 1).await;
        daemon.shutdown();
        daemon.stopped().await;
        client.until("Connection lost. REBINDING...").await;
        let calls = stage.printed.text().matches("Method called with").count();
        // By its name, it is found at another port as well.
        let again = ours::autoreconnect::serve(&stage, if by_name { 0 } else { port }).await;
        let (_, _daemon) = again.unwrap();
        stage.printed.until_times("Method called with", calls + 1).await.unwrap();
        client.until_times("Sleeping 1 second", 2).await;
    }
}
