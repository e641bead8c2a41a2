//! A comparison must give what a whole load of the same text gives.

use super::*;
use crate::change::ChangedRecord;
use crate::check;
use crate::columns::{Columns, SortedZone};
use crate::text::zonefile::{Buffers, Options, ZoneFile};
use crate::types::Rtype;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use zone_segment::{HashKey, Name, OwnedRecord, Segment, SegmentBuffer, SegmentBuilder, ZoneId, ZoneSource as _};

/// The apex of every zone here.
fn apex() -> Name {
    "a.".parse().expect("a name")
}

/// What every zone here begins with; its name server has an address.
fn head(serial: u32) -> Vec<String> {
    let soa = format!("@ 3600 SOA ns.a. admin.a. {serial} 1 1 1 1");
    vec![soa, "@ 3600 NS ns.a.".to_owned(), "ns 3600 A 192.0.2.1".to_owned()]
}

/// A line of a zone.
fn line() -> impl Strategy<Value = String> {
    let owner = prop_oneof![
        6 => (0..40_u32).prop_map(|number| format!("n{number}")),
        3 => (0..6_u32, 0..3_u32).prop_map(|(below, number)| format!("b{below}.n{number}")),
        1 => Just("@".to_owned()),
    ];
    let rdata = prop_oneof![
        (0..4_u8).prop_map(|last| format!("A 192.0.2.{last}")),
        (0..3_u8).prop_map(|last| format!("TXT text{last}")),
        (0..3_u8).prop_map(|last| format!("MX 10 Mail{last}.a.")),
        (0..3_u8).prop_map(|tag| format!("RRSIG A 8 2 300 20300101000000 20200101000000 {tag} a. AAAA")),
    ];
    (owner, prop_oneof![8 => Just(300), 1 => Just(60)], rdata)
        .prop_map(|(owner, ttl, rdata)| format!("{owner} {ttl} {rdata}"))
}

/// A line that few zones have, or none.
fn odd_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("n1 300 CNAME n2".to_owned()),
        Just("n2 300 DNAME n3".to_owned()),
        Just("b9.n9 300 DNAME n3".to_owned()),
        Just("n39 300 NS ns.elsewhere.".to_owned()),
        Just("@ 3600 NS n4".to_owned()),
        Just("@ 3600 NS x.n0".to_owned()),
        Just("@ 3600 NSEC3PARAM 1 0 0 -".to_owned()),
        Just("elsewhere. 300 A 192.0.2.1".to_owned()),
        Just("*.n0 300 A 192.0.2.1".to_owned()),
    ]
}

/// What happens to a zone between two versions.
#[derive(Clone, Debug)]
enum Step {
    /// A line goes.
    Remove(prop::sample::Index),
    /// A line comes.
    Add(prop::sample::Index, String),
    /// A line is there twice.
    Double(prop::sample::Index, prop::sample::Index),
    /// A line has another TTL.
    Ttl(prop::sample::Index),
    /// The owner of a line is written in capitals.
    Capitals(prop::sample::Index),
    /// The RDATA of a line is.
    RdataCapitals(prop::sample::Index),
}

/// Some of them.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        6 => index().prop_map(Step::Remove),
        6 => (index(), line()).prop_map(|(at, line)| Step::Add(at, line)),
        1 => (index(), odd_line()).prop_map(|(at, line)| Step::Add(at, line)),
        2 => (index(), index()).prop_map(|(from, to)| Step::Double(from, to)),
        2 => index().prop_map(Step::Ttl),
        1 => index().prop_map(Step::Capitals),
        1 => index().prop_map(Step::RdataCapitals),
    ];
    proptest::collection::vec(step, 0..8)
}

/// Does them.
fn apply_steps(lines: &mut Vec<String>, steps: &[Step]) {
    for step in steps {
        let count = lines.len();
        match step {
            Step::Remove(at) if !lines.is_empty() => drop(lines.remove(at.index(lines.len()))),
            Step::Add(at, line) => lines.insert(at.index(lines.len() + 1), line.clone()),
            Step::Double(from, to) if !lines.is_empty() => {
                let line = lines[from.index(lines.len())].clone();
                lines.insert(to.index(lines.len()), line);
            }
            Step::Ttl(at) if !lines.is_empty() => {
                let line = &mut lines[at.index(count)];
                *line = line.replacen(" 300 ", " 600 ", 1);
            }
            Step::Capitals(at) if !lines.is_empty() => {
                let line = &mut lines[at.index(count)];
                let end = line.find(' ').unwrap_or(0);
                line[..end].make_ascii_uppercase();
            }
            Step::RdataCapitals(at) if !lines.is_empty() => {
                let line = &mut lines[at.index(count)];
                *line = line.replace("mail", "MAIL").replace("Mail", "mail").replace("text", "TEXT");
            }
            _ => (),
        }
    }
}

/// Reads a text in parts of a few lines.
fn read(lines: &[String], part_octets: usize) -> ZoneFile {
    let text = lines.join("\n") + "\n";
    let options = Options { part_octets, threads: 1, ..Options::default() };
    Buffers::default().read_octets(Path::new("a.zone"), text.as_bytes(), &apex(), &options)
}

/// The zone of a text.
fn zone(lines: &[String]) -> SortedZone {
    SortedZone::new(apex(), read(lines, 1 << 20).columns)
}

/// The segment of a text.
fn segment(lines: &[String]) -> Segment<SegmentBuffer> {
    let mut builder = SegmentBuilder::new(HashKey([7; 16]));
    builder.zone(ZoneId(1), apex(), zone(lines)).expect("one zone");
    Segment::open(builder.into_buffer().expect("a segment")).expect("a sound one")
}

/// Owners in their spelling, with their records.
type Model = BTreeMap<Name, (Vec<u8>, Vec<OwnedRecord>)>;

/// What a whole load gives.
fn model(zone: &SortedZone) -> Model {
    let mut model = Model::new();
    zone.visit(0..zone.len(), &mut |_, name, records| {
        let owned = |record: &zone_segment::SourceRecord<'_>| OwnedRecord {
            rtype: record.rtype,
            ttl: record.ttl,
            rdata: record.rdata.into(),
        };
        model.insert(name.to_name(), (name.as_wire().to_vec(), records.iter().map(owned).collect()));
        ControlFlow::Continue(())
    });
    model
}

/// The records of a model, as a change set has them, sorted in some way.
fn flat(model: &Model) -> Vec<(Vec<u8>, u16, u32, Vec<u8>)> {
    let of_owner = |(wire, records): &(Vec<u8>, Vec<OwnedRecord>)| {
        let record = |record: &OwnedRecord| (wire.clone(), record.rtype, record.ttl, record.rdata.to_vec());
        records.iter().map(record).collect::<Vec<_>>()
    };
    let mut records: Vec<_> = model.values().flat_map(of_owner).collect();
    records.sort();
    records
}

/// A changed record in the same form.
fn plain(record: &ChangedRecord) -> (Vec<u8>, u16, u32, Vec<u8>) {
    (record.owner.as_wire().to_vec(), record.rtype.0, record.ttl, record.rdata.to_vec())
}

/// Compares a text with a segment.
fn compare(base: &Segment<SegmentBuffer>, text: &ZoneFile, is_backwards: bool) -> Outcome {
    let comparison = Comparison::new(base.zones().next().expect("one zone"));
    let mut parts: Vec<_> = text.columns.parts.iter().enumerate().collect();
    if is_backwards {
        parts.reverse();
    }
    parts.into_iter().for_each(|(number, part)| assert!(comparison.take(number as u64, part)));
    comparison.finish(text.columns.files.clone())
}

/// What is left of a text that can be had once only and would have to be read whole.
fn compare_once(base: &Segment<SegmentBuffer>, text: &ZoneFile) -> Option<Columns> {
    let comparison = Comparison::once(base.zones().next().expect("one zone"));
    let mut parts = (0..).zip(&text.columns.parts);
    match parts.by_ref().all(|(number, part)| comparison.take(number, part)) {
        true => comparison.finish_once(text.columns.files.clone()).err().map(|(_, columns)| columns),
        false => {
            let rest = parts.map(|(_, part)| part.clone());
            Some(Columns { parts: comparison.into_parts().into_iter().chain(rest).collect(), files: Vec::new() })
        }
    }
}

/// Every record as it was written, in some order.
fn all_records(columns: &Columns) -> Vec<(Vec<u8>, u16, u32, Vec<u8>)> {
    let plain =
        |record: crate::Record| (record.owner.as_wire().to_vec(), record.rtype.0, record.ttl, record.rdata.to_vec());
    let mut records: Vec<_> = columns.to_records().into_iter().map(plain).collect();
    records.sort();
    records
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_comparison_gives_what_a_whole_load_gives(
        mut lines in proptest::collection::vec(line(), 0..60),
        first in proptest::collection::vec(odd_line(), 0..2),
        steps in steps(),
        is_shuffled in any::<bool>(),
        order in any::<u64>(),
        part_octets in 40_usize..2000,
    ) {
        lines.splice(0..0, head(1));
        lines.extend(first);
        let before = zone(&lines);
        prop_assume!(check::zone(&before).errors.is_empty());
        let base = segment(&lines);
        apply_steps(&mut lines, &steps);
        if is_shuffled {
            let hash = |line: &String| xxhash_rust::xxh3::xxh3_64_with_seed(line.as_bytes(), order);
            lines.sort_by_cached_key(hash);
        }
        let after = zone(&lines);
        let report = check::zone(&after);
        let outcome = compare(&base, &read(&lines, part_octets), order % 2 == 1);
        let (old, new) = (model(&before), model(&after));
        let (warnings, changed) = match outcome {
            Outcome::Whole(reason) => {
                let text = lines.join("\n");
                prop_assert!(match reason {
                    Reason::Much => false,
                    Reason::Nsec3Parameters => text.contains("NSEC3PARAM") || flat(&old).iter().any(|record| record.1 == Rtype::NSEC3PARAM.0),
                    Reason::Check => !report.errors.is_empty() || text.contains("DNAME") || text.contains("@ 3600 NS "),
                    Reason::Spelling => text.contains(['N', 'M']),
                }, "{:?}", reason);
                let text = read(&lines, part_octets);
                let once = compare_once(&base, &text);
                prop_assert_eq!(once.as_ref().map(all_records), Some(all_records(&text.columns)));
                return Ok(());
            }
            Outcome::Same { warnings, .. } => (warnings, None),
            Outcome::Changed(changed) => (changed.warnings, Some(changed.change)),
        };
        prop_assert_eq!(&report.errors, &vec![]);
        for warning in warnings.warnings {
            // Of records that are the same, which one is the second is not known, nor which TTL is told of then.
            let is_of_order = |rule| matches!(rule, check::Rule::Duplicate | check::Rule::TtlMismatch);
            let is_same = |other: &check::Finding| match is_of_order(warning.rule) {
                true => is_of_order(other.rule) && other.text == warning.text,
                false => *other == warning,
            };
            prop_assert!(report.warnings.iter().any(is_same), "{}", warning);
        }
        let Some(change) = changed else {
            prop_assert_eq!(old, new);
            return Ok(());
        };
        prop_assert_ne!(&old, &new);
        let mut applied = old.clone();
        for (owner, records) in &change.owners {
            let before = applied.remove(owner);
            prop_assert_ne!(before, Some((owner.as_wire().to_vec(), records.clone())));
            if !records.is_empty() {
                applied.insert(owner.clone(), (owner.as_wire().to_vec(), records.clone()));
            }
        }
        prop_assert_eq!(&applied, &new);
        let mut records = flat(&old);
        for removed in change.set.removed.iter().map(plain) {
            let at = records.iter().position(|record| *record == removed);
            prop_assert!(at.is_some(), "{:?}", removed);
            records.remove(at.unwrap_or(0));
        }
        records.extend(change.set.added.iter().map(plain));
        records.sort();
        prop_assert_eq!(records, flat(&new));
        for first in [&change.set.removed[0], &change.set.added[0]] {
            prop_assert_eq!(first.rtype, Rtype::SOA);
        }
    }
}

/// A zone with so many addresses at one name.
fn many(serial: u32, addresses: impl Iterator<Item = u32>) -> Vec<String> {
    let address = |number: u32| format!("many 300 A {}", std::net::Ipv4Addr::from_bits(number));
    head(serial).into_iter().chain(addresses.map(address)).collect()
}

#[test]
fn large_rrsets_are_compared_in_any_order() {
    let base = segment(&many(1, 0..30_000));
    let shuffled = (0..30_000_u32).map(|number| number * 7 % 30_000);
    assert!(matches!(
        compare(&base, &read(&many(1, shuffled.clone()), 1 << 16), true),
        Outcome::Same { records: 30_003, .. }
    ));
    let text = read(&many(2, shuffled.filter(|number| *number != 77).chain([50_000])), 1 << 16);
    let Outcome::Changed(changed) = compare(&base, &text, false) else { panic!("it differs") };
    let counts = (changed.change.set.removed.len(), changed.change.set.added.len(), changed.change.owners.len());
    assert_eq!(counts, (2, 2, 2));
    assert_eq!((changed.change.set.from, changed.change.set.to, changed.records), (1, 2, 30_003));
}

#[test]
fn what_differs_much_is_given_up() {
    let base = segment(&many(1, 0..10_000));
    let comparison = Comparison::new(base.zones().next().expect("one zone"));
    let text = read(&many(2, 10_000..20_000), 1 << 14);
    assert!(text.columns.parts.iter().enumerate().any(|(number, part)| !comparison.take(number as u64, part)));
    assert!(matches!(comparison.finish(Vec::new()), Outcome::Whole(Reason::Much)));
    let once = compare_once(&base, &text).expect("it differs");
    assert_eq!(all_records(&once), all_records(&text.columns));
    // Half of it went: that shows at the end.
    assert!(matches!(compare(&base, &read(&many(2, 0..5_000), 1 << 14), false), Outcome::Whole(Reason::Much)));
}

#[test]
fn a_comparison_that_starts_over_has_forgotten_everything() {
    let base = segment(&many(1, 0..100));
    let comparison = Comparison::new(base.zones().next().expect("one zone"));
    for serial in [2, 1] {
        let text = read(&many(serial, 0..100), 1 << 14);
        comparison.start_over();
        text.columns.parts.iter().enumerate().for_each(|(number, part)| assert!(comparison.take(number as u64, part)));
    }
    assert!(matches!(comparison.finish(Vec::new()), Outcome::Same { records: 103, .. }));
}
