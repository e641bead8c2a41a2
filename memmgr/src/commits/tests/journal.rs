//! What the journal finds, and what it does not.

use std::fs;

use proptest::prelude::*;

use super::*;

/// A record that has these change sets alone.
fn with_sets(generation: u64, changes: Vec<ChangeSet>) -> CommitRecord {
    CommitRecord { changes, ..record(generation) }
}

/// The serials of the sets that lead from one to the other.
fn chain(journal: &mut Journal, from: u32, to: u32, until: u64) -> Option<Vec<u32>> {
    let sets = journal.between(&name("example.com."), from, to, until).unwrap()?;
    Some(sets.iter().map(|set| set.to).collect())
}

#[test]
fn change_sets_are_found_over_logs_and_as_they_are_appended() {
    let (_temporary, directory) = directory();
    let log = log_of(&directory, 1, 0, [1, 2]);
    let mut journal = Journal::new(directory.clone());
    assert_eq!(chain(&mut journal, 1, 3, 2), Some(vec![2, 3]));
    assert_eq!(chain(&mut journal, 2, 3, 2), Some(vec![3]));
    assert_eq!(chain(&mut journal, 3, 3, 2), Some(Vec::new()));
    let mut log = log.rotate().unwrap();
    log.append(&record(3)).unwrap();
    log.append(&record(4)).unwrap();
    assert_eq!(chain(&mut journal, 1, 5, 4), Some(vec![2, 3, 4, 5]));
    log.append(&record(5)).unwrap();
    assert_eq!(chain(&mut journal, 1, 5, 4), Some(vec![2, 3, 4, 5]), "what is not given away is not looked at");
    assert_eq!(chain(&mut journal, 0, 5, 4), None);
    assert_eq!(chain(&mut journal, 1, 7, 9), None, "the zone is not where the journal says");
    assert_eq!(journal.between(&name("other."), 1, 2, 9).unwrap(), None);
    let places = journal.find(&name("EXAMPLE.com."), 4, 5, 4).unwrap().unwrap();
    assert_eq!(journal.read(&name("example.COM."), &places[0]).unwrap(), set("example.com.", 4, 5));
}

#[test]
fn several_sets_of_a_zone_in_one_record_stay_apart() {
    let (_temporary, directory) = directory();
    let mut log = CommitLog::create(&directory, 1, 0).unwrap();
    let sets = vec![set("example.com.", 1, 2), set("other.", 7, 8), set("example.com.", 2, 5)];
    log.append(&with_sets(1, sets.clone())).unwrap();
    let mut journal = Journal::new(directory);
    let found = journal.between(&name("example.com."), 1, 5, 1).unwrap().unwrap();
    assert_eq!(found, [sets[0].clone(), sets[2].clone()]);
    assert_eq!(chain(&mut journal, 2, 5, 1), Some(vec![5]));
}

#[test]
fn what_was_replaced_as_a_whole_or_went_has_no_chain() {
    let (_temporary, directory) = directory();
    let mut log = log_of(&directory, 1, 0, [1]);
    log.append(&CommitRecord { rewritten: vec![name("Example.com.")], ..with_sets(2, Vec::new()) }).unwrap();
    log.append(&with_sets(3, vec![set("example.com.", 2, 3)])).unwrap();
    let mut journal = Journal::new(directory);
    assert_eq!(chain(&mut journal, 1, 2, 1), Some(vec![2]));
    assert_eq!(chain(&mut journal, 1, 3, 3), None);
    assert_eq!(chain(&mut journal, 2, 3, 3), None, "serial 2 may have stood for something else before");
    log.append(&CommitRecord { gone: vec![name("example.com.")], ..with_sets(4, Vec::new()) }).unwrap();
    assert_eq!(chain(&mut journal, 2, 3, 4), None);
}

#[test]
fn a_serial_of_two_contents_is_none_to_start_from() {
    let (_temporary, directory) = directory();
    let mut log = CommitLog::create(&directory, 1, 0).unwrap();
    for (generation, from, to) in [(1, 5, 6), (2, 6, 7), (3, 7, 7), (4, 7, 8)] {
        log.append(&with_sets(generation, vec![set("example.com.", from, to)])).unwrap();
    }
    let mut journal = Journal::new(directory);
    assert_eq!(chain(&mut journal, 7, 8, 4), None);
    assert_eq!(chain(&mut journal, 6, 8, 4), Some(vec![7, 7, 8]), "what stood before is known");
}

#[test]
fn a_serial_that_was_made_twice_is_the_later_one() {
    let (_temporary, directory) = directory();
    let mut log = CommitLog::create(&directory, 1, 0).unwrap();
    // Of the first 6 nobody was told.
    for (generation, from, to) in [(1, 4, 5), (2, 5, 6), (3, 5, 6), (4, 6, 7)] {
        log.append(&with_sets(generation, vec![set("example.com.", from, to)])).unwrap();
    }
    let mut journal = Journal::new(directory);
    let places = journal.find(&name("example.com."), 5, 7, 4).unwrap().unwrap();
    assert_eq!(places.iter().map(|place| place.record.generation).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(chain(&mut journal, 4, 7, 4), None);
}

#[test]
fn a_gap_between_logs_ends_every_chain() {
    let (_temporary, directory) = directory();
    log_of(&directory, 1, 0, [1, 2]);
    // Generation 3 came by a manifest alone.
    log_of(&directory, 2, 3, [4]);
    let mut log = CommitLog::open(&directory, 2).unwrap();
    log.append(&with_sets(5, vec![set("still.", 2, 3)])).unwrap();
    let mut journal = Journal::new(directory);
    assert_eq!(chain(&mut journal, 4, 5, 5), Some(vec![5]));
    assert_eq!(chain(&mut journal, 1, 3, 2), Some(vec![2, 3]));
    assert_eq!(chain(&mut journal, 1, 3, 3), None, "nobody knows what generation 3 changed");
    assert_eq!(chain(&mut journal, 1, 5, 5), None);
    assert!(journal.of_generations(1, 5, None).unwrap().is_none());
    assert_eq!(journal.of_generations(3, 5, None).unwrap().unwrap().len(), 2);
}

#[test]
fn generations_are_compared() {
    let (_temporary, directory) = directory();
    let mut log = log_of(&directory, 1, 0, [1, 2]);
    log.append(&with_sets(3, vec![set("example.com.", 3, 4), set("other.", 1, 2)])).unwrap();
    let mut log = log.rotate().unwrap();
    log.append(&CommitRecord { rewritten: vec![name("other.")], ..with_sets(6, Vec::new()) }).unwrap();
    let mut journal = Journal::new(directory);
    let all = journal.of_generations(1, 6, None).unwrap().unwrap();
    assert_eq!(all.iter().map(|changes| changes.generation).collect::<Vec<_>>(), [2, 3, 6]);
    assert_eq!((all[0].at_unix, all[1].sets.len()), (1_700_000_002, 2));
    let other = journal.of_generations(0, 6, Some(&name("OTHER."))).unwrap().unwrap();
    assert_eq!(other.iter().map(|changes| changes.generation).collect::<Vec<_>>(), [3, 6]);
    assert_eq!((other[0].sets.len(), &other[1].rewritten[..]), (1, &[name("other.")][..]));
    assert_eq!(journal.of_generations(2, 3, Some(&name("other."))).unwrap().unwrap().len(), 1);
    assert_eq!(journal.of_generations(4, 4, None).unwrap(), Some(Vec::new()));
    assert_eq!(journal.of_generations(0, 7, None).unwrap(), None, "there is no such generation yet");
    assert_eq!(journal.of_generations(0, 6, Some(&name("none."))).unwrap(), Some(Vec::new()));
}

#[test]
fn a_serial_that_stood_for_two_contents_begins_no_chain() {
    for serials in [vec![5, 3, 5, 6], vec![5, 6, 7, 5, 6, 7], vec![4, 5, 4, 5, 6]] {
        let (_temporary, directory) = directory();
        let mut log = CommitLog::create(&directory, 1, 0).unwrap();
        for (generation, pair) in (1..).zip(serials.windows(2)) {
            log.append(&with_sets(generation, vec![set("example.com.", pair[0], pair[1])])).unwrap();
        }
        let mut journal = Journal::new(directory);
        let (last, before) = (serials[serials.len() - 1], serials[serials.len() - 2]);
        assert_eq!(chain(&mut journal, before, last, 9), None, "{before} of {serials:?}");
    }
}

#[test]
fn the_oldest_logs_go_and_never_those_that_a_start_needs() {
    let (_temporary, directory) = directory();
    for number in 1..=5 {
        log_of(&directory, number, number - 1, [number]);
    }
    let mut journal = Journal::new(directory.clone());
    assert_eq!(chain(&mut journal, 1, 6, 5), Some(vec![2, 3, 4, 5, 6]));
    assert_eq!(journal.octets().unwrap(), 5 * 4096);
    assert!(journal.prune(5 * 4096, 5).unwrap().is_empty());
    assert_eq!(journal.prune(3 * 4096, 5).unwrap(), [1, 2]);
    assert_eq!(chain(&mut journal, 2, 6, 5), None);
    assert_eq!(chain(&mut journal, 3, 6, 5), Some(vec![4, 5, 6]));
    assert!(journal.of_generations(1, 5, None).unwrap().is_none());
    assert_eq!(journal.prune(0, 4).unwrap(), [3]);
    assert_eq!(directory.commit_logs().unwrap(), [4, 5]);
    assert_eq!(chain(&mut journal, 4, 6, 5), Some(vec![5, 6]));
}

#[test]
fn an_append_that_is_under_way_is_waited_for_and_damage_ends_a_log() {
    let (_temporary, directory) = directory();
    log_of(&directory, 1, 0, [1, 2, 3]);
    let path = directory.commit_log(1);
    let octets = fs::read(&path).unwrap();
    fs::write(&path, &octets[..octets.len() - 20]).unwrap();
    let mut journal = Journal::new(directory.clone());
    assert_eq!(chain(&mut journal, 1, 3, 9), Some(vec![2, 3]));
    fs::write(&path, &octets).unwrap();
    assert_eq!(chain(&mut journal, 1, 4, 9), Some(vec![2, 3, 4]));
    let place = journal.find(&name("example.com."), 1, 2, 1).unwrap().unwrap()[0];
    let mut damaged = octets.clone();
    damaged[100] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let error = journal.read(&name("example.com."), &place).unwrap_err();
    assert!(matches!(&error, JournalError::Changed { offset: 64, why: TornWhy::Checksum { .. }, .. }), "{error}");
    let mut fresh = Journal::new(directory.clone());
    assert_eq!(chain(&mut fresh, 3, 4, 9), None, "nothing behind the damage is believed");
    fs::remove_file(&path).unwrap();
    assert!(matches!(journal.read(&name("example.com."), &place), Err(JournalError::Changed { .. })));
    assert_eq!(chain(&mut journal, 1, 4, 9), None);
}

#[test]
fn another_log_under_a_number_is_read_anew() {
    let (_temporary, directory) = directory();
    let log = log_of(&directory, 1, 0, [1]);
    let mut next = log.rotate().unwrap();
    next.append(&with_sets(2, vec![set("example.com.", 2, 99)])).unwrap();
    let mut journal = Journal::new(directory);
    assert_eq!(chain(&mut journal, 1, 99, 2), Some(vec![2, 99]));
    next.discard().unwrap();
    log.rotate().unwrap().append(&record(3)).unwrap();
    assert_eq!(chain(&mut journal, 1, 99, 9), None);
    let found = journal.of_generations(0, 3, None).unwrap().unwrap();
    assert_eq!(found.iter().map(|changes| changes.generation).collect::<Vec<_>>(), [1, 3]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Against a plain list of all changes: where the journal finds a chain, it is the one; where it should find one, it does.
    #[test]
    fn chains_are_those_of_a_plain_list(
        steps in proptest::collection::vec((0..3_usize, 0..6_u8, any::<bool>()), 1..40),
        asked in 0..3_usize,
        from in 0..20_u32,
    ) {
        const ZONES: [&str; 3] = ["a.", "b.", "c."];
        let (_temporary, directory) = directory();
        let mut log = CommitLog::create(&directory, 1, 0).unwrap();
        let mut journal = Journal::new(directory);
        let mut serials = [0_u32; 3];
        let mut history: [Vec<Option<ChangeSet>>; 3] = Default::default();
        for (generation, (zone, kind, is_asked)) in (1..).zip(steps) {
            let apex = ZONES[zone];
            let serial = serials[zone];
            let mut record = with_sets(generation, Vec::new());
            match kind {
                0 => log = log.rotate().unwrap(),
                1 => {
                    record.rewritten = vec![name(apex)];
                    history[zone].push(None);
                    serials[zone] += 1;
                }
                _ => {
                    record.changes = vec![set(apex, serial, serial + 1)];
                    history[zone].push(Some(set(apex, serial, serial + 1)));
                    serials[zone] += 1;
                }
            }
            log.append(&record).unwrap();
            if is_asked {
                let to = serials[asked];
                let expected = (from <= to).then(|| history[asked][from as usize..to as usize].to_vec());
                let expected = expected.and_then(|sets| sets.into_iter().collect::<Option<Vec<_>>>());
                // What was written as a whole may have had its serial before.
                let is_known = from == to || from == 0 || history[asked].get(from as usize - 1).is_some_and(Option::is_some);
                let expected = expected.filter(|_| is_known);
                let found = journal.between(&name(ZONES[asked]), from, to, generation).unwrap();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
