//! Changes above a base, in deltas that are stacked, folded and merged at random: what a reader finds is what it would find in a segment of the
//! zone as it is by then.
//!
//! `TRINE_CHANGE_SEQUENCES=100000 cargo test --release --package zone-segment --test battery -- changes` runs so many sequences.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use zone_segment::{
    GroupId, Layer, LayerId, LookupName, Name, OwnedRecord, Segment, SegmentBuffer, SegmentBuilder, Stack, Zone,
    ZoneChanges, ZoneId, ZoneSet,
};

use crate::model::{ModelNode, ModelZone, RRSIG, SOA, soa};
use crate::{KEY, Set, cases, compare, directory, entry, open, segment};

/// What becomes of the layers after a change.
#[derive(Clone, Copy, Debug)]
enum Upkeep {
    /// The delta is put on top.
    Push,
    /// The newest deltas, as many as this, are folded into it.
    Fold(usize),
    /// It is put on top; then deltas from one depth on, as many as this, are merged into one.
    Merge(usize, usize),
    /// The same, while one more delta comes on top.
    MergeOvertaken(usize, usize),
    /// It is put on top; then all are merged into a base.
    MergeAll,
}

/// One step: what owners own from then on, by what another zone has there; how the layers are kept; and whether what is kept in memory is
/// made anew.
#[derive(Clone, Debug)]
struct Step {
    /// The zone that owners are taken from.
    from: ModelZone,
    /// Which owners of both zones are to be as there: a bit for each.
    which: Vec<bool>,
    /// Layers.
    upkeep: Upkeep,
    /// Anew.
    is_anew: bool,
}

/// Owners of a zone: few, so that there is time for many sequences.
const OWNERS: usize = 20;

/// Upkeep.
fn upkeep() -> impl Strategy<Value = Upkeep> {
    prop_oneof![
        3 => Just(Upkeep::Push),
        2 => (1usize..4).prop_map(Upkeep::Fold),
        2 => (0usize..4, 2usize..4).prop_map(|(from, count)| Upkeep::Merge(from, count)),
        1 => (0usize..4, 2usize..4).prop_map(|(from, count)| Upkeep::MergeOvertaken(from, count)),
        1 => Just(Upkeep::MergeAll),
    ]
}

/// A zone, and steps from it.
fn sequences() -> impl Strategy<Value = (ModelZone, Vec<Step>, Vec<Name>)> {
    let apex = prop::sample::select(vec![".", "a.", "b.A.", "*.a."]);
    apex.prop_flat_map(|apex| {
        let apex: Name = apex.parse().expect("a name");
        let which = prop_oneof![
            4 => prop::collection::vec(prop::bool::weighted(0.1), 160),
            1 => prop::collection::vec(prop::bool::weighted(0.7), 160),
        ];
        let step = (cases::zone_of(apex.clone(), OWNERS, 0.0005), which, upkeep(), any::<bool>());
        let step = step.prop_map(|(from, which, upkeep, is_anew)| Step { from, which, upkeep, is_anew });
        (cases::zone_of(apex.clone(), OWNERS, 0.0005), prop::collection::vec(step, 1..8), cases::names(apex))
    })
}

/// The records of a node, as owners are given them.
fn records(node: &ModelNode) -> Vec<OwnedRecord> {
    let record = |rtype, ttl, rdata: &Vec<u8>| OwnedRecord { rtype, ttl, rdata: rdata.as_slice().into() };
    let mut records = Vec::new();
    for (rtype, rrset) in &node.rrsets {
        records.extend(rrset.records.iter().map(|rdata| record(*rtype, rrset.ttl, rdata)));
        records.extend(rrset.signatures.iter().map(|rdata| record(RRSIG, rrset.signature_ttl, rdata)));
    }
    records
}

/// Puts what a node owns into a zone.
fn put(zone: &mut ModelZone, node: &ModelNode) {
    for (rtype, rrset) in &node.rrsets {
        if !rrset.records.is_empty() {
            let rdata: Vec<&[u8]> = rrset.records.iter().map(Vec::as_slice).collect();
            zone.records(&node.name, *rtype, rrset.ttl, &rdata);
        }
        for signature in &rrset.signatures {
            zone.signature(&node.name, *rtype, rrset.signature_ttl, &signature[2..]);
        }
    }
}

/// The zone after a step, and what its owners own by then.
fn after(before: &ModelZone, step: &Step, serial: u32) -> (ModelZone, BTreeMap<Name, Vec<OwnedRecord>>) {
    let names = before.nodes().chain(step.from.nodes()).map(|node| node.name.clone());
    let names: std::collections::BTreeSet<Name> = names.collect();
    let mut bits = step.which.iter().cycle();
    let changed: std::collections::BTreeSet<Name> =
        names.into_iter().filter(|name| *bits.next().expect("endless") || *name == before.apex).collect();
    let mut zone = ModelZone::new(&before.apex);
    before.nodes().filter(|node| !changed.contains(&node.name)).for_each(|node| put(&mut zone, node));
    let taken = changed.iter().filter_map(|name| step.from.node(name));
    taken.filter(|node| node.name != before.apex).for_each(|node| put(&mut zone, node));
    // Another serial with each change; the apex has what it had otherwise, or what it has there.
    let source = if step.which[0] { &step.from } else { before };
    let mut apex = source.node(&before.apex).expect("a zone has an apex").clone();
    apex.rrsets.remove(&SOA);
    zone.records(&before.apex, SOA, 60, &[&soa(serial)]);
    put(&mut zone, &apex);
    let owners = changed.into_iter().map(|name| match zone.node(&name) {
        Some(node) => (node.name.clone(), records(node)),
        None => (name, Vec::new()),
    });
    let owners = owners.collect();
    (zone, owners)
}

/// Layers of one zone, newest first.
struct Layers {
    /// They.
    layers: Vec<Layer<SegmentBuffer>>,
    /// The next one's number.
    next: u64,
}

/// Numbers between a layer and the next, for those that are merged.
const ROOM: u64 = 100;

/// The zone's number.
const ID: ZoneId = ZoneId(0);

impl Layers {
    /// A generation of them.
    fn set(&self, before: Option<&Set>, apex: &Name) -> Set {
        let directory = vec![Layer { id: LayerId(1), segment: directory(vec![entry(0, apex)]) }];
        let groups = vec![(GroupId(1), Stack::new(self.layers.clone()))];
        ZoneSet::after(before, self.next, directory, groups).expect("a generation")
    }

    /// A layer of what was built.
    fn layer(&mut self, builder: SegmentBuilder<'_>) -> Layer<SegmentBuffer> {
        self.next += ROOM;
        Layer { id: LayerId(self.next), segment: open(builder.into_buffer().expect("a segment")) }
    }

    /// A layer of changes.
    fn delta(&mut self, changes: ZoneChanges) -> Layer<SegmentBuffer> {
        let mut builder = SegmentBuilder::new(KEY);
        builder.changes(ID, changes).expect("one zone");
        self.layer(builder)
    }

    /// How many layers above the base have changes.
    fn deltas(&self) -> usize {
        let is_delta = |layer: &&Layer<SegmentBuffer>| layer.segment.changed_zones().next().is_some();
        self.layers.iter().take_while(is_delta).count()
    }

    /// Some deltas as one.
    fn merged(&self, depths: std::ops::Range<usize>) -> ZoneChanges {
        let segments: Vec<&Arc<Segment<SegmentBuffer>>> =
            self.layers[depths].iter().map(|layer| &layer.segment).collect();
        let mut changes = ZoneChanges::of_segment(segments[0], ID).expect("changes");
        segments[1..].iter().for_each(|older| changes.fold(older, ID));
        changes
    }

    /// Merges deltas from one depth on; those on top stay.
    fn merge(&mut self, from: usize, count: usize) {
        let deltas = self.deltas();
        let from = from.min(deltas.saturating_sub(2));
        let depths = from..(from + count).min(deltas);
        if depths.len() < 2 {
            return;
        }
        let mut layer = self.delta(self.merged(depths.clone()));
        // Between those above, which have later numbers, and those that it is made of; no number is ever used again.
        layer.id = LayerId(self.layers[depths.start].id.0 + 1);
        self.layers.splice(depths, [layer]);
    }
}

/// Runs a sequence.
fn run(mut zone: ModelZone, steps: Vec<Step>, asked: Vec<Name>) {
    let mut layers = Layers { layers: vec![Layer { id: LayerId(1), segment: segment(&[zone.clone()]) }], next: 2 };
    let mut set = layers.set(None, &zone.apex);
    for (serial, step) in (100..).zip(steps) {
        let (next, owners) = after(&zone, &step, serial);
        let changes = {
            let served = set.zone(zone.apex.as_ref()).expect("served");
            let changes = ZoneChanges::new(&served, &owners).expect("in the zone");
            changes.fits(&served).then_some(changes)
        };
        zone = next;
        let mut folded = 0;
        let layer = match changes {
            Some(mut changes) => {
                if let Upkeep::Fold(count) = step.upkeep {
                    folded = count.min(layers.deltas());
                    layers.layers[..folded].iter().for_each(|older| changes.fold(&older.segment, ID));
                }
                layers.delta(changes)
            }
            // Another NSEC3 chain: written whole, which hides all below.
            None => {
                layers.next += ROOM;
                Layer { id: LayerId(layers.next), segment: segment(&[zone.clone()]) }
            }
        };
        layers.layers.splice(..folded, [layer]);
        match step.upkeep {
            Upkeep::Push | Upkeep::Fold(_) => {}
            Upkeep::Merge(from, count) => layers.merge(from, count),
            Upkeep::MergeOvertaken(from, count) => layers.merge(from.max(1), count),
            Upkeep::MergeAll => {}
        }
        // A stack has no more layers than a reader takes.
        if matches!(step.upkeep, Upkeep::MergeAll) || layers.layers.len() > 7 {
            let whole = layers.set(None, &zone.apex);
            let mut builder = SegmentBuilder::new(KEY);
            builder.copy_zone(ID, &whole.zone(zone.apex.as_ref()).expect("served")).expect("one zone");
            let base = layers.layer(builder);
            assert_eq!(base.segment.zones().map(|zone| zone.name_count()).sum::<u64>(), zone.nodes().count() as u64);
            layers.layers = vec![base];
        }
        set = layers.set(Some(&set).filter(|_| !step.is_anew), &zone.apex);
        compare(&set, &[zone.clone()], asked.clone());
    }
}

/// How many sequences: as many as asked for.
fn sequence_count() -> u32 {
    std::env::var("TRINE_CHANGE_SEQUENCES").ok().and_then(|count| count.parse().ok()).unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: sequence_count(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stack_of_changes_says_what_the_whole_zone_would((zone, steps, asked) in sequences()) {
        run(zone, steps, asked);
    }
}

/// Owners and what they own.
fn owned(owner: &str, rtype: u16, rdata: &[u8]) -> (Name, Vec<OwnedRecord>) {
    (owner.parse().expect("a name"), vec![OwnedRecord { rtype, ttl: 300, rdata: rdata.into() }])
}

/// What a set's only zone says of a name, in words.
fn said(zone: &Zone<'_, SegmentBuffer>, name: &str) -> String {
    let name: Name = name.parse().expect("a name");
    format!("{:?}", crate::model::compare::answer_of(zone.find(&LookupName::new(KEY, name.as_ref()))))
}

#[test]
fn b41_what_is_written_is_in_proportion_to_the_change() {
    let apex: Name = "example.".parse().expect("a name");
    let mut zone = ModelZone::new(&apex);
    zone.records(&apex, SOA, 60, &[&soa(1)]);
    for number in 0..100_000 {
        let owner: Name = format!("d{number}.sub.example.").parse().expect("a name");
        zone.records(&owner, 2, 300, &[b"\x02ns\x07example\x00"]);
    }
    zone.records(&"ns.example.".parse().expect("a name"), 1, 300, &[&[192, 0, 2, 1]]);
    let mut layers = Layers { layers: vec![Layer { id: LayerId(1), segment: segment(&[zone.clone()]) }], next: 2 };
    let mut set = layers.set(None, &apex);
    let steps = [
        // An address that all delegations use, a cut above all of them, a DNAME record in its place, and nothing of it again.
        (owned("ns.example.", 1, &[192, 0, 2, 2]), "Cut(d7.sub.example.)"),
        (owned("sub.example.", 2, b"\x02ns\x07example\x00"), "Cut(sub.example.)"),
        (owned("sub.example.", 39, b"\x04test\x00"), "Dname(sub.example.)"),
        ((owned("sub.example.", 1, b"").0, Vec::new()), "Cut(d7.sub.example.)"),
    ];
    for (step, expected) in steps {
        let changes = {
            let served = set.zone(apex.as_ref()).expect("served");
            ZoneChanges::new(&served, &BTreeMap::from([step])).expect("in the zone")
        };
        let delta = layers.delta(changes);
        assert!(delta.segment.len() <= 16 << 10, "{} octets", delta.segment.len());
        layers.layers.insert(0, delta);
        set = layers.set(Some(&set), &apex);
        let served = set.zone(apex.as_ref()).expect("served");
        let found = said(&served, "x.d7.sub.example.");
        assert_eq!(found.replace("Name { wire: ", ""), found);
        assert!(said(&served, "x.d7.sub.example.").contains(&expected[..3]), "{found}: {expected}");
    }
    assert!(set.private_octets() < 64 << 10, "{} octets", set.private_octets());
}
