//! Folders on Unix: from an open one to what is in it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Listed, linked, regular, taken};

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Without waiting for anybody at the other end of a pipe.
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

impl Folder {
    /// Opens a folder that the program's own user names.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::open(path, FOLDER, Mode::empty())?))
    }

    /// The folder behind these names below this one.
    pub(crate) fn below(&self, parts: &[String]) -> io::Result<Self> {
        let mut folder = Self(self.0.try_clone()?);
        for part in parts {
            folder = Self(rustix::fs::openat(&folder.0, &**part, FOLDER | OFlags::NOFOLLOW, Mode::empty())?);
        }
        Ok(folder)
    }

    /// Opens a file to be read.
    pub(crate) fn read(&self, name: &str) -> io::Result<File> {
        let file = rustix::fs::openat(&self.0, name, FILE | OFlags::RDONLY, Mode::empty());
        regular(File::from(file.map_err(opened)?))
    }

    /// Opens a file to be written and read, and makes it if there is none. It is reached by no other name.
    pub(crate) fn part(&self, name: &str) -> io::Result<File> {
        let mode = Mode::from_raw_mode(0o666);
        let file = rustix::fs::openat(&self.0, name, FILE | OFlags::RDWR | OFlags::CREATE, mode);
        let file = regular(File::from(file.map_err(opened)?))?;
        if file.metadata()?.nlink() != 1 {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the unfinished file has a second name"));
        }
        Ok(file)
    }

    /// Gives a file that is finished its name, in one step.
    pub(crate) fn finish(&self, part: &str, name: &str, overwrite: bool) -> io::Result<()> {
        if overwrite {
            return Ok(rustix::fs::renameat(&self.0, part, &self.0, name)?);
        }
        match rustix::fs::linkat(&self.0, part, &self.0, name, AtFlags::empty()) {
            Ok(()) => Ok(rustix::fs::unlinkat(&self.0, part, AtFlags::empty())?),
            Err(Errno::EXIST) => Err(taken()),
            // A file system without links; what comes between the two steps would be lost.
            Err(Errno::PERM | Errno::OPNOTSUPP) if !self.has(name) => {
                Ok(rustix::fs::renameat(&self.0, part, &self.0, name)?)
            }
            Err(Errno::PERM | Errno::OPNOTSUPP) => Err(taken()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether there is anything of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Waits until the disk has the names.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }

    /// The files and folders that are here, up to so many.
    pub(crate) fn list(&self, most: usize) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let Ok(found) = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let kind = FileType::from_raw_mode(found.st_mode);
            if kind.is_file() || kind.is_dir() {
                listed.push(Listed {
                    name: name.to_string_lossy().into_owned(),
                    folder: kind.is_dir(),
                    size: if kind.is_dir() { 0 } else { u64::try_from(found.st_size).unwrap_or_default() },
                    modified: found.st_mtime as f64 + found.st_mtime_nsec as f64 / 1e9,
                });
            }
            if listed.len() > most {
                return Err(io::Error::other(format!("there are more than {most} files and folders")));
            }
        }
        Ok(listed)
    }
}

fn opened(error: Errno) -> io::Error {
    // What cannot be opened as a file because nobody is at its other end is no file.
    if error == Errno::LOOP { linked() } else { error.into() }
}
