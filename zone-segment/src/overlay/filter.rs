//! Which names may have changed: a blocked Bloom filter (Putze, Sanders and Singler, "Cache-, hash- and space-efficient Bloom filters",
//! 2007) with blocks of one word, so that asking it costs one read of memory.
//!
//! Bits are only ever set, so that one filter serves a generation and those that follow it: what was added for a later one makes an
//! earlier one look twice, and no more.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bits for each name.
const BITS_PER_NAME: usize = 16;

/// Bits that are set for a name.
const BITS_SET: u32 = 4;

/// Names that the smallest filter is for.
const NAMES_MIN: usize = 256;

/// The filter.
#[derive(Debug)]
pub(super) struct Filter {
    /// Its words.
    words: Box<[AtomicU64]>,
}

impl Filter {
    /// An empty one for so many names.
    pub(super) fn new(names: usize) -> Filter {
        let words = (names.max(NAMES_MIN) * BITS_PER_NAME).div_ceil(u64::BITS as usize);
        Filter { words: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    /// How many names it is good for.
    pub(super) fn capacity(&self) -> usize {
        self.words.len() * u64::BITS as usize / BITS_PER_NAME
    }

    /// Octets that it takes.
    pub(super) fn octets(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// Adds the hash of a name.
    pub(super) fn add(&self, hash: u64) {
        if let Some(word) = self.words.get(self.word_of(hash)) {
            // Relaxed: whoever has to see it is handed its generation later, which orders both.
            word.fetch_or(bits_of(hash), Ordering::Relaxed);
        }
    }

    /// Whether a name may be among those added.
    #[inline]
    pub(super) fn may_have(&self, hash: u64) -> bool {
        let bits = bits_of(hash);
        // Relaxed: as in `add`.
        self.words.get(self.word_of(hash)).is_some_and(|word| word.load(Ordering::Relaxed) & bits == bits)
    }

    /// The word that a hash's bits are in, to ask the processor for it.
    #[inline]
    pub(super) fn word(&self, hash: u64) -> Option<&AtomicU64> {
        self.words.get(self.word_of(hash))
    }

    /// The number of that word: by the high bits of the hash.
    #[inline]
    fn word_of(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.words.len() as u128) >> u64::BITS) as usize
    }
}

/// The bits of a hash: by its low bits, six for each.
#[inline]
fn bits_of(hash: u64) -> u64 {
    (0..BITS_SET).fold(0, |bits, number| bits | 1 << ((hash >> (6 * number)) & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn what_was_added_is_found_and_little_else() {
        let filter = Filter::new(10_000);
        let hash = |number: u64| xxh3_64(&number.to_le_bytes());
        (0..10_000).for_each(|number| filter.add(hash(number)));
        assert!((0..10_000).all(|number| filter.may_have(hash(number))));
        let wrong = (10_000..110_000).filter(|number| filter.may_have(hash(*number))).count();
        assert!(wrong < 2_000, "{wrong} of 100,000");
    }
}
