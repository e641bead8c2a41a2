//! What zone checks cost an owner: `check NAMES [KIND] [signed]`, nanoseconds of processor time and on the clock, the median of many runs, of what
//! every load runs and of everything.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

use std::hint::black_box;
use std::time::Instant;

use dns::SortedZone;
use dns::check::{Options, all, zone};
use dns::text::zonefile::read_octets;
use workload::{Kind, Workload};
use zone_segment::ZoneSource as _;

/// How often each is run.
const RUNS: usize = 9;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names = arguments.first().map_or(100_000, |names| names.parse().unwrap());
    let kind =
        arguments.get(1).map_or(Kind::Tld, |name| Kind::ALL.into_iter().find(|kind| kind.name() == name).unwrap());
    let workload = Workload::new(kind, names, 1);
    let workload = if arguments.iter().any(|argument| argument == "signed") { workload.with_nsec() } else { workload };
    let apex: zone_segment::Name = workload.apex().parse().unwrap();
    let file = read_octets(std::path::Path::new("check.zone"), workload.text().as_bytes(), &apex);
    assert!(file.errors.is_empty(), "{:?}", file.errors);
    let records = file.columns.records();
    let sorted = SortedZone::new(apex, file.columns);
    let owners = sorted.len();
    println!("{owners} owners, {records} records");
    let options = Options { at: None, zonemd: false, findings_max: 100 };
    measure("at every load", owners, || black_box(zone(&sorted)).errors.len());
    measure("everything", owners, || black_box(all(&sorted, &options)).errors.len());
}

/// Runs a check and prints what it costs an owner.
fn measure(what: &str, owners: usize, check: impl Fn() -> usize) {
    let (mut clock, mut processor) = (Vec::new(), Vec::new());
    let mut errors = 0;
    for _ in 0..RUNS {
        let (start, start_on_processor) = (Instant::now(), process_seconds());
        errors = check();
        clock.push(start.elapsed().as_secs_f64());
        processor.push(process_seconds() - start_on_processor);
    }
    let median = |seconds: &mut Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 2] / owners as f64 * 1e9
    };
    let (clock, processor) = (median(&mut clock), median(&mut processor));
    println!("{what:14} {clock:7.1} ns an owner on the clock, {processor:7.1} ns on processors, {errors} errors");
}

/// Processor time of all threads so far.
fn process_seconds() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let seconds = threads.map(|thread| {
        let text = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    });
    seconds.sum()
}
