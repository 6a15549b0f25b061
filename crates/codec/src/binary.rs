//! What the binary formats have in common: a cursor over a message, and a stack that needs no allocation while it is low.

use bytes::Bytes;

/// A cursor over the bytes of a message.
pub(crate) struct Input<'de> {
    whole: &'de Bytes,
    rest: &'de [u8],
}

impl<'de> Input<'de> {
    pub(crate) fn new(whole: &'de Bytes) -> Self {
        Self { whole, rest: whole }
    }

    /// The next byte, if there is one.
    #[inline]
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    /// The next `len` bytes, if there are so many.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Option<&'de [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next `N` bytes, if there are so many.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (&taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(taken)
    }

    /// How many bytes there are before the next one that is this.
    #[inline]
    pub(crate) fn find(&self, byte: u8) -> Option<usize> {
        memchr::memchr(byte, self.rest)
    }

    /// How many bytes are left.
    #[inline]
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// How many bytes have been taken.
    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.whole.len() - self.rest.len()
    }

    /// Goes to a position, which should be one that it has given before.
    #[inline]
    pub(crate) fn seek(&mut self, position: usize) {
        self.rest = self.whole.get(position..).unwrap_or_default();
    }

    /// These bytes, shared with the message where they are part of it.
    pub(crate) fn share(&self, bytes: &'de [u8]) -> Bytes {
        let (whole, part) = (self.whole.as_ptr_range(), bytes.as_ptr_range());
        if whole.start <= part.start && part.end <= whole.end {
            self.whole.slice_ref(bytes)
        } else {
            Bytes::copy_from_slice(bytes)
        }
    }
}

/// A stack of which the first `N` entries lie in place.
pub(crate) struct Stack<T, const N: usize> {
    near: [T; N],
    far: Vec<T>,
    len: usize,
}

impl<T: Copy + Default, const N: usize> Stack<T, N> {
    pub(crate) fn new() -> Self {
        Self { near: [T::default(); N], far: Vec::new(), len: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn push(&mut self, entry: T) {
        match self.near.get_mut(self.len) {
            Some(place) => *place = entry,
            None => self.far.push(entry),
        }
        self.len += 1;
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        match self.near.get(self.len) {
            Some(entry) => Some(*entry),
            None => self.far.pop(),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        if at >= self.len {
            return None;
        }
        if at < N { self.near.get_mut(at) } else { self.far.get_mut(at - N) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_gives_back_what_lies_near_and_far() {
        let mut stack = Stack::<usize, 3>::new();
        assert_eq!(stack.pop(), None);
        for entry in 0..10 {
            stack.push(entry);
        }
        *stack.get_mut(2).unwrap() += 100;
        *stack.get_mut(3).unwrap() += 100;
        assert_eq!(stack.get_mut(10), None);
        let popped: Vec<usize> = std::iter::from_fn(|| stack.pop()).collect();
        assert_eq!(popped, [9, 8, 7, 6, 5, 4, 103, 102, 1, 0]);
        assert_eq!((stack.len(), stack.get_mut(0)), (0, None));
    }

    #[test]
    fn only_what_is_part_of_the_message_is_shared_with_it() {
        let whole = Bytes::from(b"abcdef".to_vec());
        let input = Input::new(&whole);
        assert_eq!(input.share(&whole[2..4]).as_ptr(), whole[2..].as_ptr());
        assert_eq!(input.share(b"xyz"), "xyz");
        assert_eq!(input.share(&[]), "");
    }
}
