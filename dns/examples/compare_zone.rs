//! What it costs to compare a zone file with a segment, beside reading it alone. Made to be measured and profiled, each in a process of its
//! own:
//!
//! ```text
//! compare_zone build FILE ORIGIN SEGMENT      writes the segment
//! compare_zone parse FILE ORIGIN              reads the file, and drops its parts
//! compare_zone compare FILE ORIGIN SEGMENT    compares it with the segment
//! ```
#![expect(clippy::unwrap_used, reason = "in an example a panic is the report")]

use dns::columns::Part;
use dns::compare::{Comparison, Outcome};
use dns::text::zonefile::{Buffers, Options, TakeParts};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use zone_segment::{HashKey, Name, SegmentBuilder, ZoneId};

/// Who takes parts and only counts records.
#[derive(Default)]
struct Counted(AtomicU64);

impl TakeParts for Counted {
    fn take(&self, _: u64, part: Part) -> bool {
        self.0.fetch_add(part.records(), Ordering::Relaxed);
        true
    }

    fn start_over(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (file, origin): (&Path, Name) = (arguments[2].as_ref(), arguments[3].parse().unwrap());
    let begun = Instant::now();
    let found = match arguments[1].as_str() {
        "build" => {
            let columns = dns::text::zonefile::read(file, &origin, &Options::default()).columns;
            let mut builder = SegmentBuilder::new(HashKey([7; 16]));
            builder.zone(ZoneId(1), origin.clone(), dns::SortedZone::new(origin, columns)).unwrap();
            let segment = Path::new(&arguments[4]);
            builder.write_file(segment.parent().unwrap(), segment.file_name().unwrap().to_str().unwrap()).unwrap();
            format!("{} octets", segment.metadata().unwrap().len())
        }
        "parse" => {
            let counted = Counted::default();
            let read = Buffers::default().read_into(file, &origin, &Options::default(), &counted);
            assert!(read.errors.is_empty());
            format!("{} records", counted.0.into_inner())
        }
        _ => {
            let segment = zone_segment::map(std::fs::File::open(&arguments[4]).unwrap()).unwrap();
            let comparison = Comparison::new(segment.zones().next().unwrap());
            let marks = comparison.octets();
            let read = Buffers::default().read_into(file, &origin, &Options::default(), &comparison);
            let read_ms = begun.elapsed().as_millis();
            let found = match comparison.finish(read.columns.files) {
                Outcome::Same { records, .. } => format!("{records} records, the same"),
                Outcome::Whole(reason) => format!("to be read whole: {reason:?}"),
                Outcome::Changed(changed) => {
                    let (set, owners) = (&changed.change.set, changed.change.owners.len());
                    format!("{} removed, {} added, {owners} owners", set.removed.len(), set.added.len())
                }
            };
            format!("{found}; {marks} octets of marks; read after {read_ms} ms")
        }
    };
    println!("{:5} ms, {found}; {}", begun.elapsed().as_millis(), memory());
}

/// What memory it took at most, mapped files and not.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let lines = status
        .lines()
        .filter(|line| line.starts_with("VmHWM") || line.starts_with("RssAnon") || line.starts_with("RssFile"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}
