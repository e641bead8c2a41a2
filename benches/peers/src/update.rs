//! Changing zones: Trine beside the servers that change theirs in place, on the same generated zone, in one run.
//!
//! Read [`run`] first, then `visible` (a change until it is seen, and until it is durable), `octets` (what is written for it), `layers`
//! (what lookups pay for it), `steady` (many changes beside queries) and `reload` (a text in which few records changed). `subjects` are the servers, `control` asks Trine, `dynamic` the others (RFC 2136), `probe` looks whether a change is there,
//! `sample` has medians and spreads, `verdicts` the goals; `report` writes the page.
//!
//! Who is not installed, or refuses changes, is named loudly and left out.

mod control;
mod dynamic;
mod layers;
mod octets;
pub mod probe;
mod reload;
mod report;
pub mod sample;
mod steady;
mod subjects;
mod verdicts;
mod visible;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use measure::Settings;
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
    /// Names of the zone: numbers, `k` and `m` stand for thousands and millions; others than Trine take up to a million
    #[arg(long, value_delimiter = ',', default_value = "1m", value_parser = count)]
    names: Vec<usize>,
    /// 20,000 names and a round of each: shows that everything works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Folder for the page; without it figures are printed only
    #[arg(long)]
    out: Option<PathBuf>,
    /// Folder on the disk for zones, segments and the file that is appended to, removed in the end
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    scratch: PathBuf,
    /// What zones and changes are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Trine's program; without it it is built
    #[arg(long)]
    trine: Option<PathBuf>,
    /// Rounds in which each server makes its changes in turn
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Changes of a round, one after the other
    #[arg(long, default_value_t = 20)]
    changes: usize,
    /// Reloads of each server
    #[arg(long, default_value_t = 5)]
    reloads: usize,
    /// Seconds of changes at a steady rate
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Milliseconds that each lookup is measured for
    #[arg(long, default_value_t = 1_000)]
    milliseconds: u64,
    /// What to measure; all of it if nothing is named
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,
}

/// A part of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A changed record until it is seen, beside others
    Visible,
    /// The same until it is durable, beside an append
    Durable,
    /// Octets written for a change
    Octets,
    /// Lookups with changes above the base
    Layers,
    /// Reload of a text with few changes, beside others
    Reload,
    /// A thousand changes a second beside queries
    Steady,
}

impl Options {
    /// The sizes to measure.
    fn sizes(&self) -> Vec<usize> {
        let mut sizes = if self.quick { vec![QUICK_NAMES] } else { self.names.clone() };
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// How long lookups are measured.
    fn settings(&self) -> Settings {
        let (slice, total, warm_up) = if self.quick { (1, 5, 1) } else { (10, self.milliseconds, 50) };
        let milliseconds = Duration::from_millis;
        Settings {
            slice: milliseconds(slice),
            total_per_subject: milliseconds(total),
            warm_up: milliseconds(warm_up),
            seed: self.seed,
        }
    }

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
    let scratch = TempDir::with_prefix_in("trine-update-", &options.scratch)?;
    let plan = visible::Plan {
        rounds: if options.quick { 2 } else { options.rounds },
        changes: if options.quick { 5 } else { options.changes },
        is_durable: options.has(Part::Durable),
        has_peers: options.has(Part::Visible),
        seed: options.seed,
    };
    let mut report = Report { seed: options.seed, load: load_average(), ..Report::default() };
    if options.has(Part::Octets) {
        let below = if options.quick { QUICK_NAMES } else { octets::NAMES };
        let written = octets::measure(&trine, below, scratch.path())?;
        settle(&mut report, verdicts::of_octets(&written));
        report.written = Some(written);
    }
    for names in options.sizes() {
        if options.has(Part::Layers) {
            let lookups = layers::measure(names, options.seed, &options.settings())?;
            settle(&mut report, verdicts::of_lookups(&lookups));
            report.lookups.push(lookups);
        }
        if plan.is_durable || plan.has_peers {
            let changes = visible::measure(&trine, names, &plan, scratch.path(), &mut report.notes)?;
            let goals = verdicts::of_changes(&changes, report.changes.first());
            settle(&mut report, goals);
            report.changes.push(changes);
        }
        if options.has(Part::Steady) {
            let time = Duration::from_secs(if options.quick { 2 } else { options.seconds });
            let steady = steady::measure(&trine, names, options.seed, time, scratch.path())?;
            settle(&mut report, steady::verdicts(&steady));
            report.steady.push(steady);
        }
        if options.has(Part::Reload) && names <= NAMES_OF_PEERS_MAX {
            let rounds = if options.quick { 1 } else { options.reloads };
            let reloads = reload::measure(&trine, names, options.seed, rounds, scratch.path(), &mut report.notes)?;
            settle(&mut report, verdicts::of_reloads(&reloads));
            report.reloads.push(reloads);
        }
    }
    if let Some(out) = &options.out {
        report::write(&report, out)?;
    }
    let failed = report.goals.iter().filter(|goal| goal.verdict().starts_with("fail")).count();
    say(&format!("{} goals, {failed} of them failed; load average {:.1}", report.goals.len(), load_average()));
    if options.quick {
        say("a quick run shows that everything works; zones of this size say nothing about goals");
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

/// Names of a zone that others than Trine take.
const NAMES_OF_PEERS_MAX: usize = 1_000_000;
