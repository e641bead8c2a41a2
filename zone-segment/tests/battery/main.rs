//! One suite of lookups, asked of a segment and of plain ordered maps: they must agree.
//!
//! `model` says what the answers are, written from the RFCs' words without any of the segment's structures; `cases` makes
//! zones and names to ask for; `limits` has what is too large to be made at random.

mod cases;
mod changes;
mod layers;
mod limits;
#[path = "../model/mod.rs"]
mod model;
mod named;

use std::sync::Arc;

use proptest::prelude::*;
use zone_segment::{
    DirectoryEntry, DirectoryWriter, GroupId, HashKey, Layer, LayerId, LookupName, Name, Segment, SegmentBuffer,
    SegmentWriter, Stack, Zone, ZoneId, ZoneSet, ZoneState,
};

use model::ModelZone;
use model::compare::{compare_batch, compare_hashes, compare_name, compare_zone};

/// The key of every segment here.
pub(crate) const KEY: HashKey = HashKey(*b"battery of tests");

/// A generation over buffers.
pub(crate) type Set = ZoneSet<SegmentBuffer>;

/// Opens what a writer gave.
pub(crate) fn open(octets: SegmentBuffer) -> Arc<Segment<SegmentBuffer>> {
    Arc::new(Segment::open(octets).expect("a sound segment"))
}

/// Writes zones into one segment, numbered from 0.
pub(crate) fn segment(zones: &[ModelZone]) -> Arc<Segment<SegmentBuffer>> {
    let mut writer = SegmentWriter::new(KEY);
    for (id, zone) in zones.iter().enumerate() {
        zone.write(&mut writer, ZoneId(id as u32));
    }
    open(writer.finish().expect("a segment"))
}

/// A directory of entries.
pub(crate) fn directory(entries: Vec<DirectoryEntry>) -> Arc<Segment<SegmentBuffer>> {
    let mut writer = DirectoryWriter::new(KEY);
    entries.into_iter().for_each(|entry| writer.entry(entry));
    open(writer.finish().expect("a directory"))
}

/// A served zone of group 1, visible from layer 1 on.
pub(crate) fn entry(id: u32, apex: &Name) -> DirectoryEntry {
    DirectoryEntry {
        apex: apex.clone(),
        group: GroupId(1),
        zone: ZoneId(id),
        state: ZoneState::Serving,
        floor: LayerId(1),
    }
}

/// A generation of one segment.
fn set_of(zones: &[ModelZone]) -> Set {
    let entries = zones.iter().enumerate().map(|(id, zone)| entry(id as u32, &zone.apex)).collect();
    let base = Layer { id: LayerId(1), segment: segment(zones) };
    let directory = Layer { id: LayerId(1), segment: directory(entries) };
    ZoneSet::new(1, vec![directory], vec![(GroupId(1), Stack::new(vec![base]))]).expect("a generation")
}

/// The apex with most labels at or above a name, or strictly above it.
fn longest_apex(zones: &[ModelZone], name: &Name, is_strict: bool) -> Option<Name> {
    let apexes = zones.iter().map(|zone| &zone.apex);
    let above = apexes.filter(|apex| name.is_at_or_below(apex.as_ref()) && !(is_strict && *apex == name));
    above.max_by_key(|apex| apex.label_count()).cloned()
}

/// Compares all that a generation says of its zones and of names.
fn compare(set: &Set, zones: &[ModelZone], asked: Vec<Name>) {
    let every_name = zones.iter().flat_map(|zone| zone.nodes()).map(|node| node.name.clone());
    let names: Vec<Name> = asked.into_iter().chain(every_name).collect();
    let lookups: Vec<LookupName> = names.iter().map(|name| LookupName::new(KEY, name.as_ref())).collect();
    let apex = |zone: Option<Zone<'_, SegmentBuffer>>| zone.map(|zone| zone.apex().to_name());
    for (name, lookup) in names.iter().zip(&lookups) {
        assert_eq!(apex(set.find_zone(lookup)), longest_apex(zones, name, false));
        assert_eq!(apex(set.find_zone_above(lookup)), longest_apex(zones, name, true));
    }
    // Zones above one another own the same names: ask each of them, not only the one that answers.
    for model in zones {
        let zone = set.zone(model.apex.as_ref()).expect("served");
        compare_zone(&zone, model);
        compare_hashes(&zone, model);
        let is_below = |name: &Name| name.is_at_or_below(model.apex.as_ref());
        let of_zone: Vec<(&Name, &LookupName)> =
            names.iter().zip(&lookups).filter(|(name, _)| is_below(name)).collect();
        of_zone.iter().for_each(|(name, lookup)| compare_name(&zone, model, name, lookup));
        compare_batch(&zone, &of_zone.into_iter().map(|(_, lookup)| lookup.clone()).collect::<Vec<_>>());
    }
}

/// Writes zones with the types of each owner from the last to the first.
fn write_types_reversed(zones: &[ModelZone], writer: &mut SegmentWriter) {
    for (id, zone) in zones.iter().enumerate() {
        writer.start_zone(ZoneId(id as u32), zone.apex.as_ref()).expect("a zone");
        for node in zone.nodes() {
            for (&rtype, rrset) in node.rrsets.iter().rev() {
                for signature in &rrset.signatures {
                    writer
                        .rrset(node.name.as_ref(), model::RRSIG, rrset.signature_ttl, &[signature])
                        .expect("a signature");
                }
                let records: Vec<&[u8]> = rrset.records.iter().map(Vec::as_slice).collect();
                writer.rrset(node.name.as_ref(), rtype, rrset.ttl, &records).expect("an RRset");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_segment_and_an_ordered_map_agree((zones, asked) in cases::zones_and_names()) {
        compare(&set_of(&zones), &zones, asked);
    }

    #[test]
    fn one_segment_by_itself_and_an_ordered_map_agree((zones, asked) in cases::zones_and_names()) {
        let segment = segment(&zones);
        for name in &asked {
            // Prepared under another key a name is found all the same.
            for key in [KEY, HashKey::default()] {
                let lookup = LookupName::new(key, name.as_ref());
                let zone = segment.find_zone(&lookup);
                prop_assert_eq!(zone.map(|zone| zone.apex().to_name()), longest_apex(&zones, name, false));
                let Some(zone) = zone else { continue };
                compare_name(&zone, &zones[zone.id().0 as usize], name, &lookup);
            }
        }
    }

    #[test]
    fn a_zone_copied_out_of_a_segment_is_the_same(zones in cases::zones()) {
        let segment = segment(&zones);
        let mut writer = SegmentWriter::new(KEY);
        for zone in segment.zones() {
            writer.copy_zone(zone.id(), &zone).expect("copied");
        }
        let copy = open(writer.finish().expect("a segment"));
        prop_assert_eq!(copy.content_hash(), segment.content_hash());
        prop_assert_eq!(copy.statistics(), segment.statistics());
    }

    #[test]
    fn the_same_input_gives_the_same_octets(zones in cases::zones()) {
        let write = |reversed: bool| {
            let mut writer = SegmentWriter::new(KEY);
            match reversed {
                true => write_types_reversed(&zones, &mut writer),
                false => zones.iter().zip(0..).for_each(|(zone, id)| zone.write(&mut writer, ZoneId(id))),
            }
            writer.finish().expect("a segment")
        };
        let (once, again, reversed) = (write(false), write(false), write(true));
        prop_assert_eq!(again.as_slice(), once.as_slice());
        prop_assert_eq!(reversed.as_slice(), once.as_slice());
    }
}
