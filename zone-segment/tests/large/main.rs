//! A segment of more than 4 GiB: written, opened and asked. Ignored where tests run as a matter of course, for it takes minutes,
//! 12 GiB of memory and 6 GiB of disk: `cargo test --release -p zone-segment --test large -- --ignored --nocapture`.

use std::time::Instant;

use zone_segment::{Find, HashKey, LookupName, Name, NameRef, Segment, SegmentWriter, ZoneId, map, write_file};

/// The key of the name hash.
const KEY: HashKey = HashKey(*b"larger than most");
/// How many names own a record, beside the apex.
const NAMES: u32 = 2_900_000;
/// Octets of each record: below the length from which an RRset lies outside of its owner's record.
const RDATA_OCTETS: usize = 1_900;
/// The type of the records, and NSEC, which proves what is missing.
const RTYPES: [u16; 2] = [65_280, 47];

/// The name with a number.
fn name(number: u32) -> Name {
    format!("n{number:08}.large.test.").parse().expect("a name")
}

/// The record of the name with a number: no two are equal in any block.
fn fill(rdata: &mut [u8], number: u32) {
    for (at, word) in rdata.chunks_exact_mut(4).enumerate() {
        word.copy_from_slice(&(number ^ at as u32).to_be_bytes());
    }
}

/// Writes the segment to a file in a directory.
fn write(directory: &std::path::Path) {
    let apex: Name = "large.test.".parse().expect("a name");
    let mut writer = SegmentWriter::new(KEY);
    writer.start_zone(ZoneId(1), apex.as_ref()).expect("a zone");
    let mut rdata = [0; RDATA_OCTETS];
    for number in 0..NAMES {
        fill(&mut rdata, number);
        let owner = name(number);
        writer.rrset(owner.as_ref(), RTYPES[0], 60, &[&rdata]).expect("an RRset");
        writer.rrset(owner.as_ref(), RTYPES[1], 60, &[b"\x00"]).expect("an RRset");
    }
    write_file(directory, "large.segment", &writer.finish().expect("a segment")).expect("written");
}

/// Asks for a name and the one behind it, which is not there.
fn ask(segment: &Segment, number: u32) {
    let apex = NameRef::from_wire(b"\x05large\x04test\x00").expect("a name");
    let lookup = LookupName::new(KEY, name(number).as_ref());
    let zone = segment.find_zone(&lookup).expect("served");
    assert_eq!(zone.apex(), apex);
    let Find::Name(node) = zone.find(&lookup) else { panic!("{lookup:?} is there") };
    let mut expected = [0; RDATA_OCTETS];
    fill(&mut expected, number);
    assert!(node.rrset(RTYPES[0]).expect("data").rdata().eq([&expected[..]]), "{lookup:?} has its own record");
    let missing = name(number).to_string().replace(".large", "-.large").parse::<Name>().expect("a name");
    let lookup = LookupName::new(KEY, missing.as_ref());
    assert!(matches!(zone.find(&lookup), Find::NoName { .. }));
    assert_eq!(zone.predecessor(&lookup).map(|node| node.name().to_name()), Some(name(number)));
}

#[test]
#[ignore = "takes minutes, 12 GiB of memory and 6 GiB of disk"]
fn large_segments_open_and_answer() {
    let directory = tempfile::tempdir().expect("a directory");
    let begin = Instant::now();
    write(directory.path());
    println!("written in {:.1} s", begin.elapsed().as_secs_f64());
    let file = std::fs::File::open(directory.path().join("large.segment")).expect("readable");
    let begin = Instant::now();
    let segment = map(&file).expect("a segment");
    let opened = begin.elapsed();
    println!("{} octets, opened in {opened:?}", segment.len());
    assert!(segment.len() > 5 << 30, "beyond what 32 bits address: {}", segment.len());
    // All over the file, and its two ends.
    for number in (0..NAMES).step_by(9_973).chain([NAMES - 1]) {
        ask(&segment, number);
    }
    segment.verify().expect("sound");
    println!("{} names asked for, verified in {:.1} s", NAMES / 9_973 + 2, begin.elapsed().as_secs_f64());
}
