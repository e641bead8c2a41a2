//! Links from name servers' names to their nodes: filled in when all nodes are written, for a name server may come before or
//! behind what is delegated to it.

use crate::hash::HashKey;
use crate::index;
use crate::lookup_name::LookupName;
use crate::name::NameRef;
use crate::node::{FIXED_OCTETS, NAME_LENGTH_OFFSET};
use crate::octets::from_reference;
use crate::rrset::Rrset;
use crate::tables::{Bucket, NO_NODE, ZoneRow};

use super::NS;
use super::body::{Arenas, WithTargets};

/// The RRsets whose targets are to be filled in, each with the number of its zone among those written.
#[derive(Default)]
pub(super) struct Targets {
    /// They.
    places: Vec<(WithTargets, usize)>,
}

impl Targets {
    /// Notes an RRset of a zone.
    pub(super) fn note(&mut self, place: WithTargets, zone: usize) {
        self.places.push((place, zone));
    }

    /// Fills in the targets of all of them. `zones` are in the order in which they were written.
    pub(super) fn fill_in(&self, key: HashKey, arenas: &mut Arenas, buckets: &[Bucket], zones: &[ZoneRow]) {
        let mut lookup = LookupName::default();
        for (place, zone) in &self.places {
            let Some(zone) = zones.get(*zone) else { continue };
            let rrset = Rrset::of_body(arenas.body(*place), NS);
            // Record by record: one whose RDATA is not a name has a place as well.
            let link = |rdata| {
                lookup.set(key, NameRef::from_wire(rdata).ok()?);
                node_of(arenas, buckets, zone, key, &lookup)
            };
            let links: Vec<u32> = rrset.rdata().map(link).map(|link| link.unwrap_or(NO_NODE)).collect();
            let links = links.iter().flat_map(|link| link.to_le_bytes());
            let start = rrset.target_offset();
            arenas.body_mut(*place)[start..].iter_mut().zip(links).for_each(|(octet, link)| *octet = link);
        }
    }
}

/// The reference of a name's node in a zone.
fn node_of(arenas: &Arenas, buckets: &[Bucket], zone: &ZoneRow, key: HashKey, name: &LookupName) -> Option<u32> {
    let wire = name.name().as_wire();
    index::find(buckets, name.hash(key, name.label_count()), |reference| {
        let record = from_reference(&arenas.nodes, reference);
        let length = usize::from(*record.get(NAME_LENGTH_OFFSET)?);
        let found = record.get(FIXED_OCTETS..FIXED_OCTETS + length)?;
        let is_it = (zone.start..zone.end).contains(&reference) && found.eq_ignore_ascii_case(wire);
        is_it.then_some(reference)
    })
}
