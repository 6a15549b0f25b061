//! Messages that are no tasks, or none that can be run.

use salamander_tasks::Task;
use salamander_tasks::broker::Publication;
use salamander_tasks::worker::ShutdownKind;
use salamander_value::Dict;
use salamander_wire::celery::{Message, Serializer};

use super::*;

async fn publish(play: &Play, message: Message) {
    // The queue is there once the worker is.
    within(play.worker.control("ping", Dict::new())).await.unwrap();
    let publication = Publication { exchange: "".into(), routing_key: "celery".into(), message, delay: None };
    play.broker.publish(publication).await.unwrap();
}

fn of(body: &'static [u8], serializer: Serializer, headers: &[(&str, &str)]) -> Message {
    let mut message = Message::new(body, serializer);
    message.headers = headers.iter().map(|(name, text)| (*name, *text)).collect::<Dict>();
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_task_is_said_and_the_worker_goes_on() {
    const BODY: &[u8] = b"[[1, 2], {}, {}]";
    let play = Play::start(PoolKind::Async);
    let task = [("task", "tasks.add"), ("id", "a")];
    publish(&play, of(b"{\"nothing\": 1}", Serializer::Json, &[])).await;
    publish(&play, of(b"\xFF\xFE{", Serializer::Json, &task)).await;
    publish(&play, of(b"[[1, 2], {}", Serializer::Json, &task)).await;
    publish(&play, of(b"\x80\x04N.", Serializer::Pickle, &task)).await;
    publish(&play, of(BODY, Serializer::Json, &[("task", "tasks.add")])).await;
    publish(&play, of(BODY, Serializer::Json, &[("task", "tasks.add"), ("id", "b"), ("eta", "soon")])).await;
    publish(&play, of(BODY, Serializer::Json, &[("task", "tasks.add"), ("id", "c"), ("compression", "lzw")])).await;
    let unknown = play.app.result("d");
    publish(&play, of(BODY, Serializer::Json, &[("task", "tasks.nowhere"), ("id", "d")])).await;

    let error = within(unknown.get()).await.unwrap_err();
    assert_eq!(raised(&error), ("celery.exceptions.NotRegistered".into(), "tasks.nowhere".into()));
    assert_eq!(within(add.delay(&play.app, (1, 2)).await.unwrap().get()).await.unwrap(), 3);
    assert_eq!(play.waiting().await, 0);
    play.end(ShutdownKind::Warm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_that_do_not_fit_fail_the_task() {
    let play = Play::start(PoolKind::Async);
    let task = [("task", "tasks.add"), ("id", "a")];
    let result = play.app.result("a");
    publish(&play, of(b"[[1], {}, {}]", Serializer::Json, &task)).await;
    let error = within(result.get()).await.unwrap_err();
    let expected = "add() missing 1 required positional argument: 'y'";
    assert_eq!(raised(&error), ("builtins.TypeError".into(), expected.into()));
    play.end(ShutdownKind::Warm).await;
}
