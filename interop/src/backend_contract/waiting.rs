//! Waiting for results.

use std::time::Duration;

use futures_util::future::join_all;
use salamander_wire::celery::{ResultValue, State};

use super::{Place, done, soon, store};

pub async fn who_waits_is_told(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    let _expected = client.expect("waited");
    let waiting = soon("waiting", client.changed("waited", None));
    let storing = store(&*worker, &*client, done("waited", State::Success, 5));
    let (told, ()) = tokio::join!(waiting, storing);
    assert_eq!((told.status, told.result), (State::Success, ResultValue::Value(5.into())));
}

pub async fn what_came_before_is_found(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    let _expected = client.expect("early");
    store(&*worker, &*client, done("early", State::Success, 5)).await;
    assert_eq!(soon("waiting", client.changed("early", None)).await.status, State::Success);
    // And again, as often as anybody asks.
    assert_eq!(soon("waiting", client.changed("early", None)).await.status, State::Success);
}

pub async fn states_follow_one_another(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    let _expected = client.expect("steps");
    let mut seen = None;
    let states = [State::Started, State::Custom("PROGRESS".into()), State::Retry, State::Started, State::Success];
    for (number, state) in (0..).zip(states) {
        let waiting = soon("waiting", client.changed("steps", seen.as_ref()));
        let (told, ()) = tokio::join!(waiting, store(&*worker, &*client, done("steps", state.clone(), number)));
        assert_eq!(told.status, state);
        seen = Some(told);
    }
}

pub async fn what_was_seen_is_not_told_again(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    let _expected = client.expect("seen");
    store(&*worker, &*client, done("seen", State::Started, 1)).await;
    let seen = soon("waiting", client.changed("seen", None)).await;
    let mut waiting = Box::pin(client.changed("seen", Some(&seen)));
    tokio::select! {
        biased;
        told = &mut waiting => panic!("it was told again: {told:?}"),
        () = super::settled(&*worker, &*client) => {}
    }
    store(&*worker, &*client, done("seen", State::Success, 2)).await;
    assert_eq!(soon("waiting", waiting).await.status, State::Success);
}

pub async fn many_wait_at_once(place: Box<dyn Place>) {
    const MANY: usize = 1000;
    let (worker, client) = (place.connect(), place.connect());
    let tasks: Vec<String> = (0..MANY).map(|number| format!("many-{number}")).collect();
    let expected: Vec<_> = tasks.iter().map(|task| client.expect(task)).collect();
    let waiting = join_all(tasks.iter().map(|task| soon("waiting", client.changed(task, None))));
    let storing = async {
        let updates = tasks.iter().rev().enumerate();
        join_all(updates.map(|(number, task)| store(&*worker, &*client, done(task, State::Success, number as i64))))
            .await
    };
    let (told, _) = tokio::join!(waiting, storing);
    for (number, told) in told.into_iter().enumerate() {
        assert_eq!(told.result, ResultValue::Value(((MANY - 1 - number) as i64).into()));
        assert_eq!(*told.task_id, *tasks[number]);
    }
    drop(expected);
}

pub async fn several_wait_for_one(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    let _expected = client.expect("popular");
    let waiting = join_all((0..20).map(|_| soon("waiting", client.changed("popular", None))));
    let (told, ()) = tokio::join!(waiting, store(&*worker, &*client, done("popular", State::Success, 1)));
    assert!(told.iter().all(|told| told.status == State::Success));
    if client.capabilities().shared {
        let other = place.connect();
        assert_eq!(soon("waiting", other.changed("popular", None)).await.status, State::Success);
    }
}

pub async fn waiting_can_be_given_up(place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    for turn in 0..30_u64 {
        let task = format!("given-up-{turn}");
        let _expected = client.expect(&task);
        for patience in [turn * 50, turn * 200] {
            let given_up = tokio::time::timeout(Duration::from_micros(patience), client.changed(&task, None)).await;
            assert!(given_up.is_err(), "nothing is there yet");
        }
        let waiting = soon("waiting", client.changed(&task, None));
        let (told, ()) = tokio::join!(waiting, store(&*worker, &*client, done(&task, State::Success, 1)));
        assert_eq!(told.status, State::Success);
    }
}
