//! What is known of a result.

use std::sync::Arc;
use std::time::Duration;

use salamander_tasks::Kind as ErrorKind;
use salamander_value::{Dict, Value};
use salamander_wire::celery::State;

use super::{RPC_OWN, RPC_PLAIN};
use crate::scene::{LONG, Scene, names, of, result, shown, with};
use crate::table::{Kind, Table};

pub(crate) fn rows(table: &mut Table) {
    table.section("Results");
    table.both("result: state PENDING of what is not known", |s| async move {
        let unknown = s.app().result("never-sent");
        assert_eq!(unknown.state().await.unwrap(), State::Pending);
        assert!(!unknown.ready().await.unwrap());
    });
    table.both("result: state, ready, successful, failed", |s| async move {
        let sent = s.send(of("f.add", (1, 1))).await;
        result(sent.clone()).await;
        assert!(sent.ready().await.unwrap() && sent.successful().await.unwrap() && !sent.failed().await.unwrap());
        let sent = s.send(of("f.fail", ("ValueError",))).await;
        sent.wait_within(LONG).await.unwrap();
        assert!(sent.ready().await.unwrap() && !sent.successful().await.unwrap() && sent.failed().await.unwrap());
    });
    table.both("result: get twice", |s| async move {
        let sent = s.send(of("f.add", (1, 1))).await;
        assert_eq!(result(sent.clone()).await, result(sent).await);
    });
    table.both("result: result and info", |s| async move {
        let sent = s.send(of("f.add", (1, 1))).await;
        result(sent.clone()).await;
        assert_eq!(sent.info().await.unwrap(), Value::Int(2));
    });
    table.both("result: date_done", |s| async move {
        let meta = s.send(of("f.add", (1, 1))).await.wait_within(LONG).await.unwrap();
        let done: salamander_value::DateTime = meta.date_done.as_ref().unwrap().parse().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
        let behind = i64::try_from(now).unwrap() - done.to_civil_micros();
        assert!((0..600_000_000).contains(&behind), "{behind}");
    });
    table.both("result: children", |s| async move {
        let sent = s.send(of("f.parent", ())).await;
        let child = result(sent.clone()).await;
        let children: Vec<Value> = sent.children().await.unwrap().iter().map(|child| child.id().into()).collect();
        assert_eq!(children, [child]);
        let without = s.send(of("f.add", (1, 1))).await;
        result(without.clone()).await;
        assert!(without.children().await.unwrap().is_empty());
    });
    table.both("result: traceback is None where nothing was raised", |s| async move {
        let sent = s.send(of("f.add", (1, 1))).await;
        result(sent.clone()).await;
        assert_eq!(sent.traceback().await.unwrap(), None);
    });
    for (name, expected) in [
        ("name", "'f.add'"),
        ("args", "[1]"),
        ("kwargs", "{'y': 2}"),
        ("retries", "0"),
        ("queue", "'python'"),
        ("worker", "python@"),
    ] {
        table.both(&format!("result_extended: {name}"), move |s| async move {
            let call = of("f.add", (1,)).kwarg("y", 2);
            let meta = s.send(call).await.wait_within(LONG).await.unwrap();
            let found = shown(&meta.other, name);
            assert!(found == expected || (name == "worker" && found.contains(expected)), "{found}");
        });
    }
    table.both("result: group_id and parent_id", |s| async move {
        let call = of("f.add", (1, 1)).group("g", 0).parent_id("p");
        let meta = s.send(call).await.wait_within(LONG).await.unwrap();
        assert_eq!((meta.group_id.as_deref(), meta.parent_id.as_deref()), (Some("g"), Some("p")));
    });
    table.both("result: forget", |s| async move {
        let sent = s.send(of("f.add", (1, 1))).await;
        result(sent.clone()).await;
        sent.forget().await.unwrap();
        assert_eq!(s.app().result(sent.id()).state().await.unwrap(), State::Pending);
    });
    table.both("result: timeout", |s| async move {
        let sent = s.send(of("f.hold", ("timeout",))).await;
        let late = sent.get_within(Duration::from_millis(50)).await.unwrap_err();
        assert_eq!((late.kind(), late.exception().unwrap().class_name()), (ErrorKind::Deadline, "TimeoutError"));
        s.run(of("f.release", ("timeout",))).await;
        assert_eq!(result(sent).await, Value::None);
    });
    table.both("result: then", |s| async move {
        let sent = s.send(of("f.add", (1, 1))).await;
        let (told, heard) = tokio::sync::oneshot::channel();
        sent.on_ready(|meta| _ = told.send(meta.map(|meta| meta.status.clone())));
        assert_eq!(heard.await.unwrap().unwrap(), State::Success);
    });
    table.both("result: on_message", |s| async move {
        assert_eq!(names(&s.states(of("f.add", (1, 1))).await), ["SUCCESS"]);
    });
    table.both("result: found by its id alone", |s| async move {
        let sent = s.send(of("f.add", (1, 1))).await;
        assert_eq!(result(s.app().result(sent.id())).await, Value::Int(2));
    });
    table
        .both("result: of a task that somebody else has sent", |s| async move {
            let sent = s.send(of("f.add", (1, 1))).await;
            result(sent.clone()).await;
            let other = s.configured("python", |app| app);
            assert_eq!(result(other.result(sent.id())).await, Value::Int(2));
        })
        .only(Kind::Redis, RPC_OWN);
    table
        .ours("result_expires")
        .only(Kind::Redis, "the queue of results goes with its owner, and has no results that expire");
    for (serializer, queue) in
        [("json", "rust"), ("msgpack", "rust.msgpack"), ("yaml", "rust.yaml"), ("pickle", "rust.pickle")]
    {
        table.both(&format!("result_serializer {serializer}"), move |s| by(s, serializer)).at(queue);
    }
    for compression in ["zlib", "bzip2", "lzma", "zstd"] {
        table
            .celery(&format!("result_compression {compression}"), move |s| async move {
                let long = Value::from("long text ".repeat(1000));
                let sent = with(&format!("f.same.{compression}"), [long.clone()]);
                assert_eq!(s.run(sent).await, long);
            })
            .only(Kind::Redis, RPC_PLAIN);
    }
}

/// Results by this serializer, exceptions too.
async fn by(s: Scene, serializer: &'static str) {
    let own = s.configured("python", |app| app.configure(|it| it.result_serializer = serializer.into()));
    let name = |task: &str| if serializer == "json" { task.to_owned() } else { format!("{task}.{serializer}") };
    let inner = Dict::from_iter([("a", 2.5)]);
    let value = Value::List(vec!["x".into(), 1.into(), inner.into()]);
    let sent = with(&name("f.same"), [value.clone()]).send(&own).await.unwrap();
    assert_eq!(result(sent).await, value);
    for (kind, class, args) in [("ValueError", "ValueError", "['bad', 7]"), ("shop.SoldOut", "SoldOut", "['tea', 3]")]
    {
        let sent = of(&name("f.fail"), (kind,)).send(&own).await.unwrap();
        let meta: Arc<_> = sent.wait_within(LONG).await.unwrap();
        let failed = sent.value(&meta).unwrap_err();
        let failed = failed.exception().unwrap();
        let args_found = Value::List(failed.args().to_vec()).to_string();
        assert_eq!((failed.class_name(), &*args_found), (class, args));
    }
    own.backend().unwrap().close().await.unwrap();
    own.broker().close().await.unwrap();
}
