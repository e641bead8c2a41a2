//! The parts of measuring that have a right answer: order, counts, sums, drawings. Times are not asserted.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use crate::page_size::sum;
use crate::plot::{PlotError, Series, latency_by_size, percentiles};
use crate::{Measurement, PageSizes, Pair, Settings, Subject, interleaved, page_size, plain_loop, queries, touch};

/// Names and positions of calls, in the order they were made in.
type Calls = Rc<RefCell<Vec<(&'static str, usize)>>>;

/// A subject that writes down where it was called.
struct Noted {
    /// Its name.
    name: &'static str,
    /// Operations a call.
    batch: usize,
    /// All calls.
    calls: Calls,
}

impl Subject for Noted {
    fn name(&self) -> &str {
        self.name
    }

    fn operations_per_call(&self) -> usize {
        self.batch
    }

    fn call(&mut self, at: usize) -> u64 {
        self.calls.borrow_mut().push((self.name, at));
        std::thread::sleep(Duration::from_micros(20));
        at as u64 + 1
    }
}

/// Two subjects that write to one list.
fn noted() -> (Vec<Box<dyn Subject>>, Calls) {
    let calls = Calls::default();
    let subject = |name, batch| -> Box<dyn Subject> { Box::new(Noted { name, batch, calls: Rc::clone(&calls) }) };
    (vec![subject("one", 1), subject("batch", 32)], calls)
}

#[test]
fn subjects_take_turns_and_every_call_goes_on_where_the_last_one_ended() {
    for measure in [interleaved, plain_loop] {
        let (mut subjects, calls) = noted();
        let figures = measure(&mut subjects, &Settings::quick());
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        assert_eq!(names, ["one", "batch"]);
        let calls = calls.borrow();
        for (figure, batch) in figures.iter().zip([1, 32]) {
            // On a busy machine each call of a slice may be interrupted: then it has no mean.
            assert_eq!(figure.clock_costs.len(), 3);
            assert!(figure.slice_means.len() <= 3, "{figure:?}");
            assert!(figure.calls >= 3, "{figure:?}");
            let least = 20_000.0 / batch as f64;
            assert!(figure.slice_means.iter().all(|mean| *mean > least), "a call sleeps 20 µs at least: {figure:?}");
            // The checksum's calls come first and begin at 0 again.
            let mine: Vec<usize> = calls.iter().filter(|call| call.0 == figure.name).map(|call| call.1).collect();
            let measured = &mine[1024..];
            assert!(measured.iter().enumerate().all(|(place, at)| *at == place * batch), "{measured:?}");
        }
        let mut changes: Vec<&str> = calls.iter().skip(2 * 1024).map(|call| call.0).collect();
        changes.dedup();
        assert!(changes.len() >= 3, "they never took turns: {changes:?}");
    }
}

#[test]
fn checksums_are_the_same_in_every_run() {
    let octets: Vec<u8> = (0..1 << 20).map(|octet: u32| (octet.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    let run = |seed| interleaved(&mut [Box::new(Pair::new("pair", &octets, seed))], &Settings::quick())[0].checksum;
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_pair_of_too_little_memory_reads_nothing_and_ends() {
    for length in [0, 7] {
        assert_eq!(Pair::new("pair", &vec![1; length], 1).call(7), 0, "{length} octets");
    }
    let line = [3_u8; 64];
    assert_eq!(Pair::new("pair", &line, 1).call(7), u64::from_le_bytes([3; 8]).wrapping_mul(2));
}

/// A measurement of slices with these means.
fn with_means(means: &[f64]) -> Measurement {
    let mut measurement = Measurement::new("made up", 32, 0);
    for mean in means {
        measurement.record(*mean);
        measurement.end_slice(1, Some(*mean), 20.0);
    }
    measurement
}

#[test]
fn the_figure_is_the_middle_slice_of_one_operation() {
    let measurement = with_means(&[320.0, 640.0, 320_000.0, 640.0, 960.0]);
    assert_eq!(measurement.mean(), 20.0);
    assert_eq!(measurement.p50(), 20.0);
    assert_eq!(measurement.spread(), 0.5);
    assert!(measurement.p99() > 9_900.0, "{}", measurement.p99());
    let nothing = with_means(&[]);
    assert_eq!((nothing.mean(), nothing.p50(), nothing.spread()), (0.0, 0.0, 0.0));
}

#[test]
fn uniform_queries_reach_every_name() {
    let drawn = queries::uniform(1, 100, 10_000);
    assert_eq!(drawn, queries::uniform(1, 100, 10_000));
    assert_ne!(drawn, queries::uniform(2, 100, 10_000));
    assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), 100);
    assert!(drawn.iter().all(|index| *index < 100));
}

#[test]
fn zipf_queries_favour_few_names() {
    let drawn = queries::zipf(1, 1_000, 100_000, queries::ZIPF_EXPONENT);
    assert_eq!(drawn, queries::zipf(1, 1_000, 100_000, queries::ZIPF_EXPONENT));
    let mut counts = vec![0_u32; 1_000];
    drawn.iter().for_each(|index| counts[*index as usize] += 1);
    let first = counts.iter().position(|count| Some(count) == counts.iter().max()).unwrap();
    assert_ne!(first, 0, "ranks are not names' places");
    counts.sort_unstable_by(|a, b| b.cmp(a));
    // Of 1,000 names the first rank has 1 part of 7.49, the second half of that.
    assert!((12_800..13_900).contains(&counts[0]), "{}", counts[0]);
    assert!((6_300..7_050).contains(&counts[1]), "{}", counts[1]);
    assert!(queries::zipf(1, 0, 3, 1.0).iter().all(|index| *index == 0), "nothing to draw from");
}

#[test]
fn smaps_are_added_up_over_the_mappings_that_hold_the_octets() {
    let smaps = "\
7f0000000000-7f0000200000 r--s 00000000 08:01 5 /segment\nSize:  2048 kB\nKernelPageSize:        4 kB\nRss:    2048 kB\n\
FilePmdMapped:     2048 kB\nVmFlags: rd mr me ms sd\n\
7f0000200000-7f0000300000 r--s 00200000 08:01 5 /segment\nSize:  1024 kB\nKernelPageSize:        4 kB\nRss:     512 kB\n\
AnonHugePages:        0 kB\nShmemPmdMapped:       0 kB\n\
7f0000300000-7f0000400000 rw-p 00000000 00:00 0\nSize:  1024 kB\nKernelPageSize:        4 kB\nRss:    1024 kB\n";
    let sizes = sum(smaps.as_bytes(), 0x7f00_0000_0000..0x7f00_0028_0000).unwrap().unwrap();
    let kib = 1024;
    let expected = PageSizes {
        size: 3072 * kib,
        kernel_page_size: 4 * kib,
        rss: 2560 * kib,
        file_pmd_mapped: 2048 * kib,
        ..PageSizes::default()
    };
    assert_eq!(sizes, expected);
    assert_eq!(sizes.to_string(), "pages of 4 KiB, 80 % of what is mapped in units of 2 MiB");
    assert_eq!(sum(smaps.as_bytes(), 0..4096).unwrap(), None);
}

#[test]
fn memory_of_this_process_has_page_sizes() {
    let octets = vec![1_u8; 1 << 20];
    assert_eq!(touch(&octets), 256);
    let sizes = page_size(&octets).unwrap();
    assert!(sizes.kernel_page_size >= 4096, "{sizes:?}");
    assert!(sizes.rss >= 1 << 20, "{sizes:?}");
}

#[test]
fn plots_are_the_same_for_the_same_figures() {
    let series = [
        Series { label: "hit".to_owned(), points: vec![(1e5, 90.0), (1e6, 280.5), (1e7, 430.0)] },
        Series { label: "pair & control <2>".to_owned(), points: vec![(1e5, 80.0), (1e6, 270.0), (1e7, 410.0)] },
    ];
    let svg = latency_by_size("Latency against zone size", &series).unwrap();
    assert_eq!(svg, latency_by_size("Latency against zone size", &series).unwrap());
    for text in
        ["<svg", "Latency against zone size", "nanoseconds a lookup", "hit", "pair &amp; control &lt;2&gt;", "1 M"]
    {
        assert!(svg.contains(text), "{text} is not in the plot:\n{svg}");
    }
    let svg = percentiles("Percentiles", &[with_means(&[320.0, 640.0, 960.0])]).unwrap();
    assert_eq!(svg, percentiles("Percentiles", &[with_means(&[320.0, 640.0, 960.0])]).unwrap());
    for text in ["made up", "99.9", "per cent of the calls"] {
        assert!(svg.contains(text), "{text} is not in the plot:\n{svg}");
    }
    assert!(matches!(latency_by_size("nothing", &[]), Err(PlotError::NoPoints)));
    assert!(matches!(percentiles("nothing", &[with_means(&[])]), Err(PlotError::NoPoints)));
}
