//! A file in parts against the same in one piece: for any text and any size of the parts the same records, errors, warnings and files.

use super::scanner::{assert_same, read_as, zone_file};
use super::*;
use crate::columns::{Columns, Part};
use crate::text::zonefile::{self, Buffers, Options, Progress, TakeParts, ZoneFile};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Reads a text in one piece, and in parts.
fn assert_parts(text: &str, part_octets: usize, is_plain: bool) {
    let whole = read_as(text.as_bytes(), &Options::default());
    let options = Options { part_octets, is_plain, threads: 2, ..Options::default() };
    assert_same(&read_as(text.as_bytes(), &options), &whole, text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn parts_of_any_size_are_as_the_whole(text in zone_file(), part_octets in prop_oneof![Just(1_usize), 2..200_usize], is_plain in any::<bool>()) {
        assert_parts(&text, part_octets, is_plain);
    }

    #[test]
    fn parts_of_sound_zones_are_as_the_whole(
        entries in proptest::collection::vec(prop::sample::select(SOUND), 1..60), part_octets in prop_oneof![Just(1_usize), 2..200_usize])
    {
        let text: String = entries.iter().flat_map(|entry| [*entry, "\n"]).collect();
        assert_parts(&format!("{FIRST}{text}"), part_octets, false);
        assert_parts(&text, part_octets, false);
    }
}

/// The first lines of a zone.
const FIRST: &str = "$TTL 60\n@ SOA ns admin 1 7200 3600 604800 300\n NS ns\n";

/// Entries without faults that have something to do with what comes before them.
const SOUND: &[&str] = &[
    "a NS b",
    "a 7 NS c",
    " A 192.0.2.1",
    "\t8 A 192.0.2.2",
    "b.example. IN AAAA 2001:db8::1",
    "@ MX 10 mail",
    "$ORIGIN sub",
    "$ORIGIN example. ; back",
    "$TTL 1h",
    "r RRSIG A 13 2 3600 20240201000000 ( 20240101000000 12345 example.\n  YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4\n  eXo= )",
    "t TXT ( \"a\"\nb\n\"$ORIGIN\" )",
    "; a comment",
    "",
];

#[test]
fn a_sound_zone_is_read_in_parts_not_in_one_piece() {
    let entries = "a NS b\na 7 NS c\n A 192.0.2.1\n$TTL 5\n$ORIGIN x\nb NS b\n TXT \"$ORIGIN\" ( a\n b )\nc NS ; $\n\n"
        .repeat(100);
    let text = format!("{FIRST}{entries}");
    for part_octets in [1, 100, 1000] {
        let progress = Progress::default();
        let options = Options { part_octets, threads: 3, progress: Some(&progress), ..Options::default() };
        let broken = read_as(format!("{text}c").as_bytes(), &options);
        assert_eq!(broken.errors.len(), 101, "the lines without RDATA are faults");
        let text = text.replace("c NS ;", "c NS c;");
        progress.octets.store(0, Ordering::Relaxed);
        let zone_file = read_as(text.as_bytes(), &options);
        assert_eq!(zone_file.errors, []);
        // What is read again counts again.
        assert_eq!(progress.octets.load(Ordering::Relaxed), text.len() as u64);
        assert_same(&zone_file, &read_as(text.as_bytes(), &Options::default()), "");
        assert!(zone_file.columns.parts.len() > text.len() / part_octets.max(50) / 4);
    }
}

#[test]
fn a_file_is_stamped_alike_in_parts_and_in_one_piece() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.zone");
    let origin: Name = "example.".parse().unwrap();
    std::fs::write(&path, format!("{FIRST}{}", "a NS b\nb A 192.0.2.1\n".repeat(200))).unwrap();
    let whole = zonefile::read(&path, &origin, &Options::default());
    let in_parts = zonefile::read(&path, &origin, &Options { part_octets: 100, threads: 2, ..Options::default() });
    assert!(whole.columns.parts.len() == 1 && in_parts.columns.parts.len() > 10);
    assert_same(&in_parts, &whole, "");
    let stamp = whole.sources[0].stamp.unwrap();
    assert_eq!(stamp, zonefile::Stamp::new(&std::fs::metadata(&path).unwrap(), stamp.content_hash));
    assert!(!whole.is_changed());
}

/// Who takes parts until there are enough.
#[derive(Default)]
struct Taken {
    /// Those taken, by number.
    parts: Mutex<BTreeMap<u64, Part>>,
    /// How often the file was begun again.
    begun_again: AtomicUsize,
    /// Whether one is enough.
    is_one_enough: bool,
}

impl TakeParts for Taken {
    fn take(&self, number: u64, part: Part) -> bool {
        assert!(self.parts.lock().unwrap().insert(number, part).is_none(), "a number is given once");
        !self.is_one_enough
    }

    fn start_over(&self) {
        self.parts.lock().unwrap().clear();
        self.begun_again.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads a text from a file and hands its parts on.
fn read_into(text: &str, options: &Options<'_>, taken: &Taken) -> ZoneFile {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.zone");
    std::fs::write(&path, text).unwrap();
    Buffers::default().read_into(&path, &"example.".parse().unwrap(), options, taken)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn parts_that_are_handed_on_are_as_those_that_are_kept(
        entries in proptest::collection::vec(prop::sample::select(SOUND), 1..60),
        part_octets in prop_oneof![Just(1_usize), 2..200_usize],
        is_broken in any::<bool>(),
    ) {
        let text: String = entries.iter().flat_map(|entry| [*entry, "\n"]).collect();
        let text = format!("{FIRST}{text}{}", if is_broken { "$GENERATE 1-2 g$ A 192.0.2.$\n" } else { "" });
        let whole = read_as(text.as_bytes(), &Options::default());
        let taken = Taken::default();
        let file = read_into(&text, &Options { part_octets, threads: 3, ..Options::default() }, &taken);
        prop_assert!(file.columns.parts.is_empty());
        prop_assert_eq!(&file.errors, &vec![]);
        prop_assert!(taken.begun_again.into_inner() <= 1);
        let parts = taken.parts.into_inner().unwrap();
        prop_assert!(parts.keys().copied().eq(0..parts.len() as u64));
        let columns = Columns { parts: parts.into_values().collect(), files: file.columns.files };
        prop_assert_eq!(columns.to_records(), whole.to_records());
    }
}

#[test]
fn a_file_is_read_no_further_than_its_parts_are_wanted() {
    // In one piece, a part has megabytes.
    let piece = format!("{FIRST}$GENERATE 1-2 g$ A 192.0.2.$\n");
    for (begin, threads, lines) in [(FIRST, 1, 10_000), (FIRST, 2, 10_000), (&piece, 1, 1_000_000)] {
        let (taken, progress) = (Taken { is_one_enough: true, ..Taken::default() }, Progress::default());
        let options = Options { part_octets: 1000, threads, progress: Some(&progress), ..Options::default() };
        let file = read_into(&format!("{begin}{}", "a NS b\n".repeat(lines)), &options, &taken);
        assert_eq!((file.errors.len(), file.columns.parts.len()), (0, 0));
        assert!(progress.records.load(Ordering::Relaxed) < lines as u64);
    }
}
