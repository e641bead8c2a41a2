//! The real root zone, six versions of it: read whole, checked, written and read again.

use dns::text::{present, zonefile};
use dns::types::Rtype;
use dns::{Columns, SortedZone, check, rrsets, sort};
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::Path;
use zone_segment::{Name, ZoneSource as _};

/// The versions, and how many records each has.
const VERSIONS: [(u32, usize); 6] = [
    (2018012900, 22_565),
    (2018012901, 22_565),
    (2018013000, 22_565),
    (2018013001, 19_620),
    (2018013002, 19_583),
    (2018013100, 19_583),
];

/// The text of a version.
fn text(serial: u32) -> Vec<u8> {
    let path = format!("{}/../tests/data/root-zone/{serial}.zone.zst", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::File::open(path).expect("the zone is in the tree");
    let mut text = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(file)
        .expect("it is compressed")
        .read_to_end(&mut text)
        .expect("it is whole");
    text
}

/// Reads octets as `root.zone`; there must be no errors.
fn read(text: &[u8]) -> Columns {
    let file = zonefile::read_octets(Path::new("root.zone"), text, &Name::root());
    assert_eq!((&file.errors, &file.warnings), (&vec![], &vec![]));
    file.columns
}

#[test]
fn every_version_loads_whole_is_sound_and_has_its_serial() {
    for (serial, count) in VERSIONS {
        let columns = read(&text(serial));
        assert_eq!(columns.records(), count as u64, "{serial}");
        let zone = SortedZone::new(Name::root(), columns);
        let report = check::zone(&zone);
        assert_eq!((report.errors, report.warnings), (vec![], vec![]), "{serial}");
        assert_eq!(check::zone_serial(&zone), Some(serial));
        let mut found = 0;
        zone.visit(0..zone.len(), &mut |_, _, records| {
            found += records.len();
            ControlFlow::Continue(())
        });
        assert_eq!(found, count, "{serial}");
    }
}

#[test]
fn every_version_is_written_and_read_as_the_same_octets() {
    for (serial, _) in VERSIONS {
        let records = read(&text(serial)).to_records();
        let mut written = String::new();
        for record in &records {
            present::push_record(&mut written, record.owner.as_ref(), record.ttl, record.rtype, &record.rdata);
            written.push('\n');
        }
        let again = read(written.as_bytes()).to_records();
        assert_eq!(records.len(), again.len());
        for (record, again) in records.iter().zip(&again) {
            assert_eq!(record.owner.as_wire(), again.owner.as_wire());
            assert_eq!((record.rtype, record.ttl, &record.rdata), (again.rtype, again.ttl, &again.rdata));
        }
    }
}

#[test]
fn signatures_are_rrsets_by_covered_type() {
    let mut records = read(&text(2018012900)).to_records();
    sort(&mut records);
    let signatures: Vec<(u16, u32)> = rrsets(&records)
        .filter(|rrset| rrset.owner().is_root() && rrset.rtype() == Rtype::RRSIG)
        .map(|rrset| (u16::from_be_bytes(*rrset.records()[0].rdata.first_chunk().unwrap()), rrset.ttl()))
        .collect();
    assert_eq!(signatures, [(2, 518_400), (6, 86_400), (47, 86_400), (48, 172_800)]);
}
