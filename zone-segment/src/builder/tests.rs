//! The octets of a segment must not depend on where its zones were cut into parts.

use std::ops::Range;

use proptest::prelude::*;

use super::*;
use crate::name::NameRef;
use crate::source::{SourceRecord, Visitor};

/// Types and RDATA of an owner.
type Records = Vec<(u16, Vec<u8>)>;

/// A zone as a list of owners.
#[derive(Clone, Debug)]
struct List(Vec<(Name, Records)>);

impl ZoneSource for List {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn name(&self, rank: usize) -> NameRef<'_> {
        self.0[rank].0.as_ref()
    }

    fn visit<'a>(&'a self, ranks: Range<usize>, to: &mut Visitor<'_, 'a>) {
        for rank in ranks {
            let (name, owned) = &self.0[rank];
            let records: Vec<_> =
                owned.iter().map(|(rtype, rdata)| SourceRecord { rtype: *rtype, ttl: 60, rdata }).collect();
            if to(rank, name.as_ref(), &records).is_break() {
                break;
            }
        }
    }
}

/// Names near each other, many of them below one another, some of them wildcards.
fn names() -> impl Strategy<Value = Name> {
    let label = prop_oneof![4 => "[a-c]{1,2}", 1 => Just("*".to_owned()), 1 => Just("!".to_owned())];
    proptest::collection::vec(label, 0..5).prop_map(|labels| {
        Name::from_labels(labels.iter().map(String::as_bytes), apex().as_ref()).expect("a short name")
    })
}

/// The apex of all zones here.
fn apex() -> Name {
    "example.".parse().expect("a name")
}

/// Records of one owner, by type: name servers in and outside of the zone, DNAME, NSEC with and without signature, long ones.
fn records() -> impl Strategy<Value = Records> {
    let servers = prop_oneof![Just("a.example."), Just("b.c.example."), Just("ns.a-rather-long-name.registrar.test.")];
    let servers = servers.prop_map(|name| (NS, name.parse::<Name>().expect("a name").as_wire().to_vec()));
    let record = prop_oneof![
        3 => servers,
        1 => Just((DNAME, b"\x04test\x00".to_vec())),
        2 => Just((NSEC, b"\x07example\x00\x00\x01\x02".to_vec())),
        1 => Just((16, vec![b'x'; 3_000])),
        3 => Just((1, vec![192, 0, 2, 1])),
        1 => Just((RRSIG, [&NSEC.to_be_bytes()[..], &[7; 90]].concat())),
    ];
    proptest::collection::btree_map(record, Just(()), 1..4).prop_map(|records| records.into_keys().collect())
}

/// Zones of a few dozen owners in canonical order.
fn zones() -> impl Strategy<Value = List> {
    proptest::collection::btree_map(names(), records(), 0..40).prop_map(|owners| List(owners.into_iter().collect()))
}

/// The octets of zones that were cut into parts of so many ranks.
fn built(zones: &[List], part_ranks: usize) -> Vec<u8> {
    let mut builder = SegmentBuilder::new(HashKey([7; 16]));
    builder.part_ranks = part_ranks;
    for (id, zone) in (1..).zip(zones) {
        builder.zone(ZoneId(id), apex(), zone.clone()).expect("an id of its own");
    }
    builder.into_buffer().expect("a segment").to_vec()
}

proptest! {
    #[test]
    fn parts_leave_no_trace(zones in proptest::collection::vec(zones(), 1..3), part_ranks in 1_usize..9) {
        prop_assert_eq!(built(&zones, part_ranks), built(&zones, 4096));
    }
}

#[test]
fn a_file_is_what_memory_is() {
    let owners = (0..20_000).map(|number| {
        let server = if number % 2 == 0 { "ns.d7.example." } else { "ns.of-everybody.test." };
        let server: Name = server.parse().expect("a name");
        let records = vec![(NS, server.as_wire().to_vec()), (43, vec![number as u8; 36])];
        (format!("d{number}.example.").parse::<Name>().expect("a name"), records)
    });
    let mut owners: Vec<_> = owners.collect();
    owners.push(("ns.d7.example.".parse().expect("a name"), vec![(1, vec![192, 0, 2, 1])]));
    owners.sort();
    let zone = List(owners);
    let directory = tempfile::tempdir().expect("a directory");
    let mut builder = SegmentBuilder::new(HashKey([7; 16]));
    builder.zone(ZoneId(1), apex(), zone.clone()).expect("an id of its own");
    builder.write_file(directory.path(), "a.segment").expect("written");
    let path = directory.path().join("a.segment");
    assert!(std::fs::read(&path).expect("readable") == built(&[zone], 4096));
    crate::verify_file(&path).expect("sound");
}

#[test]
fn b36_what_cannot_be_written_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let unsorted = ["b.example.", "a.example."].map(|name| (name.parse().expect("a name"), vec![(1, vec![1])]));
    let mut builder = SegmentBuilder::new(HashKey([7; 16]));
    builder.zone(ZoneId(1), apex(), List(unsorted.to_vec())).expect("an id of its own");
    let error = builder.write_file(directory.path(), "a.segment").expect_err("out of order");
    assert!(matches!(error, BuildError::Records { source: WriteError::OutOfOrder { .. }, .. }), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0);
}
