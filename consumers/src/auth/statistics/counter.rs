//! A counter with one writer.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts up in one thread and is read in any. Not for two writers: one of them would be overwritten by the other, and a count lost.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Counts up, without the bus lock of an atomic addition.
    #[inline]
    pub(super) fn add(&self, count: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    /// The count.
    pub(super) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts up at a place of a table; what is beyond its end counts at its last place.
#[inline]
pub(super) fn add_at<const N: usize>(table: &[Counter; N], place: usize, count: u64) {
    const { assert!(N > 0) };
    if let Some(counter) = table.get(place.min(N - 1)) {
        counter.add(count);
    }
}
