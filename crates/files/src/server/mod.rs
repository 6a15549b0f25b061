//! [`FileServer`]: a folder as an object.

mod known;
mod object;
mod reading;
mod uploads;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use salamander_net::Exception;
use tokio::sync::Semaphore;

use crate::folder::Folder;
use known::Known;
use uploads::Uploads;

/// A folder whose files clients read, and write where they may. Register it with a daemon like any object.
///
/// Clients name files by their way below the folder, with `/`. Names that lead elsewhere are refused, symbolic links are not followed, and
/// nothing but regular files is opened. An upload is a file of its own, `NAME.salamander-part`, until it is finished, and becomes the
/// file in one step.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use salamander_files::FileServer;
/// use salamander_net::Daemon;
///
/// let daemon = Daemon::bind("localhost:0").await?;
/// let uri = daemon.register("files", FileServer::new("/srv/files")?.uploads(true))?;
/// println!("{uri}");
/// daemon.serve().await?;
/// # Ok(()) }
/// ```
///
/// # Wire
/// Methods of Pyro: `list`, `stat`, `checksum`, `read` (an item stream of bytes), `begin`, `write`, `finish`, `abort`. Checksums are SHA-256
/// in hexadecimal digits.
#[derive(Debug)]
pub struct FileServer(Arc<Shared>);

/// What the methods of the object and what they leave running have in common.
#[derive(Debug)]
struct Shared {
    root: PathBuf,
    options: Options,
    known: Known,
    uploads: Uploads,
    /// How many files are read through at once only for their checksums.
    summing: Semaphore,
}

/// What clients may do.
#[derive(Clone, Copy, Debug)]
struct Options {
    uploads: bool,
    overwrite: bool,
    largest: Option<u64>,
    fsync: bool,
    /// An upload of which nothing is heard for so long gives way to another of the same file.
    patience: Duration,
}

const SUMMING: usize = 2;
const PATIENCE: Duration = Duration::from_secs(30);

impl FileServer {
    /// Serves the files in this folder, to be read.
    ///
    /// # Errors
    /// Where there is no such folder.
    pub fn new(folder: impl AsRef<Path>) -> io::Result<Self> {
        // From here on it does not matter where the program is.
        let root = std::fs::canonicalize(folder)?;
        Folder::open(&root)?;
        let options = Options { uploads: false, overwrite: false, largest: None, fsync: false, patience: PATIENCE };
        Ok(Self(Arc::new(Shared {
            root,
            options,
            known: Known::default(),
            uploads: Uploads::default(),
            summing: Semaphore::new(SUMMING),
        })))
    }

    fn changed(self, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.0.options;
        change(&mut options);
        let (known, uploads) = (Known::default(), Uploads::default());
        Self(Arc::new(Shared {
            root: self.0.root.clone(),
            options,
            known,
            uploads,
            summing: Semaphore::new(SUMMING),
        }))
    }

    /// Whether clients may write files that are not there yet.
    #[must_use]
    pub fn uploads(self, allowed: bool) -> Self {
        self.changed(|options| options.uploads = allowed)
    }

    /// Whether an upload may take the place of a file that is there.
    #[must_use]
    pub fn overwrite(self, allowed: bool) -> Self {
        self.changed(|options| options.overwrite = allowed)
    }

    /// How many bytes an upload may have; none is no limit.
    #[must_use]
    pub fn largest(self, bytes: Option<u64>) -> Self {
        self.changed(|options| options.largest = bytes)
    }

    /// Whether every upload waits for the disk in the end; else those whose clients ask for it.
    #[must_use]
    pub fn fsync(self, always: bool) -> Self {
        self.changed(|options| options.fsync = always)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0.root
    }
}

impl Shared {
    /// The open folder behind these names.
    fn open(&self, folders: &[String]) -> io::Result<Folder> {
        Folder::open(&self.root)?.below(folders)
    }
}

/// Work that waits for the disk, on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Exception> + Send + 'static,
) -> Result<T, Exception> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(Exception::runtime_error("the server could not do it")),
    }
}
