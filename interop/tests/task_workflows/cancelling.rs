//! Workflows that are cancelled: what runs, what waits, and what is not sent yet.

use std::sync::Arc;

use salamander_tasks::canvas::{chord, group};
use salamander_tasks::workflow::State;
use salamander_tasks::{App, Kind, Workflow};

use crate::programs::{outcome, run};
use crate::working::{Door, LONG, Place, Theirs, Working, is, task, until};

/// A chain with a chord in it, whose header runs: by the program.
async fn by_the_program(place: &Place, app: &App) {
    let holds = || task("hold", ()).immutable();
    let chords = app.backend().unwrap().chords().is_some();
    let canvas = match chords {
        true => task("add", (1, 1)) | chord([holds(), holds()], task("xsum", ())) | task("add", (1,)),
        false => task("add", (1, 1)) | group([holds(), holds()]),
    };
    let mut workflow = Workflow::send(canvas, app).await.unwrap();
    until(&mut workflow, "it runs", |tree| is(tree, "hold", State::Started)).await;
    // Whether what runs has ended by then is said by its exit code; on a machine that is busy it may take longer.
    let (_, text, told) = outcome(&mut place.program(workflow.id(), &["--cancel"]), "");
    assert!(text.contains("revoked"), "{text}{told}");
    until(&mut workflow, "what ran has ended", |tree| !is(tree, "hold", State::Started)).await;
    let text = run(&mut place.program(workflow.id(), &["--once"]));
    assert_eq!(text.matches("REVOKED  tasks.hold").count(), 2, "{text}");
    assert!(text.contains("SUCCESS  tasks.add"), "{text}");
    until(&mut workflow, "all has ended", |tree| tree.counts().is_over()).await;
    let tree = workflow.look().await.unwrap();
    assert!(matches!(tree.outcome(), State::Revoked | State::Failure), "{}", tree.to_text());
    if chords {
        // The body never runs; it is revoked, or has failed with its header.
        assert!(!is(tree, "xsum", State::Success) && !is(tree, "xsum", State::Pending), "{}", tree.to_text());
        let error = workflow.result().unwrap().get_within::<i64>(LONG).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Revoked | Kind::Task), "{error}");
    }
}

/// By its result.
async fn by_its_result(app: &App) {
    let mut workflow = Workflow::send(task("hold", (1,)) | task("add", (1,)) | task("add", (1,)), app).await.unwrap();
    until(&mut workflow, "it runs", |tree| is(tree, "hold", State::Started)).await;
    let result = workflow.result().and_then(|result| result.task().cloned()).unwrap();
    let cancelled = result.cancel_workflow().await.unwrap();
    assert_eq!(cancelled.revoked.len(), 3);
    until(&mut workflow, "what ran has ended", |tree| tree.counts().is_over()).await;
    let error = result.get_within(LONG).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Revoked);
    let states: Vec<State> = workflow.look().await.unwrap().tasks().map(|task| task.state.clone()).collect();
    assert_eq!(states, [State::Revoked, State::Revoked, State::Revoked]);
    assert!(workflow.cancel().await.unwrap().revoked.is_empty(), "nothing is left to be revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_worker_ends_all_of_it() {
    for place in Place::all() {
        let app = place.app(&Arc::<Door>::default());
        let _worker = Working::start(&app);
        by_the_program(&place, &app).await;
        by_its_result(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn celerys_worker_ends_all_of_it() {
    let Some(redis) = interop::servers::Redis::start(&[]) else { return };
    let place = Place::Redis(redis);
    let app = place.app(&Arc::<Door>::default());
    let _worker = Theirs::start(&place.broker());
    by_the_program(&place, &app).await;
    by_its_result(&app).await;
}
