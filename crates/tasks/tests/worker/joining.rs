//! Tasks that wait for other tasks.

use salamander_tasks::worker::ShutdownKind;
use salamander_tasks::{Task, allow_join_result, blocking};

use super::*;

#[derive(Default)]
struct Own(std::sync::OnceLock<App>);

impl Own {
    fn app(&self) -> &App {
        self.0.get().unwrap()
    }
}

#[task(crate = "salamander_tasks::__private", name = "tasks.waits_for_another")]
async fn waits_for_another(own: State<Own>, allowed: bool) -> Result<i64, Exception> {
    let sent = add.delay(own.app(), (1, 2)).await?;
    Ok(if allowed { allow_join_result(sent.get()).await? } else { sent.get().await? })
}

#[task(crate = "salamander_tasks::__private", name = "tasks.waits_in_a_thread")]
fn waits_in_a_thread(own: State<Own>, allowed: bool) -> Result<i64, Exception> {
    let app = blocking::App::new(own.app().clone());
    let sent = add.delay(&app, (1, 2))?;
    Ok(if allowed { blocking::allow_join_result(|| sent.get())? } else { sent.get()? })
}

#[task(crate = "salamander_tasks::__private", name = "tasks.runs_in_place")]
async fn runs_in_place(own: State<Own>) -> Result<i64, Exception> {
    Ok(add.s((1, 2)).apply(own.app()).await?.get().await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_waits_for_another_only_if_that_is_meant() {
    for pool in [PoolKind::Async, PoolKind::Threads] {
        let broker = Memory::new();
        let app = Play::app(&broker).task(waits_for_another).task(waits_in_a_thread).task(runs_in_place);
        let app = app.state(Scene::default()).state(Own::default()).build().unwrap();
        app.state::<Own>().unwrap().0.set(app.clone()).unwrap();
        let mut options = WorkerOptions::default();
        (options.pool, options.concurrency) = (pool, Some(4));
        let worker = Worker::new(app.clone(), options).without_signals();
        let (handle, running) = (worker.handle(), tokio::spawn(worker.run()));
        let sent = |allowed: bool| [waits_for_another.s((allowed,)), waits_in_a_thread.s((allowed,))];
        for result in app.send_many(sent(false)).await {
            let error = within(result.unwrap().get()).await.unwrap_err();
            let (class, message) = raised(&error);
            assert_eq!(class, "builtins.RuntimeError", "{pool}");
            assert!(message.starts_with("Never call result.get() within a task!"), "{message}");
        }
        for result in app.send_many(sent(true)).await {
            assert_eq!(within(result.unwrap().get()).await.unwrap(), 3, "{pool}");
        }
        // There is nothing to wait for.
        assert_eq!(within(runs_in_place.delay(&app, ()).await.unwrap().get()).await.unwrap(), 3, "{pool}");
        handle.shutdown(ShutdownKind::Warm);
        within(running).await.unwrap().unwrap();
    }
}
