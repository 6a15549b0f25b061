//! [`Marks`]: a file in which each task that was done has a byte, so that processes in any language can say so at little cost.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use crate::Failure;

/// A file with a byte for each task: 1 where it is done.
pub struct Marks(File);

/// How long nothing may happen before it counts as a fault.
const PATIENCE: Duration = Duration::from_secs(60);

impl Marks {
    /// The file of this path, made if it is not there.
    pub fn open(path: &str) -> Result<Self, Failure> {
        Ok(Self(File::options().read(true).write(true).create(true).truncate(false).open(path)?))
    }

    /// Clears it, for so many tasks.
    pub fn clear(&self, count: u64) -> Result<(), Failure> {
        self.0.set_len(0)?;
        Ok(self.0.set_len(count)?)
    }

    /// Says that a task is done.
    pub fn set(&self, task: u64) -> Result<(), Failure> {
        Ok(self.0.write_all_at(&[1], task)?)
    }

    /// How many are done.
    pub fn count(&self) -> Result<u64, Failure> {
        let mut bytes = vec![0; usize::try_from(self.0.metadata()?.len())?];
        self.0.read_exact_at(&mut bytes, 0)?;
        Ok(bytes.iter().map(|&byte| u64::from(byte)).sum())
    }

    /// Looks every millisecond until so many are done.
    pub async fn wait(&self, count: u64) -> Result<(), Failure> {
        let (mut before, mut since) = (0, Instant::now());
        loop {
            let done = self.count()?;
            if done >= count {
                return Ok(());
            }
            if done > before {
                (before, since) = (done, Instant::now());
            }
            if since.elapsed() > PATIENCE {
                return Err(format!("{done} of {count} tasks are done, and nothing happens").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
