//! `hugetransfer`: large arguments, and a large result piece by piece.

use salamander::prelude::*;
use salamander::{Blob, from_value};

use super::Stage;

struct TestClass;

#[expose]
impl TestClass {
    fn transfer(&self, data: Value) -> Result<usize, Exception> {
        match &data {
            Value::Str(text) => Ok(text.chars().count()),
            // Bytes, in whatever way the serializer carries them.
            other => Ok(from_value::<Blob>(other)?.len()),
        }
    }

    fn download_chunks(&self, size: usize) -> impl Iterator<Item = Blob> + use<> {
        let chunk = 200_000;
        (0..size).step_by(chunk).map(move |at| vec![0; chunk.min(size - at)].into())
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.hugetransfer", TestClass)?;
    daemon.spawn();
    Ok(uri)
}
