//! [`Fields`]: the arguments of methods and the properties of contents, one after another.

use bytes::Bytes;
use salamander_value::Str;

use crate::WireError;

/// What is left of a payload.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, size: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) =
            self.0.split_at_checked(size).ok_or_else(|| WireError::amqp("a payload ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(|| WireError::amqp("a payload ends too early"))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A short string, of any bytes.
    pub(super) fn short(&mut self) -> Result<&'a [u8], WireError> {
        let size = self.u8()?;
        self.bytes(size.into())
    }

    /// A long string, of any bytes.
    pub(super) fn long(&mut self) -> Result<&'a [u8], WireError> {
        let size = self.u32()?;
        self.bytes(size as usize)
    }

    /// A short string that has to be text.
    pub(super) fn text(&mut self) -> Result<Str, WireError> {
        text(self.short()?)
    }

    /// A short string of the server's own, which people read.
    pub(super) fn shown(&mut self) -> Result<String, WireError> {
        self.short().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A short string that somebody else chose: what is wrong with it concerns one message and not the connection.
    pub(super) fn opaque(&mut self) -> Result<Bytes, WireError> {
        self.short().map(Bytes::copy_from_slice)
    }
}

pub(super) fn text(bytes: &[u8]) -> Result<Str, WireError> {
    let text = std::str::from_utf8(bytes).map_err(|_| WireError::amqp("a text is not UTF-8"))?;
    Ok(Str::from(text))
}

/// Appends a short string.
pub(super) fn short(out: &mut Vec<u8>, what: &str, bytes: &[u8]) -> Result<(), WireError> {
    let Ok(size) = u8::try_from(bytes.len()) else {
        return Err(WireError::unencodable(&format!("{what} has {} bytes, and may have 255", bytes.len())));
    };
    out.push(size);
    out.extend(bytes);
    Ok(())
}

/// Appends a long string.
pub(super) fn long(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(bytes);
}
