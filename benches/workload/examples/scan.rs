//! How fast zone text becomes columns: `scan NAMES [KIND] [signed]`, records and octets a second, the median of many runs. The ways to read
//! take turns, so that none has the quiet part of the time. Processor time of the calling thread stands beside time on the clock: on a busy
//! machine the first tells more of the one core.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

use std::hint::black_box;
use std::time::Instant;

use dns::text::zonefile::{Buffers, Options};
use workload::{Kind, Workload};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names = arguments.first().map_or(100_000, |names| names.parse().unwrap());
    let kind =
        arguments.get(1).map_or(Kind::Tld, |name| Kind::ALL.into_iter().find(|kind| kind.name() == name).unwrap());
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
    let mut on_processor = vec![Vec::new(); ways.len()];
    let mut records = 0;
    let mut buffers = Buffers::default();
    for run in 0..RUNS {
        for (way, (_, options)) in ways.iter().enumerate() {
            if options.is_plain && run >= RUNS_PLAIN {
                continue;
            }
            let (start, start_on_processor) = (Instant::now(), thread_seconds());
            let file = buffers.read(&path, &zone.apex().parse().unwrap(), options);
            seconds[way].push(start.elapsed().as_secs_f64());
            on_processor[way].push(thread_seconds() - start_on_processor);
            assert!(file.errors.is_empty(), "{:?}", file.errors);
            records = black_box(file.columns.records());
        }
    }
    if std::env::var_os("KEEP").is_none() {
        std::fs::remove_file(&path).unwrap();
    }
    println!("{records} records, {} octets", text.len());
    for ((name, _), (seconds, on_processor)) in ways.iter().zip(seconds.iter_mut().zip(&mut on_processor)) {
        seconds.sort_by(f64::total_cmp);
        on_processor.sort_by(f64::total_cmp);
        let median = seconds[seconds.len() / 2];
        println!(
            "{name:10} {:6.2} M records/s  {:5.2} GB/s  {:6.1} ns a record  ({:5.1} ns on the processor; best {:5.2} M/s)",
            records as f64 / median / 1e6,
            text.len() as f64 / median / 1e9,
            median / records as f64 * 1e9,
            on_processor[on_processor.len() / 2] / records as f64 * 1e9,
            records as f64 / seconds[0] / 1e6,
        );
    }
}

/// How long the calling thread has run on a processor.
fn thread_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Runs of each way.
const RUNS: usize = 15;

/// Runs of the slow way.
const RUNS_PLAIN: usize = 3;
