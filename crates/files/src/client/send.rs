//! From a file here to the server.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use futures_util::StreamExt;
use futures_util::stream;
use salamander_net::{Blob, Value};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{Report, Transfer, WINDOW, blocking};
use crate::error::{Error, Result};
use crate::folder::Identity;
use crate::sum::Sum;

/// What the server tells of an upload that begins.
#[derive(Deserialize)]
struct Begun {
    upload: String,
    offset: u64,
    checksum: String,
}

/// A file that is sent.
struct Source {
    file: File,
    identity: Identity,
    sum: Sum,
    chunk: u64,
}

impl Transfer {
    /// Sends the file at `path`, to have this name at the server.
    ///
    /// # Errors
    /// Those of the server, of reading the file, and where what came there is not what was sent.
    pub async fn send(&self, path: impl AsRef<Path>, name: &str) -> Result<Report> {
        let path = path.as_ref();
        let failed = |error: io::Error| Error::file(path, error);
        let chunk = self.chunk;
        let source = in_thread(path, move |path| Source::open(path, chunk)).await?;
        let size = source.identity.size;
        let (begun, source) = self.begin(source, name, path).await?;
        let resumed = begun.offset;
        self.tell(resumed, size, resumed);

        let (give, take) = mpsc::channel::<(u64, Blob)>(WINDOW);
        // Reading and summing have a thread of their own, so that the socket need not wait for them.
        let reading = tokio::task::spawn_blocking(move || source.read(resumed, &give));
        // Their order is that of the file, whatever their number.
        let chunks = stream::unfold(take, |mut take| async { take.recv().await.map(|chunk| (chunk, take)) });
        let upload = &*begun.upload;
        let mut writing = std::pin::pin!(
            chunks
                .map(|(offset, data)| async move { self.proxy.call::<u64>("write", (upload, data, offset)).await })
                .buffered(WINDOW)
        );
        while let Some(done) = writing.next().await {
            self.tell(done?, size, resumed);
        }
        let checksum = match reading.await {
            Ok(read) => read.map_err(failed)?,
            Err(_) => std::future::pending().await,
        };
        self.proxy.call::<Value>("finish", (upload, &checksum, self.fsync)).await?;
        Ok(Report { size, resumed, checksum })
    }

    /// Begins, where the server has got to if what it has is the beginning of this file.
    async fn begin(&self, source: Source, name: &str, path: &Path) -> Result<(Begun, Source)> {
        let size = source.identity.size;
        let begun: Begun = self.proxy.call("begin", (name, size)).await?;
        if begun.offset == 0 {
            return Ok((begun, source));
        }
        let offset = begun.offset;
        if !self.restart && offset <= size {
            let source = in_thread(path, move |_| source.skip(offset)).await?;
            if source.sum.text() == begun.checksum {
                return Ok((begun, source));
            }
        }
        tracing::info!("what the server has is of another file, or not wanted; beginning anew");
        self.proxy.call::<Value>("abort", (&begun.upload,)).await?;
        let begun: Begun = self.proxy.call("begin", (name, size)).await?;
        if begun.offset > 0 {
            return Err(Error::checksum("somebody else sends a file of this name"));
        }
        let chunk = self.chunk;
        let source = in_thread(path, move |path| Source::open(path, chunk)).await?;
        Ok((begun, source))
    }
}

/// Does something with the file at a path, on a thread that may wait for the disk.
async fn in_thread<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let path = path.to_owned();
    blocking(move || work(&path).map_err(|error| Error::file(&path, error))).await
}

impl Source {
    fn open(path: &Path, chunk: u64) -> io::Result<Self> {
        // A pipe would wait for somebody to write into it.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        let file = File::open(path)?;
        let identity = Identity::of(&file)?;
        Ok(Self { file, identity, sum: Sum::default(), chunk })
    }

    /// Sums what need not be sent.
    fn skip(mut self, length: u64) -> io::Result<Self> {
        self.sum.add_from(&mut self.file, length)?;
        Ok(self)
    }

    /// Reads all that is left; gives the checksum of the file.
    fn read(mut self, mut at: u64, give: &mpsc::Sender<(u64, Blob)>) -> io::Result<String> {
        self.file.seek(SeekFrom::Start(at))?;
        while at < self.identity.size {
            let size = self.chunk.min(self.identity.size - at);
            let mut chunk = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
            (&self.file).take(size).read_to_end(&mut chunk)?;
            if (chunk.len() as u64) < size {
                return Err(changed());
            }
            self.sum.add(&chunk);
            if give.blocking_send((at, Blob::from(chunk))).is_err() {
                // The calls have failed, which is told in their place.
                return Ok(String::new());
            }
            at += size;
        }
        if Identity::of(&self.file)? == self.identity { Ok(self.sum.text()) } else { Err(changed()) }
    }
}

fn changed() -> io::Error {
    io::Error::other("the file has been changed while it was read")
}
