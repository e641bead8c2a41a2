//! Generations in memory-mapped files, made from zone text; and a stand-in for a signer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use dns::text::zonefile;
use dns::types::Rtype;
use dns::{Record, rrsets};
use zone_segment::{
    DirectoryEntry, DirectoryWriter, GroupId, HashKey, Layer, LayerId, Name, Segment, SegmentBuffer, SegmentWriter,
    Stack, ZoneId, ZoneSet, ZoneState, map,
};

/// A zone to serve.
pub(crate) struct TestZone {
    /// Its apex.
    pub(crate) apex: Name,
    /// Its records.
    pub(crate) records: Vec<Record>,
    /// Whether it is to be served.
    pub(crate) state: ZoneState,
}

/// Parses a name.
pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A zone from zone-file text.
pub(crate) fn zone(apex: &str, text: &str) -> TestZone {
    let apex = name(apex);
    let file = zonefile::read_octets(Path::new("test.zone"), text.as_bytes(), &apex);
    assert!(file.errors.is_empty(), "{:?}", file.errors);
    TestZone { apex, records: file.to_records(), state: ZoneState::Serving }
}

/// The zone in a state in which its data is not given out.
pub(crate) fn zone_in_state(apex: &str, state: ZoneState) -> TestZone {
    TestZone { apex: name(apex), records: Vec::new(), state }
}

/// A generation that serves these zones, mapped from files as in a running server.
pub(crate) fn generation(number: u64, zones: Vec<TestZone>) -> Arc<ZoneSet> {
    generation_under(HashKey(*b"0123456789abcdef"), number, zones)
}

/// The same with names hashed under a key.
pub(crate) fn generation_under(key: HashKey, number: u64, zones: Vec<TestZone>) -> Arc<ZoneSet> {
    let mut writer = SegmentWriter::new(key);
    let mut directory = DirectoryWriter::new(key);
    for (id, mut zone) in (1..).map(ZoneId).zip(zones) {
        directory.entry(DirectoryEntry {
            apex: zone.apex.clone(),
            group: GroupId(0),
            zone: id,
            state: zone.state,
            floor: LayerId(1),
        });
        if zone.state == ZoneState::Serving {
            writer.start_zone(id, zone.apex.as_ref()).unwrap();
            dns::sort(&mut zone.records);
            for rrset in rrsets(&zone.records) {
                let rdata: Vec<&[u8]> = rrset.rdata().collect();
                writer.rrset(rrset.owner(), rrset.rtype().0, rrset.ttl(), &rdata).unwrap();
            }
        }
    }
    let base = Layer { id: LayerId(1), segment: mapped(&writer.finish().unwrap()) };
    let directory = Layer { id: LayerId(2), segment: mapped(&directory.finish().unwrap()) };
    Arc::new(ZoneSet::new(number, vec![directory], vec![(GroupId(0), Stack::new(vec![base]))]).unwrap())
}

/// A segment, written and mapped.
fn mapped(octets: &SegmentBuffer) -> Arc<Segment> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(octets).unwrap();
    Arc::new(map(&file).unwrap())
}

/// Signs a zone for show: a key, an NSEC chain as a signer makes it, and over each authoritative RRset a signature that no key made.
pub(crate) fn sign(mut zone: TestZone) -> TestZone {
    let template = zone.records.first().unwrap().clone();
    let record = |owner: &Name, rtype: Rtype, ttl: u32, rdata: Vec<u8>| Record {
        owner: owner.clone(),
        rtype,
        ttl,
        rdata: rdata.into(),
        ..template.clone()
    };
    let key = [&[1, 1, 3, 13][..], &[0xcd; 64]].concat();
    zone.records.push(record(&zone.apex, Rtype::DNSKEY, 3600, key));
    let cuts: BTreeSet<Name> = owners_of(&zone, Rtype::NS).filter(|owner| *owner != zone.apex).collect();
    let dnames: BTreeSet<Name> = owners_of(&zone, Rtype::DNAME).collect();
    let is_below =
        |owner: &Name, tops: &BTreeSet<Name>| tops.iter().any(|top| owner != top && owner.is_at_or_below(top.as_ref()));
    let mut types: BTreeMap<Name, BTreeSet<u16>> = BTreeMap::new();
    for record in &zone.records {
        if !is_below(&record.owner, &cuts) && !is_below(&record.owner, &dnames) {
            types.entry(record.owner.clone()).or_default().insert(record.rtype.0);
        }
    }
    let next = types.keys().skip(1).chain(types.keys().next()).cloned().collect::<Vec<_>>();
    for ((owner, types), next) in types.iter().zip(next) {
        let mut bitmap = types.clone();
        bitmap.extend([Rtype::NSEC.0, Rtype::RRSIG.0]);
        let rdata = [next.as_wire(), &type_bitmap(&bitmap)].concat();
        zone.records.push(record(owner, Rtype::NSEC, 900, rdata));
    }
    let mut signatures = Vec::new();
    dns::sort(&mut zone.records);
    for rrset in rrsets(&zone.records) {
        let owner = rrset.owner().to_name();
        let at_cut = cuts.contains(&owner) && !matches!(rrset.rtype(), Rtype::DS | Rtype::NSEC);
        if types.contains_key(&owner) && !at_cut {
            let rdata = signature(rrset.rtype(), rrset.ttl(), &zone.apex);
            signatures.push(record(&owner, Rtype::RRSIG, rrset.ttl(), rdata));
        }
    }
    zone.records.extend(signatures);
    zone
}

/// The owners of records of a type.
fn owners_of(zone: &TestZone, rtype: Rtype) -> impl Iterator<Item = Name> {
    zone.records.iter().filter(move |record| record.rtype == rtype).map(|record| record.owner.clone())
}

/// A type bitmap of the first window.
fn type_bitmap(types: &BTreeSet<u16>) -> Vec<u8> {
    let mut bits = vec![0u8; usize::from(*types.last().unwrap()) / 8 + 1];
    for rtype in types {
        bits[usize::from(rtype / 8)] |= 0x80 >> (rtype % 8);
    }
    [&[0, bits.len() as u8], &bits[..]].concat()
}

/// The RDATA of a signature, as long as one of ECDSA P-256.
fn signature(covered: Rtype, ttl: u32, signer: &Name) -> Vec<u8> {
    let mut rdata = covered.0.to_be_bytes().to_vec();
    rdata.extend([13, 2]);
    rdata.extend(ttl.to_be_bytes());
    rdata.extend([0x7f, 0xff, 0xff, 0xff, 0x60, 0, 0, 0, 0x12, 0x34]);
    rdata.extend(signer.as_wire());
    rdata.extend([0xab; 64]);
    rdata
}
