//! [`Sum`]: the checksum of a file, as it goes by.

use std::fmt::Write;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// SHA-256 of what has come so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum(Sha256);

/// How much is read at once to be summed.
const PIECE: usize = 256 * 1024;

impl Sum {
    /// Adds what comes next.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds the next `length` bytes of a file.
    ///
    /// # Errors
    /// Where it cannot be read, or is shorter.
    pub(crate) fn add_from(&mut self, file: &mut impl Read, mut length: u64) -> io::Result<()> {
        let mut buffer = vec![0; PIECE.min(usize::try_from(length).unwrap_or(PIECE))];
        while length > 0 {
            let piece = buffer.len().min(usize::try_from(length).unwrap_or(usize::MAX));
            let read = match file.read(&mut buffer[..piece]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.add(&buffer[..read]);
            length -= read as u64;
        }
        Ok(())
    }

    /// The checksum of what has come so far, in hexadecimal digits.
    pub(crate) fn text(&self) -> String {
        let digest = self.0.clone().finalize();
        digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_pythons_hashlib() {
        let mut sum = Sum::default();
        assert_eq!(sum.text(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        sum.add(b"a");
        sum.add_from(&mut &b"bcd"[..], 2).unwrap();
        assert_eq!(sum.text(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let short = sum.add_from(&mut &b""[..], 1).unwrap_err();
        assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
    }
}
