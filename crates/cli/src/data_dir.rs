//! [`DataDir`]: the directory in which `salamander up` keeps its data, locked and with a version.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The version of what is in the directory.
const VERSION: u32 = 1;

/// A data directory that belongs to this process as long as this value lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl DataDir {
    /// Opens a data directory, or makes one.
    ///
    /// # Errors
    /// Where it cannot be written, is in use, or was written by a later version.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let cannot = |what: &str, error: io::Error| {
            Failure::failed(format!(
                "cannot {what} the data directory {}: {error}; --data chooses another",
                path.display()
            ))
        };
        fs::create_dir_all(path).map_err(|error| cannot("make", error))?;
        let lock_path = path.join("lock");
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&lock_path);
        let lock = options.map_err(|error| cannot("lock", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::failed(format!(
                    "the data directory {} is in use by {}; stop that, or choose another directory with --data",
                    path.display(),
                    owner(path)
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot("lock", error)),
        }
        let dir = Self { path: path.to_owned(), _lock: lock };
        dir.check_version().map_err(|error| match error {
            Ok(failure) => failure,
            Err(error) => cannot("use", error),
        })?;
        dir.tell_owner("").map_err(|error| cannot("write to", error))?;
        Ok(dir)
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Tells whoever finds the directory locked which process that is, and where it listens.
    pub(crate) fn tell_owner(&self, location: &str) -> io::Result<()> {
        let at = if location.is_empty() { String::new() } else { format!(" on {location}") };
        fs::write(self.file("owner"), format!("process {}{at}\n", std::process::id()))
    }

    fn check_version(&self) -> Result<(), Result<Failure, io::Error>> {
        let path = self.file("version");
        match fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse::<u32>() {
                Ok(VERSION) => Ok(()),
                Ok(version) => Err(Ok(Failure::failed(format!(
                    "the data directory {} has version {version}, and this program knows {VERSION}; use the program that \
                     wrote it, or choose another directory with --data",
                    self.path.display()
                )))),
                Err(_) => Err(Ok(Failure::failed(format!(
                    "{} holds no version; this is no data directory, choose another with --data",
                    path.display()
                )))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut file = File::create(&path).map_err(Err)?;
                writeln!(file, "{VERSION}").map_err(Err)
            }
            Err(error) => Err(Err(error)),
        }
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // The lock is what counts; this only speaks of a process that is there no more.
        let _ = fs::remove_file(self.file("owner"));
    }
}

/// Who has locked a directory, as far as he has told.
fn owner(path: &Path) -> String {
    let told = fs::read_to_string(path.join("owner")).unwrap_or_default();
    let told = told.trim();
    if told.is_empty() { "another process".to_owned() } else { told.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("salamander-data-dir-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn a_directory_belongs_to_one_at_a_time() {
        let path = scratch("lock");
        let first = DataDir::open(&path.join("deeper")).unwrap();
        first.tell_owner("localhost:9090").unwrap();
        let error = DataDir::open(&path.join("deeper")).unwrap_err().to_string();
        assert!(error.contains(&format!("in use by process {} on localhost:9090;", std::process::id())), "{error}");
        assert!(error.contains("--data"), "{error}");
        drop(first);
        assert_eq!(fs::read_to_string(path.join("deeper/version")).unwrap(), "1\n");
        drop(DataDir::open(&path.join("deeper")).unwrap());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn directories_of_other_versions_are_left_alone() {
        let path = scratch("version");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("version"), "2\n").unwrap();
        assert!(DataDir::open(&path).unwrap_err().to_string().contains("has version 2, and this program knows 1;"));
        fs::write(path.join("version"), "what?").unwrap();
        assert!(DataDir::open(&path).unwrap_err().to_string().contains("holds no version"));
        fs::remove_dir_all(&path).unwrap();
        fs::write(&path, "a file").unwrap();
        assert!(DataDir::open(&path).unwrap_err().to_string().contains("cannot make the data directory"));
        fs::remove_file(path).unwrap();
    }
}
