//! The hash index: names to node references in one cache line, most of the time.
//!
//! A bucket is chosen by the high bits of the hash, an entry in it by a tag of the low ones. What does not fit into its
//! bucket stands in one of those that follow; the bucket says how far. Both sides know a limit to that distance, so that
//! a damaged count costs a bounded number of probes.

use crate::prefetch::line_of;
use crate::tables::{ArchivedBucket, BUCKET_ENTRIES, Bucket};

/// Percentage of entries in use: above it buckets overflow often, below it they are lines of memory for nothing.
const LOAD_PERCENT: usize = 70;

/// Furthest bucket behind its own that an entry may stand in; a lookup never reads more than one more than this.
const OVERFLOW_MAX: u32 = 64;

/// The bucket that a hash belongs to: its high bits, scaled to the number of buckets.
#[inline]
pub(crate) fn bucket_of(hash: u64, buckets: usize) -> usize {
    ((u128::from(hash) * buckets as u128) >> 64) as usize
}

/// The tag of a hash: its low bits, and never 0, which is an empty entry.
#[inline]
fn tag_of(hash: u64) -> u16 {
    (hash as u16).max(1)
}

/// A bucket as it is written or as it lies in a segment.
pub(crate) trait Line {
    /// The tags, four in a word, the last word half empty.
    fn tag_words(&self) -> [u64; 3];

    /// The node reference of an entry.
    fn node(&self, entry: usize) -> Option<u32>;

    /// How many buckets further on an entry that belongs here may stand.
    fn overflow(&self) -> u32;
}

impl Line for Bucket {
    fn tag_words(&self) -> [u64; 3] {
        [self.tags[0], self.tags[1], u64::from(self.last_tags)]
    }

    fn node(&self, entry: usize) -> Option<u32> {
        self.nodes.get(entry).copied()
    }

    fn overflow(&self) -> u32 {
        self.overflow
    }
}

impl Line for ArchivedBucket {
    #[inline]
    fn tag_words(&self) -> [u64; 3] {
        [self.tags[0].to_native(), self.tags[1].to_native(), u64::from(self.last_tags.to_native())]
    }

    #[inline]
    fn node(&self, entry: usize) -> Option<u32> {
        self.nodes.get(entry).map(|node| node.to_native())
    }

    #[inline]
    fn overflow(&self) -> u32 {
        self.overflow.to_native()
    }
}

/// The entries of a bucket that have a tag, and perhaps one that has not, as bits: bit 16 m + n is set for entry 4 n + m.
///
/// All tags are compared in three words, without a branch on which of them it is. A tag that differs in its lowest bit
/// alone may be taken for the tag where an entry before it has it; the caller compares names.
#[inline]
fn entries_with(bucket: &impl Line, tag: u16) -> u64 {
    let wanted = LANES * u64::from(tag);
    let equal = |word: u64| {
        let differing = word ^ wanted;
        (differing.wrapping_sub(LANES) & !differing & (LANES << 15)) >> 15
    };
    let [first, second, last] = bucket.tag_words();
    equal(first) | equal(second) << 1 | equal(last) << 2
}

/// A one in each 16 bits.
const LANES: u64 = 0x0001_0001_0001_0001;

/// Asks `accept` about each entry that may be of this hash, until it accepts one.
#[inline(always)]
pub(crate) fn find<T>(buckets: &[impl Line], hash: u64, mut accept: impl FnMut(u32) -> Option<T>) -> Option<T> {
    let home = bucket_of(hash, buckets.len());
    let tag = tag_of(hash);
    let mut left = buckets.get(home)?.overflow().min(OVERFLOW_MAX);
    let mut at = home;
    loop {
        let bucket = buckets.get(at)?;
        let mut entries = entries_with(bucket, tag);
        while entries != 0 {
            let bit = entries.trailing_zeros() as usize;
            // The last word has two tags; its empty places are no entries.
            if let Some(found) = bucket.node(bit % 4 * 4 + bit / 16).and_then(&mut accept) {
                return Some(found);
            }
            entries &= entries - 1;
        }
        if left == 0 {
            return None;
        }
        left -= 1;
        at = if at + 1 == buckets.len() { 0 } else { at + 1 };
    }
}

/// Asks the processor for the bucket of a hash.
#[inline]
pub(crate) fn prefetch(buckets: &[ArchivedBucket], hash: u64) {
    if let Some(bucket) = buckets.get(bucket_of(hash, buckets.len())) {
        line_of(bucket);
    }
}

/// How many buckets an index of so many entries has.
pub(crate) fn bucket_count(entries: usize) -> usize {
    (entries * 100).div_ceil(BUCKET_ENTRIES * LOAD_PERCENT).max(1)
}

/// Builds the index over hashes and node references. The same input gives the same buckets.
///
/// None when one of them would stand too far from its own bucket: with a keyed hash that is a broken hash, not bad luck.
pub(crate) fn build(entries: &[(u64, u32)]) -> Option<Vec<Bucket>> {
    let count = bucket_count(entries.len());
    let (mut buckets, mut used) = (vec![Bucket::EMPTY; count], vec![0; count]);
    let mut whole = Filling { start: 0, buckets: &mut buckets, used: &mut used };
    let are_placed = entries.iter().all(|&(hash, node)| whole.place_around(hash, node));
    are_placed.then_some(buckets)
}

/// Neighbouring buckets that are being filled.
pub(crate) struct Filling<'a> {
    /// The number of the first.
    pub(crate) start: usize,
    /// They.
    pub(crate) buckets: &'a mut [Bucket],
    /// How many entries of each are in use.
    pub(crate) used: &'a mut [u8],
}

impl Filling<'_> {
    /// Places an entry of an index of `count` buckets, if there is room for it among these, behind or in its own bucket.
    pub(crate) fn place(&mut self, hash: u64, node: u32, count: usize) -> bool {
        let home = bucket_of(hash, count).wrapping_sub(self.start);
        let reach = self.buckets.len().saturating_sub(home).min(OVERFLOW_MAX as usize + 1);
        self.place_at(hash, node, home, reach)
    }

    /// Places an entry when these are all buckets there are: behind the last comes the first.
    pub(crate) fn place_around(&mut self, hash: u64, node: u32) -> bool {
        let home = bucket_of(hash, self.buckets.len());
        self.place_at(hash, node, home, self.buckets.len().min(OVERFLOW_MAX as usize + 1))
    }

    /// Places an entry in the first of `reach` buckets from its own on that has room.
    fn place_at(&mut self, hash: u64, node: u32, home: usize, reach: usize) -> bool {
        let count = self.buckets.len();
        let has_room = |distance: &usize| usize::from(self.used[(home + distance) % count]) < BUCKET_ENTRIES;
        let Some(distance) = (0..reach).find(has_room) else { return false };
        let place = (home + distance) % count;
        let entry = usize::from(self.used[place]);
        self.used[place] += 1;
        let bucket = &mut self.buckets[place];
        match entry / 4 {
            2 => bucket.last_tags |= u32::from(tag_of(hash)) << (16 * (entry % 4)),
            word => bucket.tags[word] |= u64::from(tag_of(hash)) << (16 * (entry % 4)),
        }
        bucket.nodes[entry] = node;
        let home = &mut self.buckets[home];
        // A reach is 65 at most.
        home.overflow = home.overflow.max(distance as u32);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_as_planned_and_every_entry_stands_near_its_bucket() {
        let mut hash = 1u64;
        let entries: Vec<(u64, u32)> = (0..10_000)
            .map(|node| {
                hash = hash.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (hash, node)
            })
            .collect();
        let buckets = build(&entries).expect("an even hash fits");
        assert_eq!(buckets.len(), 10_000 * 100 / 700 + 1);
        assert!(buckets.iter().all(|bucket| bucket.overflow < 8), "few entries stand far away");
    }

    #[test]
    fn hashes_that_all_fall_together_are_refused_not_looped_over() {
        let entries: Vec<(u64, u32)> = (0..100_000).map(|node| (7, node)).collect();
        assert!(build(&entries).is_none());
    }
}
