//! What happens when what keeps the results is killed, and starts again.

use salamander_tasks::backend::Update;
use salamander_wire::celery::State;

use super::{Place, done, soon, store, until};

/// Kills and starts it, while others go on.
fn crash(place: &mut dyn Place) {
    tokio::task::block_in_place(|| {
        place.kill();
        place.restart();
    });
}

pub async fn results_survive_a_crash(mut place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    if !client.capabilities().durable {
        return;
    }
    let _expected = client.expect("kept");
    store(&*worker, &*client, done("kept", State::Success, 7)).await;
    crash(&mut *place);
    // The connections of before, and another one.
    for client in [client, place.connect()] {
        assert_eq!(until(&*client, "kept", |_| true).await.status, State::Success);
    }
}

pub async fn waiting_goes_on_after_a_crash(mut place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    if !client.capabilities().durable {
        return;
    }
    let _expected = client.expect("after");
    let _other = client.expect("before");
    store(&*worker, &*client, done("before", State::Started, 1)).await;
    let seen = soon("waiting", client.changed("before", None)).await;
    let after = soon("waiting goes on", client.changed("after", None));
    let before = soon("waiting goes on", client.changed("before", Some(&seen)));
    let storing = async {
        crash(&mut *place);
        store(&*worker, &*client, done("before", State::Success, 2)).await;
        store(&*worker, &*client, done("after", State::Success, 3)).await;
    };
    let (after, before, ()) = tokio::join!(after, before, storing);
    assert_eq!((after.status, before.status), (State::Success, State::Success));
}

pub async fn storing_goes_on_after_a_crash(mut place: Box<dyn Place>) {
    let (worker, client) = (place.connect(), place.connect());
    if !client.capabilities().durable {
        return;
    }
    tokio::task::block_in_place(|| place.kill());
    let tasks: Vec<String> = (0..50).map(|number| format!("waits-{number}")).collect();
    let storing = futures_util::future::join_all(tasks.iter().map(|task| {
        let meta = done(task, State::Success, 1);
        soon("storing goes on", worker.store(Update { meta, reply_to: client.reply_to(), correlation_id: None }))
    }));
    let restarting = async { tokio::task::block_in_place(|| place.restart()) };
    tokio::join!(storing, restarting);
    for task in &tasks {
        until(&*client, task, |meta| meta.status == State::Success).await;
    }
}
