//! Callers that share a connection.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use salamander::prelude::*;
use tokio::sync::Notify;

#[derive(Default)]
struct Gate {
    open: Notify,
    passed: Notify,
}

#[expose]
impl Gate {
    fn pass(&self) {
        self.passed.notify_one();
    }

    async fn passed(&self) {
        self.passed.notified().await;
    }

    async fn wait(&self) {
        self.open.notified().await;
    }

    fn open(&self) {
        self.open.notify_one();
    }
}

/// The second caller reads the reply of the first, who is not polled any more, and then has to be the one whom the socket wakes.
#[tokio::test]
async fn a_caller_whose_fellow_has_gone_is_woken() -> Result<()> {
    let daemon = Daemon::bind("127.0.0.1:0").await?;
    let uri = daemon.register("gate", Gate::default())?;
    let daemon = daemon.spawn();
    let (shared, other) = (Proxy::new(uri.to_string())?, Proxy::new(uri.to_string())?);
    shared.bind().await?;
    {
        let mut first = pin!(shared.call::<()>("pass", ()));
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        other.call::<()>("passed", ()).await?;
        // Its reply comes a moment later.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let caller = shared.clone();
        let second = tokio::spawn(async move { caller.call::<()>("wait", ()).await });
        // It is polled once, and then the driver for the first time.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        other.call::<()>("open", ()).await?;
        let woken = tokio::time::timeout(Duration::from_secs(10), second).await;
        assert!(woken.is_ok_and(|done| done.is_ok_and(|called| called.is_ok())), "nobody woke the second caller");
        first.await?;
    }
    daemon.shutdown();
    Ok(())
}

#[tokio::test]
async fn it_is_known_where_a_call_was_not_sent() -> Result<()> {
    let daemon = Daemon::bind("127.0.0.1:0").await?;
    let uri = daemon.register("gate", Gate::default())?;
    let daemon = daemon.spawn();
    let proxy = Proxy::new(uri.to_string())?;
    assert!(!proxy.call::<()>("nonsense", ()).await.unwrap_err().is_unsent());
    daemon.shutdown();
    daemon.stopped().await;
    assert!(proxy.call::<()>("pass", ()).await.unwrap_err().is_unsent());
    Ok(())
}
