//! Changes at a steady rate beside queries at a steady rate: whether all become visible in their order, what they cost those who ask, and what
//! memory they take.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use bus::protocol::control::Reached;
use tempfile::TempDir;
use workload::{Kind, QuerySet, Workload, uniform};

use super::control::Control;
use super::subjects::{Subject, address_lines};
use crate::Outcome;
use crate::answer::{Asked, Latencies, Queries, latencies};
use crate::goals::{Goal, Limit};
use crate::lookup::say;
use crate::processes;
use crate::servers::Server;
use crate::start::load_average;

/// What was found.
#[derive(Debug)]
pub struct Steady {
    /// Names of the zone.
    pub names: usize,
    /// Changes handed in.
    pub changes: usize,
    /// Seconds.
    pub seconds: f64,
    /// Those that became visible under a serial that follows the one before without a gap.
    pub in_order: usize,
    /// From handing a change in until it is visible, in microseconds: half of them, 99 of 100.
    pub visible: [f64; 2],
    /// How long answers took without changes and with them, in nanoseconds: 99 of 100.
    pub answered: [f64; 2],
    /// Which part of the queries had no answer, without changes and with them. Where more than one in a hundred has none, the rate is
    /// beyond what the machine does, and times say nothing.
    pub unanswered: [f64; 2],
    /// Octets of memory of all of Trine's processes (PSS), each second.
    pub memory: Vec<u64>,
    /// The load average afterwards.
    pub load: f64,
}

/// Measures: queries alone, then changes beside them.
pub fn measure(trine: &Path, names: usize, seed: u64, time: Duration, scratch: &Path) -> Outcome<Steady> {
    say(&format!("{CHANGES_A_SECOND} changes a second beside {QUERIES_A_SECOND} queries a second, {names} names"));
    let zone = Workload::new(Kind::Flat, names, seed);
    let folder = TempDir::new_in(scratch)?;
    let text = folder.path().join("flat.zone");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&text)?);
    zone.write_text(&mut file)?;
    file.flush()?;
    let last = zone.queries(QuerySet::Hits, [zone.query_count() - 1], seed);
    let subject = Subject::start(Server::Trine, trine, zone.apex(), &text, last.wire(0), folder.path())?;
    let asked = Asked { count: 1 << 16, missing_percent: 10, rtype: 1, is_dnssec_ok: false };
    let queries = Queries::of(&zone, &asked, seed);
    let ask = |time| latencies(subject.port, &queries, 0, QUERIES_A_SECOND, time);
    ask(WARM_UP)?;
    let quiet = ask(time.min(QUIET_MAX))?;
    let count = (time.as_secs_f64() * CHANGES_A_SECOND) as usize;
    let picks: Vec<usize> = uniform(zone.query_count(), seed).take(count).collect();
    let hits = zone.queries(QuerySet::Hits, picks, seed);
    let lines = (0..count).map(|number| {
        let [_, b, c, d] = (number as u32).to_be_bytes();
        address_lines(hits.wire(number), [13, b, c, d])
    });
    let lines: Vec<String> = lines.collect::<Outcome<_>>()?;
    let (apex, state) = (zone.apex().to_owned(), subject.state());
    let process = subject.process();
    let begin = Instant::now();
    let (changed, beside, memory) = std::thread::scope(|scope| {
        let change = move || {
            let control = Control::connect(&state).map_err(|error| error.to_string())?;
            control.update_at(&apex, lines, CHANGES_A_SECOND, Reached::Visible).map_err(|error| error.to_string())
        };
        let changing = scope.spawn(change);
        let asking = scope.spawn(|| ask(time).map_err(|error| error.to_string()));
        let mut memory = Vec::new();
        while !changing.is_finished() {
            memory.push(processes::memory(process).iter().map(|memory| memory.proportional).sum());
            std::thread::sleep(Duration::from_secs(1));
        }
        (changing.join(), asking.join(), memory)
    });
    let seconds = begin.elapsed().as_secs_f64();
    let changed = changed.map_err(|_| "the thread that changes ended")??;
    let beside: Latencies = beside.map_err(|_| "the thread that asks ended")??;
    let serials: BTreeSet<(u32, u32)> = changed.iter().map(|change| (change.from, change.to)).collect();
    let follows = |(from, to): &&(u32, u32)| from.wrapping_add(1) == *to;
    let mut times: Vec<f64> = changed.iter().map(|change| change.time.as_secs_f64() * 1e6).collect();
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or(0.0);
    let steady = Steady {
        names,
        changes: count,
        seconds,
        in_order: serials.iter().filter(follows).count(),
        visible: [at(0.5), at(0.99)],
        answered: [quiet.percentile(9_900), beside.percentile(9_900)],
        unanswered: [quiet.unanswered(), beside.unanswered()],
        memory,
        load: load_average(),
    };
    print(&steady);
    Ok(steady)
}

/// The goals.
pub fn verdicts(steady: &Steady) -> Vec<Goal> {
    let goal = |what: &str, limit, found, unit| Goal {
        what: what.to_owned(),
        names: steady.names,
        limit,
        found,
        spread: 0.0,
        tolerance: 0.0,
        unit,
    };
    let in_order = 100.0 * steady.in_order as f64 / steady.changes.max(1) as f64;
    vec![
        goal(
            "1,000 changes a second: visible, each serial behind the one before",
            Limit::AtLeast(100.0),
            Some(in_order),
            "%",
        ),
        goal(
            "queries beside them, p99, against without",
            Limit::AtMost(1.3),
            (steady.unanswered[0] < UNANSWERED_MAX).then(|| steady.answered[1] / steady.answered[0]),
            "×",
        ),
    ]
}

/// Prints what was found.
fn print(steady: &Steady) {
    let mib = |octets: Option<&u64>| octets.copied().unwrap_or(0) as f64 / f64::from(1 << 20);
    println!(
        "{:>10} names {} changes in {:.1} s: {} in order, visible p50 {:.0} µs, p99 {:.0} µs; answers p99 {:.0} µs without, {:.0} µs \
         with, {:.2} % and {:.2} % of the queries without one; memory {:.0} MiB at first, {:.0} at most, {:.0} in the end; load average {:.1}",
        steady.names,
        steady.changes,
        steady.seconds,
        steady.in_order,
        steady.visible[0],
        steady.visible[1],
        steady.answered[0] / 1e3,
        steady.answered[1] / 1e3,
        steady.unanswered[0] * 100.0,
        steady.unanswered[1] * 100.0,
        mib(steady.memory.first()),
        mib(steady.memory.iter().max()),
        mib(steady.memory.last()),
        steady.load,
    );
}

/// Changes a second.
const CHANGES_A_SECOND: f64 = 1_000.0;

/// Queries a second beside them.
const QUERIES_A_SECOND: f64 = 50_000.0;

/// Where more of the quiet queries have no answer, there is nothing to compare with.
const UNANSWERED_MAX: f64 = 0.01;

/// Queries before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// Queries without changes are measured for this long at the most.
const QUIET_MAX: Duration = Duration::from_secs(20);
