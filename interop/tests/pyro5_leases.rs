//! Objects that end by themselves, and what a daemon's owner hears of its calls.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use interop::pyro5::ours::Ours;
use interop::pyro5::until;
use interop::python;
use salamander::prelude::*;
use salamander::{DaemonHandle, Uri};

/// Short enough to wait for, long enough for a call.
const LEASE: Duration = Duration::from_millis(200);

async fn with_leases() -> Ours {
    Ours::with(&[], "127.0.0.1:0", |builder| builder.leases(LEASE)).await
}

fn proxy(ours: &Ours, id: &str) -> Proxy {
    let uri = Uri::new(id, ours.uri.location().unwrap().clone()).unwrap();
    Proxy::with_config(uri, Arc::default()).unwrap()
}

async fn count_is(handle: &DaemonHandle, count: usize) {
    until(&format!("there are {count} objects"), async || handle.registered().len() == count).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_nobody_uses_is_taken_out() {
    let ours = with_leases().await;
    let before = ours.handle.registered().len();
    let desk = proxy(&ours, "desk");
    for _ in 0..20 {
        let _: Proxy = desk.call("open", (1,)).await.unwrap();
    }
    count_is(&ours.handle, before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_stays_as_long_as_its_client() {
    let ours = with_leases().await;
    let before = ours.handle.registered().len();
    let desk = proxy(&ours, "desk");
    let used: Proxy = desk.call("open", (1,)).await.unwrap();
    assert_eq!(used.call::<i64>("deposit", (1,)).await.unwrap(), 2);
    // Another one's lease is over meanwhile.
    let _: Proxy = desk.call("open", (1,)).await.unwrap();
    count_is(&ours.handle, before + 1).await;
    assert_eq!(used.call::<i64>("deposit", (1,)).await.unwrap(), 3);
    used.release();
    count_is(&ours.handle, before).await;
    assert!(used.call::<i64>("deposit", (1,)).await.unwrap_err().to_string().contains("unknown object"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_registered_by_name_has_no_lease() {
    let ours = with_leases().await;
    let before = ours.handle.registered();
    let desk = proxy(&ours, "desk");
    let _: Proxy = desk.call("open", (1,)).await.unwrap();
    count_is(&ours.handle, before.len()).await;
    assert_eq!(ours.handle.registered(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_killed_leaves_no_object_behind() {
    let ours = with_leases().await;
    let before = ours.handle.registered().len();
    let uri = proxy(&ours, "desk").uri().to_string();
    let code = "import sys, Pyro5.api\n\
                desk = Pyro5.api.Proxy(sys.argv[1])\n\
                accounts = [desk.open(n) for n in range(10)]\n\
                print(sum(account.deposit(1) for account in accounts), flush=True)\n\
                sys.stdin.read()\n";
    let mut command = tokio::process::Command::new(python::interpreter());
    command.args(["-c", code, &uri]).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut client = command.spawn().unwrap();
    let mut said = String::new();
    let mut output = tokio::io::BufReader::new(client.stdout.take().unwrap());
    tokio::io::AsyncBufReadExt::read_line(&mut output, &mut said).await.unwrap();
    assert_eq!(said.trim(), "55");
    tokio::time::sleep(LEASE * 2).await;
    assert_eq!(ours.handle.registered().len(), before + 10, "the client is connected to all of them");
    client.kill().await.unwrap();
    count_is(&ours.handle, before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_leases_objects_stay() {
    let ours = Ours::start().await;
    let before = ours.handle.registered().len();
    let account: Proxy = proxy(&ours, "desk").call("open", (1,)).await.unwrap();
    assert_eq!(ours.handle.registered().len(), before + 1);
    assert!(ours.handle.unregister(account.uri().object()));
    assert_eq!(ours.handle.registered().len(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_hears_of_every_failed_call() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    let ours = Ours::with(&[], "127.0.0.1:0", move |builder| {
        builder.on_error(move |failed| {
            let line = format!("{}.{}: {}", failed.class, failed.member, failed.exception.message());
            log.lock().unwrap().push(line);
        })
    })
    .await;
    let thing = proxy(&ours, "thing");
    let _ = thing.call::<i64>("divide", (1, 0)).await;
    let _ = thing.get::<i64>("failing").await;
    thing.oneway("fail_oneway", ()).await.unwrap();
    let mut batch = thing.batch();
    batch.call("add", (1, 2)).call("raise_custom", ());
    let _ = batch.send::<Value>().await;
    let _ = thing.call::<i64>("no_such_method", ()).await;
    until("all are told", async || heard.lock().unwrap().len() == 4).await;
    let mut heard = heard.lock().unwrap().clone();
    heard.sort();
    assert_eq!(
        heard,
        [
            "Thing.divide: integer division or modulo by zero",
            "Thing.fail_oneway: nobody hears this",
            "Thing.failing: no such luck",
            "Thing.raise_custom: unheard of",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_the_daemons_annotations() {
    let ours = Ours::with(&[], "127.0.0.1:0", |builder| {
        builder.annotations(|| vec![(*b"OURS", "of the daemon".into()), (*b"BACK", "overruled".into())])
    })
    .await;
    let thing = proxy(&ours, "thing");
    let plain = thing.request("add").arg(1).arg(2).send::<i64>().await.unwrap();
    assert_eq!(plain.annotation("OURS").unwrap(), "of the daemon");
    let thing = thing.with_serializer(salamander::Codec::Msgpack);
    let annotations = salamander::Dict::from_iter([("BACK", Value::from(&b"of the method"[..]))]);
    let both = thing.request("annotate").arg(annotations).send::<i64>().await.unwrap();
    assert_eq!(
        (both.annotation("OURS").unwrap(), both.annotation("BACK").unwrap()),
        (&bytes::Bytes::from("of the daemon"), &bytes::Bytes::from("of the method"))
    );
}
