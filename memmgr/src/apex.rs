//! A zone's apex under its hash: what zones are kept and found by.
//!
//! Comparing two names in canonical order looks into both, label by label; among 100,000 zones nearly every comparison is settled by
//! the hash. The order is the same everywhere and at all times, and means nothing: what people see is sorted anew.

use std::cmp::Ordering;

use xxhash_rust::xxh3::xxh3_64;
use zone_segment::{NAME_OCTETS_MAX, Name, NameRef};

use crate::manifest::SHARDS;

/// An apex and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Apex {
    /// The hash of the name in lower case.
    hash: u64,
    /// The name.
    name: Name,
}

impl Apex {
    /// A name that is an apex.
    pub(crate) fn new(name: Name) -> Self {
        Apex { hash: hash(name.as_ref()), name }
    }

    /// The name.
    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// The shard that its zone is in.
    pub(crate) fn shard(&self) -> u32 {
        shard(self.hash)
    }
}

impl PartialOrd for Apex {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Apex {
    fn cmp(&self, other: &Self) -> Ordering {
        self.hash.cmp(&other.hash).then_with(|| self.name.cmp(&other.name))
    }
}

impl std::fmt::Display for Apex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.name.fmt(f)
    }
}

/// The shard of an apex.
pub(crate) fn shard_of(name: NameRef<'_>) -> u32 {
    shard(hash(name))
}

/// The shard of a hash. It only spreads, so it needs no key; it is stable, so that shards are.
fn shard(hash: u64) -> u32 {
    u32::try_from(hash % u64::from(SHARDS)).unwrap_or(0)
}

/// The hash of a name, whatever its case.
fn hash(name: NameRef<'_>) -> u64 {
    let wire = name.as_wire();
    let mut room = [0; NAME_OCTETS_MAX];
    // A name has at most as many octets; a length octet is below the letters, so that folding changes labels only.
    let folded = &mut room[..wire.len()];
    folded.copy_from_slice(wire);
    folded.make_ascii_lowercase();
    xxh3_64(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_move_a_zone() {
        let apex = |text: &str| Apex::new(text.parse().unwrap());
        assert_eq!(apex("example.com."), apex("EXAMPLE.com."));
        assert_eq!(apex("example.com.").cmp(&apex("EXAMPLE.com.")), Ordering::Equal);
        assert_eq!(apex("example.com.").shard(), shard_of(apex("eXample.com.").name().as_ref()));
    }
}
