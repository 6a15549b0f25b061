//! How tasks are called.

use salamander_codec::Args;
use salamander_tasks::{Kind as ErrorKind, Signature, Task};
use salamander_value::{Dict, Value};
use salamander_wire::celery::State;

use crate::ours::add;
use crate::scene::{Scene, of, result, shown, with};
use crate::table::Table;

pub(crate) fn rows(table: &mut Table) {
    table.section("Calling");
    table.both("arguments by position", |s| {
        any(s, vec![1.into(), "two".into(), Value::List(vec![3.into()])], Dict::new())
    });
    table.both("arguments by keyword", |s| sum(s, &[], &[("x", 1), ("y", 2)], 3));
    table.both("arguments of both kinds", |s| sum(s, &[1], &[("y", 2)], 3));
    table.both("no arguments", |s| any(s, vec![], Dict::new()));
    table.both("default arguments", |s| sum(s, &[4], &[], 5));
    table.both("any number of positional arguments", |s| any(s, (0..300).map(Value::from).collect(), Dict::new()));
    table.both("any keyword arguments", |s| {
        let mut named: Dict = (0..50).map(|n| (format!("name {n}"), Value::from(n))).collect();
        named.insert("é", Value::None);
        named.insert("task_id", 2);
        any(s, vec![], named)
    });
    for (name, positional, named) in [
        ("an argument too few is a TypeError", &[][..], &[][..]),
        ("an argument too many is a TypeError", &[1, 2, 3], &[]),
        ("an unknown keyword argument is a TypeError", &[1], &[("z", 2)]),
        ("an argument given twice is a TypeError", &[1], &[("x", 2)]),
    ] {
        table.both(name, move |s| async move {
            // By its name, whoever sends it knows nothing of its parameters.
            let (failed, _) = s.fails(call("f.add", positional, named)).await;
            assert_eq!(failed.class_name(), "TypeError", "{failed:?}");
            // Of a task that is declared here they are known.
            let args = args(positional, named);
            let refused = add.s(args).send(s.app()).await.unwrap_err();
            assert_eq!((refused.kind(), refused.exception().unwrap().class_name()), (ErrorKind::Misuse, "TypeError"));
        });
    }
    table.both("send_task by name", |s| async move {
        let sent = s.app().send_task("f.add", (1, 2)).await.unwrap();
        assert_eq!(result(sent).await, Value::Int(3));
    });
    table.both("delay and apply_async of a task that is declared here", |s| async move {
        let sent = add.delay(s.app(), (1, 2)).await.unwrap();
        assert_eq!(sent.get_within(crate::scene::LONG).await.unwrap(), 3);
        let sent = add.s((1,)).kwarg("y", 3).send(s.app()).await.unwrap();
        assert_eq!(sent.get_within(crate::scene::LONG).await.unwrap(), 4);
    });
    table.both("signatures", |s| async move {
        let signature = of("f.add", (2, 3));
        assert_eq!(s.run(signature.clone()).await, Value::Int(5));
        assert_eq!(s.run(signature.immutable()).await, Value::Int(5));
    });
    table.both("a task's own id", |s| async move {
        let id = format!("own é {}", s.kind());
        let sent = s.send(of("f.seen", ()).task_id(id.clone())).await;
        assert_eq!(sent.id(), id);
        let Value::Dict(seen) = result(sent).await else { panic!("no dict") };
        assert_eq!(seen.get("id"), Some(&id.into()));
    });
    table.both("an unknown task", |s| async move {
        let (failed, meta) = s.fails(of("f.nowhere", (1,))).await;
        assert_eq!(failed.class(), "celery.exceptions.NotRegistered");
        assert_eq!(meta.status, State::Failure);
    });
    table.both("an unknown task does not stop the worker", |s| async move {
        s.fails(of("f.nowhere", ())).await;
        assert_eq!(s.run(of("f.add", (1, 1))).await, Value::Int(2));
    });
    table.both("many tasks at once", |s| async move {
        let sent = s.app().send_many((0..200).map(|n| of("f.add", (n, n)))).await;
        for (n, sent) in sent.into_iter().enumerate() {
            assert_eq!(result(sent.unwrap()).await, Value::from(2 * i64::try_from(n).unwrap()));
        }
    });
    table.both("results in any order", |s| async move {
        let sent = s.app().send_many((0..30).map(|n| of("f.add", (n, 0)))).await;
        for (n, sent) in sent.into_iter().enumerate().rev() {
            assert_eq!(result(sent.unwrap()).await, Value::from(i64::try_from(n).unwrap()));
        }
    });
    table.both("a large message", |s| async move {
        let text = Value::from("0123456789".repeat(200_000));
        assert_eq!(s.run(with("f.same", [text.clone()])).await, text);
    });
    table.section("Messages that are old, odd or wrong");
    for name in ["protocol 1 is read", "protocol 1 retries", "a message that is too large when decompressed"] {
        table.ours(name);
    }
    for what in [
        "no task",
        "a body that cannot be decoded",
        "compression that is damaged",
        "an unknown compression",
        "an unknown content type",
        "no id",
        "arguments that are no list",
        "an ETA that is no time",
    ] {
        table.ours(&format!("bad messages: {what}"));
    }
    table
        .both("content types that are not accepted", |s| async move {
            let app = s.configured("python.strict", |app| app);
            for serializer in ["pickle", "yaml", "msgpack"] {
                let refused = with("f.same", [1.into()]).serializer(serializer).send(&app).await.unwrap();
                let next = of("f.add", (1, 1)).send(&app).await.unwrap();
                assert_eq!(result(next).await, Value::Int(2));
                assert_eq!(refused.state().await.unwrap(), State::Pending, "{serializer}");
            }
            app.backend().unwrap().close().await.unwrap();
        })
        .at("rust.json");
    table.section("What goes along with a task");
    table.both("callbacks and errbacks arrive with the task", |s| async move {
        let next = || of("f.add", (1,)).queue("python");
        let call = of("f.embedded", ()).link(next().queue("nobody")).link(next().queue("nobody")).link_error(next());
        let seen = s.seen(call).await;
        let callbacks = seen.get("callbacks").and_then(Value::as_slice).unwrap();
        assert_eq!(callbacks.len(), 2);
        let first = callbacks[0].as_dict().unwrap();
        assert_eq!((shown(first, "task"), shown(first, "args")), ("'f.add'".into(), "[1]".into()));
        assert_eq!(first.get("options").unwrap().get("queue"), Some(&"nobody".into()));
        assert_eq!(seen.get("errbacks").and_then(Value::as_slice).unwrap().len(), 1);
    });
    table.both("the rest of a chain arrives with the task", |s| async move {
        let mut call = of("f.embedded", ());
        let step = |task| Value::from(of(task, (1,)).queue("nobody"));
        call.options_mut().embed.chain = Value::List(vec![step("f.last"), step("f.next")]);
        let seen = s.seen(call).await;
        let chain = seen.get("chain").and_then(Value::as_slice).unwrap();
        // The next one is the last, and Celery's worker takes it out to send it.
        assert_eq!(shown(chain[0].as_dict().unwrap(), "task"), "'f.last'");
    });
    table.both("what is embedded in pickle arrives too", |s| async move {
        let call = of("f.embedded", ()).link(of("f.add", (1,)).queue("nobody")).serializer("pickle");
        let seen = s.seen(call).await;
        let callbacks = seen.get("callbacks").and_then(Value::as_slice).unwrap();
        assert_eq!(shown(callbacks[0].as_dict().unwrap(), "task"), "'f.add'");
    });
}

fn args(positional: &[i64], named: &[(&str, i64)]) -> Args {
    Args {
        positional: positional.iter().map(|n| Value::from(*n)).collect(),
        keywords: named.iter().map(|(name, n)| (*name, Value::from(*n))).collect(),
    }
}

fn call(task: &str, positional: &[i64], named: &[(&str, i64)]) -> Signature {
    Signature::new(task, args(positional, named))
}

async fn any(s: Scene, positional: Vec<Value>, keywords: Dict) {
    let expected = Value::List(vec![Value::List(positional.clone()), keywords.clone().into()]);
    assert_eq!(s.run(Signature::new("f.any", Args { positional, keywords })).await, expected);
}

async fn sum(s: Scene, positional: &'static [i64], named: &'static [(&'static str, i64)], expected: i64) {
    assert_eq!(s.run(call("f.add", positional, named)).await, Value::Int(expected));
}
