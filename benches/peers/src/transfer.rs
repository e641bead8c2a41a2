//! Zones given away and taken: Trine beside NSD, Knot and BIND, the same generated zone, in one run.
//!
//! Read [`run`] first, then `whole` (all of a zone to one client), `crowd` (many clients at once, beside queries), `link` (sockets that auth
//! hands to xfrout) and `incoming` (zones taken from a primary, which `primary` plays). `subjects` are the servers, `client` takes zones, `memory` looks at xfrout's, `verdicts` has the goals; `report` writes the page.
//!
//! Who is not installed, or gives nothing away, is named loudly and left out.

mod client;
mod crowd;
mod incoming;
mod link;
mod memory;
mod primary;
mod report;
mod subjects;
mod verdicts;
mod whole;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tempfile::TempDir;

use crate::goals::Goal;
use crate::lookup::say;
use crate::servers::build_trine;
use crate::start::load_average;
use crate::{Outcome, count, page};
use report::Report;

/// How to measure.
#[derive(Args)]
pub struct Options {
    /// Names of the zone: numbers, `k` and `m` stand for thousands and millions
    #[arg(long, default_value = "1m", value_parser = count)]
    names: usize,
    /// 20,000 names and a round of each: shows that everything works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Folder for the page; without it figures are printed only
    #[arg(long)]
    out: Option<PathBuf>,
    /// Folder on the disk for zones and segments, removed in the end
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    scratch: PathBuf,
    /// What zone and queries are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Trine's program; without it it is built
    #[arg(long)]
    trine: Option<PathBuf>,
    /// Rounds in which each server gives its zone away in turn
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Starts of each server as an empty secondary
    #[arg(long, default_value_t = 3)]
    starts: usize,
    /// Records that are added to the zone of each, one after the other
    #[arg(long, default_value_t = 20)]
    changes: usize,
    /// Seconds of queries, without transfers and beside them
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// What to measure; all of it if nothing is named
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,
}

/// A part of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// All of a zone to one client, beside others
    Whole,
    /// Twenty clients at once, beside queries
    Crowd,
    /// Sockets handed over
    Link,
    /// Zones taken from a primary, beside others
    Incoming,
}

impl Options {
    /// Whether a part is to be measured.
    fn has(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}

/// Measures everything and writes the page.
pub fn run(options: &Options) -> Outcome<()> {
    let trine = match &options.trine {
        Some(trine) => trine.canonicalize()?,
        None => build_trine()?,
    };
    let scratch = TempDir::with_prefix_in("trine-transfer-", &options.scratch)?;
    let (names, rounds, seconds) =
        if options.quick { (QUICK_NAMES, 2, 1) } else { (options.names, options.rounds, options.seconds) };
    let mut report = Report { seed: options.seed, load: load_average(), ..Report::default() };
    if options.has(Part::Link) {
        let handed = link::measure(Duration::from_secs(seconds.min(LINK_SECONDS_MAX)))?;
        settle(&mut report, verdicts::of_link(&handed));
        report.handed = Some(handed);
    }
    if [Part::Whole, Part::Crowd, Part::Incoming].into_iter().any(|part| options.has(part)) {
        let zone = subjects::Zone::write(names, options.seed, scratch.path())?;
        if options.has(Part::Whole) {
            let whole = whole::measure(&trine, &zone, rounds, scratch.path(), &mut report.notes)?;
            settle(&mut report, verdicts::of_whole(&whole));
            report.whole = Some(whole);
        }
        if options.has(Part::Crowd) {
            let crowd = crowd::measure(&trine, &zone, Duration::from_secs(seconds), scratch.path())?;
            settle(&mut report, verdicts::of_crowd(&crowd));
            report.crowd = Some(crowd);
        }
        if options.has(Part::Incoming) {
            let plan = if options.quick { (1, 3) } else { (options.starts, options.changes) };
            let incoming = incoming::measure(&trine, &zone, plan, scratch.path(), &mut report.notes)?;
            settle(&mut report, verdicts::of_incoming(&incoming));
            report.incoming = Some(incoming);
        }
    }
    if let Some(out) = &options.out {
        report::write(&report, out)?;
    }
    let failed = report.goals.iter().filter(|goal| goal.verdict().starts_with("fail")).count();
    say(&format!("{} goals, {failed} of them failed; load average {:.1}", report.goals.len(), load_average()));
    if options.quick {
        say("a quick run shows that everything works; a zone of this size says nothing about goals");
    }
    Ok(())
}

/// Prints goals, and keeps them for the page.
fn settle(report: &mut Report, goals: Vec<Goal>) {
    page::print_goals(&goals);
    report.goals.extend(goals);
}

/// Names of a quick run.
const QUICK_NAMES: usize = 20_000;

/// Sockets are handed over for this long at the most.
const LINK_SECONDS_MAX: u64 = 5;
