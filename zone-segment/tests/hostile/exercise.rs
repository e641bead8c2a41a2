//! Everything public, asked of segments that may be damaged. What must hold whatever they contain is asserted: work is
//! bounded by the octets there are, names are names, and an answer is about what was asked.

use std::sync::Arc;

use zone_segment::{
    DirectoryEntry, Find, Kind, Layer, LayerId, LookupName, NAME_OCTETS_MAX, NameRef, Node, Nsec3, Segment,
    SegmentBuffer, SegmentWriter, Stack, Zone, ZoneId, ZoneSet,
};

use super::model::compare::{answer_of, nodes_of};
use super::model::{NS, label_of};
use super::samples::{GROUP, KEY, Shared, UPPER};

/// The most records read in one walk through a segment. What damage makes of a few octets may be much more, all of it
/// bounded; reading a part of it says as much.
const RECORDS_MAX: u64 = 3_000;

/// A reader of segments that keeps count of what it read.
struct Reading {
    /// Octets of all segments concerned: no iterator may give more items.
    octets: u64,
    /// How many records may yet be read.
    records_left: u64,
    /// Room for a name.
    room: LookupName,
}

/// Asks one segment by itself everything, and builds another from it if that is asked for too.
pub(crate) fn exercise_segment(segment: &Shared, asked: &[LookupName], is_copied: bool) {
    let mut reading = Reading { octets: segment.len(), records_left: RECORDS_MAX, room: LookupName::default() };
    assert_eq!(segment.octets().len() as u64, segment.len());
    let statistics = segment.statistics();
    assert_eq!(statistics.octets, segment.len());
    let entries: Vec<DirectoryEntry> = segment.directory_entries().collect();
    assert!(entries.len() as u64 <= segment.len(), "{} entries", entries.len());
    entries.iter().for_each(|entry| check_name(entry.apex.as_ref()));
    assert!(segment.block_count() > 0 && !segment.builder().contains('\0'));

    let zones: Vec<Zone<'_, SegmentBuffer>> = segment.zones().collect();
    assert!(zones.len() as u64 <= segment.len(), "{} zones", zones.len());
    for zone in zones.iter().take(ZONES_MAX) {
        for name in asked {
            reading.lookups(zone, name);
        }
        reading.records_left = RECORDS_MAX;
        reading.zone(zone);
    }
    for name in asked {
        if let Some(zone) = segment.find_zone(name) {
            reading.lookups(&zone, name);
        }
    }
    if is_copied {
        let breakdown = segment.breakdown();
        assert_eq!(breakdown.is_some(), segment.kind() == Kind::Zones);
    }
    if is_copied && reading.records_left > 0 && zones.len() <= ZONES_MAX {
        copy(&zones);
    }
}

/// Zones of a segment that each name is asked of: the segments of samples with more of them have them all alike.
const ZONES_MAX: usize = 3;

/// Builds a segment anew from the zones of a damaged one: that may fail, and if it doesn't, gives a sound segment.
fn copy(zones: &[Zone<'_, SegmentBuffer>]) {
    let mut writer = SegmentWriter::new(KEY);
    for zone in zones {
        if let Err(error) = writer.copy_zone(zone.id(), zone) {
            assert!(!error.to_string().is_empty());
            return;
        }
    }
    match writer.finish() {
        Ok(octets) => Segment::open(octets).expect("just written").verify().expect("just written"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Asks a generation everything that has a damaged segment as one of two layers, and a sound one as the other.
pub(crate) fn exercise_set(damaged: &Shared, other: &Shared, fellow: &Shared, is_upper: bool, asked: &[LookupName]) {
    let layer = |id: LayerId, segment: &Shared| Layer { id, segment: Arc::clone(segment) };
    let two = match is_upper {
        true => vec![layer(UPPER, damaged), layer(LayerId(2), other)],
        false => vec![layer(UPPER, other), layer(LayerId(2), damaged)],
    };
    let one = vec![layer(UPPER, fellow)];
    let (directory, stack) = match damaged.kind() {
        Kind::Zones => (one, two),
        Kind::Directory => (two, one),
    };
    let octets = damaged.len() + other.len() + fellow.len();
    let mut reading = Reading { octets, records_left: RECORDS_MAX, room: LookupName::default() };
    let set = ZoneSet::new(1, directory, vec![(GROUP, Stack::new(stack))]).expect("of one key, each of its kind");
    for name in asked {
        for (zone, is_strict) in [(set.find_zone(name), false), (set.find_zone_above(name), true)] {
            let Some(zone) = zone else { continue };
            let apex = zone.apex();
            assert!(name.name().is_at_or_below(apex), "{name:?} is answered from {apex}");
            assert!(!is_strict || apex != name.name(), "the zone above {apex} is itself");
            reading.lookups(&zone, name);
        }
        if let Some(zone) = set.zone(name.name()) {
            assert!(zone.apex() == name.name());
        }
    }
    let mut zones = 0;
    for zone in set.zones() {
        zones += 1;
        if zones <= ZONES_MAX {
            reading.zone(&zone);
        }
    }
    assert!(zones as u64 <= octets, "{zones} zones");
}

impl Reading {
    /// Reads all of a zone.
    fn zone(&mut self, zone: &Zone<'_, SegmentBuffer>) {
        check_name(zone.apex());
        assert!(!format!("{zone:?}").is_empty());
        let _: (Option<u32>, u64, u64) = (zone.serial(), zone.record_count(), zone.name_count());
        let _: (ZoneId, LayerId) = (zone.id(), zone.floor());
        if let Some(node) = zone.apex_node() {
            self.node(node);
        }
        self.hashes(zone);
        let mut nodes = 0u64;
        for node in zone.nodes() {
            nodes += 1;
            assert!(nodes <= self.octets, "more nodes than octets");
            self.node(node);
            if let Some(Nsec3::Match(owner) | Nsec3::Cover(owner)) = zone.nsec3_of(node) {
                self.node(owner);
            }
        }
    }

    /// Asks a zone everything about a name.
    fn lookups(&mut self, zone: &Zone<'_, SegmentBuffer>, name: &LookupName) {
        let find = zone.find(name);
        // A zone says nothing about other names, but must survive being asked for them.
        if name.name().is_at_or_below(zone.apex()) {
            check_find(zone, find, name);
        }
        assert!(answer_of(zone.find(name)) == answer_of(find), "{name:?}: the same question, another answer");
        let address = zone.address_node(name);
        assert!(address.is_none_or(|node| node.name() == name.name()), "{name:?}: another node's addresses");
        let predecessor = zone.predecessor(name);
        zone.prefetch_index(name);
        zone.prefetch_node(name);
        let mut place = zone.order_place(name);
        zone.order_narrow(&mut place);
        let in_batch = zone.predecessor_at(&place, name);
        assert!(in_batch.map(|node| node.name()) == predecessor.map(|node| node.name()), "{name:?}: its predecessor");
        for node in nodes_of(find).into_iter().chain(address).chain(predecessor) {
            self.node(node);
            self.targets(zone, node);
        }
    }

    /// Follows the links of an NS RRset: where they lead is what the RRset says, or nowhere.
    fn targets<'a>(&mut self, zone: &Zone<'a, SegmentBuffer>, node: Node<'a>) {
        let Some(rrset) = node.rrset(NS).filter(|_| self.records_left > 0) else { return };
        let mut targets = 0;
        for target in rrset.targets() {
            targets += 1;
            self.records_left = self.records_left.saturating_sub(1);
            check_name(target.name);
            if targets < 8
                && let Some(server) = zone.target_node(node, target, &mut self.room)
            {
                assert!(server.name() == target.name, "{} is not {}", server.name(), target.name);
            }
        }
        assert!(targets <= rrset.len());
    }

    /// Asks a zone for hashes of its NSEC3 chain: those of its nodes, and others.
    fn hashes(&mut self, zone: &Zone<'_, SegmentBuffer>) {
        for octet in [0, 0x35, 0xff] {
            match zone.nsec3(&[octet; 20]) {
                Some(Nsec3::Match(node)) => {
                    let label = node.name().labels().next().map(|label| label.to_ascii_lowercase());
                    assert_eq!(label.as_deref(), Some(label_of(&[octet; 20]).as_bytes()), "another hash");
                }
                Some(Nsec3::Cover(node)) => self.node(node),
                None => {}
            }
        }
    }

    /// Reads all of a node.
    fn node(&mut self, node: Node<'_>) {
        check_name(node.name());
        let _: [bool; 7] = [
            node.is_apex(),
            node.is_cut(),
            node.is_occluded(),
            node.owns_dname(),
            node.is_wildcard(),
            node.has_wildcard_child(),
            node.is_empty_non_terminal(),
        ];
        if self.records_left == 0 {
            return;
        }
        let mut rrsets = 0u64;
        for rrset in node.rrsets() {
            rrsets += 1;
            assert!(rrsets <= self.octets, "more RRsets than octets");
            self.records_left = self.records_left.saturating_sub(1);
            let _: (u16, u32, u32, bool) = (rrset.rtype(), rrset.ttl(), rrset.signature_ttl(), rrset.is_empty());
            let mut records = 0;
            for rdata in rrset.rdata() {
                records += 1;
                assert!(rdata.len() as u64 <= self.octets);
                self.records_left = self.records_left.saturating_sub(1);
            }
            assert!(records <= rrset.len(), "{records} records, said to be {}", rrset.len());
            assert!(rrset.len() as u64 <= self.octets, "a caller that makes room for as many fails");
            let signatures = rrset.signatures().map(|rdata| assert!(rdata.len() as u64 <= self.octets)).count();
            assert!(signatures <= rrset.signature_count(), "{signatures} signatures");
            if self.records_left == 0 {
                return;
            }
            // A search among those before it: of many, a few say as much.
            if rrsets < 8
                && let Some(found) = node.rrset(rrset.rtype())
            {
                assert_eq!(found.rtype(), rrset.rtype());
                assert!(!found.is_empty());
            }
        }
        assert!(!format!("{node:?}").is_empty());
    }
}

/// Checks that octets called a name are one.
fn check_name(name: NameRef<'_>) {
    let checked = NameRef::from_wire(name.as_wire()).expect("a name");
    assert!(checked.as_wire().len() <= NAME_OCTETS_MAX);
}

/// Checks that an answer is about the name that was asked for.
fn check_find(zone: &Zone<'_, SegmentBuffer>, find: Find<'_>, asked: &LookupName) {
    let name = asked.name();
    match find {
        Find::Name(node) => assert!(node.name() == name, "asked for {name}, found {}", node.name()),
        Find::Cut(node) | Find::Dname(node) => {
            assert!(name.is_at_or_below(node.name()), "{name} is not at or below {}", node.name());
        }
        Find::Wildcard { source, closest_encloser } => {
            assert!(name.is_at_or_below(closest_encloser.name()), "{name} below {}", closest_encloser.name());
            assert!(source.name().parent() == Some(closest_encloser.name()), "{} as a wildcard", source.name());
        }
        Find::NoName { closest_encloser } => {
            // Of a zone whose apex is not found, what stands for the apex.
            let is_apex = zone.apex_node().is_none_or(|apex| apex.name() == closest_encloser.name());
            assert!(
                is_apex || name.is_at_or_below(closest_encloser.name()),
                "{name} below {}",
                closest_encloser.name()
            );
        }
    }
}
