//! One suite of lookups, asked of a segment and of plain ordered maps: they must agree.
//!
//! `model` says what the answers are, written from the RFCs' words without any of the segment's structures; `cases` makes
//! zones and names to ask for.

mod cases;
mod layers;
mod model;
mod named;

use std::sync::Arc;

use proptest::prelude::*;
use zone_segment::{
    DirectoryEntry, DirectoryWriter, Find, GroupId, HashKey, Layer, LayerId, LookupName, Name, Node, Segment,
    SegmentBuffer, SegmentWriter, Stack, Zone, ZoneId, ZoneSet, ZoneState,
};

use cases::ZoneCase;
use model::{Answer, ModelSet, ModelZone};

/// The key of every segment here.
pub(crate) const KEY: HashKey = HashKey(*b"battery of tests");

/// A generation over buffers.
pub(crate) type Set = ZoneSet<SegmentBuffer>;

/// Opens what a writer gave.
pub(crate) fn open(octets: SegmentBuffer) -> Arc<Segment<SegmentBuffer>> {
    Arc::new(Segment::open(octets).expect("a sound segment"))
}

/// Writes zones into one segment, numbered from 0.
pub(crate) fn segment(zones: &[ZoneCase]) -> Arc<Segment<SegmentBuffer>> {
    let mut writer = SegmentWriter::new(KEY);
    for (id, zone) in zones.iter().enumerate() {
        writer.start_zone(ZoneId(id as u32), zone.apex.as_ref()).expect("a zone");
        zone.write(&mut writer);
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
fn set_of(zones: &[ZoneCase]) -> Set {
    let entries = zones.iter().enumerate().map(|(id, zone)| entry(id as u32, &zone.apex)).collect();
    let base = Layer { id: LayerId(1), segment: segment(zones) };
    let directory = Layer { id: LayerId(1), segment: directory(entries) };
    ZoneSet::new(1, vec![directory], vec![(GroupId(1), Stack::new(vec![base]))]).expect("a generation")
}

/// An answer in the model's words.
pub(crate) fn answer_of(find: Find<'_>) -> Answer {
    let name = |node: Node<'_>| node.name().to_name();
    match find {
        Find::Name(node) => Answer::Name(name(node)),
        Find::Cut(node) => Answer::Cut(name(node)),
        Find::Dname(node) => Answer::Dname(name(node)),
        Find::Wildcard { source, closest_encloser } => Answer::Wildcard(name(source), name(closest_encloser)),
        Find::NoName { closest_encloser } => Answer::NoName(name(closest_encloser)),
    }
}

/// Compares all that a zone says about one name.
fn check_name(zone: &Zone<'_, SegmentBuffer>, model: &ModelZone, name: &Name) {
    let lookup = LookupName::new(KEY, name.as_ref());
    assert_eq!(answer_of(zone.find(&lookup)), model.find(name), "{name} in {}", zone.apex());
    assert_eq!(
        zone.predecessor(&lookup).map(|node| node.name().to_name()),
        model.predecessor(name),
        "predecessor of {name} in {}",
        zone.apex()
    );
    let node = zone.address_node(&lookup).map(|node| node.name().to_name());
    assert_eq!(node, model.exists(name).then(|| name.clone()), "node of {name} in {}", zone.apex());
}

/// Compares all nodes of a zone, in order, with all they say of themselves.
fn check_nodes(zone: &Zone<'_, SegmentBuffer>, model: &ModelZone) {
    let nodes: Vec<_> = zone.nodes().collect();
    assert_eq!(nodes.iter().map(|node| node.name().to_name()).collect::<Vec<_>>(), model.names());
    assert_eq!(zone.name_count(), nodes.len() as u64);
    for node in nodes {
        let name = node.name().to_name();
        let types = model.types(&name);
        assert_eq!(node.rrsets().map(|rrset| rrset.rtype()).collect::<Vec<_>>(), types, "{name}");
        assert_eq!(node.is_apex(), name == model.apex, "{name}");
        assert_eq!(node.is_empty_non_terminal(), types.is_empty(), "{name}");
        assert_eq!(node.is_cut(), name != model.apex && types.contains(&model::NS), "{name}");
        assert_eq!(node.owns_dname(), types.contains(&model::DNAME), "{name}");
        assert_eq!(node.is_occluded(), model.is_occluded(&name), "{name}");
        assert_eq!(node.is_wildcard(), name.as_ref().is_wildcard(), "{name}");
        let child = name.prepend_label(b"*").is_ok_and(|wildcard| model.exists(&wildcard) && name != wildcard);
        assert_eq!(node.has_wildcard_child(), child, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_segment_and_an_ordered_map_agree((zones, asked) in cases::zones_and_names()) {
        let set = set_of(&zones);
        let models = ModelSet::of(&zones);
        for (zone, model) in zones.iter().zip(&models.zones) {
            check_nodes(&set.zone(zone.apex.as_ref()).expect("served"), model);
        }
        let every_name = models.zones.iter().flat_map(|zone| zone.names());
        for name in asked.into_iter().chain(every_name) {
            let lookup = LookupName::new(KEY, name.as_ref());
            let apex = |zone: Option<Zone<'_, SegmentBuffer>>| zone.map(|zone| zone.apex().to_name());
            prop_assert_eq!(apex(set.find_zone(&lookup)), models.find_zone(&name, false));
            prop_assert_eq!(apex(set.find_zone_above(&lookup)), models.find_zone(&name, true));
            // Zones above one another own the same names: ask each of them, not only the one that answers.
            for model in models.zones.iter().filter(|zone| name.is_at_or_below(zone.apex.as_ref())) {
                check_name(&set.zone(model.apex.as_ref()).expect("served"), model, &name);
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
            for (id, zone) in zones.iter().enumerate() {
                writer.start_zone(ZoneId(id as u32), zone.apex.as_ref()).expect("a zone");
                if reversed { zone.write_types_reversed(&mut writer) } else { zone.write(&mut writer) }
            }
            writer.finish().expect("a segment")
        };
        let (once, again, reversed) = (write(false), write(false), write(true));
        prop_assert_eq!(again.as_slice(), once.as_slice());
        prop_assert_eq!(reversed.as_slice(), once.as_slice());
    }
}
