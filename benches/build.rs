//! What it costs to turn zone text into a segment: reading it, putting its records into order and checking them, building the segment.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

#[expect(dead_code, reason = "no case here takes its own time")]
mod report;

use std::path::Path;

use workload::{Kind, Workload};
use zone_segment::{Name, Segment, SegmentBuffer, ZoneSource as _};

use report::run;

fn main() {
    run("build", |bench| {
        let names = bench.size(100_000, 1_000);
        let zone = Workload::new(Kind::Tld, names, SEED);
        let (apex, text) = (zone.apex(), zone.text());
        let origin: Name = apex.parse().unwrap();
        let read = || dns::text::zonefile::read_octets(Path::new("workload.zone"), text.as_bytes(), &origin).columns;
        let sorted = || workload::sorted(apex, &text);
        let records = read().records() as usize;
        let segment = || workload::segment(sorted());
        bench.case("read", records, || read().records());
        bench.case("read-sort-and-check", records, || sorted().len() as u64);
        bench.case("whole", records, || content_hash(segment()));
    });
}

/// Half of the hash of all of a segment's content.
fn content_hash(segment: SegmentBuffer) -> u64 {
    Segment::open(segment).unwrap().content_hash() as u64
}

/// The zone's seed.
const SEED: u64 = 1;
