//! The segment as a subject: one name at a time, and in batches of 32.

use measure::{PREPARED_OPERATIONS_MAX, Subject};
use zone_segment::{Find, LookupName, NameRef, Node, OrderPlace, Segment, SegmentOctets, Zone};

use crate::content::read_record;
use crate::keys::Keys;

/// What is done for each name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The zone is known; the name is found, or the zone cut above it, or that it is not there.
    Find,
    /// The same, from finding the zone on: for segments of many.
    FindZone,
    /// The name is found missing, and then the NSEC record that proves it.
    Deny,
}

/// Names of a batch: as many as auth takes from a socket at once.
pub const BATCH: usize = 32;

/// Lookups in a segment.
pub struct Trine<'a, B> {
    /// What it is called.
    name: String,
    /// Where the zone is found first for `Work::FindZone`; none where a zone of several layers is asked.
    segment: Option<&'a Segment<B>>,
    /// What is asked: of a segment its zone with the lowest id, which is the only one but for `Work::FindZone`.
    zone: Zone<'a, B>,
    /// What is done.
    work: Work,
    /// How many names a call takes.
    batch: usize,
    /// What is asked for.
    keys: &'a Keys,
    /// Keys that are prepared, each at the place that the low bits of its position say.
    prepared: Vec<LookupName>,
    /// Whether keys are folded and hashed in the time: then these are what that is done to.
    wires: Option<Vec<Wire>>,
}

/// A name in wire form, copied to where it is read from the processor's cache, as in a query that was just received.
#[derive(Clone)]
struct Wire {
    /// The octets of the name, and others.
    octets: [u8; 256],
    /// How many are the name's.
    length: usize,
}

impl<'a, B: SegmentOctets> Trine<'a, B> {
    /// Asks one name at a time.
    pub fn single(name: impl Into<String>, segment: &'a Segment<B>, work: Work, keys: &'a Keys) -> Trine<'a, B> {
        let zone = segment.zones().next().expect("a zone");
        Trine { segment: Some(segment), ..Trine::of_zone(name, zone, work, keys) }
    }

    /// Asks a zone, of however many layers, one name at a time.
    pub fn of_zone(name: impl Into<String>, zone: Zone<'a, B>, work: Work, keys: &'a Keys) -> Trine<'a, B> {
        let prepared = vec![LookupName::default(); PREPARED_OPERATIONS_MAX.next_power_of_two()];
        Trine { name: name.into(), segment: None, zone, work, batch: 1, keys, prepared, wires: None }
    }

    /// The same, 32 names at a time.
    pub fn in_batches(self) -> Trine<'a, B> {
        Trine { batch: BATCH, ..self }
    }

    /// The same, each name folded and hashed in the time, as hash maps do it.
    pub fn with_hashing(self) -> Trine<'a, B> {
        let wires = vec![Wire { octets: [0; 256], length: 1 }; self.prepared.len()];
        Trine { wires: Some(wires), ..self }
    }

    /// Asks 32 names at a time.
    pub fn batch(name: impl Into<String>, segment: &'a Segment<B>, work: Work, keys: &'a Keys) -> Trine<'a, B> {
        Trine::single(name, segment, work, keys).in_batches()
    }

    /// The key that was prepared for a position.
    fn prepared(&self, at: usize) -> &LookupName {
        &self.prepared[at & (self.prepared.len() - 1)]
    }

    /// Looks one name up.
    fn look_up(&self, name: &LookupName) -> u64 {
        match self.work {
            Work::Find => read_found(self.zone.find(name)),
            Work::FindZone => {
                let zone = self.segment.and_then(|segment| segment.find_zone(name));
                zone.map_or(0, |zone| read_found(zone.find(name)))
            }
            Work::Deny => {
                read_found(self.zone.find(name)).wrapping_add(self.zone.predecessor(name).map_or(0, read_nsec))
            }
        }
    }

    /// Looks the names of a batch up, in passes of which each has asked for the memory that the next reads.
    fn look_up_batch(&self, at: usize) -> u64 {
        let names = || (at..at + BATCH).map(|at| self.prepared(at));
        names().for_each(|name| self.zone.prefetch_index(name));
        names().for_each(|name| self.zone.prefetch_node(name));
        if self.work != Work::Deny {
            return names().fold(0, |sum, name| sum.wrapping_add(self.look_up(name)));
        }
        let mut places: [OrderPlace; BATCH] =
            std::array::from_fn(|name| self.zone.order_place(self.prepared(at + name)));
        places.iter_mut().for_each(|place| self.zone.order_narrow(place));
        names().zip(&places).fold(0, |sum, (name, place)| {
            let found = read_found(self.zone.find(name));
            let before = self.zone.predecessor_at(place, name).map_or(0, read_nsec);
            sum.wrapping_add(found).wrapping_add(before)
        })
    }
}

impl<B: SegmentOctets> Subject for Trine<'_, B> {
    fn name(&self) -> &str {
        &self.name
    }

    fn operations_per_call(&self) -> usize {
        self.batch
    }

    fn prepare(&mut self, at: usize, operations: usize) {
        let places = self.prepared.len() - 1;
        for at in at..at + operations {
            let wire = self.keys.at(at);
            match &mut self.wires {
                Some(wires) => {
                    let place = &mut wires[at & places];
                    place.octets[..wire.len()].copy_from_slice(wire);
                    place.length = wire.len();
                }
                None => {
                    self.prepared[at & places].set(self.zone.key(), NameRef::from_wire(wire).expect("a name"));
                }
            }
        }
    }

    fn call(&mut self, at: usize) -> u64 {
        if let Some(wires) = &self.wires {
            let places = self.prepared.len() - 1;
            for at in at..at + self.batch {
                let wire = &wires[at & places];
                let name = NameRef::from_wire(&wire.octets[..wire.length]).expect("a name");
                self.prepared[at & places].set(self.zone.key(), name);
            }
        }
        match self.batch {
            1 => self.look_up(self.prepared(at)),
            _ => self.look_up_batch(at),
        }
    }
}

/// What an answer would begin with.
pub fn read_found(found: Find<'_>) -> u64 {
    match found {
        Find::Name(node) | Find::Cut(node) => read_node(node),
        // The apex is the closest encloser of most: what is read of it is read by all, and is in the cache.
        _ => 0,
    }
}

/// What a lookup reads of a node: the beginning of its first RRset.
fn read_node(node: Node<'_>) -> u64 {
    let Some(rrset) = node.rrsets().next() else { return 0 };
    rrset.rdata().next().map_or(0, |rdata| read_record(rrset.ttl(), rdata))
}

/// What a lookup reads of a node's NSEC record.
pub fn read_nsec(node: Node<'_>) -> u64 {
    let Some(rrset) = node.rrset(NSEC) else { return 0 };
    rrset.rdata().next().map_or(0, |rdata| read_record(rrset.ttl(), rdata))
}

/// The type NSEC.
pub const NSEC: u16 = 47;
