//! Damage of any kind at any place: what is replayed are the records before it, and never anything else.

use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// The octets of [`two_logs`], made once.
static TWO_LOGS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let (_temporary, directory) = directory();
    two_logs(&directory)
});

/// Two logs of three and two records; the octets of both.
fn two_logs(directory: &StateDir) -> [Vec<u8>; 2] {
    log_of(directory, 1, 0, [1, 2, 3]);
    log_of(directory, 2, 3, [4, 6]);
    [1, 2].map(|number| fs::read(directory.commit_log(number)).unwrap())
}

/// How many records lie wholly before a place of a log.
fn records_before(places: &[RecordPlace], log: u64, at: usize) -> usize {
    let is_before = |place: &&RecordPlace| (place.log, place.offset + place.length) <= (log, at as u64);
    places.iter().filter(is_before).count()
}

#[test]
fn every_change_of_a_single_octet_is_found() {
    let (_temporary, directory) = directory();
    log_of(&directory, 1, 0, [1, 2, 3]);
    let places: Vec<_> = replay(&directory, 1).unwrap().records.into_iter().map(|(place, _)| place).collect();
    let path = directory.commit_log(1);
    let octets = fs::read(&path).unwrap();
    for at in 0..octets.len() {
        let mut changed = octets.clone();
        changed[at] ^= 0x41;
        fs::write(&path, &changed).unwrap();
        let replayed = replay(&directory, 1).unwrap();
        let sound = records_before(&places, 1, at);
        assert_eq!(replayed.records.len(), sound, "octet {at}");
        let torn = replayed.torn.unwrap();
        // In the last record nobody can tell damage from an append that was cut short.
        assert_eq!(torn.is_tail(), at >= 64 && sound == 2, "octet {at}: {torn}");
        assert_eq!(torn.records_lost, if at < 64 { 0 } else { 2 - sound as u64 }, "octet {at}: {torn}");
    }
}

#[test]
fn every_truncation_ends_at_a_whole_record() {
    let (_temporary, directory) = directory();
    log_of(&directory, 1, 0, [1, 2, 3]);
    let places: Vec<_> = replay(&directory, 1).unwrap().records.into_iter().map(|(place, _)| place).collect();
    let path = directory.commit_log(1);
    let octets = fs::read(&path).unwrap();
    for at in 0..octets.len() {
        fs::write(&path, &octets[..at]).unwrap();
        let replayed = replay(&directory, 1).unwrap();
        assert_eq!(replayed.records.len(), records_before(&places, 1, at), "{at} octets");
        let is_whole = at == 64 || places.iter().any(|place| place.offset + place.length == at as u64);
        assert_eq!(replayed.torn.is_none(), is_whole, "{at} octets");
        assert!(replayed.torn.is_none_or(|torn| torn.is_tail()), "{at} octets");
    }
}

#[test]
fn a_log_that_is_missing_or_ends_too_early_loses_the_later_ones() {
    let (_temporary, directory) = directory();
    let [first, _] = two_logs(&directory);
    let place = replay(&directory, 1).unwrap().records[2].0;
    fs::write(directory.commit_log(1), &first[..usize::try_from(place.offset).unwrap()]).unwrap();
    let replayed = replay(&directory, 1).unwrap();
    assert_eq!((generations(&replayed), replayed.next_log), (vec![1, 2], 3));
    let torn = replayed.torn.unwrap();
    assert!(torn.why == TornWhy::Gap { reached: 2, after: 3 } && torn.records_lost == 2 && !torn.is_tail(), "{torn}");
    fs::remove_file(directory.commit_log(1)).unwrap();
    let replayed = replay(&directory, 1).unwrap();
    assert!(replayed.records.is_empty() && replayed.after_generation.is_none());
    let torn = replayed.torn.unwrap();
    assert!(torn.why == TornWhy::Missing && torn.logs_lost == [2] && !torn.is_tail(), "{torn}");
    assert_eq!(replay(&directory, 9).unwrap().next_log, 10);
}

#[test]
fn damage_in_an_earlier_log_says_what_is_lost() {
    let (_temporary, directory) = directory();
    let [mut first, _] = two_logs(&directory);
    let place = replay(&directory, 1).unwrap().records[1].0;
    first[usize::try_from(place.offset).unwrap()] = b'?';
    fs::write(directory.commit_log(1), &first).unwrap();
    let torn = replay(&directory, 1).unwrap().torn.unwrap();
    assert!(torn.why == TornWhy::NotRecord && torn.records_lost == 1 && torn.logs_lost == [2], "{torn}");
    let text = torn.to_string();
    assert!(text.contains("1 whole records among them are lost; 1 later logs are lost"), "{text}");
}

#[test]
fn lengths_that_lie_take_no_memory() {
    let (_temporary, directory) = directory();
    log_of(&directory, 1, 0, [1]);
    let path = directory.commit_log(1);
    let octets = fs::read(&path).unwrap();
    for (length, is_too_long) in [(u32::MAX, true), (1 << 30, false), (1 << 20, false)] {
        let mut changed = octets.clone();
        changed[68..72].copy_from_slice(&length.to_le_bytes());
        fs::write(&path, &changed).unwrap();
        let torn = replay(&directory, 1).unwrap().torn.unwrap();
        assert_eq!(matches!(torn.why, TornWhy::TooLong { .. }), is_too_long, "{torn}");
        assert_eq!(matches!(torn.why, TornWhy::Cut { .. }), !is_too_long, "{torn}");
    }
}

#[test]
fn what_looks_like_headers_everywhere_ends_the_search() {
    let (_temporary, directory) = directory();
    let log = log_of(&directory, 1, 0, [1]);
    let path = directory.commit_log(1);
    let mut octets = fs::read(&path).unwrap();
    let mut lie = b"TREC".to_vec();
    lie.extend_from_slice(&400_000_u32.to_le_bytes());
    lie.resize(48, 0);
    (0..20_000).for_each(|_| octets.extend_from_slice(&lie));
    fs::write(&path, &octets).unwrap();
    let replayed = replay(&directory, 1).unwrap();
    assert_eq!(generations(&replayed), [1]);
    assert!(replayed.torn.is_some_and(|torn| torn.offset == log.octets() && torn.is_tail()));
}

#[test]
fn a_header_of_another_format_or_number_is_told_apart() {
    let (_temporary, directory) = directory();
    log_of(&directory, 1, 0, [1]);
    let octets = fs::read(directory.commit_log(1)).unwrap();
    fs::write(directory.commit_log(2), &octets).unwrap();
    assert_eq!(replay(&directory, 2).unwrap().torn.unwrap().why, TornWhy::Number { expected: 2, got: 1 });
    let mut changed = octets.clone();
    changed[8] = 9;
    fs::write(directory.commit_log(2), &changed).unwrap();
    assert_eq!(replay(&directory, 2).unwrap().torn.unwrap().why, TornWhy::Format { expected: 1, got: 9 });
    fs::write(directory.commit_log(2), [0; 100]).unwrap();
    let torn = replay(&directory, 2).unwrap().torn.unwrap();
    assert!(torn.why == TornWhy::NotLog && !torn.is_tail(), "{torn}");
}

proptest! {
    #[test]
    fn any_damage_leaves_the_records_before_it(
        is_second: bool,
        at in any::<prop::sample::Index>(),
        length in 1_usize..600,
        kind in 0..5,
        octet: u8,
    ) {
        let (_temporary, directory) = directory();
        let logs = &*TWO_LOGS;
        (1..).zip(logs).for_each(|(number, octets)| fs::write(directory.commit_log(number), octets).unwrap());
        let whole = replay(&directory, 1).unwrap();
        prop_assert!(whole.torn.is_none());
        let places: Vec<_> = whole.records.iter().map(|(place, _)| *place).collect();
        let (number, octets) = if is_second { (2, &logs[1]) } else { (1, &logs[0]) };
        let at = at.index(octets.len());
        let end = (at + length).min(octets.len());
        let mut damaged = octets.clone();
        match kind {
            0 => damaged.truncate(at),
            1 => damaged[at..].fill(0),
            2 => damaged[at..end].fill(octet),
            3 => drop(damaged.drain(at..end)),
            _ => drop(damaged.splice(at..at, std::iter::repeat_n(octet, length))),
        }
        prop_assume!(damaged != *octets);
        fs::write(directory.commit_log(number), &damaged).unwrap();
        let replayed = replay(&directory, 1).unwrap();
        let sound = records_before(&places, number, at);
        prop_assert!(replayed.records.len() >= sound);
        prop_assert_eq!(&replayed.records[..], &whole.records[..replayed.records.len()]);
        let is_cut_behind_a_record = is_second && damaged.len() >= 64 && octets.starts_with(&damaged)
            && records_before(&places, 2, damaged.len()) > records_before(&places, 2, damaged.len() - 1);
        let is_cut_behind_the_header = is_second && damaged == octets[..64];
        prop_assert_eq!(replayed.torn.is_none(), is_cut_behind_a_record || is_cut_behind_the_header);
    }

    #[test]
    fn any_octets_are_read_without_harm(octets in proptest::collection::vec(any::<u8>(), 0..300), has_header: bool) {
        let (_temporary, directory) = directory();
        let mut log = if has_header { TWO_LOGS[0][..64].to_vec() } else { Vec::new() };
        log.extend_from_slice(&octets);
        fs::write(directory.commit_log(1), &log).unwrap();
        prop_assert!(replay(&directory, 1).unwrap().records.is_empty());
    }
}
