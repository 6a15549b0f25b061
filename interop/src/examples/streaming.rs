//! `streaming`: results that come item by item.

use std::time::Duration;

use futures_core::Stream;
use salamander::prelude::*;

use super::Stage;

struct Streamer;

#[expose]
impl Streamer {
    fn list(&self) -> Vec<i64> {
        (1..10).collect()
    }

    fn iterator(&self) -> impl Iterator<Item = i64> + use<> {
        1..10
    }

    fn generator(&self) -> impl Iterator<Item = i64> + use<> {
        1..10
    }

    fn slow_generator(&self) -> impl Stream<Item = i64> + use<> {
        futures_util::stream::unfold(1, |number| async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            (number < 10).then_some((number, number + 1))
        })
    }

    fn fibonacci(&self) -> impl Iterator<Item = u64> + use<> {
        let mut last = (0_u64, 1_u64);
        std::iter::repeat_with(move || {
            last = (last.1, last.0.wrapping_add(last.1));
            last.0
        })
    }

    #[property]
    fn prop_iter(&self) -> impl Iterator<Item = i64> + use<> {
        1..=10
    }

    #[property]
    fn prop_generator(&self) -> impl Iterator<Item = i64> + use<> {
        0..10
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.streamer", Streamer)?;
    daemon.spawn();
    Ok(uri)
}
