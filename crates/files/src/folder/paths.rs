//! Folders by their paths, for systems other than Unix: each part is looked at before it is used.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{Listed, linked, modified, regular, taken};

/// A folder, by its path.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A folder that the program's own user names.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        if path.is_dir() { Ok(Self(path)) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    /// The folder behind these names below this one.
    pub(crate) fn below(&self, parts: &[String]) -> io::Result<Self> {
        let mut path = self.0.clone();
        for part in parts {
            path.push(part);
            if !fs::symlink_metadata(&path)?.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
        }
        Ok(Self(path))
    }

    /// Opens a file to be read.
    pub(crate) fn read(&self, name: &str) -> io::Result<File> {
        self.look(name)?;
        regular(File::open(self.0.join(name))?)
    }

    /// Opens a file to be written and read, and makes it if there is none.
    pub(crate) fn part(&self, name: &str) -> io::Result<File> {
        match self.look(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(self.0.join(name))?;
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) != 1 {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the unfinished file has a second name"));
        }
        regular(file)
    }

    /// Gives a file that is finished its name.
    pub(crate) fn finish(&self, part: &str, name: &str, overwrite: bool) -> io::Result<()> {
        let (part, name) = (self.0.join(part), self.0.join(name));
        if overwrite {
            return fs::rename(part, name);
        }
        match fs::hard_link(&part, name) {
            Ok(()) => fs::remove_file(part),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(taken()),
            Err(error) => Err(error),
        }
    }

    /// Whether there is anything of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.0.join(name)).is_ok()
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    /// Folders are not to be waited for here.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// The files and folders that are here, up to so many.
    pub(crate) fn list(&self, most: usize) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() || metadata.is_dir() {
                listed.push(Listed {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    folder: metadata.is_dir(),
                    size: if metadata.is_dir() { 0 } else { metadata.len() },
                    modified: modified(&metadata),
                });
            }
            if listed.len() > most {
                return Err(io::Error::other(format!("there are more than {most} files and folders")));
            }
        }
        Ok(listed)
    }

    fn look(&self, name: &str) -> io::Result<()> {
        let kind = fs::symlink_metadata(self.0.join(name))?.file_type();
        match () {
            () if kind.is_symlink() => Err(linked()),
            () if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            () if !kind.is_file() => Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is no regular file")),
            () => Ok(()),
        }
    }
}
