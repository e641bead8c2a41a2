//! Appending, syncing, going on, and reading back what was appended.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};

use proptest::prelude::*;

use super::*;

#[test]
fn what_was_appended_is_replayed_from_log_to_log() {
    let (_temporary, directory) = directory();
    let log = log_of(&directory, 4, 7, [8, 10]);
    let place = log.octets();
    let mut next = log.rotate().unwrap();
    assert_eq!((next.number(), next.generation(), log.generation()), (5, 10, 10));
    next.append(&record(11)).unwrap();
    let replayed = replay(&directory, 4).unwrap();
    assert!(replayed.torn.is_none(), "{:?}", replayed.torn);
    assert_eq!((replayed.after_generation, replayed.next_log), (Some(7), 6));
    let records: Vec<_> = replayed.records.iter().map(|(_, record)| record.clone()).collect();
    assert_eq!(records, [record(8), record(10), record(11)]);
    let (last, first) = (replayed.records[1].0, replayed.records[2].0);
    assert_eq!((last.log, last.offset + last.length), (4, place));
    assert_eq!((first.log, first.offset, first.generation), (5, 64, 11));
    assert_eq!(generations(&replay(&directory, 5).unwrap()), [11]);
    let mode = fs::metadata(directory.commit_log(4)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_record_is_some_hundred_octets() {
    let (_temporary, directory) = directory();
    let place = CommitLog::create(&directory, 1, 0).unwrap().append(&record(1)).unwrap();
    assert!(place.length < 280, "{} octets", place.length);
}

#[test]
fn generations_only_rise() {
    let (_temporary, directory) = directory();
    let mut log = log_of(&directory, 1, 7, [8]);
    for generation in [0, 7, 8] {
        let error = log.append(&record(generation)).unwrap_err();
        assert!(matches!(error, LogError::Order { after: 8, got } if got == generation), "{error}");
    }
    log.append(&record(9)).unwrap();
    assert_eq!(generations(&replay(&directory, 1).unwrap()), [8, 9]);
}

#[test]
fn a_log_that_is_there_is_not_begun_anew() {
    let (_temporary, directory) = directory();
    log_of(&directory, 1, 0, [1]);
    let error = CommitLog::create(&directory, 1, 0).unwrap_err();
    assert!(matches!(error, LogError::File { step: LogStep::Create, .. }), "{error}");
    assert_eq!(generations(&replay(&directory, 1).unwrap()), [1]);
}

#[test]
fn a_log_is_gone_on_with_and_what_was_cut_short_is_cut_off() {
    let (_temporary, directory) = directory();
    let log = log_of(&directory, 1, 0, [1, 2, 3]);
    let path = directory.commit_log(1);
    let octets = fs::read(&path).unwrap();
    fs::write(&path, &octets[..octets.len() - 5]).unwrap();
    let torn = replay(&directory, 1).unwrap().torn.unwrap();
    assert!(torn.is_tail() && matches!(torn.why, TornWhy::Cut { .. }), "{torn}");
    drop(log);
    let mut log = CommitLog::open(&directory, 1).unwrap();
    assert_eq!((log.generation(), log.octets()), (2, torn.offset));
    assert_eq!(fs::metadata(&path).unwrap().len(), torn.offset);
    log.append(&record(4)).unwrap();
    let replayed = replay(&directory, 1).unwrap();
    assert!(replayed.torn.is_none());
    assert_eq!(generations(&replayed), [1, 2, 4]);
}

#[test]
fn a_log_that_is_damaged_in_the_middle_is_not_gone_on_with() {
    let (_temporary, directory) = directory();
    let log = log_of(&directory, 1, 0, [1, 2, 3]);
    let place = replay(&directory, 1).unwrap().records[1].0;
    let file = fs::OpenOptions::new().write(true).open(directory.commit_log(1)).unwrap();
    file.write_all_at(b"?", place.offset + 60).unwrap();
    let Err(LogError::Damaged(torn)) = CommitLog::open(&directory, 1) else { panic!("it was opened") };
    assert!(!torn.is_tail() && torn.records_lost == 1 && torn.offset == place.offset, "{torn}");
    assert_eq!(fs::metadata(directory.commit_log(1)).unwrap().len(), log.octets(), "it is left as it is");
    assert!(matches!(CommitLog::open(&directory, 2), Err(LogError::Damaged(torn)) if torn.why == TornWhy::Missing));
}

#[test]
fn what_is_left_behind_the_end_is_never_a_record() {
    let (_temporary, directory) = directory();
    let mut log = log_of(&directory, 1, 0, [1]);
    // What a write leaves that failed half way, and could not be taken back.
    let file = fs::OpenOptions::new().write(true).open(directory.commit_log(1)).unwrap();
    file.write_all_at(&[0x5a; 4000], log.octets()).unwrap();
    log.append(&record(2)).unwrap();
    let replayed = replay(&directory, 1).unwrap();
    assert_eq!(generations(&replayed), [1, 2]);
    assert!(replayed.torn.is_some_and(|torn| torn.is_tail() && torn.why == TornWhy::NotRecord));
}

#[test]
fn a_record_of_another_life_is_none_of_ours() {
    let (_temporary, other) = directory();
    let (_kept, directory) = directory();
    let theirs = log_of(&other, 1, 0, [1, 2]);
    let ours = log_of(&directory, 1, 0, [1]);
    assert!(theirs.octets() > ours.octets());
    let stale = fs::read(other.commit_log(1)).unwrap();
    let file = fs::OpenOptions::new().write(true).open(directory.commit_log(1)).unwrap();
    let end = usize::try_from(ours.octets()).unwrap();
    file.write_all_at(&stale[end..], ours.octets()).unwrap();
    let replayed = replay(&directory, 1).unwrap();
    assert_eq!(generations(&replayed), [1]);
    let torn = replayed.torn.unwrap();
    assert!(torn.is_tail() && matches!(torn.why, TornWhy::Checksum { .. }), "{torn}");
}

#[test]
fn a_log_whose_manifest_was_not_written_is_removed() {
    let (_temporary, directory) = directory();
    let log = log_of(&directory, 1, 0, [1]);
    let next = log.rotate().unwrap();
    next.discard().unwrap();
    assert_eq!(directory.commit_logs().unwrap(), [1]);
    log.rotate().unwrap();
}

#[test]
fn names_that_are_no_numbers_are_no_logs() {
    let (_temporary, directory) = directory();
    for name in ["1", "000000000000000a", "000000000000000A", "0000000000000002", "+000000000000003", "x"] {
        fs::write(directory.commits().join(name), b"").unwrap();
    }
    assert_eq!(directory.commit_logs().unwrap(), [2, 10]);
    assert!(StateDir::new("/nonexistent").commit_logs().unwrap().is_empty());
}

#[test]
fn one_sync_is_enough_for_all_that_came_before() {
    let (_temporary, directory) = directory();
    let mut log = CommitLog::create(&directory, 1, 0).unwrap();
    let sync = log.sync();
    sync.sync().unwrap();
    assert_eq!(sync.syncs(), 0, "nothing was appended");
    for generation in 1..=50 {
        log.append(&record(generation)).unwrap();
    }
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let sync = sync.clone();
            scope.spawn(move || sync.sync().unwrap());
        }
    });
    assert_eq!(sync.syncs(), 1);
    log.append(&record(51)).unwrap();
    sync.sync().unwrap();
    assert_eq!(log.sync().syncs(), 2);
}

#[test]
fn a_directory_that_is_no_log_is_an_error_not_damage() {
    let (_temporary, directory) = directory();
    fs::create_dir(directory.commit_log(1)).unwrap();
    let error = replay(&directory, 1).unwrap_err();
    assert_eq!(error.path, directory.commit_log(1));
}

/// Names of a few labels with octets of any kind.
fn any_name() -> impl Strategy<Value = Name> {
    let label = proptest::collection::vec(any::<u8>(), 1..12);
    proptest::collection::vec(label, 0..5).prop_map(|labels| {
        let labels: Vec<&[u8]> = labels.iter().map(Vec::as_slice).collect();
        Name::from_labels(labels, Name::root().as_ref()).unwrap()
    })
}

/// Records, of which some have the owner of the one before.
fn any_records() -> impl Strategy<Value = Vec<ChangedRecord>> {
    let rdata = proptest::collection::vec(any::<u8>(), 0..40);
    let record = (any_name(), any::<u16>(), any::<u32>(), rdata, any::<bool>());
    proptest::collection::vec(record, 0..8).prop_map(|records| {
        let mut previous = None;
        let made = records.into_iter().map(|(owner, rtype, ttl, rdata, is_same)| {
            let owner = previous.take().filter(|_| is_same).unwrap_or(owner);
            previous = Some(owner.clone());
            ChangedRecord { owner, rtype: Rtype(rtype), ttl, rdata: rdata.into() }
        });
        made.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_record_comes_back_with_its_case(
        sets in proptest::collection::vec((any_name(), any::<u32>(), any::<u32>(), any_records(), any_records()), 0..4),
        rewritten in proptest::collection::vec(any_name(), 0..3),
        hash: u128,
        generation in 1..u64::MAX,
    ) {
        let (_temporary, directory) = directory();
        let sets = sets.into_iter().map(|(apex, from, to, removed, added)| ChangeSet { apex, from, to, removed, added });
        let mut record = CommitRecord { generation, changes: sets.collect(), rewritten, ..record(3) };
        record.groups[0].layers[0].content_hash = hash;
        CommitLog::create(&directory, 1, 0).unwrap().append(&record).unwrap();
        let [(_, read)] = replay(&directory, 1).unwrap().records.try_into().unwrap();
        prop_assert_eq!(&read, &record);
        let owners = |record: &CommitRecord| -> Vec<Vec<u8>> {
            let sets = record.changes.iter();
            sets.flat_map(|set| set.removed.iter().chain(&set.added)).map(|record| record.owner.as_wire().to_vec()).collect()
        };
        prop_assert_eq!(owners(&read), owners(&record), "names are equal whatever their case");
    }
}
