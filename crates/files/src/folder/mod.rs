//! [`Folder`]: an open folder, in which files are opened, finished and listed without ever leaving it.
//!
//! On Unix every step is taken from an open folder to what is in it, and no symbolic link is followed, so nobody who changes the folder
//! meanwhile can lead a transfer elsewhere. Elsewhere the same is done by paths, which are looked at first.

#[cfg(any(test, not(unix)))]
#[cfg_attr(unix, allow(dead_code, reason = "only its tests are here"))]
mod paths;
#[cfg(unix)]
mod unix;

use std::fs::{File, Metadata};
use std::io;
use std::time::UNIX_EPOCH;

#[cfg(not(unix))]
pub(crate) use paths::Folder;
#[cfg(unix)]
pub(crate) use unix::Folder;

/// What a folder holds under a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) folder: bool,
    pub(crate) size: u64,
    pub(crate) modified: f64,
}

/// When a file was changed, in seconds since 1970, as Python's `os.path.getmtime` has it; 0 where the system does not say.
pub(crate) fn modified(metadata: &Metadata) -> f64 {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    modified.map_or(0.0, |time| time.as_secs_f64())
}

/// What tells whether a file is still what it was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Identity {
    pub(crate) size: u64,
    pub(crate) modified: f64,
    /// Of the file system: the device, the number there, and when anything about the file was changed.
    #[cfg(unix)]
    system: (u64, u64, i64, i64, i64),
    #[cfg(not(unix))]
    system: Option<std::time::SystemTime>,
}

impl Identity {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        #[cfg(unix)]
        let system = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec(), metadata.mtime_nsec())
        };
        #[cfg(not(unix))]
        let system = metadata.created().ok();
        Ok(Self { size: metadata.len(), modified: modified(&metadata), system })
    }
}

/// Only files are opened: what is a pipe or a device could wait for ever, or do anything.
fn regular(file: File) -> io::Result<File> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is no regular file"));
    }
    Ok(file)
}

fn linked() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "it is a symbolic link, which is not followed")
}

fn taken() -> io::Error {
    io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of this name already")
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use super::*;

    /// The same is asked of both.
    macro_rules! tests {
        ($name:ident, $folder:ty) => {
            mod $name {
                use super::*;

                #[test]
                fn files_are_read_written_and_listed() {
                    let path = temporary(stringify!($name));
                    let folder = <$folder>::open(&path).unwrap();
                    assert_eq!(folder.read("a").unwrap_err().kind(), io::ErrorKind::NotFound);
                    folder.part("a.x").unwrap().write_all(b"abc").unwrap();
                    folder.finish("a.x", "a", false).unwrap();
                    assert_eq!(std::fs::read(path.join("a")).unwrap(), b"abc");
                    folder.part("a.x").unwrap().write_all(b"d").unwrap();
                    let taken = folder.finish("a.x", "a", false).unwrap_err();
                    assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
                    folder.finish("a.x", "a", true).unwrap();
                    folder.sync().unwrap();
                    assert_eq!(std::io::read_to_string(folder.read("a").unwrap()).unwrap(), "d");
                    std::fs::create_dir(path.join("sub")).unwrap();
                    folder.below(&["sub".to_owned()]).unwrap().part("b").unwrap();
                    let mut listed = folder.list(10).unwrap();
                    listed.sort_by(|a, b| a.name.cmp(&b.name));
                    let listed: Vec<_> = listed.iter().map(|one| (&*one.name, one.folder, one.size)).collect();
                    assert_eq!(listed, [("a", false, 1), ("sub", true, 0)]);
                    assert!(folder.list(1).is_err());
                    folder.remove("a").unwrap();
                    assert!(folder.read("a").is_err());
                    std::fs::remove_dir_all(path).unwrap();
                }

                #[cfg(unix)]
                #[test]
                fn links_pipes_and_folders_are_not_opened() {
                    use std::os::unix::fs::symlink;
                    let path = temporary(concat!(stringify!($name), "-links"));
                    std::fs::create_dir(path.join("sub")).unwrap();
                    std::fs::write(path.join("sub/file"), "x").unwrap();
                    symlink("/etc/passwd", path.join("link")).unwrap();
                    symlink("/etc", path.join("etc")).unwrap();
                    symlink("sub", path.join("inside")).unwrap();
                    let pipe = path.join("pipe");
                    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
                    let folder = <$folder>::open(&path).unwrap();
                    for name in ["link", "pipe", "sub", "etc"] {
                        assert!(folder.read(name).is_err() && folder.part(name).is_err(), "{name}");
                    }
                    for name in ["etc", "inside", "link", "sub/file"] {
                        let parts: Vec<String> = name.split('/').map(str::to_owned).collect();
                        assert!(folder.below(&parts).is_err(), "{name}");
                    }
                    assert_eq!(folder.list(10).unwrap().len(), 1);
                    std::fs::hard_link(path.join("sub/file"), path.join("second")).unwrap();
                    assert!(folder.part("second").is_err());
                    // A link is replaced itself, not what it leads to.
                    folder.part("new").unwrap();
                    assert!(folder.finish("new", "link", false).is_err());
                    folder.finish("new", "link", true).unwrap();
                    assert!(!path.join("link").is_symlink() && std::fs::metadata("/etc/passwd").unwrap().len() > 0);
                    std::fs::remove_dir_all(path).unwrap();
                }
            }
        };
    }

    #[cfg(unix)]
    tests!(by_open_folders, super::super::unix::Folder);
    tests!(by_paths, super::super::paths::Folder);

    fn temporary(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("salamander-folder-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        path
    }
}
