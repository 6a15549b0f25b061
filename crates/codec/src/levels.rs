//! [`Levels`]: what is open around the innermost container.

/// How many levels need no allocation.
const NEAR: usize = 24;

/// A stack of small things, of which the first few need no allocation.
#[derive(Clone, Debug)]
pub(crate) struct Levels<T> {
    len: usize,
    near: [T; NEAR],
    far: Vec<T>,
}

impl<T: Copy> Levels<T> {
    /// An empty stack; the filler is never seen.
    pub(crate) fn new(filler: T) -> Self {
        Self { len: 0, near: [filler; NEAR], far: Vec::new() }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn push(&mut self, level: T) {
        match self.near.get_mut(self.len) {
            Some(place) => *place = level,
            None => self.far.push(level),
        }
        self.len += 1;
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        self.near.get(self.len).copied().or_else(|| self.far.pop())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_last_is_popped_first() {
        let mut levels = Levels::new(0);
        (1..100).for_each(|level| levels.push(level));
        assert_eq!(levels.len(), 99);
        assert!((1..100).rev().all(|level| levels.pop() == Some(level)));
        assert_eq!((levels.pop(), levels.len()), (None, 0));
    }
}
