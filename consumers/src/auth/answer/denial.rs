//! Proofs that something is not there: which NSEC or NSEC3 records an answer needs (RFC 4035, section 3.1.3; RFC 5155, section 7.2), each
//! once.
//!
//! Read the `prove_` functions of [`Proofs`], one for each thing that can be missing. Each takes the name in question prepared for lookups; with
//! NSEC some look for another name in the same room afterwards.

use dns::types::Rtype;
use zone_segment::{LookupName, NameRef, Node, Nsec3, Nsec3Hash, Nsec3Parameters, Rrset, SegmentOctets, Zone};

use super::name_buffer::NameBuffer;
use super::outcome::{ALIASES_MAX, Source};

/// The NSEC or NSEC3 RRsets of one answer, gathered while its answer section is written.
#[derive(Debug, Default)]
pub(super) struct Proofs<'z> {
    /// The proofs, in the order gathered.
    proofs: [Option<Proof<'z>>; PROOFS_MAX],
    /// How many there are.
    count: usize,
}

/// One NSEC or NSEC3 RRset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof<'z> {
    /// Its owner.
    pub(super) owner: NameRef<'z>,
    /// The RRset.
    pub(super) rrset: Rrset<'z>,
    /// Its TTL in the answer: no more than that of a negative answer of its zone (RFC 9077, section 3).
    pub(super) ttl: u32,
}

impl<'z> Proofs<'z> {
    /// What has been gathered.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Proof<'z>> {
        self.proofs.iter().take(self.count).flatten()
    }

    /// That a name has no data of a type: the record of the name, or of the wildcard that covers it (RFC 4035, sections 3.1.3.1 and 3.1.3.4; RFC
    /// 5155, sections 7.2.3 to 7.2.5).
    pub(super) fn prove_no_data<B: SegmentOctets>(
        &mut self,
        zone: &Zone<'z, B>,
        source: Source<'z>,
        name: &mut LookupName,
    ) {
        match zone.nsec3_parameters() {
            Some(chain) if source.is_synthesis => {
                let labels = source.node.name().label_count();
                self.add_closest_encloser(zone, &chain, name, labels, None);
                if let Some(Nsec3::Match(own)) = spoken_of(zone, &chain, source.node) {
                    self.add(zone, own, Rtype::NSEC3);
                }
            }
            // A name without a record of its own is a delegation without DS records, or stands above such ones alone: the chain leaves
            // these out (opt-out), and says so of the name below its closest ancestor.
            Some(chain) => self.prove_no_record(zone, &chain, source.node, name),
            None => {
                // Of a name that exists its own NSEC, or the one that covers an empty non-terminal; of a wildcard's, that there is no closer
                // one.
                self.add_predecessor(zone, name);
                if source.is_synthesis {
                    name.set(zone.key(), source.node.name());
                    self.add_predecessor(zone, name);
                }
            }
        }
    }

    /// That a name does not exist, and no wildcard covers it (RFC 4035, section 3.1.3.2; RFC 5155, section 7.2.2).
    pub(super) fn prove_no_name<B: SegmentOctets>(
        &mut self,
        zone: &Zone<'z, B>,
        closest_encloser: Node<'z>,
        name: &mut LookupName,
    ) {
        let mut wildcard = NameBuffer::default();
        match zone.nsec3_parameters() {
            Some(chain) => {
                // Validators look for the wildcard below the encloser that is proven, which opt-out may have moved up.
                let labels = closest_encloser.name().label_count() + 1;
                let proven = match spoken_of(zone, &chain, closest_encloser) {
                    Some(Nsec3::Match(own)) => {
                        self.add(zone, own, Rtype::NSEC3);
                        self.add_cover(zone, &chain.hash(name.suffix(labels)));
                        Some(labels - 1)
                    }
                    _ => self.add_closest_encloser(zone, &chain, name, labels - 1, None),
                };
                let Some(proven) = proven else { return };
                if wildcard.set_wildcard(name.suffix(proven)).is_ok() {
                    self.add_cover(zone, &chain.hash(wildcard.name()));
                }
            }
            None => {
                self.add_predecessor(zone, name);
                if wildcard.set_wildcard(closest_encloser.name()).is_ok() {
                    name.set(zone.key(), wildcard.name());
                    self.add_predecessor(zone, name);
                }
            }
        }
    }

    /// That there is no closer name than the wildcard that gave an answer (RFC 4035, section 3.1.3.3; RFC 5155, section 7.2.6).
    pub(super) fn prove_synthesis<B: SegmentOctets>(
        &mut self,
        zone: &Zone<'z, B>,
        source: Source<'z>,
        name: &LookupName,
    ) {
        match zone.nsec3_parameters() {
            // The wildcard has one label more than its parent, the closest encloser, and so has the next closer name.
            Some(chain) => self.add_cover(zone, &chain.hash(name.suffix(source.node.name().label_count()))),
            None => self.add_predecessor(zone, name),
        }
    }

    /// That a zone cut has no DS records (RFC 4035, section 3.1.4.1; RFC 5155, section 7.2.7). The name is at or below the cut.
    pub(super) fn prove_unsigned<B: SegmentOctets>(
        &mut self,
        zone: &Zone<'z, B>,
        cut: Node<'z>,
        name: &mut LookupName,
    ) {
        match zone.nsec3_parameters() {
            Some(chain) => self.prove_no_record(zone, &chain, cut, name),
            None => {
                name.set(zone.key(), cut.name());
                self.add_predecessor(zone, name);
            }
        }
    }

    /// The NSEC3 record of a node, which a name is at or below; where there is none, the proof that the chain leaves it out: that of its
    /// closest ancestor that has one, and the one that covers the name below that (RFC 5155, section 7.2.4).
    fn prove_no_record<B: SegmentOctets>(
        &mut self,
        zone: &Zone<'z, B>,
        chain: &Nsec3Parameters<'_>,
        node: Node<'z>,
        name: &LookupName,
    ) {
        match spoken_of(zone, chain, node) {
            Some(Nsec3::Match(own)) => self.add(zone, own, Rtype::NSEC3),
            Some(Nsec3::Cover(cover)) => {
                self.add_closest_encloser(zone, chain, name, node.name().label_count(), Some(cover));
            }
            None => {}
        }
    }

    /// The proof of the closest encloser (RFC 5155, section 7.2.1): the record of the longest name above the last `labels` labels of a name
    /// that has one, and the one that covers the name one label longer. Gives the labels of the former.
    ///
    /// `cover` is the record that covers all `labels` labels, where it is known.
    fn add_closest_encloser<B: SegmentOctets>(
        &mut self,
        zone: &Zone<'z, B>,
        chain: &Nsec3Parameters<'_>,
        name: &LookupName,
        labels: usize,
        cover: Option<Node<'z>>,
    ) -> Option<usize> {
        let mut above = (zone.apex_label_count()..labels).rev();
        let encloser = above.find(|labels| self.add_encloser(zone, chain, name, *labels))?;
        match cover.filter(|_| encloser + 1 == labels) {
            Some(cover) => self.add(zone, cover, Rtype::NSEC3),
            None => self.add_cover(zone, &chain.hash(name.suffix(encloser + 1))),
        }
        Some(encloser)
    }

    /// Adds the NSEC3 RRset of the last `labels` labels of a name, if there is one.
    fn add_encloser<B: SegmentOctets>(
        &mut self,
        zone: &Zone<'z, B>,
        chain: &Nsec3Parameters<'_>,
        name: &LookupName,
        labels: usize,
    ) -> bool {
        let apex = if labels == zone.apex_label_count() { zone.apex_node() } else { None };
        let spoken_of = match apex {
            Some(apex) => spoken_of(zone, chain, apex),
            None => zone.nsec3(&chain.hash(name.suffix(labels))),
        };
        let Some(Nsec3::Match(own)) = spoken_of else { return false };
        self.add(zone, own, Rtype::NSEC3);
        true
    }

    /// Adds the NSEC3 RRset that covers a hash; where the name of the hash exists, its own, which proves nothing.
    fn add_cover<B: SegmentOctets>(&mut self, zone: &Zone<'z, B>, hash: &Nsec3Hash) {
        if let Some(Nsec3::Cover(node) | Nsec3::Match(node)) = zone.nsec3(hash) {
            self.add(zone, node, Rtype::NSEC3);
        }
    }

    /// Adds the NSEC RRset that matches or covers a name.
    fn add_predecessor<B: SegmentOctets>(&mut self, zone: &Zone<'z, B>, name: &LookupName) {
        if let Some(node) = zone.predecessor(name) {
            self.add(zone, node, Rtype::NSEC);
        }
    }

    /// Adds the RRset of this type that a node owns. One without signatures would prove nothing.
    fn add<B: SegmentOctets>(&mut self, zone: &Zone<'z, B>, node: Node<'z>, rtype: Rtype) {
        let Some(rrset) = node.rrset(rtype.0).filter(|rrset| rrset.signature_count() > 0) else { return };
        let owner = node.name();
        // By its place: a zone's cut and the apex of its child have one name and a record each.
        if self.iter().any(|proof| std::ptr::eq(proof.owner.as_wire(), owner.as_wire())) {
            return;
        }
        let ttl = rrset.ttl().min(negative_ttl(zone).unwrap_or(u32::MAX));
        if let Some(place) = self.proofs.get_mut(self.count) {
            *place = Some(Proof { owner, rrset, ttl });
            self.count += 1;
        }
    }
}

/// What the chain says of a name that exists: its segment knows, or it is hashed.
fn spoken_of<'z, B: SegmentOctets>(
    zone: &Zone<'z, B>,
    chain: &Nsec3Parameters<'_>,
    node: Node<'z>,
) -> Option<Nsec3<'z>> {
    zone.nsec3_of(node).or_else(|| zone.nsec3(&chain.hash(node.name())))
}

/// The TTL of a zone's negative answers: the lesser of the SOA record's TTL and its MINIMUM field (RFC 2308, section 3).
pub(super) fn negative_ttl<B: SegmentOctets>(zone: &Zone<'_, B>) -> Option<u32> {
    let soa = zone.apex_node()?.rrset(Rtype::SOA.0)?;
    let minimum = soa.rdata().next()?.last_chunk().copied().map(u32::from_be_bytes)?;
    Some(soa.ttl().min(minimum))
}

/// The most proofs: one for each alias a wildcard gave, three for where the chain ends.
const PROOFS_MAX: usize = ALIASES_MAX + 3;
