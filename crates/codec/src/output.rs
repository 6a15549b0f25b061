//! [`Output`]: where encoded messages are put together, large binary data attached instead of copied.

use std::io::IoSlice;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;

/// From this size on, shared bytes are attached instead of copied.
pub const ATTACH_FROM: usize = 32 * 1024;

/// Bytes to be sent: a buffer that is appended to, with shared pieces between its parts.
///
/// It dereferences to the buffer, for appending; positions in it do not count what is attached before them.
#[derive(Clone, Debug, Default)]
pub struct Output {
    buffer: Vec<u8>,
    /// Each with the position in `buffer` that it stands before.
    attached: Vec<(usize, Bytes)>,
    attached_len: usize,
}

/// A state of an [`Output`] to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    buffer: usize,
    attached: usize,
}

impl Output {
    /// An empty output.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes there are, those attached included.
    pub fn total_len(&self) -> usize {
        self.buffer.len() + self.attached_len
    }

    /// How many bytes there have come since `mark`, those attached included.
    pub fn len_since(&self, mark: Mark) -> usize {
        let attached: usize = self.attached[mark.attached..].iter().map(|(_, bytes)| bytes.len()).sum();
        self.buffer.len() - mark.buffer + attached
    }

    /// The state it is in.
    pub fn mark(&self) -> Mark {
        Mark { buffer: self.buffer.len(), attached: self.attached.len() }
    }

    /// Throws away what has come since `mark`.
    pub fn rewind(&mut self, mark: Mark) {
        self.buffer.truncate(mark.buffer);
        self.attached_len -= self.attached.drain(mark.attached..).map(|(_, bytes)| bytes.len()).sum::<usize>();
    }

    /// Appends shared bytes, large ones without copying them.
    pub fn attach(&mut self, bytes: &Bytes) {
        if bytes.len() < ATTACH_FROM {
            self.buffer.extend_from_slice(bytes);
        } else {
            self.attached_len += bytes.len();
            self.attached.push((self.buffer.len(), bytes.clone()));
        }
    }

    /// A copy of all that has come since `mark`, in one piece.
    pub fn copy_since(&self, mark: Mark) -> Vec<u8> {
        let mut copy = Vec::with_capacity(self.len_since(mark));
        let mut from = mark.buffer;
        for (at, bytes) in &self.attached[mark.attached..] {
            copy.extend_from_slice(&self.buffer[from..*at]);
            copy.extend_from_slice(bytes);
            from = *at;
        }
        copy.extend_from_slice(&self.buffer[from..]);
        copy
    }

    /// Whether anything is attached, so that the buffer is not all there is.
    pub fn has_attached(&self) -> bool {
        !self.attached.is_empty()
    }

    /// Everything in order, as pieces of memory.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.attached.iter().map(|(at, _)| *at).chain([self.buffer.len()]);
        let starts = [0].into_iter().chain(self.attached.iter().map(|(at, _)| *at));
        let buffers = starts.zip(ends).map(|(start, end)| &self.buffer[start..end]);
        let attached = self.attached.iter().map(|(_, bytes)| &bytes[..]).chain([&[][..]]);
        buffers.zip(attached).flat_map(|(buffer, attached)| [buffer, attached]).filter(|slice| !slice.is_empty())
    }

    /// What follows the first `skip` bytes, as pieces of memory.
    pub fn slices_from(&self, mut skip: usize) -> impl Iterator<Item = &[u8]> {
        self.slices().filter_map(move |piece| {
            let before = skip.min(piece.len());
            skip -= before;
            Some(&piece[before..]).filter(|piece| !piece.is_empty())
        })
    }

    /// Up to `N` pieces of what follows the first `skip` bytes, for a vectored write; tells how many there are.
    pub fn io_slices<'a, const N: usize>(&'a self, mut skip: usize, into: &mut [IoSlice<'a>; N]) -> usize {
        let mut count = 0;
        for slice in self.slices() {
            if skip >= slice.len() {
                skip -= slice.len();
                continue;
            }
            if count == N {
                break;
            }
            into[count] = IoSlice::new(&slice[skip..]);
            skip = 0;
            count += 1;
        }
        count
    }

    /// Everything in one piece.
    pub fn into_vec(self) -> Vec<u8> {
        if self.attached.is_empty() { self.buffer } else { self.slices().collect::<Vec<_>>().concat() }
    }

    /// Empties it and keeps its buffer, unless that has grown beyond `keep` bytes.
    pub fn reset(&mut self, keep: usize) {
        self.attached.clear();
        self.attached_len = 0;
        if self.buffer.capacity() > keep {
            self.buffer = Vec::new();
        } else {
            self.buffer.clear();
        }
    }
}

impl Deref for Output {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.buffer
    }
}

impl DerefMut for Output {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pieces_stand_where_they_were_attached() {
        let mut out = Output::new();
        let large = Bytes::from(vec![b'x'; ATTACH_FROM]);
        out.extend_from_slice(b"ab");
        let mark = out.mark();
        out.attach(&large);
        out.attach(&Bytes::from_static(b"cd"));
        assert_eq!((out.total_len(), out.len_since(mark)), (ATTACH_FROM + 4, ATTACH_FROM + 2));
        let mut slices = [IoSlice::new(&[]); 4];
        assert_eq!(out.io_slices(1, &mut slices), 3);
        assert_eq!((&slices[0][..], slices[1].len(), &slices[2][..]), (&b"b"[..], ATTACH_FROM, &b"cd"[..]));
        let all = out.clone().into_vec();
        assert!(all.starts_with(b"abx") && all.ends_with(b"xcd") && all.len() == out.total_len());
        assert_eq!(out.copy_since(mark), &all[2..]);
        out.rewind(mark);
        assert_eq!(out.into_vec(), b"ab");
    }
}
