//! RRsets that several owners have alike, the name servers of a registrar: found before anything is written, and then written once.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::WriteError;
use crate::ids::ZoneId;
use crate::octets::{from_reference, next_reference};
use crate::rrset::SHARED;

use super::body;
use super::error::BuildError;
use super::owned::{Gathered, Owned};
use super::plan::ZonePlan;

/// An RRset that may be shared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// The hash of what it is.
    hash: u64,
    /// The number of its zone among those that are built, and its owner's rank there.
    owner: (u32, u32),
}

/// RRsets that lie once.
#[derive(Default)]
pub(super) struct Shared {
    /// Their octets, each at a reference.
    pub(super) octets: Vec<u8>,
    /// Where each lies, by the hash of what it is.
    references: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    /// Those with targets, each with the number of its zone.
    pub(super) with_targets: Vec<(u32, u32)>,
}

/// Types of which each owner has its own RRset, or so short a one that it is nearer in the owner's record: A, CNAME, AAAA, DS, NSEC,
/// NSEC3.
const NEVER_SHARED: [u16; 6] = [1, 5, 28, 43, 47, 50];

/// Below this a reference would save next to nothing.
const SHARED_OCTETS_MIN: usize = 24;

/// The hash of what an RRset is; none for one that is not to be shared.
pub(super) fn hash_of(owned: &Owned<'_>, gathered: &Gathered, has_targets: bool, zone: ZoneId) -> Option<u64> {
    if NEVER_SHARED.contains(&gathered.rtype)
        || !owned.signatures(gathered).is_empty()
        || body::octets(owned, gathered, has_targets) < SHARED_OCTETS_MIN
    {
        return None;
    }
    let records = owned.records(gathered);
    // Targets are nodes of one zone, so other zones' RRsets are others. The type does not count: it is not among the octets.
    let zone = if has_targets { u64::from(zone.0) + 1 } else { 0 };
    let start = zone << 32 | u64::from(records.first()?.ttl);
    Some(records.iter().fold(start, |seed, record| xxh3_64_with_seed(record.rdata, seed)))
}

/// Takes hashes as hashes.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Candidate {
    /// The candidate of an owner.
    pub(super) fn new(hash: u64, zone: usize, rank: usize) -> Candidate {
        // A segment has room for fewer than 2^32 names.
        Candidate { hash, owner: (zone as u32, rank as u32) }
    }
}

impl Shared {
    /// Writes those of the candidates that there are several of, in the order of their first owners.
    pub(super) fn of(mut candidates: Vec<Candidate>, zones: &[ZonePlan<'_>]) -> Result<Shared, BuildError> {
        candidates.par_sort_unstable();
        let mut first: Vec<Candidate> =
            candidates.chunk_by(|a, b| a.hash == b.hash).filter(|same| same.len() > 1).map(|same| same[0]).collect();
        drop(candidates);
        first.par_sort_unstable_by_key(|candidate| (candidate.owner, candidate.hash));
        let mut shared = Shared {
            references: HashMap::with_capacity_and_hasher(first.len(), Default::default()),
            ..Shared::default()
        };
        let mut octets = Vec::new();
        for of_owner in first.chunk_by(|a, b| a.owner == b.owner) {
            let (number, rank) = of_owner[0].owner;
            let zone = &zones[number as usize];
            let rank = rank as usize;
            zone.visit(rank..zone.end_of_owner(rank), |_, name, owned| {
                for gathered in owned.rrsets() {
                    let has_targets = owned.has_targets(gathered, zone.apex.as_ref());
                    let hash = hash_of(owned, gathered, has_targets, zone.id);
                    let is_first = |hash| of_owner.binary_search_by_key(&hash, |candidate| candidate.hash).is_ok();
                    let Some(hash) = hash.filter(|hash| is_first(*hash) && !shared.references.contains_key(hash))
                    else {
                        continue;
                    };
                    octets.clear();
                    body::encode(name, owned, gathered, has_targets, &mut octets)?;
                    let reference = shared.push(&octets)?;
                    shared.references.insert(hash, reference);
                    if has_targets {
                        shared.with_targets.push((reference, number));
                    }
                }
                Ok(())
            })?;
        }
        Ok(shared)
    }

    /// Where an RRset lies that is shared.
    pub(super) fn reference(&self, hash: u64, octets: &[u8]) -> Option<u32> {
        // The hash alone could be another's.
        self.references
            .get(&hash)
            .copied()
            .filter(|reference| from_reference(&self.octets, *reference).starts_with(octets))
    }

    /// Appends an RRset.
    pub(super) fn push(&mut self, octets: &[u8]) -> Result<u32, WriteError> {
        let full = WriteError::Full { octets: self.octets.len() };
        let reference = next_reference(&mut self.octets).filter(|reference| reference & SHARED == 0).ok_or(full)?;
        self.octets.extend_from_slice(octets);
        Ok(reference)
    }
}
