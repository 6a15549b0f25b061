//! What a task knows of its request.

use salamander_value::{Dict, Value};

use crate::scene::{of, shown};
use crate::table::{Kind, Table};

pub(crate) fn rows(table: &mut Table) {
    table.section("The request");
    for (name, expected) in [
        ("task", "'f.seen'"),
        ("args", "[1, 'two']"),
        ("kwargs", "{}"),
        ("argsrepr", "\"(1, 'two')\""),
        ("kwargsrepr", "'{}'"),
        ("retries", "0"),
        ("lang", "'py'"),
        ("parent_id", "None"),
        ("group", "None"),
        ("eta", "None"),
        ("expires", "None"),
        ("timelimit", "[None, None]"),
        ("is_eager", "False"),
        ("called_directly", "False"),
        ("replaced_task_nesting", "0"),
        ("shadow", "None"),
    ] {
        table.both(&format!("request: {name}"), move |s| async move {
            let seen = s.seen(of("f.seen", (1, "two")).ignore_result(false)).await;
            assert_eq!(shown(&seen, name), expected);
        });
    }
    table.both("request: ignore_result", |s| async move {
        for (ignored, expected) in [(None, "None"), (Some(false), "False")] {
            let mut call = of("f.seen", ());
            call.options_mut().ignore_result = ignored;
            assert_eq!(shown(&s.seen(call).await, "ignore_result"), expected);
        }
    });
    for name in ["id", "root_id", "correlation_id"] {
        table.both(&format!("request: {name}"), move |s| async move {
            let sent = s.send(of("f.seen", ())).await;
            let id = Value::from(sent.id());
            let Value::Dict(seen) = crate::scene::result(sent).await else { panic!("no dict") };
            assert_eq!(seen.get(name), Some(&id));
        });
    }
    table.both("request: reply_to", |s| async move {
        let seen = s.seen(of("f.seen", ()).reply_to("answers-elsewhere").ignore_result(false));
        if s.kind() == Kind::Redis {
            assert_eq!(shown(&seen.await, "reply_to"), "'answers-elsewhere'");
            return;
        }
        // There the result goes to that queue.
        drop(seen);
        let seen = s.seen(of("f.seen", ())).await;
        assert!(shown(&seen, "reply_to").len() > 30, "{seen:?}");
    });
    table.both("request: origin", |s| async move {
        let seen = s.seen(of("f.seen", ())).await;
        let begin = format!("'gen{}@", std::process::id());
        assert!(shown(&seen, "origin").starts_with(&begin), "{}", shown(&seen, "origin"));
    });
    table.both("request: hostname", |s| async move {
        let seen = s.seen(of("f.seen", ())).await;
        assert!(shown(&seen, "hostname").starts_with("'python@"), "{}", shown(&seen, "hostname"));
    });
    table.both("request: delivery_info", |s| async move {
        let seen = s.seen(of("f.seen", ())).await;
        let info = seen.get("delivery_info").and_then(Value::as_dict).unwrap();
        assert_eq!((shown(info, "exchange"), shown(info, "routing_key")), ("''".into(), "'python'".into()));
        assert_eq!(shown(info, "redelivered"), "False");
    });
    table.both("option: shadow", |s| async move {
        assert_eq!(shown(&s.seen(of("f.seen", ()).shadow("another.name")).await, "shadow"), "'another.name'");
    });
    table.both("option: root_id", |s| async move {
        assert_eq!(shown(&s.seen(of("f.seen", ()).root_id("the-root")).await, "root_id"), "'the-root'");
    });
    table.both("option: parent_id", |s| async move {
        assert_eq!(shown(&s.seen(of("f.seen", ()).parent_id("the-parent")).await, "parent_id"), "'the-parent'");
    });
    table.both("option: group", |s| async move {
        assert_eq!(shown(&s.seen(of("f.seen", ()).group("the-group", 3)).await, "group"), "'the-group'");
    });
    table.both("option: group_index", |s| async move {
        assert_eq!(shown(&s.seen(of("f.seen", ()).group("the-group", 3)).await, "group_index"), "3");
    });
    table.both("option: replaced_task_nesting", |s| async move {
        let mut call = of("f.seen", ());
        call.options_mut().replaced_task_nesting = 2;
        assert_eq!(shown(&s.seen(call).await, "replaced_task_nesting"), "2");
    });
    table.ours("option: argsrepr");
    table.ours("option: kwargsrepr");
    table.both("option: timelimit", |s| async move {
        let seen = s.seen(of("f.seen", ()).time_limit(30).soft_time_limit(20.5)).await;
        assert_eq!(shown(&seen, "timelimit"), "[30, 20.5]");
    });
    table.both("option: headers", |s| async move {
        let deep = Dict::from_iter([("a", Value::List(vec![1.into(), Value::None, 2.5.into()]))]);
        let call = of("f.seen", ()).header("mine", 1).header("text", "é").header("deep", deep);
        let seen = s.seen(call).await;
        let headers = seen.get("headers").and_then(Value::as_dict).unwrap();
        let found = (shown(headers, "mine"), shown(headers, "text"), shown(headers, "deep"));
        assert_eq!(found, ("1".into(), "'é'".into(), "{'a': [1, None, 2.5]}".into()));
    });
    table.both("option: priority", |s| async move {
        let seen = s.seen(of("f.seen", ()).priority(3)).await;
        assert_eq!(shown(seen.get("delivery_info").and_then(Value::as_dict).unwrap(), "priority"), "3");
    });
    table.ours("option: correlation_id");
    table.both("stamped headers", |s| async move {
        let mut call = of("f.seen", ());
        call.options_mut().stamped_headers = Some(vec!["monitoring".into()]);
        call.options_mut().stamps = Dict::from_iter([("monitoring", Value::from("id-1"))]);
        let seen = s.seen(call).await;
        assert_eq!(shown(&seen, "stamped_headers"), "['monitoring']");
        assert_eq!(shown(&seen, "stamps"), "{'monitoring': 'id-1'}");
    });
    table.both("tasks that a task sends: children, root and parent", |s| async move {
        let sent = s.send(of("f.parent_of_seen", ())).await;
        let id = Value::from(sent.id());
        let child = crate::scene::result(sent.clone()).await;
        let children = sent.children().await.unwrap();
        assert_eq!(
            children.iter().map(|child| Value::from(child.id())).collect::<Vec<_>>(),
            std::slice::from_ref(&child)
        );
        let Value::Dict(seen) = s.told(child.as_str().unwrap()).await else { panic!("no dict") };
        assert_eq!((seen.get("root_id"), seen.get("parent_id")), (Some(&id), Some(&id)));
    });
}
