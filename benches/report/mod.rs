//! How a bench runs and what it prints: measured by criterion under `cargo bench`, once and at a small size under `cargo test`.
//!
//! Each case prints a checksum of its work: the same on every machine, so that figures are known to be of the same work, and so that none of
//! it can be left out by the compiler.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};

/// A bench that runs.
pub(crate) struct Bench {
    /// Its name.
    name: &'static str,
    /// What measures it; none in a test.
    criterion: Option<Criterion>,
}

/// Runs a bench.
pub(crate) fn run(name: &'static str, cases: impl FnOnce(&mut Bench)) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_measured = arguments.iter().any(|argument| argument == "--bench");
    if !is_measured {
        // What `cargo test` passes on is for tests: only a filter and a listing mean something here.
        let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
        let is_listing = arguments.iter().any(|argument| argument == "--list");
        if is_listing || filter.is_some_and(|filter| !name.contains(filter.as_str())) {
            return;
        }
        return cases(&mut Bench { name, criterion: None });
    }
    println!("{name}: trine {}, {}, {}", env!("CARGO_PKG_VERSION"), commit(), machine());
    let criterion =
        Criterion::default().without_plots().warm_up_time(WARM_UP).sample_size(SAMPLES).configure_from_args();
    cases(&mut Bench { name, criterion: Some(criterion) });
}

impl Bench {
    /// One size when measured, another in a test.
    pub(crate) fn size(&self, measured: usize, tested: usize) -> usize {
        if self.criterion.is_some() { measured } else { tested }
    }

    /// Measures work of this many operations, which gives a checksum of them.
    pub(crate) fn case(&mut self, case: &str, operations: usize, mut work: impl FnMut() -> u64) {
        let name = format!("{}/{case}", self.name);
        println!("{name}: {operations} operations, checksum {:016x}", work());
        let Some(criterion) = &mut self.criterion else { return };
        let mut group = criterion.benchmark_group(self.name);
        group.throughput(Throughput::Elements(operations as u64));
        group.bench_function(case, |bencher| bencher.iter(|| black_box(work())));
        group.finish();
    }

    /// Measures what takes its own time, from a few runs: it gives the time and a checksum.
    pub(crate) fn timed_case(&mut self, case: &str, mut work: impl FnMut() -> (Duration, u64)) {
        let name = format!("{}/{case}", self.name);
        println!("{name}: checksum {:016x}", work().1);
        let Some(criterion) = &mut self.criterion else { return };
        let mut group = criterion.benchmark_group(self.name);
        group.sample_size(TIMED_SAMPLES);
        group.bench_function(case, |bencher| bencher.iter_custom(|runs| (0..runs).map(|_| work().0).sum()));
        group.finish();
    }
}

/// Adds to a checksum (FNV-1a, a word at a time).
pub(crate) fn mix(checksum: u64, value: u64) -> u64 {
    (checksum ^ value).wrapping_mul(0x0000_0100_0000_01b3)
}

/// The commit that is measured, with a mark when files differ from it.
fn commit() -> String {
    let output = std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    output.map_or_else(|_| "no commit".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The machine that measures.
fn machine() -> String {
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cpus} × {}", model.map_or("an unknown processor", |(_, model)| model))
}

/// Before the first sample: caches are warm, and the processor's clock has settled.
const WARM_UP: Duration = Duration::from_secs(1);

/// Samples of a case, each of as many runs as fit into its share of five seconds.
const SAMPLES: usize = 30;

/// Samples of what takes milliseconds and starts processes.
const TIMED_SAMPLES: usize = 10;
