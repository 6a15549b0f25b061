//! From the server to a file here.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use salamander_net::Blob;
use tokio::sync::mpsc;

use super::{Report, Stat, Transfer, WINDOW, blocking};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::part::Part;

impl Transfer {
    /// Receives the file that has this name at the server, and writes it to `path`.
    ///
    /// It comes into a file of its own, `PATH.salamander-part`, which stays where the transfer is cut, and takes the place of `path` in one
    /// step when all has come and the checksums agree.
    ///
    /// # Errors
    /// Those of the server, of writing the file, and where what came is not what was sent.
    pub async fn receive(&self, name: &str, path: impl AsRef<Path>) -> Result<Report> {
        let path = path.as_ref().to_owned();
        let Stat { size } = self.proxy.call("stat", (name,)).await?;
        let part = self.part(&path).await?;
        let part = self.fitting(part, name, size, &path).await?;
        let resumed = part.len();
        self.tell(resumed, size, resumed);
        let mut part = self.fill(part, name, size, &path).await?;
        // The server has summed what it sent, so this costs it nothing.
        let theirs: String = self.proxy.call("checksum", (name, size)).await?;
        let ours = part.checksum();
        let (overwrite, fsync) = (self.overwrite, self.fsync);
        blocking(move || {
            if ours != theirs {
                part.discard().map_err(|error| Error::file(&path, error))?;
                return Err(Error::checksum(
                    "the checksum is another: the file was changed meanwhile; what came is thrown away",
                ));
            }
            part.finish(overwrite, fsync).map_err(|error| Error::file(&path, error))?;
            Ok(Report { size, resumed, checksum: ours })
        })
        .await
    }

    /// What there is of the file here.
    async fn part(&self, path: &Path) -> Result<Part> {
        let (path, restart, overwrite) = (path.to_owned(), self.restart, self.overwrite);
        blocking(move || {
            let opened = || {
                let name =
                    path.file_name().and_then(|name| name.to_str()).ok_or_else(|| wrong("it names no file"))?;
                if path.is_dir() {
                    return Err(wrong("it is a folder"));
                }
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let folder = Folder::open(parent.unwrap_or(Path::new(".")))?;
                if !overwrite && folder.has(name) {
                    return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, "it is there already"));
                }
                let mut part = Part::open(folder, name)?;
                if restart {
                    part.restart()?;
                }
                Ok(part)
            };
            opened().map_err(|error| Error::file(&path, error))
        })
        .await
    }

    /// The same, emptied where it is of another file.
    async fn fitting(&self, mut part: Part, name: &str, size: u64, path: &Path) -> Result<Part> {
        if part.len() == 0 {
            return Ok(part);
        }
        if part.len() <= size {
            let theirs: String = self.proxy.call("checksum", (name, part.len())).await?;
            if theirs == part.checksum() {
                return Ok(part);
            }
        }
        tracing::info!("what has come before is of another file; beginning anew");
        part.restart().map_err(|error| Error::file(path, error))?;
        Ok(part)
    }

    /// Writes what the server gives. Summing and writing have a thread of their own, so that the socket need not wait for them.
    async fn fill(&self, mut part: Part, name: &str, size: u64, path: &Path) -> Result<Part> {
        let (resumed, mut done) = (part.len(), part.len());
        if done == size {
            return Ok(part);
        }
        let (give, mut take) = mpsc::channel::<Bytes>(WINDOW);
        let path: PathBuf = path.to_owned();
        let writing = tokio::spawn(blocking(move || {
            while let Some(bytes) = take.blocking_recv() {
                part.append(&bytes).map_err(|error| Error::file(&path, error))?;
            }
            Ok(part)
        }));
        let asked = self.proxy.stream::<Blob>("read", (name, resumed, size - resumed, self.chunk)).await;
        let read = async {
            let mut chunks = asked?.with_prefetch(WINDOW);
            while let Some(chunk) = chunks.next().await? {
                done += chunk.len() as u64;
                // Nobody takes it who cannot write: that is told below.
                if done > size || give.send(chunk.into_bytes()).await.is_err() {
                    break;
                }
                self.tell(done, size, resumed);
            }
            Ok::<_, Error>(())
        };
        let read = read.await;
        drop(give);
        // What has come is written even where no more comes.
        let written = match writing.await {
            Ok(written) => written,
            Err(_) => std::future::pending().await,
        };
        let part = match (read, written) {
            (_, Err(error)) | (Err(error), Ok(_)) => return Err(error),
            (Ok(()), Ok(part)) => part,
        };
        if done != size {
            return Err(Error::checksum("the server sent more or less than the file had"));
        }
        Ok(part)
    }
}

fn wrong(why: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, why)
}
