//! A manifest and the records that follow it.

use super::*;
use crate::manifest::{ManifestBody, encode};

/// A manifest of generation 7, with layer 1 in group 1 and layer 2 in group 2.
fn snapshot() -> ManifestBody {
    let group = |id, layer_id| GroupEntry { id, layers: vec![layer(layer_id)] };
    ManifestBody {
        generation: 7,
        clean_stop: true,
        next_layer: 8,
        next_zone: 2,
        next_group: 3,
        groups: vec![group(1, 1), group(2, 2)],
        directory: vec![layer(3)],
        ..ManifestBody::new([7; 16], "boot".into())
    }
}

/// What is replayed of these records.
fn replayed(after: u64, records: impl IntoIterator<Item = CommitRecord>) -> Replayed {
    let (_temporary, directory) = directory();
    let mut log = CommitLog::create(&directory, 1, after).unwrap();
    for record in records {
        log.append(&record).unwrap();
    }
    replay(&directory, 1).unwrap()
}

#[test]
fn records_are_put_on_top_of_a_manifest() {
    let mut last = record(9);
    last.directory = Some(vec![layer(8), layer(3)]);
    last.groups = vec![GroupEntry { id: 2, layers: Vec::new() }, GroupEntry { id: 3, layers: vec![layer(9)] }];
    (last.zones, last.gone, last.next_group) = (Vec::new(), vec![name("EXAMPLE.com.")], 4);
    let caught_up = catch_up(snapshot(), replayed(7, [record(8), last]));
    assert_eq!(caught_up.refused, None);
    let body = &caught_up.body;
    assert_eq!((body.generation, body.next_layer, body.next_group, body.served_records), (9, 10, 4, 9));
    assert!(!body.clean_stop && encode(body).is_ok());
    let groups: Vec<_> = body.groups.iter().map(|group| (group.id, group.layers.clone())).collect();
    assert_eq!(groups, [(1, vec![layer(8), layer(1)]), (3, vec![layer(9)])]);
    assert_eq!(caught_up.directories, [(7, vec![layer(3)]), (9, body.directory.clone())]);
    assert_eq!(caught_up.stacks[&1], [(7, vec![layer(1)]), (8, vec![layer(8), layer(1)])]);
    assert_eq!(caught_up.stacks[&2], [(7, vec![layer(2)]), (9, Vec::new())]);
    assert_eq!(caught_up.stacks[&3], [(7, Vec::new()), (9, vec![layer(9)])]);
    assert_eq!(caught_up.zones.into_iter().collect::<Vec<_>>(), [(name("example.com."), None)]);
    let serials: Vec<_> = caught_up.changes.iter().flat_map(|changes| &changes.sets).map(|set| set.to).collect();
    assert_eq!(serials, [9, 10]);
}

#[test]
fn a_later_snapshot_passes_records_over() {
    let caught_up = catch_up(snapshot(), replayed(5, [record(6), record(7), record(8)]));
    assert_eq!(caught_up.refused, None);
    assert_eq!((caught_up.snapshot, caught_up.body.generation, caught_up.changes.len()), (7, 8, 1));
    assert_eq!(caught_up.stacks[&1][0], (7, vec![layer(1)]));
    let all = catch_up(snapshot(), replayed(5, [record(6)]));
    assert_eq!((all.body, all.changes.len()), (snapshot(), 0));
}

#[test]
fn logs_that_begin_too_late_are_refused() {
    let caught_up = catch_up(snapshot(), replayed(8, [record(9), record(10)]));
    let refused = caught_up.refused.unwrap();
    assert_eq!((refused.why, refused.records_lost), (ApplyError::Gap { reached: 7, after: 8 }, 1));
    assert_eq!(caught_up.body, snapshot());
    assert!(catch_up(snapshot(), replayed(8, [])).refused.is_none(), "nothing was lost");
}

#[test]
fn a_stack_is_made_anew_from_an_older_one_and_what_changed_since() {
    let mut merged = record(10);
    merged.groups[0].layers = vec![layer(10)];
    let mut rewriting = record(11);
    rewriting.rewritten = vec![name("other.")];
    let caught_up = catch_up(snapshot(), replayed(7, [record(8), record(9), merged, rewriting]));
    let rebuild = |damaged: &[u64]| caught_up.rebuild(1, |layer| !damaged.contains(&layer.id));
    let at = |generation, layers| Some((generation, layers));
    let found = |damaged: &[u64]| rebuild(damaged).map(|rebuild| (rebuild.generation, rebuild.layers.to_vec()));
    assert_eq!(found(&[]), at(11, vec![layer(11), layer(1)]));
    assert_eq!(found(&[11]), at(10, vec![layer(10)]));
    assert_eq!(found(&[11, 10, 9]), at(8, vec![layer(8), layer(1)]));
    assert_eq!(found(&[11, 10, 9, 8]), at(7, vec![layer(1)]));
    assert_eq!(found(&[10, 1]), None);
    assert!(caught_up.rebuild(2, |_| true).is_none(), "nothing changed in it");
    let later: Vec<_> = caught_up.changes_after(9).map(|(generation, set)| (generation, set.from)).collect();
    assert_eq!(later, [(10, 10), (11, 11)]);
    assert_eq!(caught_up.rewritten_after(10).into_iter().collect::<Vec<_>>(), [&name("other.")]);
    assert!(caught_up.rewritten_after(11).is_empty());
}

#[test]
fn a_group_that_was_gone_is_not_built_on() {
    let mut gone = record(8);
    gone.groups[0].layers.clear();
    let caught_up = catch_up(snapshot(), replayed(7, [gone, record(9)]));
    assert!(caught_up.rebuild(1, |layer| layer.id == 1).is_none());
    assert_eq!(caught_up.rebuild(1, |_| true).unwrap().generation, 9);
}

#[test]
fn contradictions_are_refused_and_change_nothing() {
    let faults: [fn(&mut CommitRecord); 9] = [
        |record| record.generation = 7,
        |record| record.next_layer = 7,
        |record| record.next_zone = 1,
        |record| record.next_group = 2,
        |record| record.groups[0].layers[0].id = 9,
        |record| record.groups[0].layers[0].file = "../passwd".into(),
        |record| record.directory = Some(vec![LayerEntry { file: String::new(), ..layer(2) }]),
        |record| record.groups[0].id = 3,
        |record| record.zones[0].zone = 2,
    ];
    for (number, fault) in faults.iter().enumerate() {
        let mut record = record(8);
        fault(&mut record);
        let mut body = snapshot();
        let error = apply(&mut body, &record).expect_err(&format!("fault {number}"));
        assert_eq!(body, snapshot(), "fault {number}: {error}");
    }
}

#[test]
fn a_record_that_contradicts_ends_it() {
    let mut wrong = record(9);
    wrong.groups[0].id = 77;
    let caught_up = catch_up(snapshot(), replayed(7, [record(8), wrong, record(10)]));
    let refused = caught_up.refused.unwrap();
    assert_eq!((refused.place.generation, refused.records_lost), (9, 1));
    assert_eq!((caught_up.body.generation, caught_up.changes.len()), (8, 1));
}

#[test]
fn groups_out_of_order_are_put_in_order() {
    let mut body = snapshot();
    body.groups.reverse();
    apply(&mut body, &record(8)).unwrap();
    assert_eq!(body.groups.iter().map(|group| group.id).collect::<Vec<_>>(), [1, 2]);
}
