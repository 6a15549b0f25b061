//! Tasks that others take the place of.

use salamander_tasks::Task;
use salamander_tasks::backend::{Backend, RpcOptions, RpcResults};
use salamander_tasks::canvas::{chain, group};
use salamander_tasks::worker::ShutdownKind;

use super::*;

#[task(crate = "salamander_tasks::__private", name = "tasks.doubled")]
async fn doubled(context: &TaskContext, x: i64) -> Result<i64, Exception> {
    Err(context.replace(add.s((x, x))))
}

/// The same in a function that blocks, and thinks better of it where there is nothing to double.
#[task(crate = "salamander_tasks::__private", name = "tasks.all_doubled")]
fn all_doubled(context: &TaskContext, numbers: Vec<i64>) -> Result<Vec<i64>, Exception> {
    let replaced = context.replace(group(numbers.iter().map(|x| chain([doubled.s((x,))]))));
    if numbers.is_empty() { Ok(numbers) } else { Err(replaced) }
}

#[task(crate = "salamander_tasks::__private", name = "tasks.replaced_by_nothing")]
fn replaced_by_nothing(context: &TaskContext) -> Result<i64, Exception> {
    Err(context.replace(chain([] as [salamander_tasks::Signature; 0])))
}

fn app(broker: &Memory) -> AppBuilder {
    Play::app(broker).task(doubled).task(all_doubled).task(replaced_by_nothing).state(Scene::default())
}

fn worker(app: &App, pool: PoolKind) -> (WorkerHandle, JoinHandle<Result<()>>) {
    let mut options = WorkerOptions::default();
    (options.pool, options.concurrency) = (pool, Some(4));
    let worker = Worker::new(app.clone(), options).without_signals();
    (worker.handle(), tokio::spawn(worker.run()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_replaces_a_task_gives_its_result() {
    for pool in POOLS {
        let app = app(&Memory::new()).build().unwrap();
        let (handle, running) = worker(&app, pool);
        assert_eq!(within(doubled.delay(&app, (4,)).await.unwrap().get()).await.unwrap(), 8, "{pool}");
        assert_eq!(within(all_doubled.delay(&app, (vec![1, 2],)).await.unwrap().get()).await.unwrap(), [2, 4]);
        assert_eq!(within(all_doubled.delay(&app, (Vec::<i64>::new(),)).await.unwrap().get()).await.unwrap(), []);
        let error = within(replaced_by_nothing.delay(&app, ()).await.unwrap().get()).await.unwrap_err();
        assert_eq!(raised(&error).0, "celery.exceptions.ImproperlyConfigured");
        handle.shutdown(ShutdownKind::Warm);
        within(running).await.unwrap().unwrap();
    }
}

/// In Celery it goes to the worker, and whoever waits for the task waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_is_a_message_goes_to_whoever_waits_for_the_task() {
    let broker = Memory::new();
    let end = || {
        let results = RpcResults::new(Arc::new(broker.connect()), RpcOptions::default());
        let backend: Arc<dyn Backend> = Arc::new(results);
        app(&broker).backend(backend).build().unwrap()
    };
    let (client, working) = (end(), end());
    let (handle, running) = worker(&working, PoolKind::Async);
    assert_eq!(within(doubled.delay(&client, (4,)).await.unwrap().get()).await.unwrap(), 8);
    handle.shutdown(ShutdownKind::Warm);
    within(running).await.unwrap().unwrap();
}

#[tokio::test]
async fn in_place_a_task_is_replaced_by_a_task() {
    let app = app(&Memory::new()).build().unwrap();
    assert_eq!(doubled.s((4,)).apply(&app).await.unwrap().get().await.unwrap(), 8);
    let error = all_doubled.s((vec![1],)).apply(&app).await.unwrap_err();
    assert_eq!(error.kind(), salamander_tasks::Kind::Unsupported);
}
