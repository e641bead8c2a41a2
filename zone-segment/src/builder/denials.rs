//! Links from names to the NSEC3 records that speak of them: found when all nodes are written, since hashes come in another order than names.

use rayon::prelude::*;

use crate::denial::{hash_of_label, last_up_to};
use crate::name::NameRef;
use crate::node::{DENIAL, FIXED_OCTETS, FLAGS_OFFSET, LINK_OCTETS, LINKED, NAME_LENGTH_OFFSET};
use crate::nsec3::Nsec3Hash;
use crate::octets::{REFERENCE_UNIT, from_reference, u16_at};
use crate::tables::ZoneRow;

use super::nsec3::Chain;
use super::tables::PartDenials;
use super::targets::Link;

/// What links are looked up in.
pub(super) struct Chains<'a> {
    /// The arena of nodes.
    pub(super) nodes: &'a [u8],
    /// The chains of the zones, in the order in which they were given.
    pub(super) chains: &'a [Option<Chain>],
    /// The zones, in that order.
    pub(super) zones: &'a [ZoneRow],
    /// The rows of NSEC3 owners.
    pub(super) hashes: &'a [u64],
    /// Their nodes.
    pub(super) owners: &'a [u32],
}

/// What is found.
#[derive(Default)]
pub(super) struct Denials {
    /// The links in the arena of nodes, in its order, in pieces none of which is empty.
    pub(super) links: Vec<Vec<Link>>,
    /// References of nodes whose link leads to a record that covers them, ascending.
    pub(super) covered: Vec<u32>,
}

impl Chains<'_> {
    /// Finds the links of all parts.
    pub(super) fn links(&self, parts: &[PartDenials]) -> Denials {
        let of_part = |part: &PartDenials| {
            let (mut links, mut covered) = (Vec::with_capacity(part.nodes.len()), Vec::new());
            for node in &part.nodes {
                let reference = part.base + node;
                let Some((at, owner, is_own)) = self.link(part.zone as usize, reference) else { continue };
                links.push((at, owner));
                if !is_own {
                    covered.push(reference);
                }
            }
            (links, covered)
        };
        let mut denials = Denials::default();
        for (links, covered) in parts.par_iter().map(of_part).collect::<Vec<_>>() {
            if !links.is_empty() {
                denials.links.push(links);
            }
            denials.covered.extend(covered);
        }
        denials
    }

    /// Where in the arena a node's link is, where it leads, and whether that is the node's own record.
    fn link(&self, zone: usize, reference: u32) -> Option<(u64, u32, bool)> {
        let chain = self.chains.get(zone)?.as_ref()?;
        let row = self.zones.get(zone)?;
        let start = row.nsec3_start as usize;
        let range = start..start + row.nsec3_count as usize;
        let (hashes, owners) = (self.hashes.get(range.clone())?, self.owners.get(range)?);
        let hash = chain.parameters().hash(self.name(reference)?);
        let owner = |at: usize| {
            let owner = *owners.get(at)?;
            Some((owner, self.hash_of(owner)?))
        };
        let (owner, found) = last_up_to(hashes.len(), &hash, |at| hashes[at], owner)?;
        let record = from_reference(self.nodes, reference);
        let flags = u16_at(record, FLAGS_OFFSET);
        debug_assert!(flags & DENIAL != 0, "room for a link was left");
        let link = if flags & LINKED == 0 { 0 } else { LINK_OCTETS };
        let at = FIXED_OCTETS + usize::from(*record.get(NAME_LENGTH_OFFSET)?) + link;
        Some((u64::from(reference) * REFERENCE_UNIT as u64 + at as u64, owner, found == hash))
    }

    /// The name of a node.
    fn name(&self, reference: u32) -> Option<NameRef<'_>> {
        let record = from_reference(self.nodes, reference);
        let length = usize::from(*record.get(NAME_LENGTH_OFFSET)?);
        NameRef::from_wire(record.get(FIXED_OCTETS..FIXED_OCTETS + length)?).ok()
    }

    /// The hash that the name of an NSEC3 owner is.
    fn hash_of(&self, owner: u32) -> Option<Nsec3Hash> {
        hash_of_label(self.name(owner)?.labels().next()?)
    }
}
