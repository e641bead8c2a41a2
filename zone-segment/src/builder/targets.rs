//! Links from name servers' names to their nodes: found when all nodes are written and indexed, for a name server may come before or
//! behind what is delegated to it.

use rayon::prelude::*;

use crate::hash::HashKey;
use crate::index;
use crate::lookup_name::LookupName;
use crate::name::NameRef;
use crate::node::{FIXED_OCTETS, NAME_LENGTH_OFFSET};
use crate::octets::{REFERENCE_UNIT, from_reference};
use crate::rrset::{Rrset, TARGET_OCTETS};
use crate::tables::{Bucket, NO_NODE, ZoneRow};

use super::NS;
use super::sharing::Shared;
use super::tables::PartTargets;

/// A link to be written: where in the arena of nodes, and to what.
pub(super) type Link = (u64, u32);

/// What links are looked up in.
pub(super) struct Lookup<'a> {
    /// The key of the name hash.
    pub(super) key: HashKey,
    /// The arena of nodes.
    pub(super) nodes: &'a [u8],
    /// The index.
    pub(super) buckets: &'a [Bucket],
    /// The zones, in the order in which they were given.
    pub(super) zones: &'a [ZoneRow],
}

impl Lookup<'_> {
    /// The links in the arena of nodes, in its order, in pieces none of which is empty.
    pub(super) fn links(&self, targets: &[PartTargets]) -> Vec<Vec<Link>> {
        let of_part = |part: &PartTargets| {
            let mut links = Vec::new();
            let mut lookup = LookupName::default();
            for place in &part.places {
                let at = part.base + u64::from(*place);
                let body = self.nodes.get(at as usize..).unwrap_or_default();
                let start = at + Rrset::of_body(body, NS).target_offset() as u64;
                self.targets(body, part.zone, &mut lookup, |number, node| {
                    links.push((start + (number * TARGET_OCTETS) as u64, node));
                });
            }
            links
        };
        targets.par_iter().map(of_part).filter(|links| !links.is_empty()).collect()
    }

    /// Fills in the links of shared RRsets.
    pub(super) fn fill_in(&self, shared: &mut Shared) {
        let mut lookup = LookupName::default();
        for (reference, zone) in &shared.with_targets {
            let mut links = Vec::new();
            let body = from_reference(&shared.octets, *reference);
            let start = *reference as usize * REFERENCE_UNIT + Rrset::of_body(body, NS).target_offset();
            self.targets(body, *zone, &mut lookup, |number, node| links.push((start + number * TARGET_OCTETS, node)));
            for (at, node) in links {
                shared.octets[at..at + TARGET_OCTETS].copy_from_slice(&node.to_le_bytes());
            }
        }
    }

    /// Finds the targets of an RRset that are in its zone.
    fn targets(&self, body: &[u8], zone: u32, lookup: &mut LookupName, mut found: impl FnMut(usize, u32)) {
        let Some(zone) = self.zones.get(zone as usize) else { return };
        for (number, rdata) in Rrset::of_body(body, NS).rdata().enumerate() {
            // Record by record: one whose RDATA is not a name has a place as well.
            let Ok(name) = NameRef::from_wire(rdata) else { continue };
            lookup.set(self.key, name);
            if let Some(node) = self.node_of(zone, lookup).filter(|node| *node != NO_NODE) {
                found(number, node);
            }
        }
    }

    /// The reference of a name's node in a zone.
    fn node_of(&self, zone: &ZoneRow, name: &LookupName) -> Option<u32> {
        let wire = name.name().as_wire();
        index::find(self.buckets, name.hash(self.key, name.label_count()), |reference| {
            let record = from_reference(self.nodes, reference);
            let length = usize::from(*record.get(NAME_LENGTH_OFFSET)?);
            let found = record.get(FIXED_OCTETS..FIXED_OCTETS + length)?;
            let is_it = (zone.start..zone.end).contains(&reference) && found.eq_ignore_ascii_case(wire);
            is_it.then_some(reference)
        })
    }
}
