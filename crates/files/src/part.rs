//! [`Part`]: a file that is not finished yet, beside the one that it is to become.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};

use crate::folder::Folder;
use crate::name::PART;
use crate::sum::Sum;

/// The beginning of a file, in a file of its own that goes on where it ended the last time.
///
/// It is locked as long as it is open, so that no two transfers write into it; the system frees the lock of a process that is gone.
/// Nothing is kept beside it: whether it is the beginning of a file is seen by its checksum, which has to be known anyway for that of
/// the whole.
#[derive(Debug)]
pub(crate) struct Part {
    folder: Folder,
    name: String,
    part: String,
    file: File,
    len: u64,
    sum: Sum,
    /// It has its name, or is removed: what has that of the part now is somebody else's.
    over: bool,
}

impl Part {
    /// Opens what there is of a file, and sums it.
    ///
    /// # Errors
    /// Where it cannot be written, or somebody else writes it now.
    pub(crate) fn open(folder: Folder, name: &str) -> io::Result<Self> {
        let part = format!("{name}{PART}");
        let mut file = folder.part(&part)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::WouldBlock,
                    format!("another transfer of {name} is under way"),
                ));
            }
            // A file system without locks.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let len = file.metadata()?.len();
        let mut sum = Sum::default();
        sum.add_from(&mut file, len)?;
        Ok(Self { folder, name: name.to_owned(), part, file, len, sum, over: false })
    }

    /// How much there is.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The checksum of what there is.
    pub(crate) fn checksum(&self) -> String {
        self.sum.text()
    }

    /// Throws away what there is.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        (self.len, self.sum) = (0, Sum::default());
        Ok(())
    }

    /// Adds what comes next.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Whatever of it has been written is not summed.
            self.file.set_len(self.len)?;
            self.file.seek(SeekFrom::Start(self.len))?;
            return Err(error);
        }
        self.sum.add(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Gives it its name.
    pub(crate) fn finish(&mut self, overwrite: bool, fsync: bool) -> io::Result<()> {
        if fsync {
            self.file.sync_all()?;
        }
        self.folder.finish(&self.part, &self.name, overwrite)?;
        self.over = true;
        if fsync { self.folder.sync() } else { Ok(()) }
    }

    /// Removes what there is.
    pub(crate) fn discard(&mut self) -> io::Result<()> {
        self.folder.remove(&self.part)?;
        self.over = true;
        Ok(())
    }

    /// Removes it if nothing has come.
    pub(crate) fn discard_if_empty(&mut self) {
        if self.len == 0 && !self.over {
            let _ = self.discard();
        }
    }

    /// The file, for what is to be told of it.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_where_it_ended_and_one_at_a_time() {
        let path = std::env::temp_dir().join(format!("salamander-part-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let open = || Part::open(Folder::open(&path).unwrap(), "file");
        let mut part = open().unwrap();
        part.append(b"ab").unwrap();
        assert_eq!(open().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(part);
        let mut part = open().unwrap();
        assert_eq!(part.len(), 2);
        part.append(b"c").unwrap();
        assert_eq!(part.checksum(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        part.finish(false, true).unwrap();
        drop(part);
        assert_eq!(std::fs::read(path.join("file")).unwrap(), b"abc");
        let mut part = open().unwrap();
        part.append(b"xyz").unwrap();
        part.restart().unwrap();
        part.append(b"d").unwrap();
        assert!(part.finish(false, false).is_err());
        part.finish(true, false).unwrap();
        assert_eq!(std::fs::read(path.join("file")).unwrap(), b"d");
        let mut part = open().unwrap();
        part.discard_if_empty();
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
        std::fs::remove_dir_all(path).unwrap();
    }
}
