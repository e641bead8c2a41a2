//! Segments as they lie in the repository: one of this format version, which must stay readable and say exactly what it
//! said when it was written, and those of earlier versions, which must be refused by their number.
//!
//! Whoever raises the version writes the files anew, beside the old ones:
//! `cargo test --package zone-segment --test golden -- --ignored`. Files that are here are never written again.

#[path = "../model/mod.rs"]
mod model;

use std::fs::{self, File};
use std::path::PathBuf;

use model::ModelZone;
use model::compare::{compare_batch, compare_hashes, compare_name, compare_zone};
use model::{NS, NSEC, NSEC3, NSEC3PARAM, SOA, label_of, soa};
use zone_segment::{
    DirectoryEntry, DirectoryWriter, FORMAT_VERSION, GroupId, HashKey, LayerId, LookupName, Name, OpenError, Segment,
    SegmentBuffer, SegmentWriter, ZoneId, ZoneState, map,
};

/// The key in the files.
const KEY: HashKey = HashKey(*b"golden segments!");

/// The file of a version.
fn path(version: u32, what: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/version-{version}{what}.segment"))
}

/// A name in presentation format.
fn name(text: &str) -> Name {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The zones in the file: the first with a bit of everything, the second at a cut of it, the third without a record.
fn zones() -> [(ZoneId, ModelZone); 3] {
    let mut example = ModelZone::new(&name("example."));
    let mut add = |owner: &str, rtype, rdata: &[&[u8]]| example.records(&name(owner), rtype, 300, rdata);
    add("example.", SOA, &[&soa(2019)]);
    add("example.", NS, &[b"\x02ns\x07example\x00", b"\x01b\x02ns\x04test\x00"]);
    add("ns.example.", 1, &[&[192, 0, 2, 1], &[192, 0, 2, 2]]);
    add("*.example.", 16, &[b"\x04text"]);
    add("MiXeD.a.b.c.example.", 16, &[b"\x04Text", b"\x05other"]);
    add("cut.example.", NS, &[b"\x02ns\x03cut\x07example\x00"]);
    add("cut.example.", 43, &[&[7; 36]]);
    add("ns.cut.example.", 1, &[&[192, 0, 2, 3]]);
    add("ns.cut.example.", 28, &[&[0x20; 16]]);
    add("dname.example.", 39, &[b"\x04test\x00"]);
    add("below.dname.example.", 1, &[&[192, 0, 2, 4]]);
    add("large.example.", 16, &[&[0xee; 700], &[0xdd; 300]]);
    add("\\000.example.", 1, &[&[192, 0, 2, 5]]);
    add("a\\.b.example.", 1, &[&[192, 0, 2, 6]]);
    // More than two blocks, in the last of them a node longer than its length has an octet for.
    add("x.example.", 16, &[&[0xcc; 900], &[0xbb; 300]]);
    for number in 0..140 {
        add(&format!("d{number}.example."), NS, &[b"\x02ns\x09registrar\x04test\x00", b"\x03ns2\x04test\x00"]);
    }
    let owners =
        ["example.", "*.example.", "ns.example.", "MiXeD.a.b.c.example.", "cut.example.", "d7.example.", "x.example."];
    for owner in owners {
        add(owner, NSEC, &[b"\x07example\x00\x00\x01\x02"]);
    }
    for owner in owners {
        for covered in [SOA, NS, 16, NSEC] {
            example.signature(&name(owner), covered, 120, &[0x5a; 30]);
        }
    }
    let long = Name::from_labels([&[b'L'; 63][..], &[b'l'; 63], &[0; 63], &[0xff; 53]], example.apex.as_ref());
    example.records(&long.expect("255 octets"), 99, 1, &[b"long"]);
    let mut cut = ModelZone::new(&name("cut.example."));
    cut.records(&name("cut.example."), SOA, 60, &[&soa(u32::MAX)]);
    cut.records(&name("ns.cut.example."), 1, 60, &[&[192, 0, 2, 3]]);
    cut.records(&name("cut.example."), NSEC3PARAM, 0, &[b"\x01\x00\x00\x05\x02\xab\xcd"]);
    for number in 0..12u8 {
        let hash = std::array::from_fn(|at| number.wrapping_mul(21) ^ (at as u8) << (number % 3));
        let owner = name(&format!("{}.cut.example.", label_of(&hash)));
        cut.records(&owner, NSEC3, 60, &[&[&b"\x01\x01\x00\x05\x02\xab\xcd\x14"[..], &[number; 20]].concat()]);
    }
    [(ZoneId(9), example), (ZoneId(4), cut), (ZoneId(u32::MAX), ModelZone::new(&name("empty.test.")))]
}

/// The entries of the directory in the other file, by apex in canonical order.
fn entries() -> [DirectoryEntry; 3] {
    let states = [(ZoneState::Serving, 9, "example."), (ZoneState::Expired, 4, "cut.example.")];
    let [first, second] = states.map(|(state, zone, apex)| DirectoryEntry {
        apex: name(apex),
        group: GroupId(3),
        zone: ZoneId(zone),
        state,
        floor: LayerId(u64::from(zone) << 40),
    });
    let third = DirectoryEntry { apex: name("empty.test."), state: ZoneState::Removed, ..first.clone() };
    [first, second, third]
}

/// Writes what the file of zones holds.
fn write_zones() -> SegmentBuffer {
    let mut writer = SegmentWriter::new(KEY);
    for (id, zone) in zones() {
        zone.write(&mut writer, id);
    }
    writer.finish().expect("a segment")
}

/// Writes what the file of the directory holds.
fn write_directory() -> SegmentBuffer {
    let mut writer = DirectoryWriter::new(KEY);
    entries().into_iter().for_each(|entry| writer.entry(entry));
    writer.finish().expect("a directory")
}

#[test]
fn the_file_of_this_version_says_what_it_said_when_it_was_written() {
    let path = path(FORMAT_VERSION, "");
    let segment = map(File::open(&path).expect("in the repository")).expect("of this version");
    segment.verify().expect("sound");
    let zones = zones();
    assert_eq!(segment.zones().map(|zone| zone.id().0).collect::<Vec<_>>(), [4, 9, u32::MAX]);
    for (id, model) in &zones {
        let zone = segment.zones().find(|zone| zone.id() == *id).expect("written");
        compare_zone(&zone, model);
        for node in model.nodes() {
            let children = [&b"*"[..], b"\x00", b"m", b"\xff"].map(|label| node.name.prepend_label(label).ok());
            let names: Vec<Name> = children.into_iter().flatten().chain([node.name.clone()]).collect();
            let lookups: Vec<_> = names.iter().map(|name| LookupName::new(KEY, name.as_ref())).collect();
            names.iter().zip(&lookups).for_each(|(name, lookup)| compare_name(&zone, model, name, lookup));
            compare_batch(&zone, &lookups);
        }
        compare_hashes(&zone, model);
    }
    // What a builder shares and where it puts it is its own affair; what it means is pinned octet by octet in the battery.
    let written = Segment::open(write_zones()).expect("of this version");
    let dumped = |zone: &ModelZone| zone.nodes().map(|node| node.name.clone()).collect::<Vec<_>>();
    for (id, model) in &zones {
        let zone = written.zones().find(|zone| zone.id() == *id).expect("written");
        compare_zone(&zone, model);
        assert_eq!(zone.nodes().map(|node| node.name().to_name()).collect::<Vec<_>>(), dumped(model));
    }
    assert!(segment.len() < 20_000, "small: it is in the repository");
}

#[test]
fn the_directory_of_this_version_says_what_it_said_when_it_was_written() {
    let path = path(FORMAT_VERSION, "-directory");
    let segment = map(File::open(&path).expect("in the repository")).expect("of this version");
    segment.verify().expect("sound");
    assert_eq!(segment.directory_entries().collect::<Vec<_>>(), entries());
    let written = Segment::open(write_directory()).expect("of this version");
    assert_eq!(written.content_hash(), segment.content_hash(), "what is written changed: raise FORMAT_VERSION");
}

#[test]
fn files_of_earlier_versions_are_refused_by_their_number() {
    for version in 1..FORMAT_VERSION {
        for what in ["", "-directory"] {
            let path = path(version, what);
            let error = map(File::open(&path).expect("in the repository")).expect_err("of another version");
            match &error {
                OpenError::FormatVersion { expected, found } => {
                    assert_eq!((*expected, *found), (FORMAT_VERSION, version))
                }
                other => panic!("{}: {other}", path.display()),
            }
            let text = error.to_string();
            assert!(text.contains(&FORMAT_VERSION.to_string()) && text.contains(&version.to_string()), "{text}");
        }
    }
}

#[test]
#[ignore = "writes the files of a new format version into the repository"]
fn write_the_files_of_this_version() {
    for (what, octets) in [("", write_zones()), ("-directory", write_directory())] {
        let path = path(FORMAT_VERSION, what);
        assert!(!path.exists(), "{} is there: raise FORMAT_VERSION first", path.display());
        fs::write(path, &octets).expect("written");
    }
}
