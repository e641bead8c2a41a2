//! What it costs to turn zone text into a segment: reading it, checking and sorting its records, writing the segment.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

#[path = "workload/generated.rs"]
#[expect(dead_code, reason = "nothing is asked here")]
mod generated;
#[expect(dead_code, reason = "no case here takes its own time")]
mod report;
#[path = "workload/served.rs"]
#[expect(dead_code, reason = "nothing is served here")]
mod served;

use std::path::Path;

use zone_segment::{Name, Segment, SegmentBuffer};

use generated::{APEX, generate};
use report::run;

fn main() {
    run("build", |bench| {
        let names = bench.size(100_000, 1_000);
        let zone = generate(SEED, names, 1);
        let apex: Name = APEX.parse().unwrap();
        let read = || dns::text::zonefile::read_octets(Path::new("workload.zone"), zone.text.as_bytes(), &apex).records;
        let records = served::records(APEX, &zone.text);
        bench.case("read", records.len(), || read().len() as u64);
        bench.case("read-and-check", records.len(), || served::records(APEX, &zone.text).len() as u64);
        bench.case("write", records.len(), || content_hash(served::segment(APEX, &records)));
        bench.case("whole", records.len(), || content_hash(served::segment(APEX, &served::records(APEX, &zone.text))));
    });
}

/// Half of the hash of all of a segment's content.
fn content_hash(segment: SegmentBuffer) -> u64 {
    Segment::open(segment).unwrap().content_hash() as u64
}

/// The zone's seed.
const SEED: u64 = 1;
