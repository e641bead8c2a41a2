//! Several layers: of the directory, and of a group's stack; floors; what does not make a generation.

use proptest::prelude::*;
use zone_segment::{
    DirectoryEntry, GroupId, HashKey, Layer, LayerId, LookupName, Segment, SegmentWriter, Stack, ZoneId, ZoneSet,
    ZoneSetError, ZoneState,
};

use crate::cases;
use crate::model::compare::answer_of;
use crate::model::{Answer, ModelZone, NSEC};
use crate::named::name;
use crate::{KEY, Set, compare, directory, entry, segment};

/// A zone of owners with an address and an NSEC record each.
fn zone(apex: &str, owners: &[&str]) -> ModelZone {
    let mut zone = ModelZone::new(&name(apex));
    for owner in owners {
        zone.records(&name(owner), 1, 300, &[&[192, 0, 2, 1]]);
        zone.records(&name(owner), NSEC, 300, &[b"\x00"]);
    }
    zone
}

/// A zone `example.` of such owners.
fn example(owners: &[&str]) -> ModelZone {
    zone("example.", owners)
}

/// A layer.
fn layer<B>(id: u64, segment: std::sync::Arc<Segment<B>>) -> Layer<B> {
    Layer { id: LayerId(id), segment }
}

/// A stack with an old and a new layer of the zone, seen from a floor.
fn two_layers(floor: u64) -> Set {
    let old = segment(&[example(&["example.", "a.example.", "*.example.", "old.example.", "x.ent.example."])]);
    let new = segment(&[example(&["example.", "A.example.", "new.example."])]);
    let entry = DirectoryEntry { floor: LayerId(floor), ..entry(0, &name("example.")) };
    let stack = Stack::new(vec![layer(5, new), layer(2, old)]);
    ZoneSet::new(9, vec![layer(5, directory(vec![entry]))], vec![(GroupId(1), stack)]).expect("a generation")
}

/// What a set says about a name.
fn ask(set: &Set, asked: &str) -> Answer {
    let lookup = LookupName::new(KEY, name(asked).as_ref());
    answer_of(set.find_zone(&lookup).expect("served").find(&lookup))
}

#[test]
fn layers_below_the_floor_are_invisible() {
    let set = two_layers(5);
    assert_eq!(ask(&set, "new.example."), Answer::Name(name("new.example.")));
    for gone in ["old.example.", "ent.example.", "x.ent.example.", "else.example."] {
        assert_eq!(ask(&set, gone), Answer::NoName(name("example.")));
    }
    let zone = set.zone(name("example.").as_ref()).expect("served");
    assert_eq!(
        zone.nodes().map(|node| node.name().to_string()).collect::<Vec<_>>(),
        ["example.", "A.example.", "new.example."]
    );
    assert_eq!(zone.floor(), LayerId(5));
    // Above every layer: a zone without data.
    let zone = two_layers(6);
    let zone = zone.zone(name("example.").as_ref()).expect("served");
    let lookup = LookupName::new(KEY, name("a.example.").as_ref());
    assert!(zone.apex_node().is_none() && zone.serial().is_none() && zone.predecessor(&lookup).is_none());
    assert_eq!(zone.nodes().count(), 0);
    assert_eq!(answer_of(zone.find(&lookup)), Answer::NoName(name(".")));
}

#[test]
fn a_layer_with_all_of_a_zone_hides_those_below() {
    let set = two_layers(1);
    let zone = set.zone(name("example.").as_ref()).expect("served");
    assert_eq!(
        zone.nodes().map(|node| node.name().to_string()).collect::<Vec<_>>(),
        ["example.", "A.example.", "new.example."]
    );
    assert_eq!(ask(&set, "old.example."), Answer::NoName(name("example.")));
    let predecessor = |asked: &str| {
        let node = zone.predecessor(&LookupName::new(KEY, name(asked).as_ref())).expect("signed");
        node.name().to_string()
    };
    assert_eq!(predecessor("nev.example."), "A.example.");
    assert_eq!(predecessor("z.example."), "new.example.");
}

#[test]
fn the_newest_directory_entry_counts_and_a_removed_one_hides() {
    let base = segment(&[example(&["example.", "www.sub.example."]), zone("sub.example.", &["www.sub.example."])]);
    let old = vec![entry(0, &name("example.")), entry(1, &name("sub.example.")), entry(2, &name("gone."))];
    let state = |id, apex: &str, state| DirectoryEntry { state, ..entry(id, &name(apex)) };
    let new = vec![
        state(1, "sub.example.", ZoneState::Removed),
        state(0, "Example.", ZoneState::Expired),
        state(3, "broken.", ZoneState::Broken),
    ];
    let groups = || vec![(GroupId(1), Stack::new(vec![layer(1, base.clone())]))];
    let only_old = ZoneSet::new(1, vec![layer(1, directory(old.clone()))], groups()).expect("a generation");
    let www = LookupName::new(KEY, name("www.sub.example.").as_ref());
    assert_eq!(only_old.find_zone(&www).expect("served").apex().to_name(), name("sub.example."));
    assert_eq!(only_old.find_zone_above(&www).expect("served").id(), ZoneId(1));
    let sub = LookupName::new(KEY, name("sub.example.").as_ref());
    assert_eq!(only_old.find_zone_above(&sub).expect("served").id(), ZoneId(0));

    let directory = vec![layer(2, directory(new)), layer(1, directory(old))];
    let both = ZoneSet::new(2, directory, groups()).expect("a generation");
    let zone = both.find_zone(&www).expect("served");
    assert_eq!((zone.apex().to_name(), zone.state()), (name("example."), ZoneState::Expired));
    assert!(both.zone(sub.name()).is_none());
    let mut zones: Vec<_> = both.zones().map(|zone| (zone.apex().to_string(), zone.state())).collect();
    zones.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        zones,
        [
            ("Example.".to_owned(), ZoneState::Expired),
            ("broken.".to_owned(), ZoneState::Broken),
            ("gone.".to_owned(), ZoneState::Serving),
        ]
    );
    assert_eq!(both.generation(), 2);
    assert!(both.find_zone(&LookupName::new(KEY, name("test.").as_ref())).is_none());
}

#[test]
fn one_segment_answers_by_itself_too() {
    let segment = segment(&[example(&["a.example."]), ModelZone::new(&name("."))]);
    let lookup = LookupName::new(KEY, name("b.a.example.").as_ref());
    let zone = segment.find_zone(&lookup).expect("there");
    assert_eq!(zone.apex().to_name(), name("example."));
    assert_eq!(answer_of(zone.find(&lookup)), Answer::NoName(name("a.example.")));
    let other = LookupName::new(KEY, name("test.").as_ref());
    assert!(segment.find_zone(&other).expect("the root").apex().is_root());
    assert_eq!(segment.statistics().zones, 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// As the builder makes them: each layer has some of the zones whole, and a zone's floor is the layer it was loaded in last.
    #[test]
    fn a_stack_of_layers_and_an_ordered_map_agree(
        (zones, asked) in cases::zones_and_names(),
        stale in cases::zones(),
        loaded in prop::collection::vec(0usize..4, 4),
        visible in prop::collection::vec(any::<bool>(), 4),
    ) {
        let layers = (0..4usize).rev().map(|depth| {
            let mut writer = SegmentWriter::new(KEY);
            for (id, zone) in zones.iter().enumerate() {
                // Below the layer that counts there is what the zone was before, if it was there at all.
                let before = stale.iter().find(|stale| stale.apex == zone.apex);
                match depth.cmp(&loaded[id]) {
                    std::cmp::Ordering::Equal => zone.write(&mut writer, ZoneId(id as u32)),
                    std::cmp::Ordering::Less => before.into_iter().for_each(|zone| zone.write(&mut writer, ZoneId(id as u32))),
                    std::cmp::Ordering::Greater => {}
                }
            }
            layer(depth as u64 + 1, crate::open(writer.finish().expect("a segment")))
        });
        let entries = zones.iter().enumerate().map(|(id, zone)| {
            // A zone that was never there before may be seen from below, too.
            let is_stale = stale.iter().any(|stale| stale.apex == zone.apex);
            let floor = if visible[id] && !is_stale { 1 } else { loaded[id] as u64 + 1 };
            DirectoryEntry { floor: LayerId(floor), ..entry(id as u32, &zone.apex) }
        });
        let directory = vec![layer(9, directory(entries.collect()))];
        let stack = Stack::new(layers.collect());
        let set = ZoneSet::new(3, directory, vec![(GroupId(1), stack)]).expect("a generation");
        compare(&set, &zones, asked);
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let zones = || segment(&[example(&["example."])]);
    let entries = || directory(vec![entry(0, &name("example."))]);
    let refused = |directory, groups| ZoneSet::new(1, directory, groups).expect_err("refused");
    let base = |layers| vec![(GroupId(1), Stack::new(layers))];
    let error = refused(vec![layer(1, zones())], vec![]);
    assert!(matches!(error, ZoneSetError::Kind { .. }));
    assert_eq!(error.to_string(), "layer 1: expected a segment of kind directory, found zones");
    let error = refused(vec![layer(1, entries())], base(vec![layer(1, entries())]));
    assert!(matches!(error, ZoneSetError::Kind { .. }));
    let error = refused(vec![layer(1, entries()), layer(1, entries())], vec![]);
    assert!(matches!(error, ZoneSetError::NotNewestFirst { .. }));
    let many = (0..9).rev().map(|id| layer(id, entries())).collect();
    assert_eq!(refused(many, vec![]), ZoneSetError::TooManyLayers { expected_max: 8, found: 9 });
    let twice = [base(vec![layer(1, zones())]), base(vec![layer(1, zones())])].concat();
    assert_eq!(refused(vec![], twice), ZoneSetError::GroupTwice { group: GroupId(1) });
    assert_ne!(KEY, HashKey([0; 16]));
    let other = crate::open(SegmentWriter::new(HashKey([0; 16])).finish().expect("an empty segment"));
    let error = refused(vec![layer(1, entries())], base(vec![layer(4, other)]));
    assert_eq!(error, ZoneSetError::KeyDiffers { layer: LayerId(4) });
}
