//! RRsets as octets, and where they go: into their owner's record, or once for all who own the same.

use std::collections::HashMap;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::WriteError;
use crate::ids::ZoneId;
use crate::octets::{REFERENCE_UNIT, from_reference, next_reference};
use crate::rrset::{DIRECTORY_ENTRY_OCTETS, SHARED, TARGETS, WIDE};
use crate::tables::NO_NODE;

use super::owner::{Gathered, Owner};

/// The arenas that records and RRsets are written to.
#[derive(Default)]
pub(super) struct Arenas {
    /// The node records.
    pub(super) nodes: Vec<u8>,
    /// RRsets outside of records.
    pub(super) shared: Vec<u8>,
    /// Where RRsets that may be shared lie, by the hash of their octets.
    known: HashMap<u64, Place>,
    /// Octets of the RRset that is being written.
    body: Vec<u8>,
}

/// Where an RRset lies.
#[derive(Clone, Copy)]
enum Place {
    /// In a record: the offset in the arena of nodes.
    Record(usize),
    /// In the shared arena: its reference.
    Shared(u32),
}

/// An RRset that was written with targets; they are filled in when all nodes are there.
#[derive(Clone, Copy)]
pub(super) enum WithTargets {
    /// In a record: the offset in the arena of nodes.
    Record(usize),
    /// In the shared arena: its reference.
    Shared(u32),
}

/// Types of which each owner has its own RRset, or so short a one that it is nearer in the owner's record: A, CNAME, AAAA, DS, NSEC,
/// NSEC3.
const NEVER_SHARED: [u16; 6] = [1, 5, 28, 43, 47, 50];

/// Below this a reference would save next to nothing.
const SHARED_OCTETS_MIN: usize = 24;

/// Longer RRsets lie outside of their owner's record, so that a search in canonical order, which reads the records of a block one
/// after the other, does not read them.
const RECORD_OCTETS_MAX: usize = 2048;

/// All RRsets of one owner's record together; what comes behind lies outside.
const RECORD_OCTETS_SUM_MAX: usize = 16 * 1024;

impl Arenas {
    /// Writes an RRset whose owner's record begins at `start`, and gives its place in the directory; with targets, it also says where
    /// they have to be filled in, but of a shared RRset only the first time.
    pub(super) fn write(
        &mut self,
        start: usize,
        zone: ZoneId,
        owner: &Owner,
        gathered: &Gathered,
        has_targets: bool,
    ) -> Result<(u32, Option<WithTargets>), WriteError> {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        encode(owner, gathered, has_targets, &mut body)?;
        let placed = self.place(start, zone, gathered, has_targets, &body);
        self.body = body;
        placed
    }

    /// Finds or makes a place for a body.
    fn place(
        &mut self,
        start: usize,
        zone: ZoneId,
        gathered: &Gathered,
        has_targets: bool,
        body: &[u8],
    ) -> Result<(u32, Option<WithTargets>), WriteError> {
        let may_share = gathered.signatures.is_empty()
            && body.len() >= SHARED_OCTETS_MIN
            && !NEVER_SHARED.contains(&gathered.rtype);
        // Targets are nodes of one zone, so other zones' RRsets are others.
        let hash = xxh3_64(body) ^ if has_targets { u64::from(zone.0) + 1 } else { 0 };
        if may_share {
            match self.known.get(&hash).copied() {
                Some(Place::Shared(reference)) if from_reference(&self.shared, reference).starts_with(body) => {
                    return Ok((SHARED | reference, None));
                }
                Some(Place::Record(offset)) if self.nodes[offset..].starts_with(body) => {
                    let reference = self.share(body)?;
                    self.known.insert(hash, Place::Shared(reference));
                    return Ok((SHARED | reference, has_targets.then_some(WithTargets::Shared(reference))));
                }
                _ => {}
            }
        }
        let offset = self.nodes.len() - start;
        if body.len() > RECORD_OCTETS_MAX || offset + body.len() > RECORD_OCTETS_SUM_MAX {
            let reference = self.share(body)?;
            return Ok((SHARED | reference, has_targets.then_some(WithTargets::Shared(reference))));
        }
        if may_share {
            self.known.insert(hash, Place::Record(self.nodes.len()));
        }
        let written = has_targets.then_some(WithTargets::Record(self.nodes.len()));
        self.nodes.extend_from_slice(body);
        // Far below 2^31: the sum of an owner's RRsets in its record is limited, and so is its directory.
        Ok((offset as u32, written))
    }

    /// Appends a body to the shared arena.
    fn share(&mut self, body: &[u8]) -> Result<u32, WriteError> {
        let full = WriteError::Full { octets: self.shared.len() };
        let reference = next_reference(&mut self.shared).filter(|reference| reference & SHARED == 0).ok_or(full)?;
        self.shared.extend_from_slice(body);
        Ok(reference)
    }

    /// The octets of an RRset that was written with targets, and what follows them.
    pub(super) fn body(&self, place: WithTargets) -> &[u8] {
        match place {
            WithTargets::Record(offset) => &self.nodes[offset..],
            WithTargets::Shared(reference) => from_reference(&self.shared, reference),
        }
    }

    /// The same, to be changed.
    pub(super) fn body_mut(&mut self, place: WithTargets) -> &mut [u8] {
        match place {
            WithTargets::Record(offset) => &mut self.nodes[offset..],
            WithTargets::Shared(reference) => &mut self.shared[reference as usize * REFERENCE_UNIT..],
        }
    }
}

/// Appends an RRset as octets, targets as none.
fn encode(owner: &Owner, gathered: &Gathered, has_targets: bool, body: &mut Vec<u8>) -> Result<(), WriteError> {
    let too_large = |what, expected_max: u16, found: usize| WriteError::OwnerTooLarge {
        owner: owner.name.clone(),
        what,
        expected_max: u64::from(expected_max),
        found: found as u64,
    };
    let records = gathered.records.len();
    let count = u16::try_from(records).map_err(|_| too_large("records of one type", u16::MAX, records))?;
    let signatures = gathered.signatures.len();
    let signature_count =
        u16::try_from(signatures).map_err(|_| too_large("signatures of one type", u16::MAX, signatures))?;
    body.extend_from_slice(&gathered.ttl().to_le_bytes());
    let targets = if has_targets { TARGETS } else { 0 };
    match (u8::try_from(count), u8::try_from(signature_count)) {
        (Ok(count), Ok(signature_count)) if count < WIDE && signature_count < TARGETS => {
            body.extend_from_slice(&[count, signature_count | targets]);
        }
        _ => {
            body.extend_from_slice(&[WIDE, targets]);
            body.extend_from_slice(&count.to_le_bytes());
            body.extend_from_slice(&signature_count.to_le_bytes());
        }
    }
    if has_targets {
        body.extend(gathered.records.iter().flat_map(|_| NO_NODE.to_le_bytes()));
    }
    write_rdata(owner, &gathered.records, body);
    if let Some(ttl) = gathered.signature_ttl {
        body.extend_from_slice(&ttl.to_le_bytes());
        write_rdata(owner, &gathered.signatures, body);
    }
    Ok(())
}

/// Appends RDATA, each with its length.
fn write_rdata(owner: &Owner, ranges: &[Range<usize>], body: &mut Vec<u8>) {
    for rdata in ranges.iter().map(|range| owner.rdata(range)) {
        // The owner refuses longer ones.
        body.extend_from_slice(&(rdata.len() as u16).to_le_bytes());
        body.extend_from_slice(rdata);
    }
}

/// The most types an owner may have: their directory has to leave room in the longest record.
pub(super) const RRSETS_MAX: usize = 40_000;

const _: () = assert!(
    RRSETS_MAX * DIRECTORY_ENTRY_OCTETS + RECORD_OCTETS_SUM_MAX + 512 <= u16::MAX as usize * REFERENCE_UNIT,
    "units of a record are counted in 16 bits"
);
