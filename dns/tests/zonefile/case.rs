//! What must hold of any text as a zone file: [`run`]. The function of the fuzz target `zonefile` (`fuzz/`), and of this folder's tests.

use std::path::Path;

use dns::text::present;
use dns::text::zonefile::{Buffers, Options, ZoneFile};
use zone_segment::Name;

/// Reads an input in every way. Its first octet says how small parts are; the rest is the text.
///
/// Panics when two ways disagree, or what is written of a sound zone reads as another.
pub(crate) fn run(input: &[u8]) {
    let Some((first, text)) = input.split_first() else { return };
    if !is_bounded(text) {
        return;
    }
    let part_octets = 1 + usize::from(*first) * usize::from(*first) / 16;
    let scanned = read(text, &Options { threads: 1, ..Options::default() });
    let plain = read(text, &Options { threads: 1, is_plain: true, ..Options::default() });
    assert_same(&scanned, &plain);
    let in_parts = read(text, &Options { threads: 1, part_octets, ..Options::default() });
    assert_same(&in_parts, &plain);
    if scanned.errors.is_empty() {
        assert_round_trip(&scanned);
    }
}

/// Whether reading a text asks for no other file and no great number of records.
fn is_bounded(text: &[u8]) -> bool {
    let upper = text.to_ascii_uppercase();
    let has = |word: &[u8]| upper.windows(word.len()).any(|octets| octets == word);
    let has_large_number =
        text.chunk_by(|a, b| a.is_ascii_digit() && b.is_ascii_digit()).any(|digits| digits.len() > 3);
    let asks_for_many = has(b"$GENERATE") && has_large_number;
    !has(b"$INCLUDE") && !asks_for_many
}

/// Reads a text in one way.
fn read(text: &[u8], options: &Options<'_>) -> ZoneFile {
    let origin: Name = "example.".parse().expect("a name");
    Buffers::default().read_octets(Path::new("x.zone"), text, &origin, options)
}

/// Asserts that two ways found the same.
fn assert_same(one: &ZoneFile, other: &ZoneFile) {
    assert_eq!(one.errors, other.errors);
    assert_eq!(one.warnings, other.warnings);
    assert_eq!(one.columns.files, other.columns.files);
    assert_eq!(one.to_records(), other.to_records());
}

/// Asserts that the records of a sound zone, written, read as the same.
fn assert_round_trip(zone: &ZoneFile) {
    let records = zone.to_records();
    let mut text = String::new();
    for record in &records {
        present::push_record(&mut text, record.owner.as_ref(), record.ttl, record.rtype, &record.rdata);
        text.push('\n');
    }
    let again = read(text.as_bytes(), &Options { threads: 1, ..Options::default() });
    assert_eq!((&again.errors, &again.warnings), (&vec![], &vec![]), "{text}");
    let again = again.to_records();
    assert_eq!(again.len(), records.len());
    for (again, record) in again.iter().zip(&records) {
        assert_eq!(again.owner.as_wire(), record.owner.as_wire(), "{text}");
        assert_eq!((again.rtype, again.ttl, &again.rdata), (record.rtype, record.ttl, &record.rdata), "{text}");
    }
}
