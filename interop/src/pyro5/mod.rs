//! Both ends of Pyro 5, ours and Python's, with the same objects behind them.

pub mod office;
pub mod ours;
pub mod peer;
pub mod raw;
pub mod thing;

/// The serializers that all tests are made with.
pub const SERIALIZERS: &[&str] = &["serpent", "marshal", "json", "msgpack"];

/// Waits until something is so, for 20 seconds at most.
///
/// # Panics
/// Where it does not come about.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while !condition().await {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "this should have come about by now: {what}");
}
