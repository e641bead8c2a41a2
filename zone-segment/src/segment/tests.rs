//! Damage: every octet of header and root, any other octet, cut files, and contents made to hurt.

use std::sync::Arc;

use proptest::prelude::*;

use crate::directory::ZoneState;
use crate::directory_writer::DirectoryWriter;
use crate::header::{HEADER_HASH_FIELD, ROOT_HASH_FIELD};
use crate::ids::{GroupId, LayerId, ZoneId};
use crate::lookup_name::LookupName;
use crate::map::SegmentBuffer;
use crate::name::Name;
use crate::node::Node;
use crate::order::Nodes;
use crate::stack::{Layer, Stack};
use crate::writer::SegmentWriter;
use crate::zone_set::ZoneSet;

use super::*;

/// A name in presentation format.
fn name(text: &str) -> Name {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The names of each zone, relative to its apex, with a type each.
const OWNERS: [(&str, u16); 12] = [
    ("", 2),
    ("", 6),
    ("*", 16),
    ("a", 1),
    ("b.ent", 1),
    ("cut", 2),
    ("ns.cut", 1),
    ("*.cut", 1),
    ("dname", 39),
    ("below.dname", 1),
    ("k1.k2.k3.k4", 47),
    ("z", 99),
];

/// SOA RDATA.
const SOA_RDATA: [u8; 22] = [0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];

/// Two zones with something of everything, `filler` more names in each.
fn zones_segment(filler: usize) -> SegmentBuffer {
    let mut writer = SegmentWriter::new(HashKey([3; 16]));
    for (id, apex) in [(4, name("example.")), (2, name("cut.example."))] {
        let mut owners: Vec<(Name, u16)> = OWNERS
            .iter()
            .map(|(owner, rtype)| {
                let labels = owner.split('.').filter(|label| !label.is_empty()).map(str::as_bytes);
                (Name::from_labels(labels, apex.as_ref()).expect("a name"), *rtype)
            })
            .collect();
        owners.extend(
            (0..filler).map(|number| (apex.prepend_label(format!("f{number}").as_bytes()).expect("a name"), 1)),
        );
        owners.sort();
        writer.start_zone(ZoneId(id), apex.as_ref()).expect("a zone");
        for (owner, rtype) in &owners {
            writer
                .rrset(owner.as_ref(), *rtype, 60, &[&SOA_RDATA, owner.as_wire()][..usize::from(*rtype != 6) + 1])
                .expect("an RRset");
            writer
                .rrset(owner.as_ref(), 46, 60, &[&[&rtype.to_be_bytes()[..], b"signature"].concat()])
                .expect("a signature");
        }
    }
    writer.finish().expect("a segment")
}

/// A directory of both zones.
fn directory_segment() -> SegmentBuffer {
    let mut writer = DirectoryWriter::new(HashKey([3; 16]));
    for (id, apex) in [(4, "example."), (2, "cut.example."), (9, "other.")] {
        writer.entry(DirectoryEntry {
            apex: name(apex),
            group: GroupId(1),
            zone: ZoneId(id),
            state: ZoneState::Serving,
            floor: LayerId(1),
        });
    }
    writer.finish().expect("a directory")
}

/// Asks a generation of these segments everything, and gives how many answers there were, so that nothing is optimised
/// out and endless ones are seen.
fn exercise(zones: &Arc<Segment<SegmentBuffer>>, directory: &Arc<Segment<SegmentBuffer>>) -> u64 {
    let layer = |segment: &Arc<Segment<SegmentBuffer>>| Layer { id: LayerId(1), segment: Arc::clone(segment) };
    let groups = vec![(GroupId(1), Stack::new(vec![layer(zones)]))];
    let set = ZoneSet::new(1, vec![layer(directory)], groups).expect("keys and kinds stand in the header");
    let asked = [
        ".",
        "example.",
        "A.example.",
        "ent.example.",
        "x.y.ent.example.",
        "w.example.",
        "x.ns.cut.example.",
        "a.cut.example.",
        "x.below.dname.example.",
        "k3.k4.example.",
        "x.k3.k4.example.",
        "f7.example.",
        "other.",
        "x.other.",
    ];
    let mut answers = directory.directory_entries().count() as u64 + zones.statistics().records % 2;
    for asked in asked {
        let lookup = LookupName::new(set.key(), name(asked).as_ref());
        let of_set = [set.find_zone(&lookup), set.find_zone_above(&lookup)];
        for zone in of_set.into_iter().chain([zones.find_zone(&lookup)]).flatten() {
            answers += 1 + u64::from(format!("{:?}", zone.find(&lookup)).is_empty());
            answers += zone.predecessor(&lookup).map_or(0, read_node);
            answers += zone.address_node(&lookup).map_or(0, read_node);
        }
    }
    for zone in set.zones().chain(zones.zones()) {
        answers += zone.apex_node().map_or(0, read_node) + zone.nodes().map(read_node).sum::<u64>();
    }
    answers
}

/// Reads all of a node.
fn read_node(node: Node<'_>) -> u64 {
    let rrsets = node.rrsets().map(|rrset| {
        let signatures = rrset.signatures().count() + rrset.signature_ttl() as usize % 2;
        (rrset.len() + rrset.rdata().map(<[u8]>::len).sum::<usize>() + signatures) as u64
    });
    rrsets.sum::<u64>() + node.rrset(1).map_or(0, |rrset| rrset.len() as u64) + node.name().label_count() as u64
}

/// Where the root lies in a file.
fn root_of(octets: &SegmentBuffer) -> std::ops::Range<usize> {
    let header = Header::decode(octets).expect("a good header");
    header.root_offset() as usize..header.block_table() as usize
}

#[test]
fn b38_every_bit_of_header_and_root_is_checked_at_open() {
    for mut octets in [zones_segment(0), directory_segment()] {
        for at in (0..HEADER_LENGTH).chain(root_of(&octets)) {
            for bit in 0..8 {
                octets[at] ^= 1 << bit;
                let error = Segment::open(octets.clone()).expect_err("refused");
                assert!(!error.to_string().is_empty(), "octet {at}");
                octets[at] ^= 1 << bit;
            }
        }
        Segment::open(octets).expect("as it was");
    }
}

#[test]
fn b38_every_other_octet_is_found_by_verify_which_names_the_block() {
    for mut octets in [zones_segment(0), directory_segment()] {
        let root = root_of(&octets);
        for at in (HEADER_LENGTH..root.start).chain(root.end..octets.len()) {
            octets[at] ^= 0x10;
            let error = Segment::open(octets.clone()).expect("not read at open").verify().expect_err("found");
            match error {
                VerifyError::Block { block: 0, offset: 4096, .. } => assert!(at < root.start),
                VerifyError::BlockTable { .. } => assert!(at >= root.end),
                other => panic!("octet {at}: {other}"),
            }
            octets[at] ^= 0x10;
        }
        Segment::open(octets).expect("as it was").verify().expect("sound");
    }
}

#[test]
fn b38_damage_in_a_large_segment_is_named_by_its_block() {
    let mut octets = zones_segment(20_000);
    let blocks = Segment::open(octets.clone()).expect("sound").block_count();
    assert!(blocks > 3, "several blocks: {blocks}");
    for block in 0..blocks {
        let at = HEADER_LENGTH + (block * BLOCK_OCTETS) as usize;
        octets[at] ^= 0x80;
        let found = Segment::open(octets.clone()).expect("not read at open").verify();
        assert!(matches!(found, Err(VerifyError::Block { block: named, .. }) if named == block), "{found:?}");
        octets[at] ^= 0x80;
    }
}

#[test]
fn b38_cut_and_grown_files_are_refused() {
    let octets = zones_segment(0);
    for length in 0..octets.len() {
        let mut cut = SegmentBuffer::new();
        cut.extend_from_slice(&octets[..length]);
        let error = Segment::open(cut).expect_err("cut short");
        match length < HEADER_LENGTH {
            true => assert!(matches!(error, OpenError::TooShort { .. }), "{length}: {error}"),
            false => assert!(matches!(error, OpenError::TotalLength { .. }), "{length}: {error}"),
        }
    }
    let mut grown = octets.clone();
    grown.extend_from_slice(&[0]);
    assert!(matches!(Segment::open(grown), Err(OpenError::TotalLength { .. })));
}

#[test]
fn b39_extremes_in_every_field_are_survived() {
    let (zones, directory) = (zones_segment(0), directory_segment());
    let whole = |octets: &SegmentBuffer| Arc::new(Segment::open(octets.clone()).expect("not read at open"));
    let sound = exercise(&whole(&zones), &whole(&directory));
    let extremes: [&[u8]; 7] =
        [&[0xff], &[0xff; 2], &[0; 4], &[0xff; 4], &[0xff, 0xff, 0xff, 0x7f], &[0, 0, 0, 0x80], &[0xff; 8]];
    let mut differing = 0u64;
    for is_directory in [false, true] {
        let mut octets = if is_directory { directory.clone() } else { zones.clone() };
        let root = root_of(&octets);
        for extreme in extremes {
            for at in (HEADER_LENGTH..root.start - extreme.len()).step_by(extreme.len().min(4)) {
                let kept = octets[at..at + extreme.len()].to_vec();
                octets[at..at + extreme.len()].copy_from_slice(extreme);
                let answers = match is_directory {
                    false => exercise(&whole(&octets), &whole(&directory)),
                    true => exercise(&whole(&zones), &whole(&octets)),
                };
                differing += u64::from(answers != sound);
                octets[at..at + extreme.len()].copy_from_slice(&kept);
            }
        }
    }
    assert!(differing > 1000, "the damage was read: {differing}");
}

/// Makes root hash and header hash right again after the root was changed.
fn reseal(octets: &mut SegmentBuffer, root: std::ops::Range<usize>) {
    let hash = xxh3_128(&octets[root]).to_le_bytes();
    octets[ROOT_HASH_FIELD.offset..ROOT_HASH_FIELD.end()].copy_from_slice(&hash);
    let hash = xxh3_128(&octets[..HEADER_HASH_FIELD.offset]).to_le_bytes();
    octets[HEADER_HASH_FIELD.offset..HEADER_LENGTH].copy_from_slice(&hash);
}

#[test]
fn b39_a_root_made_to_hurt_is_refused_or_survived() {
    let (zones, directory) = (zones_segment(0), directory_segment());
    let good_directory = Arc::new(Segment::open(directory).expect("sound"));
    let root = root_of(&zones);
    let length = zones.len() as u64;
    let (mut refused, mut survived) = (0, 0);
    for at in root.clone().step_by(4) {
        for value in [0, 1, 64, 1 << 31, length, length.wrapping_neg(), u64::from(u32::MAX), i64::MAX as u64, u64::MAX]
        {
            let mut octets = zones.clone();
            let end = (at + 8).min(root.end);
            octets[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
            reseal(&mut octets, root.clone());
            match Segment::open(octets) {
                Err(OpenError::Root { .. }) => refused += 1,
                Err(other) => panic!("{at}: {other}"),
                Ok(segment) => {
                    exercise(&Arc::new(segment), &good_directory);
                    survived += 1;
                }
            }
        }
    }
    assert!(refused > 50 && survived > 5, "{refused} refused, {survived} survived");
}

#[test]
fn every_part_is_where_the_document_says() {
    let octets = zones_segment(100);
    let segment = Segment::open(octets).expect("sound");
    let root = segment.zones_root().expect("zones");
    let file = segment.archive.octets().as_ptr().addr();
    assert_eq!((root.nodes.as_ptr().addr() - file) % 64, 0, "the arena begins at a cache line");
    assert_eq!((root.buckets.as_ptr().addr() - file) % 64, 0, "so do the buckets");
    let mut names = 0;
    for row in root.zones.iter() {
        let nodes: Vec<_> = Nodes::of_zone(root, row).collect();
        assert_eq!(nodes.len(), row.names.to_native() as usize);
        let of_nodes: u32 = nodes.iter().map(|node| node.units()).sum();
        assert_eq!(of_nodes, row.end.to_native() - row.start.to_native(), "nodes lie one behind the other");
        let start = row.block_start.to_native() as usize;
        for (block, first) in nodes.iter().step_by(64).enumerate().skip(1) {
            let reference = root.blocks[start + block - 1].first.to_native();
            assert_eq!(Node::at(root, reference).expect("a node").name(), first.name());
        }
        names += nodes.len();
    }
    assert_eq!(root.upper_separators.len(), root.blocks.len());
    assert_eq!(root.lower_separators.len(), root.blocks.len());
    assert_eq!((root.order.as_ptr().addr() - file) % 64, 0, "an aligned block is two cache lines");
    assert_eq!(root.blocks.len(), root.zones.iter().map(|zone| (zone.names.to_native() as usize - 1) / 64).sum());
    let statistics = segment.statistics();
    assert_eq!((statistics.zones, statistics.names, statistics.octets), (2, names as u64, segment.len()));
    assert!(statistics.parts.iter().map(|part| part.octets).sum::<u64>() < segment.len());
    assert_eq!(segment.builder(), concat!("trine ", env!("CARGO_PKG_VERSION")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn b39_random_damage_is_survived(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..200)) {
        let mut octets = zones_segment(40);
        let mut directory = directory_segment();
        for (at, octet) in damage {
            let target = if octet % 8 == 0 { &mut directory } else { &mut octets };
            let end = root_of(target).start;
            let at = HEADER_LENGTH + at.index(end - HEADER_LENGTH);
            target[at] = octet;
        }
        let open = |octets| Arc::new(Segment::open(octets).expect("not read at open"));
        exercise(&open(octets), &open(directory));
    }
}
