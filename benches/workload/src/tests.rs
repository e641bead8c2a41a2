//! What a zone holds is pinned by a checksum; every kind comes back from a segment and from text as it was.

use std::collections::BTreeMap;
use std::path::Path;

use dns::types::Rtype;
use dns::{Record, rrsets};
use zone_segment::{Find, HashKey, LookupName, Name, Segment, SegmentBuffer};

use crate::{Checksum, Kind, Names, QuerySet, Records, Workload, ZoneFiles, uniform};

/// The key of the name hash.
const KEY: HashKey = HashKey(*b"sixteen octets!!");

/// Names of a zone that is compared whole.
const NAMES: usize = 1_000;

/// The zones of a kind, with and without an NSEC chain.
fn both(kind: Kind) -> [Workload; 2] {
    let zone = || Workload::new(kind, NAMES, 7);
    [zone(), zone().with_nsec()]
}

/// A zone's records in canonical order.
fn sorted(zone: &Workload) -> Vec<Record> {
    let Records(mut records) = records(zone);
    dns::sort(&mut records);
    records
}

/// A zone's records as they come.
fn records(zone: &Workload) -> Records {
    let mut records = Records::default();
    let Ok(()) = zone.write(&mut records);
    records
}

/// The segment of a zone.
fn open(zone: &Workload) -> Segment<SegmentBuffer> {
    Segment::open(zone.segment(KEY).expect("a zone that fits")).expect("a sound segment")
}

/// Asks for all names, as many as there are.
fn ask(zone: &Workload, set: QuerySet) -> Names {
    zone.queries(set, uniform(zone.query_count(), 3).take(NAMES), 3)
}

#[test]
fn the_content_of_a_seed_is_pinned() {
    let pinned = [
        (Kind::Tld, [(2_710, 0x9fd5_4096_a408_dcca), (5_118, 0xad91_ee78_1e43_bc3e)]),
        (Kind::Flat, [(1_743, 0xcee3_6e70_a7f1_da6b), (5_490, 0x2d90_7a73_738d_99fc)]),
        (Kind::Deep, [(1_251, 0x53f4_42f5_9a24_123d), (4_506, 0xd65c_64df_b22c_2e69)]),
        (Kind::Many, [(3_000, 0xe76d_dd8d_56ff_1f63), (9_000, 0x8c79_4df8_5c35_78de)]),
        (Kind::Registry, [(3_270, 0xbe25_2a28_65fd_d085), (5_651, 0x51ce_dc75_395b_af40)]),
        (Kind::Hosting, [(10_000, 0x7ff6_fa7a_e4c8_147e), (27_000, 0xda30_791f_de95_1950)]),
    ];
    let found = pinned.map(|(kind, _)| {
        let checksums = both(kind).map(|zone| {
            let mut checksum = Checksum::default();
            let Ok(()) = zone.write(&mut checksum);
            (checksum.records, checksum.value)
        });
        (kind, checksums)
    });
    assert_eq!(found, pinned, "found {found:#x?}");
}

#[test]
fn a_segment_gives_every_record_back() {
    for zone in Kind::ALL.into_iter().flat_map(both) {
        let segment = open(&zone);
        let mut found = Records::default();
        for node in segment.zones().flat_map(|zone| zone.nodes()) {
            for rrset in node.rrsets() {
                let mut add = |rtype: Rtype, ttl, rdata: &[u8]| {
                    let owner = node.name().to_name();
                    found.0.push(Record { owner, rtype, ttl, rdata: rdata.into(), file: 0, line: 0 });
                };
                rrset.rdata().for_each(|rdata| add(Rtype(rrset.rtype()), rrset.ttl(), rdata));
                rrset.signatures().for_each(|rdata| add(Rtype::RRSIG, rrset.signature_ttl(), rdata));
            }
        }
        dns::sort(&mut found.0);
        assert!(found.0 == sorted(&zone), "{zone:?}");
    }
}

#[test]
fn text_gives_every_record_back() {
    for zone in Kind::ALL.into_iter().flat_map(both) {
        let (mut relative, mut shuffled) = (Vec::new(), Vec::new());
        zone.write_relative_text(&mut relative).expect("writing to memory");
        zone.write_shuffled_text(3, &mut shuffled).expect("writing to memory");
        for text in [zone.text().into_bytes(), relative, shuffled] {
            assert!(read(&text) == sorted(&zone), "{zone:?}");
        }
    }
}

/// The records of a text, in canonical order.
fn read(text: &[u8]) -> Vec<Record> {
    let file = dns::text::zonefile::read_octets(Path::new("workload.zone"), text, &Name::root());
    assert!(file.errors.is_empty() && file.warnings.is_empty(), "{:?} {:?}", file.errors, file.warnings);
    let mut found: Vec<Record> = file.to_records().into_iter().map(|record| Record { line: 0, ..record }).collect();
    dns::sort(&mut found);
    found
}

#[test]
fn each_zone_has_a_file_of_its_own() {
    let zones = Workload::new(Kind::Hosting, 10, 1);
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = ZoneFiles::new(folder.path());
    zones.write(&mut files).expect("writing files");
    let (apexes, octets) = files.finish().expect("writing files");
    let text: Vec<u8> = apexes
        .iter()
        .flat_map(|apex| std::fs::read(folder.path().join(format!("{apex}zone"))).expect("a file"))
        .collect();
    assert_eq!((apexes.len(), text.len() as u64), (10, octets));
    assert!(read(&text) == sorted(&zones));
}

#[test]
fn zones_pass_the_checks() {
    for zone in [Kind::Tld, Kind::Registry, Kind::Flat, Kind::Deep].into_iter().flat_map(both) {
        let columns = sorted(&zone).into_iter().collect();
        let report = dns::check::zone(&dns::SortedZone::new(zone.apex().parse().expect("a name"), columns));
        assert!(report.errors.is_empty() && report.warnings.is_empty(), "{report:?}");
    }
}

#[test]
fn a_registrys_zone_has_the_shares_of_a_registry() {
    let zone = Workload::new(Kind::Tld, 10_000, 1);
    let records = records(&zone).0;
    let count = |rtype| records.iter().filter(|record| record.rtype == rtype).count();
    assert_eq!(count(Rtype::NS), 2 * 10_000 + 2);
    assert!((3_800..4_200).contains(&count(Rtype::DS)), "{} DS records", count(Rtype::DS));
    assert!((2_800..3_200).contains(&count(Rtype::A)), "{} glue records", count(Rtype::A));
    let mut uses = BTreeMap::<&[u8], usize>::new();
    for record in records.iter().filter(|record| record.rtype == Rtype::NS) {
        *uses.entry(&record.rdata).or_default() += 1;
    }
    let shared = uses.values().filter(|uses| **uses > 1).sum::<usize>();
    assert!(shared * 10 > 8 * 2 * 10_000, "{shared} of 20,000 NS records are shared");
}

#[test]
fn a_large_registrys_zone_has_3_3_records_a_name() {
    let records = records(&Workload::new(Kind::Registry, 10_000, 1)).0.len();
    assert!((32_500..33_500).contains(&records), "{records} records");
}

#[test]
fn a_hosted_zone_has_ten_records() {
    assert_eq!(records(&Workload::new(Kind::Hosting, 100, 1)).0.len(), 1_000);
}

#[test]
fn names_of_a_deep_zone_have_five_to_twelve_labels() {
    let zone = Workload::new(Kind::Deep, 4_000, 1);
    let labels: Vec<usize> = records(&zone).0.iter().skip(3).map(|record| record.owner.label_count()).collect();
    assert_eq!((labels.iter().min(), labels.iter().max()), (Some(&5), Some(&12)));
}

#[test]
fn queries_find_what_their_set_says() {
    for zone in Kind::ALL.into_iter().flat_map(both) {
        let segment = open(&zone);
        for set in [QuerySet::Hits, QuerySet::Misses, QuerySet::BelowCuts] {
            for name in ask(&zone, set).iter() {
                let lookup = LookupName::new(KEY, name);
                let found = segment.find_zone(&lookup).expect("a zone above it").find(&lookup);
                let is_right = match (zone.kind(), set, found) {
                    (Kind::Tld | Kind::Registry, QuerySet::Hits, Find::Cut(node)) => node.name() == name,
                    (_, QuerySet::Hits, Find::Name(node)) => node.name() == name && node.rrsets().next().is_some(),
                    (_, QuerySet::Misses, Find::NoName { .. }) => true,
                    (Kind::Tld | Kind::Registry, QuerySet::BelowCuts, Find::Cut(node)) => node.name() != name,
                    _ => false,
                };
                assert!(is_right, "{set:?} of {:?}: {name}: {found:?}", zone.kind());
            }
        }
        let expected = if matches!(zone.kind(), Kind::Tld | Kind::Registry) { NAMES } else { 0 };
        assert_eq!(ask(&zone, QuerySet::BelowCuts).len(), expected);
    }
}

#[test]
fn the_chain_leads_through_every_authoritative_owner_and_back() {
    for kind in Kind::ALL {
        let segment = open(&Workload::new(kind, NAMES, 7).with_nsec());
        for zone in segment.zones() {
            let is_authoritative =
                |node: &zone_segment::Node<'_>| !node.is_occluded() && node.rrsets().next().is_some();
            let owners: Vec<_> = zone.nodes().filter(is_authoritative).collect();
            for (index, node) in owners.iter().enumerate() {
                let next = &owners[(index + 1) % owners.len()];
                let nsec = node.rrset(Rtype::NSEC.0).expect("an NSEC record");
                let rdata = nsec.rdata().next().expect("RDATA");
                let (name, bitmap) = rdata.split_at(next.name().as_wire().len());
                assert_eq!(name, next.name().as_wire(), "after {}", node.name());
                let types: Vec<u16> = node.rrsets().map(|rrset| rrset.rtype()).chain([Rtype::RRSIG.0]).collect();
                let in_bitmap = |rtype: &u16| bitmap[2 + usize::from(rtype / 8)] & (0x80 >> (rtype % 8)) != 0;
                let stated = (0..8 * u16::from(bitmap[1])).filter(in_bitmap);
                assert_eq!(stated.count(), types.len(), "{}", node.name());
                assert!(types.iter().all(in_bitmap), "{}: {types:?}", node.name());
                let is_cut = node.rrset(Rtype::NS.0).is_some() && node.name() != zone.apex();
                for rrset in node.rrsets() {
                    let is_signed = !is_cut || [Rtype::DS.0, Rtype::NSEC.0].contains(&rrset.rtype());
                    assert_eq!(rrset.signature_count(), usize::from(is_signed), "{} {}", node.name(), rrset.rtype());
                }
            }
        }
    }
}

#[test]
fn a_zone_may_be_tiny() {
    for (kind, names) in Kind::ALL.into_iter().flat_map(|kind| (1..6).map(move |names| (kind, names))) {
        let zone = Workload::new(kind, names, 1).with_nsec();
        assert!(rrsets(&sorted(&zone)).count() > 5, "{kind:?} of {names}");
        assert!(open(&zone).zones().all(|zone| zone.name_count() > 1));
    }
}
