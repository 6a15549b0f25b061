//! Settings: those of who sends, and those of the worker.

use std::time::Duration;

use salamander_tasks::broker::ExchangeKind;
use salamander_tasks::routing::{Queues, worker_direct};
use salamander_tasks::{AppBuilder, Task};
use salamander_value::Value;
use salamander_wire::celery::{ResultValue, State};

use super::{PYRO_BINDINGS, routing::came_by};
use crate::ours::{add, with_tasks};
use crate::scene::{LONG, Scene, names, of, result, shown, with};
use crate::table::{Kind, Table};

const NO_DEAD: &str = "the broker has no dead letters";

pub(crate) fn rows(table: &mut Table) {
    table.section("Settings of who sends");
    table.both("task_serializer", |s| async move {
        let app = s.configured("python", |app| app.configure(|it| it.task_serializer = "msgpack".into()));
        assert_eq!(result(of("f.add", (1, 1)).send(&app).await.unwrap()).await, Value::Int(2));
    });
    table.both("task_compression", |s| async move {
        let app = s.configured("python", |app| app.configure(|it| it.task_compression = Some("zstd".into())));
        let long = Value::from("text ".repeat(1000));
        assert_eq!(result(with("f.same", [long.clone()]).send(&app).await.unwrap()).await, long);
    });
    table.both("task_default_priority", |s| async move {
        let app = s.configured("python", |app| app.configure(|it| it.task_default_priority = Some(5)));
        let sent = crate::ours::seen.s(()).returning::<Value>().send(&app).await.unwrap();
        assert_eq!(result(sent).await.get("delivery_info").unwrap().get("priority"), Some(&5.into()));
        // What is not known here has no options of tasks.
        let seen = seen(&s, |app| app.configure(|it| it.task_default_priority = Some(5))).await;
        assert_ne!(seen.get("delivery_info").unwrap().get("priority"), Some(&5.into()));
    });
    table.both("task_default_delivery_mode", |s| async move {
        let seen = seen(&s, |app| app.configure(|it| it.task_default_delivery_mode = 1)).await;
        assert_eq!(seen.get("properties").unwrap().get("delivery_mode"), Some(&1.into()));
    });
    table.both("task_default_exchange and task_default_routing_key", |s| async move {
        let queues = Queues::new("python.keyed");
        let queues = queues.defaults(Some("python.keyed".into()), ExchangeKind::Direct, Some("the-key".into()));
        let app = s.configured("python.keyed", |app| app.queues(queues));
        let found = result(of("f.queue", ()).send(&app).await.unwrap()).await;
        assert_eq!(found.get("routing_key"), Some(&"python.keyed".into()));
    });
    table.both("task_ignore_result", |s| async move {
        let app = s.configured("python", |app| app.configure(|it| it.task_ignore_result = true));
        let sent = add.delay(&app, (1, 1)).await.unwrap();
        assert_eq!(sent.wait_within(LONG).await.unwrap().status, State::Ignored);
    });
    table.both("task_time_limit and task_soft_time_limit of who sends", |s| async move {
        let app = s.configured("python", |app| {
            app.configure(|it| {
                it.task_time_limit = Some(Duration::from_secs(50));
                it.task_soft_time_limit = Some(Duration::from_secs(40));
            })
        });
        let sent = crate::ours::seen.s(()).returning::<Value>().send(&app).await.unwrap();
        assert_eq!(result(sent).await.get("timelimit").unwrap().to_string(), "[50, 40]");
    });
    table.both("task_always_eager", |s| async move {
        let app = s.configured("python", |app| with_tasks(app).configure(|it| it.task_always_eager = true));
        let sent = add.delay(&app, (1, 2)).await.unwrap();
        assert_eq!(sent.get().await.unwrap(), 3);
        // There is nobody who could be told.
        assert!(sent.revoke(false).await.is_err(), "it has run in place");
    });
    table.ours("enable_utc off, and another timezone");
    table.ours("timezone");
    table.both("task_publish_retry off", |s| async move {
        let app = s.configured("python", |app| app.configure(|it| it.task_publish_retry = false));
        assert_eq!(result(of("f.add", (1, 1)).send(&app).await.unwrap()).await, Value::Int(2));
    });
    table.ours("task_protocol 2 and 1 on one queue");
    table.section("Settings of the worker");
    table
        .both("task_track_started", |s| async move {
            let label = uuid::Uuid::new_v4().to_string();
            let call = of("f.hold", (format!("{label} 1"),)).queue("python.settings");
            assert_eq!(names(&s.steps(call, &label).await), ["STARTED", "SUCCESS"]);
        })
        .at("rust.settings");
    table
        .both("STARTED tells who runs it", |s| async move {
            let label = uuid::Uuid::new_v4().to_string();
            let call = of("f.hold", (format!("{label} 1"),)).queue("python.settings");
            let states = s.steps(call, &label).await;
            let ResultValue::Value(Value::Dict(told)) = &states[0].result else { panic!("{states:?}") };
            assert!(told.get("pid").and_then(Value::as_int).is_some(), "{told:?}");
            assert!(shown(told, "hostname").contains("python.settings@"), "{told:?}");
        })
        .at("rust.settings");
    table.ours("task_time_limit of the worker").at("rust.hard");
    table.ours("task_soft_time_limit of the worker").at("rust.soft");
    table
        .both("task_store_errors_even_if_ignored", |s| async move {
            let (failed, meta) = s.fails(of("f.fail_ignored", ()).queue("python.settings")).await;
            assert_eq!((failed.class_name(), &meta.status), ("ValueError", &State::Failure));
        })
        .at("rust.settings");
    table.ours("task_acks_late of the worker").at("rust.settings");
    table
        .both("worker_direct", |s| async move {
            let seen = s.run(of("f.seen", ()).queue("python.settings")).await;
            let worker = seen.get("hostname").unwrap().as_str().unwrap();
            let own = worker_direct(worker);
            let call = of("f.queue", ()).exchange(own.exchange.name).routing_key(own.routing_key);
            came_by(&s.run(call).await, "C.dq2", worker);
        })
        .at("rust.settings")
        .without(Kind::Embedded, PYRO_BINDINGS);
    table.ours("task_default_rate_limit").at("rust.rate");
    table
        .both("task_inherit_parent_priority", |s| async move {
            let call = of("f.parent_of_seen", ()).queue("python.settings").priority(4);
            let child = s.run(call).await;
            let seen = s.told(child.as_str().unwrap()).await;
            assert_eq!(seen.get("delivery_info").unwrap().get("priority"), Some(&4.into()));
        })
        .at("rust.settings");
    for name in [
        "task_acks_on_failure_or_timeout off: failures go to the dead letters",
        "acks_on_failure off: failures go to the dead letters",
    ] {
        table.ours(name).at("rust.late").only(Kind::RabbitMq, NO_DEAD);
    }
    table.ours("acks_on_timeout off: tasks that took too long come again");
}

async fn seen(s: &Scene, change: impl FnOnce(AppBuilder) -> AppBuilder) -> Value {
    let app = s.configured("python", change);
    result(of("f.seen", ()).send(&app).await.unwrap()).await
}
