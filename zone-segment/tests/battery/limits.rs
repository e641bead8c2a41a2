//! What is too large to be made at random: RRsets and owners at the limits of a record, and beyond them.

use zone_segment::{LookupName, Name, SegmentWriter, WriteError, ZoneId};

use crate::model::compare::{compare_name, compare_zone};
use crate::model::{ModelZone, NS, NSEC, RRSIG, SOA};
use crate::named::name;
use crate::{KEY, segment};

/// Writes a zone and compares it with its model, and each of its names.
fn agrees(zone: &ModelZone) {
    let segment = segment(std::slice::from_ref(zone));
    let found = segment.zones().next().expect("written");
    compare_zone(&found, zone);
    for node in zone.nodes() {
        for name in [Some(node.name.clone()), node.name.prepend_label(b"m").ok()].into_iter().flatten() {
            compare_name(&found, zone, &name, &LookupName::new(KEY, name.as_ref()));
        }
    }
}

/// A writer with a zone `example.`, and its apex.
fn started() -> (SegmentWriter, Name) {
    let mut writer = SegmentWriter::new(KEY);
    writer.start_zone(ZoneId(1), name("example.").as_ref()).expect("a zone");
    (writer, name("example."))
}

#[test]
fn an_rrset_of_more_octets_than_a_message_holds() {
    let mut zone = ModelZone::new(&name("example."));
    let records: Vec<Vec<u8>> =
        (0..300u16).map(|number| [&number.to_be_bytes()[..], &[0x77; 1_000]].concat()).collect();
    let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    zone.records(&name("large.example."), 16, 60, &records);
    zone.records(&name("one.example."), 99, 60, &[&vec![0x99; 65_535]]);
    // The same again: shared, whatever its length.
    zone.records(&name("same.example."), 16, 60, &records);
    for owner in ["large.example.", "one.example.", "small.example."] {
        zone.records(&name(owner), 1, 60, &[&[192, 0, 2, 1]]);
        zone.records(&name(owner), NSEC, 60, &[b"\x00"]);
        zone.signature(&name(owner), NSEC, 60, &[0x5a; 60_000]);
    }
    agrees(&zone);
}

/// An owner of so many types, the highest there are; among others of few.
fn many_types(types: u16) -> ModelZone {
    let mut zone = ModelZone::new(&name("example."));
    for rtype in u16::MAX - types + 1..=u16::MAX {
        zone.records(&name("many.example."), rtype, u32::from(rtype), &[&rtype.to_be_bytes()]);
    }
    zone.records(&name("example."), 1, 60, &[&[192, 0, 2, 1]]);
    zone.records(&name("more.example."), 1, 60, &[&[192, 0, 2, 1]]);
    zone
}

/// The most types an owner may have.
const TYPES_MAX: u16 = 40_000;

#[test]
fn an_owner_of_as_many_types_as_there_may_be() {
    agrees(&many_types(TYPES_MAX));
}

#[test]
fn one_type_more_is_an_error_that_says_so() {
    let (mut writer, _) = started();
    let mut written = Ok(());
    for node in many_types(TYPES_MAX).nodes() {
        for (rtype, rrset) in &node.rrsets {
            let records: Vec<&[u8]> = rrset.records.iter().map(Vec::as_slice).collect();
            written = written.and_then(|()| writer.rrset(node.name.as_ref(), *rtype, 60, &records));
        }
        if node.rrsets.len() > 1 {
            // A signature that covers what is not there counts as well.
            let signature = SOA.to_be_bytes();
            written = written.and_then(|()| writer.rrset(node.name.as_ref(), RRSIG, 60, &[&signature]));
        }
    }
    let error = written.and_then(|()| writer.finish().map(drop)).expect_err("too many");
    assert!(matches!(error, WriteError::OwnerTooLarge { expected_max: 40_000, found: 40_001, .. }), "{error}");
}

#[test]
fn rrsets_that_end_at_and_beyond_what_a_record_holds() {
    // Around the lengths at which an RRset moves out of its owner's record, alone and after others.
    for length in (2_020..2_060).chain(16_300..16_400).chain(65_480..=65_535) {
        let mut zone = ModelZone::new(&name("example."));
        zone.records(&name("a.example."), 16, 60, &[&vec![1; length]]);
        for rtype in 200..220 {
            zone.records(&name("b.example."), rtype, 60, &[&vec![2; length / 20], &[3]]);
        }
        zone.records(&name("b.example."), 1, 60, &[&[192, 0, 2, 1]]);
        agrees(&zone);
    }
}

#[test]
fn as_many_records_and_signatures_as_can_be_counted() {
    let mut zone = ModelZone::new(&name("example."));
    let records: Vec<[u8; 2]> = (0..=65_534u16).map(u16::to_be_bytes).collect();
    zone.records(&name("a.example."), 16, 60, &records.iter().map(<[u8; 2]>::as_slice).collect::<Vec<_>>());
    for number in 0..=65_534u16 {
        zone.signature(&name("a.example."), 16, 60, &number.to_be_bytes());
    }
    agrees(&zone);
}

#[test]
fn more_records_or_signatures_than_can_be_counted_are_an_error_that_says_so() {
    let (mut writer, apex) = started();
    let records: Vec<[u8; 3]> = (0..=65_535u32).map(|number| [0, (number >> 8) as u8, number as u8]).collect();
    let records: Vec<&[u8]> = records.iter().map(<[u8; 3]>::as_slice).collect();
    let written = writer.rrset(apex.as_ref(), 16, 60, &records).and_then(|()| writer.finish().map(drop));
    let error = written.expect_err("too many");
    assert!(matches!(error, WriteError::OwnerTooLarge { expected_max: 65_535, found: 65_536, .. }), "{error}");

    let (mut writer, apex) = started();
    let signatures: Vec<[u8; 5]> = (0..=65_535u32).map(|number| [0, 1, 0, (number >> 8) as u8, number as u8]).collect();
    let signatures: Vec<&[u8]> = signatures.iter().map(<[u8; 5]>::as_slice).collect();
    let written = writer.rrset(apex.as_ref(), 46, 60, &signatures).and_then(|()| writer.finish().map(drop));
    let error = written.expect_err("too many");
    assert!(matches!(error, WriteError::OwnerTooLarge { expected_max: 65_535, found: 65_536, .. }), "{error}");
}

#[test]
fn one_rrset_that_every_name_has_alike() {
    let mut zone = ModelZone::new(&name("example."));
    for number in 0..2_000 {
        let owner = name(&format!("d{number}.example."));
        zone.records(&owner, NS, 60, &[b"\x02ns\x05other\x04test\x00", b"\x02ns\x07example\x00"]);
    }
    zone.records(&name("ns.example."), 1, 60, &[&[192, 0, 2, 1]]);
    let written = segment(std::slice::from_ref(&zone));
    assert!(written.len() < 4_096 + 2_000 * 60, "it lies once: {} octets", written.len());
    agrees(&zone);
}

#[test]
fn names_of_255_octets_and_127_labels_side_by_side() {
    let root = Name::root();
    let mut zone = ModelZone::new(&root);
    let deepest = Name::from_labels([&b"x"[..]; 127], root.as_ref()).expect("255 octets");
    zone.records(&deepest, 1, 60, &[b"deepest"]);
    for last in [0u8, 1, b'*', b'A', b'z', 0xff] {
        let labels = [&[last][..], &[b'-'; 61], &[b'-'; 63], &[b'-'; 63], &[b'-'; 61]];
        let owner = Name::from_labels(labels, root.as_ref()).expect("255 octets");
        assert_eq!(owner.as_wire().len(), 255);
        zone.records(&owner, 1, 60, &[&[last]]);
    }
    agrees(&zone);
}
