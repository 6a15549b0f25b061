//! What becomes of tasks.

use salamander_tasks::Kind as ErrorKind;
use salamander_value::{Dict, Exception, Value};
use salamander_wire::celery::State;

use crate::scene::{Scene, names, of, shown, with};
use crate::table::{Kind, Table};

pub(crate) fn rows(table: &mut Table) {
    table.section("Exceptions");
    let text = |text: &str| vec![Value::from(text)];
    for (name, args) in [
        ("ValueError", vec!["bad".into(), 7.into()]),
        ("KeyError", text("k")),
        ("ZeroDivisionError", text("division by zero")),
        ("TypeError", text("wrong type")),
        ("AttributeError", text("no attribute")),
        ("RuntimeError", vec![]),
        ("OSError", vec![2.into(), "No such file".into()]),
        ("TimeoutError", text("late")),
        ("AssertionError", text("no")),
        ("StopIteration", vec![]),
        ("celery.exceptions.TaskError", text("of Celery")),
        ("shop.SoldOut", vec!["tea".into(), 3.into()]),
    ] {
        table.both(&format!("exceptions: {name}"), move |s| {
            let args = args.clone();
            async move {
                let (failed, meta) = s.fails(of("f.fail", (name,))).await;
                // Python tells what it is a kind of: an OSError with this number is a FileNotFoundError.
                let class = if name == "OSError" { "FileNotFoundError" } else { name.rsplit('.').next().unwrap() };
                assert_eq!((failed.class_name(), failed.args()), (class, &*args));
                assert_eq!(meta.status, State::Failure);
            }
        });
    }
    table.both("exceptions: nested arguments", |s| async move {
        let (failed, _) = s.fails(of("f.fail", ("nested",))).await;
        let all = Value::List(failed.args().to_vec()).to_string();
        assert_eq!(all, "['deep', [1, [2, {'a': None}]], {'k': [1.5]}]");
    });
    table.both("exceptions: text beyond ASCII", |s| async move {
        let (failed, _) = s.fails(of("f.fail", ("unicode",))).await;
        assert_eq!(failed.args(), [Value::from("été \u{1F98E}")]);
    });
    table.celery("exceptions: arguments that cannot be serialized", |s| async move {
        let (failed, _) = s.fails(of("f.fail", ("unpicklable",))).await;
        assert!(failed.to_string().contains("lambda"), "{failed:?}");
    });
    table.celery("exceptions: UnicodeDecodeError", |s| async move {
        let (failed, _) = s.fails(of("f.fail", ("unicode error",))).await;
        assert!(failed.is("ValueError"), "{failed:?}");
        assert_eq!(failed.args().len(), 5, "{failed:?}");
    });
    table.both("exceptions are raised where the result is wanted", |s| async move {
        let sent = s.send(of("f.fail", ("KeyError",))).await;
        let error = sent.get_within(crate::scene::LONG).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Task);
        assert!(error.exception().unwrap().is("LookupError"));
    });
    table.both("exceptions: propagate=False", |s| async move {
        let sent = s.send(of("f.fail", ("ValueError",))).await;
        let meta = sent.wait_within(crate::scene::LONG).await.unwrap();
        assert_eq!(meta.exception(), Some(Exception::with_args("ValueError", vec!["bad".into(), 7.into()])));
    });
    table.both("exceptions: traceback", |s| async move {
        let (failed, meta) = s.fails(of("f.fail", ("ValueError",))).await;
        assert!(meta.traceback.as_ref().unwrap().contains("raise kinds()[kind]"), "{meta:?}");
        assert!(failed.traceback().concat().contains("Traceback"), "{failed:?}");
    });
    table.ours("exceptions: a panic");
    table.section("Retries");
    table.both("retry: until it succeeds", |s| retried(s, 3));
    table.both("retry: the state RETRY is told", |s| async move {
        let label = uuid::Uuid::new_v4().to_string();
        let states = s.steps(of("f.retry_held", (&label, 2)), &label).await;
        assert_eq!(names(&states), ["RETRY", "RETRY", "SUCCESS"]);
    });
    table.both("retry: countdown", |s| async move {
        let Value::List(times) = s.run(of("f.retry_times", (0.4,))).await else { panic!("no times") };
        let [Value::Float(begun), Value::Float(ended)] = times[..] else { panic!("{times:?}") };
        assert!(ended - begun >= 0.395, "{begun} {ended}");
    });
    table.ours("retry: eta");
    table.both("retry: max_retries of the task", |s| async move {
        let (failed, meta) = s.fails(of("f.retry_twice", (Value::None,))).await;
        assert_eq!(failed.class_name(), "MaxRetriesExceededError");
        assert!(failed.message().contains(&*meta.task_id), "{failed}");
    });
    table.both("retry: max_retries of the call to retry", |s| async move {
        assert_eq!(s.fails(of("f.retry_no_more", ("ValueError",))).await.0.class_name(), "ValueError");
    });
    table.both("retry: the exception that led to it, when it was too often", |s| async move {
        let (failed, _) = s.fails(of("f.retry_twice", ("SoldOut",))).await;
        assert_eq!((failed.class_name(), failed.args()), ("SoldOut", &["tea".into()][..]));
    });
    table.both("retry: the exception that led to it, with the state RETRY", |s| async move {
        let label = uuid::Uuid::new_v4().to_string();
        let states = s.steps(of("f.retry_held", (&label, 1)), &label).await;
        assert_eq!(states[0].exception(), Some(Exception::value_error("again")));
    });
    table.both("retry: other arguments", |s| async move {
        assert_eq!(s.run(of("f.retry_with", (1,))).await.to_string(), "[2, 'more']");
    });
    table.both("retry: to another queue", |s| async move {
        let found = s.run(of("f.retry_elsewhere", ("python.other",))).await;
        assert_eq!(found, Value::from("python.other"));
    });
    table.both("retry: the request stays what it was", |s| async move {
        let call = of("f.retry_seen", ()).header("mine", 1).shadow("shown").root_id("r").parent_id("p").group("g", 1);
        let sent = s.send(call.time_limit(50)).await;
        let id = sent.id().to_owned();
        let Value::Dict(seen) = crate::scene::result(sent).await else { panic!("no dict") };
        let all = ["retries", "shadow", "root_id", "parent_id", "group", "timelimit"].map(|name| shown(&seen, name));
        assert_eq!(all, ["1", "'shown'", "'r'", "'p'", "'g'", "[50, None]"]);
        assert_eq!(seen.get("id"), Some(&id.into()));
        assert_eq!(seen.get("headers").unwrap().get("mine"), Some(&1.into()));
    });
    table.both("retry: serializer and compression stay what they were", |s| async move {
        let call = of("f.retry", (2,)).serializer("msgpack").compression("zlib");
        assert_eq!(s.run(call).await, Value::Int(2));
    });
    table.both("autoretry_for", |s| async move {
        assert_eq!(s.run(of("f.auto", (2,))).await, Value::Int(2));
    });
    table.both("autoretry_for: other exceptions", |s| async move {
        assert_eq!(s.fails(of("f.auto", (-1,))).await.0.class_name(), "KeyError");
    });
    table.both("autoretry_for: too often", |s| async move {
        assert_eq!(s.fails(of("f.auto", (50,))).await.0.class_name(), "ValueError");
    });
    table.ours("dont_autoretry_for");
    table.ours("retry_backoff");
    table.section("States, and what a task says instead of a result");
    table.both("a result that is None", |s| async move {
        let sent = s.send(with("f.same", [Value::None])).await;
        assert_eq!(crate::scene::result(sent.clone()).await, Value::None);
        assert_eq!(sent.state().await.unwrap(), State::Success);
    });
    table.both("Ignore", |s| async move {
        let sent = s.send(of("f.special", ("ignore",))).await;
        assert_eq!(s.run(of("f.add", (1, 1))).await, Value::Int(2));
        assert_eq!(sent.state().await.unwrap(), State::Pending);
    });
    table.both("Reject", |s| async move {
        // To a worker without child processes: one with them tells it from a thread that Pyro's proxy may not belong to.
        let (failed, meta) = s.fails(of("f.special", ("reject",)).queue("python.settings")).await;
        assert_eq!(failed.class_name(), "Reject");
        assert_eq!(meta.status, State::Failure);
    });
    table.both("Reject with requeue", |s| async move {
        let said = s.run(of("f.requeued", ())).await;
        // kombu says so where the broker does.
        assert!(said == Value::Bool(true) || s.kind() != Kind::RabbitMq, "{said}");
    });
    table.both("states of one's own", |s| async move {
        let label = uuid::Uuid::new_v4().to_string();
        let states = s.steps(of("f.progress_held", (&label,)), &label).await;
        assert_eq!(names(&states), ["PROGRESS", "COOKING", "SUCCESS"]);
        let dish = Dict::from_iter([("dish", "soup".into()), ("minutes", Value::List(vec![1.into(), 2.5.into()]))]);
        assert_eq!(states[1].result, salamander_wire::celery::ResultValue::Value(dish.into()));
    });
    for (handler, what) in [
        ("before_start", "succeed"),
        ("on_success", "succeed"),
        ("on_failure", "fail"),
        ("on_retry", "retry"),
        ("after_return", "succeed"),
    ] {
        table.celery(&format!("task classes: {handler}"), move |s| async move {
            let sent = s.send(of("f.handled", (what,))).await;
            sent.wait_within(crate::scene::LONG).await.unwrap();
            let label = format!("{handler} {}", sent.id());
            s.until("the handler was called", || async { s.run(of("f.noted", (&label,))).await == Value::Int(1) })
                .await;
        });
    }
    table.both("a result that cannot be serialized", |s| async move {
        assert_eq!(s.fails(of("f.unserializable", ())).await.1.status, State::Failure);
    });
}

async fn retried(s: Scene, times: i64) {
    assert_eq!(s.run(of("f.retry", (times,))).await, Value::Int(times));
}
