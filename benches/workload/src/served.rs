//! Zones as a reader has them: written, mapped from a file, put together as a generation.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use zone_segment::{
    DirectoryEntry, DirectoryWriter, GroupId, HashKey, Layer, LayerId, Name, Segment, SegmentBuffer, SegmentWriter,
    Stack, ZoneId, ZoneSet, ZoneState, map,
};

use crate::Workload;

/// Parses and checks a zone file.
///
/// # Panics
///
/// When it has errors.
pub fn records(apex: &str, text: &str) -> Vec<dns::Record> {
    let apex: Name = apex.parse().unwrap();
    let file = dns::text::zonefile::read_octets(Path::new("workload.zone"), text.as_bytes(), &apex);
    assert!(file.errors.is_empty(), "{:?}", file.errors);
    let mut records = file.to_records();
    let report = dns::check::records(&apex, &mut records, &file.columns.files);
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    records
}

/// Writes a segment of one zone.
///
/// # Panics
///
/// When the records are not in canonical order.
pub fn segment(apex: &str, records: &[dns::Record]) -> SegmentBuffer {
    let apex: Name = apex.parse().unwrap();
    let mut writer = SegmentWriter::new(KEY);
    writer.start_zone(ZoneId(1), apex.as_ref()).unwrap();
    let mut rdata = Vec::new();
    for rrset in dns::rrsets(records) {
        rdata.clear();
        rdata.extend(rrset.rdata());
        writer.rrset(rrset.owner(), rrset.rtype().0, rrset.ttl(), &rdata).unwrap();
    }
    writer.finish().unwrap()
}

/// A generation that serves one zone, mapped from files as in a running server.
///
/// # Panics
///
/// When the zone file has errors.
pub fn generation(apex: &str, text: &str) -> ZoneSet {
    serve(apex, &segment(apex, &records(apex, text)))
}

/// A generation that serves a generated zone, mapped from files as in a running server. Not for many zones: a
/// directory of one zone is put in front of them.
///
/// # Panics
///
/// When the zone does not fit into a segment.
pub fn generation_of(zone: &Workload) -> ZoneSet {
    serve(zone.apex(), &zone.segment(KEY).unwrap())
}

/// A generation that serves the zone with id 1 of a segment.
fn serve(apex: &str, zone: &SegmentBuffer) -> ZoneSet {
    let mut directory = DirectoryWriter::new(KEY);
    directory.entry(DirectoryEntry {
        apex: apex.parse().unwrap(),
        group: GroupId(1),
        zone: ZoneId(1),
        state: ZoneState::Serving,
        floor: LayerId(1),
    });
    let base = Layer { id: LayerId(1), segment: mapped(zone) };
    let directory = Layer { id: LayerId(2), segment: mapped(&directory.finish().unwrap()) };
    ZoneSet::new(1, vec![directory], vec![(GroupId(1), Stack::new(vec![base]))]).unwrap()
}

/// A segment, written to a file and mapped.
fn mapped(octets: &SegmentBuffer) -> Arc<Segment> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(octets).unwrap();
    Arc::new(map(&file).unwrap())
}

/// The key of the name hash: fixed, so that every run has the same buckets.
const KEY: HashKey = HashKey(*b"sixteen octets!!");
