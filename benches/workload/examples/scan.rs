//! How fast zone text becomes columns: `scan NAMES [KIND] [signed]`, records and octets a second, the median of many runs. The ways to read
//! take turns, so that none has the quiet part of the time.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

use std::hint::black_box;
use std::time::Instant;

use dns::text::zonefile::{Buffers, Options};
use workload::{Kind, Workload};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names = arguments.first().map_or(100_000, |names| names.parse().unwrap());
    let kind = arguments.get(1).map_or(Kind::Tld, |name| Kind::ALL.into_iter().find(|kind| kind.name() == name).unwrap());
    let zone = Workload::new(kind, names, 1);
    let zone = if arguments.iter().any(|argument| argument == "signed") { zone.with_nsec() } else { zone };
    let path = std::env::temp_dir().join(format!("scan-{}.zone", std::process::id()));
    let text = zone.text();
    std::fs::write(&path, &text).unwrap();
    let ways = [
        ("one core", Options { threads: 1, ..Options::default() }),
        ("all cores", Options::default()),
        ("tokens", Options { threads: 1, is_plain: true, ..Options::default() }),
    ];
    let mut seconds = vec![Vec::new(); ways.len()];
    let mut records = 0;
    let mut buffers = Buffers::default();
    for run in 0..RUNS {
        for (way, (_, options)) in ways.iter().enumerate() {
            if options.is_plain && run >= RUNS_PLAIN {
                continue;
            }
            let start = Instant::now();
            let file = buffers.read(&path, &zone.apex().parse().unwrap(), options);
            seconds[way].push(start.elapsed().as_secs_f64());
            assert!(file.errors.is_empty(), "{:?}", file.errors);
            records = black_box(file.columns.records());
        }
    }
    std::fs::remove_file(&path).unwrap();
    println!("{records} records, {} octets", text.len());
    for ((name, _), seconds) in ways.iter().zip(&mut seconds) {
        seconds.sort_by(f64::total_cmp);
        let median = seconds[seconds.len() / 2];
        println!(
            "{name:10} {:6.2} M records/s  {:5.2} GB/s  {:6.1} ns a record  (best {:5.2} M/s)",
            records as f64 / median / 1e6,
            text.len() as f64 / median / 1e9,
            median / records as f64 * 1e9,
            records as f64 / seconds[0] / 1e6,
        );
    }
}

/// Runs of each way.
const RUNS: usize = 15;

/// Runs of the slow way.
const RUNS_PLAIN: usize = 3;
