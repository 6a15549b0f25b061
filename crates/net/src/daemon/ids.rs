//! [`CorrelationIds`]: numbers for calls that came without.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Correlation ids for calls that came without one: random where a connection begins, then counted, since asking the system for
/// randomness takes longer than many a call.
#[derive(Debug)]
pub struct CorrelationIds {
    base: [u8; 16],
    count: AtomicU64,
}

impl CorrelationIds {
    /// The ids of a connection.
    pub fn new() -> Self {
        Self { base: Uuid::new_v4().into_bytes(), count: AtomicU64::new(0) }
    }

    /// The id of the next call, the bytes of a UUID.
    pub fn next(&self) -> [u8; 16] {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let mut id = self.base;
        // The last six bytes have no fixed bits.
        for (byte, count) in id[10..].iter_mut().zip(&count.to_be_bytes()[2..]) {
            *byte ^= count;
        }
        id
    }
}

impl Default for CorrelationIds {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_comes_twice() {
        let (ids, others) = (CorrelationIds::new(), CorrelationIds::new());
        let all: std::collections::HashSet<_> = (0..1000).flat_map(|_| [ids.next(), others.next()]).collect();
        assert_eq!(all.len(), 2000);
        assert!(all.iter().all(|id| Uuid::from_bytes(*id).get_version_num() == 4));
    }
}
