//! Zones as a reader has them: written, mapped from a file, put together as a generation.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use dns::SortedZone;
use zone_segment::{
    DirectoryEntry, DirectoryWriter, GroupId, HashKey, Layer, LayerId, Name, Segment, SegmentBuffer, SegmentBuilder,
    Stack, ZoneId, ZoneSet, ZoneState, map,
};

use crate::Workload;

/// Reads and checks a zone file.
///
/// # Panics
///
/// When it has errors.
pub fn sorted(apex: &str, text: &str) -> SortedZone {
    let apex: Name = apex.parse().unwrap();
    let file = dns::text::zonefile::read_octets(Path::new("workload.zone"), text.as_bytes(), &apex);
    assert!(file.errors.is_empty(), "{:?}", file.errors);
    let zone = SortedZone::new(apex, file.columns);
    let report = dns::check::zone(&zone);
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    zone
}

/// Builds a segment of one zone.
///
/// # Panics
///
/// When the zone does not fit into a segment.
pub fn segment(zone: SortedZone) -> SegmentBuffer {
    let mut builder = SegmentBuilder::new(KEY);
    builder.zone(ZoneId(1), zone.apex().to_name(), zone).unwrap();
    builder.into_buffer().unwrap()
}

/// A generation that serves one zone, mapped from files as in a running server.
///
/// # Panics
///
/// When the zone file has errors.
pub fn generation(apex: &str, text: &str) -> ZoneSet {
    serve(apex, &segment(sorted(apex, text)))
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
