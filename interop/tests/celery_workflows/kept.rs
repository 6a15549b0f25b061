//! Groups that one language keeps and the other one finds.

use interop::queues::Directory;
use interop::servers::Redis;
use serde_json::{Value as Json, json};

use crate::ours::Working;
use crate::place::Place;
use crate::python::Groups;
use crate::recipes::{self, made};

fn group() -> Json {
    let task = |args: Json| json!(["task", ["tasks.add", args, {}, {}, false]]);
    json!(["or", [task(json!([1, 1])), ["group", [task(json!([1])), task(json!([2]))]]]])
}

/// Each way: with what the group follows.
async fn each_way(place: &Place) {
    let _worker = Working::start(place);
    let app = place.app();
    let mut python = Groups::start(place);
    let expected = json!([3, 4]);

    let theirs = python.ask(&json!({"save": group()}));
    let found = app.restore_group(theirs.as_str().unwrap()).await.unwrap().unwrap();
    let values: Vec<i64> = found.join_within(crate::ours::LONG).await.unwrap();
    let parent: i64 = found.parent().unwrap().get_within(crate::ours::LONG).await.unwrap();
    assert_eq!((json!(values), parent), (expected.clone(), 2));

    let sent = made(&group()).send(&app).await.unwrap();
    sent.group().unwrap().save().await.unwrap();
    // What is saved again takes the place of what was saved.
    sent.group().unwrap().save().await.unwrap();
    assert_eq!(python.ask(&json!({"restore": sent.id()})), json!([sent.id(), 2, expected]));
    let again = app.restore_group(sent.id()).await.unwrap().unwrap();
    assert_eq!(recipes::json(&again.as_tuple()), recipes::json(&sent.as_tuple()));
    again.delete().await.unwrap();
    assert!(app.restore_group(sent.id()).await.unwrap().is_none());
    assert_eq!(python.ask(&json!({"restore": "no such group"})), Json::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_are_found_in_redis_whichever_language_has_kept_them() {
    let Some(redis) = Redis::start(&[]) else { return };
    each_way(&Place::new(&redis.url(), &redis.url())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_are_found_in_a_database_whichever_language_has_kept_them() {
    let Some(redis) = Redis::start(&[]) else { return };
    let folder = Directory::new();
    let results = format!("db+sqlite:///{}", folder.file("results").display());
    each_way(&Place::new(&redis.url(), &results)).await;
}
