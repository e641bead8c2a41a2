//! Proofs that something is not there: which NSEC records an answer needs (RFC 4035, section 3.1.3), each once.
//!
//! NSEC3 is not known here: of a zone signed with it, negative answers carry their SOA record without proofs.

use dns::types::Rtype;
use zone_segment::{LookupName, NameRef, Node, Rrset, SegmentOctets, Zone};

use super::name_buffer::NameBuffer;
use super::outcome::ALIASES_MAX;

/// The NSEC RRsets of one answer, gathered while its answer section is written.
#[derive(Debug, Default)]
pub(super) struct Proofs<'z> {
    /// The proofs, in the order gathered.
    proofs: [Option<Proof<'z>>; PROOFS_MAX],
    /// How many there are.
    count: usize,
}

/// One NSEC RRset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof<'z> {
    /// Its owner.
    pub(super) owner: NameRef<'z>,
    /// The RRset.
    pub(super) nsec: Rrset<'z>,
    /// Its TTL in the answer: no more than that of a negative answer of its zone (RFC 9077, section 3).
    pub(super) ttl: u32,
}

impl<'z> Proofs<'z> {
    /// What has been gathered.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Proof<'z>> {
        self.proofs.iter().take(self.count).flatten()
    }

    /// Adds the NSEC RRset that matches or covers a name. One without signatures would prove nothing.
    pub(super) fn add<B: SegmentOctets>(&mut self, zone: &Zone<'z, B>, name: &LookupName) {
        let Some(node) = zone.predecessor(name) else { return };
        let Some(nsec) = node.rrset(Rtype::NSEC.0).filter(|nsec| nsec.signature_count() > 0) else { return };
        let owner = node.name();
        if self.iter().any(|proof| proof.owner == owner) {
            return;
        }
        let ttl = nsec.ttl().min(negative_ttl(zone).unwrap_or(u32::MAX));
        if let Some(place) = self.proofs.get_mut(self.count) {
            *place = Some(Proof { owner, nsec, ttl });
            self.count += 1;
        }
    }

    /// Adds the proof that no wildcard below the closest encloser covers the name (RFC 4035, section 3.1.3.2).
    pub(super) fn add_wildcard<B: SegmentOctets>(
        &mut self,
        zone: &Zone<'z, B>,
        closest_encloser: Node<'z>,
        room: &mut LookupName,
    ) {
        let mut wildcard = NameBuffer::default();
        if wildcard.set_wildcard(closest_encloser.name()).is_ok() {
            room.set(zone.key(), wildcard.name());
            self.add(zone, room);
        }
    }
}

/// The TTL of a zone's negative answers: the lesser of the SOA record's TTL and its MINIMUM field (RFC 2308, section 3).
pub(super) fn negative_ttl<B: SegmentOctets>(zone: &Zone<'_, B>) -> Option<u32> {
    let soa = zone.apex_node()?.rrset(Rtype::SOA.0)?;
    let minimum = soa.rdata().next()?.last_chunk().copied().map(u32::from_be_bytes)?;
    Some(soa.ttl().min(minimum))
}

/// The most proofs: one for each alias a wildcard gave, three for where the chain ends.
const PROOFS_MAX: usize = ALIASES_MAX + 3;
