//! Examples that Pyro5 does not have, or has in other forms.

use futures_util::future::try_join_all;
use interop::examples as ours;
use interop::examples::Stage;
use salamander::prelude::*;

use crate::both::{Play, new_stage, stage_with, words};
use crate::{GENERATION, Program};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asynchronous_calls() {
    let play = |script| Play::of("async").programs(&["server.py"], script);
    let (client, _) = play(&["client.py"]).ours(ours::r#async::serve).await;
    let printed = &client.printed;
    assert_eq!(printed.matches("resultvalue= 20\n").count(), 3, "{printed}");
    assert!(printed.contains("got exception (expected): ZeroDivisionError("), "{printed}");
    assert!(printed.ends_with("result= 14\nresult= 16\nresult= 20\nresult= 25\nresult= 33\n\ndone.\n"), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asynchronous_batches() {
    let play = Play::of("async").programs(&["server.py"], &["client_batch.py"]);
    let (client, _) = play.ours(ours::r#async::serve).await;
    let printed = &client.printed;
    assert_eq!(printed.matches("resultvalues= [20, 11, 277]\n").count(), 2, "{printed}");
    assert!(printed.contains("final value= [23, 14, 280]\n"), "{printed}");
    assert!(!printed.contains("Weird"), "{printed}");
}

/// Functions are called with results when these have come, among them methods of ours. The client looks on for four seconds while
/// something happens in its threads that takes three.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asynchronous_chains() {
    let play = Play::of("async").programs(&["server.py"], &["client_callchain.py"]);
    let (client, _) = play.ours(ours::r#async::serve).await;
    let printed = &client.printed;
    assert!(printed.contains("ERRORHANDLER:  integer division or modulo by zero\n"), "{printed}");
    assert!(printed.contains("final value= 23\n") && printed.contains("final value= 36\n"), "{printed}");
    assert!(printed.ends_with("final value= 26\n\ndone.\n") && !printed.contains("SHOULD RAISE"), "{printed}");
}

/// Their asynchronous results are futures like any others here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asynchronous_calls_of_their_server() {
    let stage = new_stage().await;
    let server = Program::start(&stage, "async", &["server.py"]);
    let uri = server.uri().await;
    let proxy = stage.proxy(&uri).unwrap();
    let later = tokio::spawn({
        let proxy = proxy.clone();
        async move {
            let mut value: i64 = proxy.call("divide", (100, 5)).await?;
            for increase in 1..=3 {
                value = proxy.call("add", (value, increase)).await?;
            }
            Ok::<_, Error>(value)
        }
    });
    // Meanwhile, by proxies of their own.
    let others: Vec<Proxy> = (0..5).map(|_| stage.proxy(&uri).unwrap()).collect();
    assert_eq!(others[0].call::<i64>("multiply", (5, 20)).await.unwrap(), 100);
    let calls = others.iter().zip([7, 6, 5, 4, 3]).map(|(other, by)| other.call::<i64>("divide", (100, by)));
    assert_eq!(try_join_all(calls).await.unwrap(), [14, 16, 20, 25, 33]);
    assert_eq!(later.await.unwrap().unwrap(), 26);
    let error = proxy.call::<i64>("divide", (100, 0)).await.unwrap_err();
    assert!(error.to_string().contains("ZeroDivisionError"), "{error}");
    let mut batch = proxy.batch();
    batch.call("divide", (100, 5)).call("divide", (99, 9)).call("divide", (555, 2));
    let results: Vec<i64> = batch.send::<i64>().await.unwrap().map(Result::unwrap).collect();
    assert_eq!(results, [20, 11, 277]);
}

/// Who has the key is let in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callcontext() {
    let (client, stage) = Play::of("callcontext").input("URI\n\n").ours(ours::callcontext::serve).await;
    let printed = &client.printed;
    assert!(printed.contains("DDAA -> b'custom response annotation set by the daemon'"), "{printed}");
    assert!(printed.contains("HMAC -> [...]"), "{printed}");
    stage.printed.until("custom annotation: custom annotation from client via new way(2)").await.unwrap();
    let correlation = printed.split_once("set to: ").unwrap().1.lines().next().unwrap();
    assert!(stage.printed.text().contains(correlation), "{}", stage.printed.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callcontext_with_their_server() {
    let stage = new_stage().await;
    let server = Program::start(&stage, "callcontext", &["server.py"]);
    let proxy = stage.proxy(&server.uri().await).unwrap();
    let with_key = proxy.with_hmac_key(ours::callcontext::KEY);
    assert_eq!(with_key.call::<String>("echo", ("from Rust",)).await.unwrap(), "from Rust");
    server.until("from Rust").await;
    let refused = proxy.with_hmac_key("another key").call::<String>("echo", ("x",)).await;
    assert!(refused.is_err(), "{refused:?}");
    let refused = proxy.call::<String>("echo", ("x",)).await;
    assert!(refused.is_err(), "{refused:?}");
}

/// The client waits for itself. Our server goes on meanwhile, and is free of it when it has gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlock() {
    let stage = new_stage().await;
    let uri = ours::deadlock::serve(&stage).await.unwrap();
    let client = Program::start(&stage, "deadlock", &["client.py"]);
    stage.printed.until("bouncing [\"hello\"]").await.unwrap();
    client.until("in process Client").await;
    let server = stage.proxy(&uri.to_string()).unwrap();
    let long = ["one", "two", "three"];
    let answer: Vec<String> = server.call("process", (long,)).await.unwrap();
    assert_eq!(answer, ["complete at Server"]);
    drop(client);
    let answer: Vec<String> = server.call("process", (long,)).await.unwrap();
    assert_eq!(answer, ["complete at Server"]);
}

/// The name server is found by its answer to a broadcast: nobody is at the address that is tried first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ns_metadata_by_broadcast() {
    let stage = Stage::discoverable(GENERATION).await;
    let port = stage.broadcasts().unwrap().port().to_string();
    let settings = [("PYRO_NS_HOST", "0.0.0.1"), ("PYRO_NS_BCPORT", &*port), ("PYRO_BROADCAST_ADDRS", "127.0.0.1")];
    let printed = Program::start_with(&stage, "ns-metadata", &["example.py"], &settings).done().await;
    assert!(printed.contains("all FAST printers (after photoprinter upgrade):"), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxysharing() {
    let (client, _) = Play::named("proxysharing", "example.proxysharing").ours(ours::proxysharing::serve).await;
    let printed = &client.printed;
    assert!(!printed.contains("Exception in thread"), "{printed}");
    let done = |part: &str| part.split(['\n', ' ']).next().and_then(|count| count.parse().ok());
    let done: Vec<u32> = printed.split("work done on the server: ").skip(1).filter_map(done).collect();
    assert!(done.len() == 2 && done[1] > done[0], "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ser_custom() {
    let (client, stage) = Play::of("ser_custom").alike(words).same(ours::custom_serialization::serve).await;
    assert!(client.printed.contains("type of response object: <class 'mycustomclasses.OtherThingy'>"));
    assert!(stage.printed.text().contains("arg=OtherThingy { number: 42 }"), "{}", stage.printed.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stockquotes_old() {
    let stage = new_stage().await;
    ours::stockquotes_old::serve(&stage).await.unwrap();
    let mut viewer = Program::start(&stage, "stockquotes-old/phase3", &["viewer.py"]);
    viewer.input("IBM, AAPL,MSFT\n").await;
    for symbol in ["NASDAQ.AAPL: ", "NASDAQ.MSFT: ", "NYSE.IBM: "] {
        viewer.until_times(symbol, 5).await;
    }
    assert!(!viewer.printed.text().contains("NYSE.HPQ"), "{}", viewer.printed.text());
}

/// Times keep their zone in pickle alone, which ours reads as data where it is allowed to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timezones() {
    let stage = stage_with(&[("PYRO_SERIALIZERS_ACCEPTED", "pickle,marshal,json,serpent")]).await;
    let uri = ours::timezones::serve(&stage).await.unwrap();
    let mut client = Program::start(&stage, "timezones", &["client.py"]);
    client.input(&format!("{uri}\n")).await;
    let ended = client.end().await;
    let (pickle, rest) = ended.printed.split_once("******* serpent *******").unwrap();
    assert!(pickle.contains("THIRD: DateUtil timezones\n") && pickle.contains("+0200"), "{ended:?}");
    // serpent and JSON make text of a time, for which the client shows a traceback; marshal knows no times.
    assert_eq!(
        ended.told.matches("AttributeError: 'str' object has no attribute 'tzinfo'\n").count(),
        2,
        "{ended:?}"
    );
    assert!(ended.told.contains("<class 'datetime.datetime'> using serializer MarshalSerializer"), "{ended:?}");
    assert!(rest.contains("no tzinfo attribute"), "{ended:?}");
}
