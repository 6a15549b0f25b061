//! What goes out: the chunks of a file, read ahead of those who ask for them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use futures_core::Stream;
use futures_util::stream;
use salamander_net::{Blob, Exception};
use tokio::task::JoinHandle;

use super::Shared;
use crate::folder::Identity;
use crate::sum::Sum;

/// A file that is being read.
pub(super) struct Reading {
    pub(super) shared: Arc<Shared>,
    pub(super) file: File,
    pub(super) identity: Identity,
    /// Of what is before the position, where that is known.
    pub(super) sum: Option<Sum>,
    pub(super) at: u64,
    pub(super) end: u64,
    pub(super) chunk: u64,
}

/// What one go reads ahead, at least one chunk. No thread waits for a client in between.
const AHEAD: u64 = 1024 * 1024;

type Go = JoinHandle<(Reading, Result<VecDeque<Blob>, Exception>)>;

impl Reading {
    /// The chunks, of which the next ones are read while the client has those before them.
    pub(super) fn chunks(self) -> impl Stream<Item = Result<Blob, Exception>> + use<> {
        stream::unfold((VecDeque::new(), self.next()), |(mut ready, mut going): (VecDeque<Blob>, Option<Go>)| async {
            if ready.is_empty() {
                let (reading, read) = match going.take()?.await {
                    Ok(done) => done,
                    Err(_) => return Some((Err(Exception::runtime_error("reading failed")), (ready, None))),
                };
                match read {
                    Ok(chunks) => (ready, going) = (chunks, reading.next()),
                    Err(error) => return Some((Err(error), (ready, None))),
                }
            }
            ready.pop_front().map(|chunk| (Ok(chunk), (ready, going)))
        })
    }

    /// Begins to read the next chunks, if there are more.
    fn next(mut self) -> Option<Go> {
        (self.at < self.end).then(|| {
            tokio::task::spawn_blocking(move || {
                let read = self.go();
                (self, read)
            })
        })
    }

    fn go(&mut self) -> Result<VecDeque<Blob>, Exception> {
        let mut chunks = VecDeque::new();
        let until = self.end.min(self.at + AHEAD.max(self.chunk));
        while self.at < until {
            let size = self.chunk.min(until - self.at);
            let mut chunk = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
            (&self.file).take(size).read_to_end(&mut chunk)?;
            if (chunk.len() as u64) < size {
                return Err(changed());
            }
            if let Some(sum) = &mut self.sum {
                sum.add(&chunk);
            }
            self.at += size;
            chunks.push_back(Blob::from(chunk));
        }
        if self.at == self.end {
            if Identity::of(&self.file)? != self.identity {
                return Err(changed());
            }
            if let Some(sum) = self.sum.take() {
                self.shared.known.keep(self.identity.clone(), self.end, sum);
            }
        }
        Ok(chunks)
    }
}

/// What those are told whose file is another one in the end than in the beginning.
pub(super) fn changed() -> Exception {
    io::Error::other("the file has been changed while it was read").into()
}
