//! `distributed-computing`: work that is fetched by those who do it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use salamander::prelude::*;
use tokio::sync::Semaphore;

use super::Stage;

/// A piece of work, and what became of it.
#[class("workitem.Workitem")]
#[derive(Clone, Debug)]
pub struct Workitem {
    /// Its number.
    #[serde(rename = "itemId")]
    pub item_id: i64,
    /// What is to be factorized.
    pub data: u64,
    /// Its prime factors.
    pub result: Option<Vec<u64>>,
    /// Who found them.
    #[serde(rename = "processedBy")]
    pub processed_by: Option<String>,
}

/// Items in the order in which they came.
struct Queue {
    items: Mutex<VecDeque<Workitem>>,
    there: Semaphore,
}

impl Queue {
    fn new() -> Self {
        Self { items: Mutex::default(), there: Semaphore::new(0) }
    }

    fn put(&self, item: Workitem) {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).push_back(item);
        self.there.add_permits(1);
    }

    async fn get(&self, timeout: f64) -> Option<Workitem> {
        let one = tokio::time::timeout(Duration::from_secs_f64(timeout), self.there.acquire());
        one.await.ok()?.ok()?.forget();
        self.items.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

struct DispatcherQueue {
    work: Queue,
    results: Queue,
}

#[expose]
impl DispatcherQueue {
    #[name("putWork")]
    fn put_work(&self, item: Workitem) {
        self.work.put(item);
    }

    #[name("getWork")]
    async fn get_work(&self, #[default(5.0)] timeout: f64) -> Result<Workitem, Exception> {
        self.work.get(timeout).await.ok_or_else(|| Exception::value_error("no items in queue"))
    }

    #[name("putResult")]
    fn put_result(&self, item: Workitem) {
        self.results.put(item);
    }

    #[name("getResult")]
    async fn get_result(&self, #[default(5.0)] timeout: f64) -> Result<Workitem, Exception> {
        self.results.get(timeout).await.ok_or_else(|| Exception::value_error("no result available"))
    }

    #[name("workQueueSize")]
    fn work_queue_size(&self) -> usize {
        self.work.there.available_permits()
    }

    #[name("resultQueueSize")]
    fn result_queue_size(&self) -> usize {
        self.results.there.available_permits()
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon
        .register("example.distributed.dispatcher", DispatcherQueue { work: Queue::new(), results: Queue::new() })?;
    stage.names().await?.register("example.distributed.dispatcher", &uri).await?;
    daemon.spawn();
    Ok(uri)
}

/// Does the work that a dispatcher has, one piece after another, for ever.
///
/// # Errors
/// Where the dispatcher fails.
pub async fn work(stage: &Stage, name: &str) -> Result<()> {
    let dispatcher = stage.proxy("PYRONAME:example.distributed.dispatcher")?;
    loop {
        match dispatcher.call::<Workitem>("getWork", ()).await {
            Ok(mut item) => {
                (item.result, item.processed_by) = (Some(factorize(item.data)), Some(name.to_owned()));
                dispatcher.call::<()>("putResult", (item,)).await?;
            }
            Err(error) if error.is("ValueError") => {}
            Err(error) => return Err(error),
        }
    }
}

/// The prime factors of a number.
pub fn factorize(mut number: u64) -> Vec<u64> {
    let (mut factors, mut candidate) = (Vec::new(), 2);
    while candidate * candidate <= number {
        if number.is_multiple_of(candidate) {
            factors.push(candidate);
            number /= candidate;
        } else {
            candidate += 1;
        }
    }
    if number > 1 {
        factors.push(number);
    }
    factors
}
