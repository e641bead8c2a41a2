//! The hash index: names to node references in one cache line, most of the time.
//!
//! A bucket is chosen by the high bits of the hash, an entry in it by a tag of the low ones. What does not fit into its
//! bucket stands in one of those that follow; the bucket says how far. Both sides know a limit to that distance, so that
//! a damaged count costs a bounded number of probes.

use crate::prefetch::line_of;
use crate::tables::{ArchivedBucket, BUCKET_ENTRIES, Bucket};

/// Percentage of entries in use: above it buckets overflow often, below it they are lines of memory for nothing.
const LOAD_PERCENT: usize = 65;

/// Furthest bucket behind its own that an entry may stand in; a lookup never reads more than one more than this.
const OVERFLOW_MAX: u32 = 64;

/// The bucket that a hash belongs to: its high bits, scaled to the number of buckets.
fn bucket_of(hash: u64, buckets: usize) -> usize {
    ((u128::from(hash) * buckets as u128) >> 64) as usize
}

/// The tag of a hash: its low bits, and never 0, which is an empty entry.
fn tag_of(hash: u64) -> u16 {
    (hash as u16).max(1)
}

/// A bucket as it is written or as it lies in a segment.
pub(crate) trait Line {
    /// Bit n is set when entry n has this tag.
    fn entries_with(&self, tag: u16) -> u32;

    /// The node reference of an entry.
    fn node(&self, entry: usize) -> u32;

    /// How many buckets further on an entry that belongs here may stand.
    fn overflow(&self) -> u32;
}

impl Line for Bucket {
    fn entries_with(&self, tag: u16) -> u32 {
        self.tags.iter().rev().fold(0, |bits, entry| bits << 1 | u32::from(*entry == tag))
    }

    fn node(&self, entry: usize) -> u32 {
        self.nodes[entry]
    }

    fn overflow(&self) -> u32 {
        self.overflow
    }
}

impl Line for ArchivedBucket {
    fn entries_with(&self, tag: u16) -> u32 {
        // Without an early end, so that the processor compares all of them at once.
        self.tags.iter().rev().fold(0, |bits, entry| bits << 1 | u32::from(entry.to_native() == tag))
    }

    fn node(&self, entry: usize) -> u32 {
        self.nodes[entry].to_native()
    }

    fn overflow(&self) -> u32 {
        self.overflow.to_native()
    }
}

/// Asks `accept` about each entry that may be of this hash, until it accepts one.
pub(crate) fn find<T>(buckets: &[impl Line], hash: u64, mut accept: impl FnMut(u32) -> Option<T>) -> Option<T> {
    let home = bucket_of(hash, buckets.len());
    let tag = tag_of(hash);
    let mut left = buckets.get(home)?.overflow().min(OVERFLOW_MAX);
    let mut at = home;
    loop {
        let bucket = buckets.get(at)?;
        let mut entries = bucket.entries_with(tag);
        while entries != 0 {
            if let Some(found) = accept(bucket.node(entries.trailing_zeros() as usize)) {
                return Some(found);
            }
            entries &= entries - 1;
        }
        left = left.checked_sub(1)?;
        at = if at + 1 == buckets.len() { 0 } else { at + 1 };
    }
}

/// Asks the processor for the bucket of a hash.
pub(crate) fn prefetch(buckets: &[ArchivedBucket], hash: u64) {
    if let Some(bucket) = buckets.get(bucket_of(hash, buckets.len())) {
        line_of(bucket);
    }
}

/// Builds the index over hashes and node references. The same input gives the same buckets.
///
/// None when no reasonable number of buckets holds them: with a keyed hash that is a broken hash, not bad luck.
pub(crate) fn build(entries: &[(u64, u32)]) -> Option<Vec<Bucket>> {
    let mut count = (entries.len() * 100).div_ceil(BUCKET_ENTRIES * LOAD_PERCENT).max(1);
    for _ in 0..GROWTHS_MAX {
        if let Some(buckets) = place(entries, count) {
            return Some(buckets);
        }
        count += count.div_ceil(4);
    }
    None
}

/// How often the index is tried again with a quarter more buckets: by then it is eight times as large.
const GROWTHS_MAX: usize = 10;

/// Places the entries into `count` buckets; none when one would stand too far from its own.
fn place(entries: &[(u64, u32)], count: usize) -> Option<Vec<Bucket>> {
    let empty = Bucket { tags: [0; BUCKET_ENTRIES], nodes: [0; BUCKET_ENTRIES], overflow: 0 };
    let mut buckets = vec![empty; count];
    for &(hash, node) in entries {
        let home = bucket_of(hash, count);
        let distance = (0..=OVERFLOW_MAX.min(count as u32 - 1))
            .find(|distance| buckets[(home + *distance as usize) % count].tags.contains(&0))?;
        let bucket = &mut buckets[(home + distance as usize) % count];
        let entry = bucket.tags.iter().position(|tag| *tag == 0)?;
        bucket.tags[entry] = tag_of(hash);
        bucket.nodes[entry] = node;
        let home = &mut buckets[home];
        home.overflow = home.overflow.max(distance);
    }
    Some(buckets)
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
        assert_eq!(buckets.len(), 10_000 * 100 / 650 + 1);
        assert!(buckets.iter().all(|bucket| bucket.overflow < 8), "few entries stand far away");
    }

    #[test]
    fn hashes_that_all_fall_together_are_refused_not_looped_over() {
        let entries: Vec<(u64, u32)> = (0..100_000).map(|node| (7, node)).collect();
        assert!(build(&entries).is_none());
    }
}
