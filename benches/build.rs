//! What it costs to turn zone text into a segment: reading it, checking and sorting its records, writing the segment.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

#[expect(dead_code, reason = "no case here takes its own time")]
mod report;

use std::path::Path;

use workload::{Kind, Workload};
use zone_segment::{Name, Segment, SegmentBuffer};

use report::run;

fn main() {
    run("build", |bench| {
        let names = bench.size(100_000, 1_000);
        let zone = Workload::new(Kind::Tld, names, SEED);
        let (apex, text) = (zone.apex(), zone.text());
        let origin: Name = apex.parse().unwrap();
        let read =
            || dns::text::zonefile::read_octets(Path::new("workload.zone"), text.as_bytes(), &origin).to_records();
        let records = workload::records(apex, &text);
        bench.case("read", records.len(), || read().len() as u64);
        bench.case("read-and-check", records.len(), || workload::records(apex, &text).len() as u64);
        bench.case("write", records.len(), || content_hash(workload::segment(apex, &records)));
        bench.case("whole", records.len(), || content_hash(workload::segment(apex, &workload::records(apex, &text))));
    });
}

/// Half of the hash of all of a segment's content.
fn content_hash(segment: SegmentBuffer) -> u64 {
    Segment::open(segment).unwrap().content_hash() as u64
}

/// The zone's seed.
const SEED: u64 = 1;
