//! The methods of a [`FileServer`] that clients call.

use std::io::{self, Seek, SeekFrom};
use std::sync::Arc;

use futures_core::Stream;
use salamander_macros::expose;
use salamander_net::{Blob, CallContext, Exception, Value};
use salamander_value::to_value;
use serde::Serialize;

use super::reading::{self, Reading};
use super::uploads::WithClient;
use super::{FileServer, Shared, blocking};
use crate::folder::{Identity, Listed, modified};
use crate::name::{FileName, PART};
use crate::part::Part;
use crate::sum::Sum;

/// How many bytes an item of a stream has, unless the client says.
const CHUNK: u64 = 256 * 1024;
/// What clients may ask for.
const CHUNKS: std::ops::RangeInclusive<u64> = 1024..=1024 * 1024;
/// How many files and folders are listed.
const MOST_LISTED: usize = 10_000;

/// What is told of a file.
#[derive(Serialize)]
struct Stat {
    name: String,
    size: u64,
    modified: f64,
    folder: bool,
}

/// What whoever begins an upload is told.
#[derive(Serialize)]
struct Begun {
    upload: String,
    offset: u64,
    checksum: String,
}

#[expose(crate = "salamander_net::__private")]
impl FileServer {
    /// The files and folders in the served folder, or in a folder below it: dicts with name, size, modified and folder.
    async fn list(&self, #[default(String::new())] folder: String) -> Result<Value, Exception> {
        let (shared, name) = (self.0.clone(), FileName::folder(&folder)?);
        blocking(move || {
            let mut listed = shared.open(name.parts())?.list(MOST_LISTED)?;
            listed.retain(|one| !one.name.ends_with(PART));
            listed.sort_by(|a, b| a.name.cmp(&b.name));
            let stats = listed
                .into_iter()
                .map(|Listed { name, folder, size, modified }| to_value(&Stat { name, size, modified, folder }));
            Ok(Value::List(stats.collect::<Result<_, _>>()?))
        })
        .await
    }

    /// What is known of a file: a dict with name, size in bytes, modified (seconds since 1970) and folder.
    async fn stat(&self, name: String) -> Result<Stat, Exception> {
        let (shared, name) = (self.0.clone(), FileName::file(&name)?);
        blocking(move || {
            let (_, identity) = shared.read(&name)?;
            Ok(Stat { name: name.to_string(), size: identity.size, modified: identity.modified, folder: false })
        })
        .await
    }

    /// The SHA-256 of a file, or of its first bytes, in hexadecimal digits.
    async fn checksum(&self, name: String, length: Option<u64>) -> Result<String, Exception> {
        let (shared, name) = (self.0.clone(), FileName::file(&name)?);
        let Ok(_turn) = self.0.summing.acquire().await else {
            return Err(Exception::runtime_error("the server stops"));
        };
        blocking(move || shared.sum(&name, length).map(|sum| sum.text())).await
    }

    /// The contents of a file from an offset on, as an item stream of bytes.
    async fn read(
        &self,
        name: String,
        #[default(0)] offset: u64,
        length: Option<u64>,
        #[default(CHUNK)] chunk: u64,
    ) -> Result<impl Stream<Item = Result<Blob, Exception>> + use<>, Exception> {
        let (shared, name) = (self.0.clone(), FileName::file(&name)?);
        let chunk = chunk.clamp(*CHUNKS.start(), *CHUNKS.end());
        blocking(move || {
            let (mut file, identity) = shared.read(&name)?;
            if offset > identity.size {
                return Err(Exception::value_error(format!("the file has only {} bytes", identity.size)));
            }
            file.seek(SeekFrom::Start(offset))?;
            let (known, sum) = shared.known.best(&identity, offset);
            let end = length.map_or(identity.size, |length| identity.size.min(offset.saturating_add(length)));
            Ok(Reading { shared, file, identity, sum: (known == offset).then_some(sum), at: offset, end, chunk }
                .chunks())
        })
        .await
    }

    /// Begins an upload of a file of so many bytes, or goes on with one that was cut: a dict with the upload's id, the offset from which
    /// on to write, and the SHA-256 of what is there before it. Whoever finds that it is of another file aborts and begins anew.
    async fn begin(&self, context: &CallContext, name: String, size: u64) -> Result<Begun, Exception> {
        let (shared, name) = (self.0.clone(), FileName::file(&name)?);
        shared.may_write(size)?;
        shared.uploads.make_room(&name.to_string(), shared.options.patience)?;
        let Ok(_turn) = self.0.summing.acquire().await else {
            return Err(Exception::runtime_error("the server stops"));
        };
        let begun = blocking(move || shared.begin(&name, size)).await?;
        if let Some(session) = context.session() {
            session.track(WithClient { shared: Arc::downgrade(&self.0), id: begun.upload.clone() });
        }
        Ok(begun)
    }

    /// Writes the next bytes of an upload, or those from this offset on, which wait for what comes before them. Returns how many there
    /// are then.
    async fn write(&self, upload: String, data: Blob, offset: Option<u64>) -> Result<u64, Exception> {
        self.0.uploads.get(&upload)?.write(offset, data).await
    }

    /// Ends an upload: the file gets its name. Where a SHA-256 is given, what came has to have it. With fsync, the disk has it then.
    async fn finish(
        &self,
        upload: String,
        checksum: Option<String>,
        #[default(false)] fsync: bool,
    ) -> Result<Stat, Exception> {
        let open = self.0.uploads.get(&upload)?;
        let (options, size, name) = (self.0.options, open.size, open.name.clone());
        let (stat, whole) = open
            .last(move |part| {
                if part.len() != size {
                    return Err(Exception::value_error(format!("{} of {size} bytes have come", part.len())));
                }
                if checksum.is_some_and(|checksum| !checksum.eq_ignore_ascii_case(&part.checksum())) {
                    // None of it is of use to anybody.
                    part.discard()?;
                    return Ok((None, false));
                }
                part.finish(options.overwrite, options.fsync || fsync)?;
                let metadata = part.file().metadata()?;
                Ok((Some(Stat { name, size, modified: modified(&metadata), folder: false }), true))
            })
            .await?;
        self.0.uploads.close(&upload);
        tracing::debug!("upload of {} is over, whole: {whole}", open.name);
        stat.ok_or_else(|| Exception::value_error("the checksum is another: what came is thrown away"))
    }

    /// Ends an upload and throws away what has come.
    async fn abort(&self, upload: String) -> Result<(), Exception> {
        let open = self.0.uploads.get(&upload)?;
        let done = open.last(|part| Ok(part.discard()?)).await;
        self.0.uploads.close(&upload);
        done
    }
}

impl Shared {
    /// Opens a file to be read.
    fn read(&self, name: &FileName) -> Result<(std::fs::File, Identity), Exception> {
        let (folders, last) = name.split();
        let file = self.open(folders).and_then(|folder| folder.read(last)).map_err(|error| told(name, error))?;
        let identity = Identity::of(&file)?;
        Ok((file, identity))
    }

    /// The sum of the first bytes of a file, or of all.
    fn sum(&self, name: &FileName, length: Option<u64>) -> Result<Sum, Exception> {
        let (mut file, identity) = self.read(name)?;
        let length = length.unwrap_or(identity.size);
        if length > identity.size {
            return Err(Exception::value_error(format!("the file has only {} bytes", identity.size)));
        }
        let (known, mut sum) = self.known.best(&identity, length);
        file.seek(SeekFrom::Start(known))?;
        sum.add_from(&mut file, length - known)?;
        if Identity::of(&file)? != identity {
            return Err(reading::changed());
        }
        self.known.keep(identity, length, sum.clone());
        Ok(sum)
    }

    fn may_write(&self, size: u64) -> Result<(), Exception> {
        if !self.options.uploads {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "nothing may be written here").into());
        }
        match self.options.largest {
            Some(largest) if size > largest => {
                Err(Exception::value_error(format!("a file may have {largest} bytes at most")))
            }
            _ => Ok(()),
        }
    }

    fn begin(&self, name: &FileName, size: u64) -> Result<Begun, Exception> {
        let (folders, last) = name.split();
        let folder = self.open(folders).map_err(|error| told(name, error))?;
        if !self.options.overwrite && folder.has(last) {
            let taken = io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of this name already");
            return Err(told(name, taken));
        }
        let mut part = Part::open(folder, last).map_err(|error| told(name, error))?;
        if part.len() > size {
            part.restart()?;
        }
        let (offset, checksum) = (part.len(), part.checksum());
        Ok(Begun { upload: self.uploads.open(name.to_string(), size, part), offset, checksum })
    }
}

/// An error with the name of the file, as the client knows it.
fn told(name: &FileName, error: io::Error) -> Exception {
    io::Error::new(error.kind(), format!("{name}: {error}")).into()
}
