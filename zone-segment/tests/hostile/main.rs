//! Segments with hostile contents: whatever is in the file, a lookup ends, panics never, and answers what was asked.
//!
//! `case` is the function of the fuzz target (`fuzz/`), called here with the target's corpus and with random inputs.

mod case;
mod damage;
mod exercise;
#[path = "../model/mod.rs"]
mod model;
mod samples;
mod seal;

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use zone_segment::{LookupName, OpenError, Segment, SegmentBuffer};

use samples::{KEY, Sample, changes, directory, lookup, ordered, samples, smallest};

/// Opens a damaged segment and asks it everything, by itself and below and above a sound one.
fn survive(sample: &Sample, octets: SegmentBuffer, asked: &[LookupName]) {
    let segment = Arc::new(Segment::open(octets).expect("not read at open"));
    exercise::exercise_segment(&segment, asked, true);
    let (other, fellow) = match sample.zones.is_empty() {
        false => (&samples()[1].segment, &directory().segment),
        true => (&directory().segment, &samples()[1].segment),
    };
    exercise::exercise_set(&segment, other, fellow, true, asked);
    exercise::exercise_set(&segment, other, fellow, false, asked);
}

/// Names to ask a sample for: existing ones, and one below each.
fn asked(sample: &Sample, count: usize) -> Vec<LookupName> {
    let existing = case::existing(sample);
    let below = existing.iter().filter_map(|name| name.prepend_label(b"m").ok());
    existing.iter().cloned().chain(below).take(count).map(|name| lookup(KEY, &name)).collect()
}

#[test]
fn a_sound_segment_says_exactly_what_it_was_written_from() {
    for sample in samples() {
        let existing = case::existing(sample);
        let neighbours = existing.iter().flat_map(|name| {
            let labels: [&[u8]; 4] = [b"*", b"\x00", b"m", b"\xff"];
            let children = labels.map(|label| name.prepend_label(label).ok());
            let siblings = labels.map(|label| name.parent().and_then(|parent| parent.prepend_label(label).ok()));
            children.into_iter().chain(siblings).chain([name.parent()]).flatten()
        });
        case::check_exact(sample, &sample.segment, neighbours.chain(existing.iter().cloned()).collect());
        assert!(sample.octets.len() < 120_000, "small enough for damage to hit something: {}", sample.octets.len());
    }
}

#[test]
fn b39_extremes_at_every_aligned_place_are_survived() {
    for sample in [smallest(), directory()] {
        let asked = asked(sample, 10);
        let body = seal::body(&sample.octets);
        let length = sample.octets.len() as u64;
        for width in [2, 4, 8] {
            let largest = u64::MAX >> (64 - 8 * width);
            for at in body.clone().step_by(width) {
                for number in [0, 1, largest / 2, largest / 2 + 1, largest, length - 1, length + 1] {
                    let mut octets = sample.octets.clone();
                    damage::put(&mut octets, at, width, number);
                    survive(sample, octets, &asked);
                }
            }
        }
    }
}

#[test]
fn b39_extremes_in_the_tables_of_canonical_order_are_survived() {
    let sample = ordered();
    let parts = sample.segment.statistics().parts;
    assert!(parts.iter().any(|part| part.part == "blocks" && part.rows == 1), "{parts:?}");
    let asked = asked(sample, 6);
    let length = sample.octets.len() as u64;
    for at in seal::body(&sample.octets).step_by(4) {
        for number in [0, 1, u64::from(u32::MAX) / 2, u64::from(u32::MAX), length] {
            let mut octets = sample.octets.clone();
            damage::put(&mut octets, at, 4, number);
            let segment = Arc::new(Segment::open(octets).expect("not read at open"));
            exercise::exercise_segment(&segment, &asked, true);
        }
    }
}

#[test]
fn b39_extremes_in_changes_and_below_them_are_survived() {
    let (changes, base) = (changes(), &samples()[1]);
    let asked = asked(changes, 12);
    for (sample, other, is_upper) in [(changes, base, true), (base, changes, false)] {
        let length = sample.octets.len() as u64;
        // Of the base, which is larger, every other place.
        for at in seal::body(&sample.octets).step_by(if is_upper { 4 } else { 36 }) {
            for number in [0, 1, u64::from(u32::MAX) / 2, u64::from(u32::MAX), length - 1] {
                let mut octets = sample.octets.clone();
                damage::put(&mut octets, at, 4, number);
                let segment = Arc::new(Segment::open(octets).expect("not read at open"));
                exercise::exercise_set(&segment, &other.segment, &directory().segment, is_upper, &asked);
            }
        }
    }
}

#[test]
fn b39_a_file_cut_anywhere_is_refused_whether_or_not_its_header_agrees() {
    for sample in [smallest(), directory()] {
        for length in 0..sample.octets.len() {
            let mut cut = seal::buffer(&sample.octets[..length]);
            let error = Segment::open(cut.clone()).expect_err("cut short");
            assert!(matches!(error, OpenError::TooShort { .. } | OpenError::TotalLength { .. }), "{length}: {error}");
            if length >= seal::HEADER_OCTETS {
                seal::set_number(&mut cut, seal::TOTAL_LENGTH, length as u64);
                seal::header(&mut cut);
                let error = Segment::open(cut).expect_err("cut short");
                assert!(matches!(error, OpenError::Extent { .. }), "{length}: {error}");
            }
        }
    }
}

#[test]
fn the_corpus_of_the_fuzz_target_finds_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/segment");
    // An interpreter takes seconds an input.
    let step = if cfg!(miri) { 20 } else { 1 };
    let mut inputs = 0;
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        inputs += 1;
        if inputs % step == 0 {
            // Shown when the test fails.
            println!("{}", path.display());
            case::run(&std::fs::read(&path).expect("an input"));
        }
    }
    assert!(inputs > 100, "the corpus is in the repository: {inputs} inputs");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn b39_random_edits_are_survived(input in prop::collection::vec(any::<u8>(), 0..160)) {
        case::run(&input);
    }
}
