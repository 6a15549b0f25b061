//! Which way tasks go.

use salamander_tasks::AppBuilder;
use salamander_tasks::broker::{Exchange, ExchangeKind, Queue};
use salamander_tasks::call::SendOptions;
use salamander_tasks::routing::{Queues, Routes};
use salamander_tasks::{Kind as ErrorKind, Signature};
use salamander_value::Value;
use uuid::Uuid;

use super::{PYRO_BINDINGS, PYRO_FANOUT, PYRO_PRIORITY};
use crate::scene::{Scene, of, result, shown};
use crate::table::{Direction, Kind, Table};

pub(crate) fn rows(table: &mut Table) {
    table.section("Routing");
    table.both("queue of a call", |s| to_other(s, of("f.queue", ()).queue("python.other"), |app| app));
    table.both("task_default_queue", |s| {
        to_other(s, of("f.queue", ()), |app| app.configure(|it| it.task_default_queue = "python.other".into()))
    });
    let to = || SendOptions::to_queue("python.other");
    let nowhere = || SendOptions::to_queue("python.nowhere");
    table.both("task_routes by name", move |s| {
        to_other(s, of("f.queue", ()), move |app| app.routes(Routes::new().add("f.queue", to()).unwrap()))
    });
    table.both("task_routes by name, the queue alone", |s| {
        to_other(s, of("f.queue", ()), |app| {
            app.toml("[celery.task_routes]\n\"f.queue\" = \"python.other\"").unwrap()
        })
    });
    table.both("task_routes by glob", move |s| {
        let routes = Routes::new().add("f.q*", to()).unwrap().add("f.*", nowhere()).unwrap();
        to_other(s, of("f.queue", ()), |app| app.routes(routes))
    });
    table.both("task_routes by regular expression", move |s| {
        to_other(s, of("f.queue", ()), move |app| {
            app.routes(Routes::new().add_regex(r"f\.(queue|key)", to()).unwrap())
        })
    });
    table.both("task_routes by function", move |s| async move {
        let route = Routes::function(move |query| {
            let wanted = query.task == "f.queue" && query.arguments.keywords.get("to") == Some(&"other".into());
            wanted.then(to)
        });
        let app = s.configured("python", |app| app.routes(route));
        for (wanted, queue) in [("other", "python.other"), ("the default", "python")] {
            let sent = of("f.queue", ()).kwarg("to", wanted).send(&app).await.unwrap();
            came_by(&result(sent).await, "", queue);
        }
    });
    table.both("task_routes: the first that knows a task decides", move |s| {
        let first = Routes::new().add("other", nowhere()).unwrap();
        let (second, third) = (Routes::new().add("f.queue", to()), Routes::new().add("f.queue", nowhere()));
        to_other(s, of("f.queue", ()), |app| app.routes(first).routes(second.unwrap()).routes(third.unwrap()))
    });
    table.both("task_routes with further options", move |s| async move {
        let mut route = to().with_priority(4);
        route.serializer = Some("msgpack".into());
        let app = s.configured("python", |app| app.routes(Routes::new().add("f.queue", route).unwrap()));
        let found = result(of("f.queue", ()).send(&app).await.unwrap()).await;
        came_by(&found, "", "python.other");
        assert_eq!(found.get("priority"), Some(&4.into()));
    });
    table.both("a call goes before its route", move |s| {
        to_other(s, of("f.queue", ()).queue("python.other"), move |app| {
            app.routes(Routes::new().add("f.queue", nowhere()).unwrap())
        })
    });
    table.both("task_queues with exchange and routing key", |s| async move {
        let app = s.configured("python", |app| {
            app.queue(bound("python.keyed", "python.keyed", ExchangeKind::Direct, "the-key"))
        });
        let found = result(of("f.queue", ()).queue("python.keyed").send(&app).await.unwrap()).await;
        came_by(&found, "", "python.keyed");
    });
    table.both("task_create_missing_queues off", |s| async move {
        let app = s.configured("python", |app| {
            app.queues(Queues::new("python").missing(false, ExchangeKind::Direct, None).with(Queue::new("python")))
        });
        let refused = of("f.queue", ()).queue("python.unheard-of").send(&app).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Misuse);
    });
    table
        .both("exchange and routing_key of a call: direct", |s| by_exchange(s, "python.keyed", "the-key"))
        .without(Kind::Embedded, PYRO_BINDINGS);
    table
        .both("exchange and routing_key of a call: topic", |s| by_exchange(s, "python.topics", "news.today.sports"))
        .without(Kind::Embedded, PYRO_BINDINGS);
    table.both("topic queues: any words", |s| topic(s, "python.topical", "news.#", "news.a.b.c")).without_in(
        Direction::ToCelery,
        Kind::Embedded,
        PYRO_BINDINGS,
    );
    table
        .both("topic queues: one word", |s| topic(s, "python.topical.one", "*.weather", "today.weather"))
        .without_in(Direction::ToCelery, Kind::Embedded, PYRO_BINDINGS);
    table.both("fanout exchanges", |s| fanout(s, "python.fan")).without(Kind::Embedded, PYRO_FANOUT);
    table
        .both("broadcast", |s| async move {
            let label = Uuid::new_v4().to_string();
            let app = s.configured("python", |app| app.queues(Queues::new("python").broadcast("python.cast")));
            of("f.note", (&label,)).queue("python.cast").ignore_result(true).send(&app).await.unwrap();
            noted(&s, &label, 1).await;
        })
        .without(Kind::Embedded, PYRO_FANOUT);
    table
        .both("priorities that an idle worker honours", |s| async move {
            let rabbit = s.kind() == Kind::RabbitMq;
            let mut queue = Queue::new("python.one");
            queue.max_priority = rabbit.then_some(10);
            let app = s.configured("python.one", |app| app.queue(queue));
            let label = Uuid::new_v4().to_string();
            let first = of("f.hold", (&label,)).send(&app).await.unwrap();
            let numbers = [3, 9, 0, 6, 9, 3];
            let mut sent = Vec::new();
            for number in numbers {
                sent.push(of("f.note", (&label,)).priority(number).send(&app).await.unwrap());
            }
            s.run(of("f.release", (&label,))).await;
            result(first).await;
            let mut places = Vec::new();
            for (sent, number) in sent.into_iter().zip(numbers) {
                places.push((result(sent).await.as_int().unwrap(), number));
            }
            in_order(places, rabbit);
        })
        .at("rust.one")
        .without(Kind::Embedded, PYRO_PRIORITY);
    table.both("queues that several workers share", |s| async move {
        let sent = s.app().send_many((0..40).map(|n| of("f.add", (n, 0)).queue("both"))).await;
        for (n, sent) in sent.into_iter().enumerate() {
            assert_eq!(result(sent.unwrap()).await, Value::from(i64::try_from(n).unwrap()));
        }
    });
    table.both("a worker takes tasks out of several queues", |s| async move {
        for queue in ["python", "python.other", "python"] {
            came_by(&s.run(of("f.queue", ()).queue(queue)).await, "", queue);
        }
    });
    alone(table);
}

/// What the embedded queue does where Python's end does not ask it.
fn alone(table: &mut Table) {
    table.alone("exchange and routing_key of a call: direct", Kind::Embedded, |s| {
        ours_by_exchange(s, "rust.keyed", "rust.keyed", "the-key")
    });
    table.alone("exchange and routing_key of a call: topic", Kind::Embedded, |s| {
        ours_by_exchange(s, "rust.topical", "rust.topics", "news.today.sports")
    });
    table.alone("fanout exchanges", Kind::Embedded, |s| async move {
        let app = s.configured("rust", |app| app);
        let label = Uuid::new_v4().to_string();
        let sent = of("f.note", (&label,)).exchange("rust.fan").routing_key("any").ignore_result(true);
        sent.send(&app).await.unwrap();
        s.until("both have it", || async {
            result(of("f.noted", (&label,)).send(&app).await.unwrap()).await == Value::Int(2)
        })
        .await;
    });
    table.alone("priorities that an idle worker honours", Kind::Embedded, |s| async move {
        let (app, main) = (s.configured("rust.one", |app| app), s.configured("rust", |app| app));
        let label = Uuid::new_v4().to_string();
        let first = of("f.hold", (&label,)).send(&app).await.unwrap();
        let numbers = [3, 9, 0, 6, 9, 3];
        let mut sent = Vec::new();
        for number in numbers {
            sent.push(of("f.note", (&label,)).priority(number).send(&app).await.unwrap());
        }
        result(of("f.release", (&label,)).send(&main).await.unwrap()).await;
        result(first).await;
        let mut places = Vec::new();
        for (sent, number) in sent.into_iter().zip(numbers) {
            places.push((result(sent).await.as_int().unwrap(), number));
        }
        in_order(places, app.broker().capabilities().greater_is_more_urgent);
    });
}

fn in_order(mut places: Vec<(i64, u8)>, greater_first: bool) {
    places.sort_unstable();
    let order: Vec<u8> = places.into_iter().map(|(_, number)| number).collect();
    let mut wanted = order.clone();
    wanted.sort_unstable_by_key(|number| if greater_first { -i16::from(*number) } else { i16::from(*number) });
    assert_eq!(order, wanted);
}

fn bound(name: &str, exchange: &str, kind: ExchangeKind, key: &str) -> Queue {
    Queue { exchange: Exchange::new(exchange, kind), routing_key: key.into(), ..Queue::new(name) }
}

/// What the task saw of its way.
#[track_caller]
pub(super) fn came_by(found: &Value, exchange: &str, routing_key: &str) {
    let info = found.as_dict().unwrap();
    let expected = (format!("'{exchange}'"), format!("'{routing_key}'"));
    assert_eq!((shown(info, "exchange"), shown(info, "routing_key")), expected);
}

async fn to_other(s: Scene, call: Signature, change: impl FnOnce(AppBuilder) -> AppBuilder) {
    let app = s.configured("python", change);
    came_by(&result(call.send(&app).await.unwrap()).await, "", "python.other");
}

async fn by_exchange(s: Scene, exchange: &str, key: &str) {
    came_by(&s.run(of("f.queue", ()).exchange(exchange).routing_key(key)).await, exchange, key);
}

async fn ours_by_exchange(s: Scene, queue: &str, exchange: &str, key: &str) {
    let app = s.configured("rust", |app| app);
    let sent = of("f.queue", ()).exchange(exchange).routing_key(key).send(&app).await.unwrap();
    assert_eq!(result(sent).await, Value::from(queue));
}

async fn topic(s: Scene, queue: &'static str, binding: &'static str, key: &'static str) {
    let app = s.configured("python", |app| app.queue(bound(queue, "python.topics", ExchangeKind::Topic, binding)));
    let found = result(of("f.queue", ()).queue(queue).routing_key(key).send(&app).await.unwrap()).await;
    came_by(&found, "python.topics", key);
}

async fn fanout(s: Scene, queue: &'static str) {
    let label = Uuid::new_v4().to_string();
    // By the key that Celery binds such queues by; over Redis, they hear nothing else.
    let app = s.configured("python", |app| app.queue(bound(queue, "python.fan", ExchangeKind::Fanout, "python")));
    of("f.note", (&label,)).queue(queue).ignore_result(true).send(&app).await.unwrap();
    noted(&s, &label, 1).await;
}

async fn noted(s: &Scene, label: &str, times: i64) {
    s.until("all have it", || async { s.run(of("f.noted", (label,))).await == Value::Int(times) }).await;
}
