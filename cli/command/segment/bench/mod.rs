//! `trine segment bench`: what lookups in a segment cost, beside two dependent reads of the same memory.
//!
//! [`questions`] draws what is asked from the segment itself, [`subjects`] looks it up, the crate `measure` takes the
//! times, [`report`] prints them.

mod questions;
mod report;
mod subjects;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgGroup, ArgMatches, Command, value_parser};
use measure::{Pair, Settings, Subject, plot};
use zone_segment::{HashKey, Segment};

use super::{build, open_zones};
use crate::command::{json_flag, print, wants_json};
use crate::exit::Exit;
use crate::supervisor::Chain;

use questions::{Drawn, Questions};
use report::Report;
use subjects::{Batch, Finding, Preceding, Preparing, Single};

/// Where everything that is drawn comes from: two runs ask the same.
const SEED: u64 = 1;

/// The command.
pub(super) fn command() -> Command {
    let path = |id| Arg::new(id).value_name("FILE").value_parser(value_parser!(PathBuf));
    Command::new("bench")
        .about("Measure lookups in a segment, beside two dependent reads at random cache lines of it")
        .after_help(
            "Looked up are names of the largest zones of the segment, which have half of its names or more. Subjects take \
             turns in slices of 10 ms; each lookup folds and hashes its name, which is also measured alone. One at a time no lookup overlaps the next. \
             Times are nanoseconds a lookup; the mean is that of the slice in the middle.",
        )
        .arg(path("file").help("A segment file"))
        .arg(path("zone").long("zone").help("A zone file instead: its segment is built in a temporary file"))
        .group(ArgGroup::new("source").args(["file", "zone"]).required(true))
        .arg(
            Arg::new("queries")
                .long("queries")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..=QUERIES_MAX))
                .default_value("1000000")
                .help("How many names of each kind are drawn; each kind is measured for as many microseconds"),
        )
        .arg(path("plot").long("plot").help("Draw the percentiles into this file, as SVG"))
        .arg(json_flag())
}

/// The most queries of a kind: their names take some gigabytes.
const QUERIES_MAX: i64 = 100_000_000;

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Result<Exit, String> {
    let segment = match matches.get_one::<PathBuf>("zone") {
        Some(zone) => built(zone)?,
        None => open_zones(&super::file(matches))?,
    };
    let queries = matches.get_one::<u32>("queries").copied().unwrap_or(1);
    let questions = Questions::of(&segment, queries as usize, SEED);
    let report = measured(&segment, &questions, queries)?;
    if let Some(path) = matches.get_one::<PathBuf>("plot") {
        draw(path, &report)?;
    }
    Ok(if wants_json(matches) { print::json(&report.json()) } else { report.print() })
}

/// The segment of a zone file, mapped from a temporary file that is gone again.
fn built(zone: &PathBuf) -> Result<Segment, String> {
    let failed = |error: std::io::Error| format!("writing to {}: {error}", std::env::temp_dir().display());
    let directory = tempfile::tempdir().map_err(failed)?;
    let builder = build::builder(HashKey([0; 16]), &[zone])?;
    builder.write_file(directory.path(), "bench.segment").map_err(|error| Chain(&error).to_string())?;
    let file = File::open(directory.path().join("bench.segment")).map_err(failed)?;
    zone_segment::map(&file).map_err(|error| format!("opening the segment of {}: {}", zone.display(), Chain(&error)))
}

/// Measures everything that there are questions for.
fn measured<'a>(segment: &'a Segment, questions: &'a Questions<'a>, queries: u32) -> Result<Report<'a>, String> {
    // So that no lookup meets a page that is not mapped yet.
    measure::touch(segment.octets());
    let pages = measure::page_size(segment.octets()).map_err(|error| Chain(&error).to_string())?;
    let keys = |drawn: &'a Drawn| drawn.keys(&questions.zones);
    let (hits, referrals, missing) = (keys(&questions.hits), keys(&questions.referrals), keys(&questions.missing));
    let mut subjects: Vec<Box<dyn Subject + '_>> = vec![
        Box::new(Pair::new(report::PAIR, segment.octets(), SEED)),
        Box::new(Pair::new(report::CONTROL, segment.octets(), SEED + 1)),
    ];
    for (one, batch, keys) in [
        (report::HIT, report::HIT_BATCH, &hits),
        (report::REFERRAL, report::REFERRAL_BATCH, &referrals),
        (report::MISS, report::MISS_BATCH, &missing),
    ] {
        if !keys.is_empty() {
            subjects.push(Box::new(Single::<Finding>::new(one, keys)));
            subjects.push(Box::new(Batch::<Finding>::new(batch, keys)));
        }
    }
    if !missing.is_empty() {
        subjects.push(Box::new(Single::<Preparing>::new(report::KEY, &missing)));
        subjects.push(Box::new(Batch::<Preparing>::new(report::KEY_BATCH, &missing)));
        subjects.push(Box::new(Single::<Preceding>::new(report::PREDECESSOR, &missing)));
        subjects.push(Box::new(Batch::<Preceding>::new(report::PREDECESSOR_BATCH, &missing)));
    }
    let measurements = measure::interleaved(&mut subjects, &settings(queries));
    Ok(Report { segment, questions, pages, queries, measurements, is_proven: subjects::has_predecessors(&missing) })
}

/// A microsecond of work for each query: lookups take less, so that each is asked once or more.
fn settings(queries: u32) -> Settings {
    let default = Settings::default();
    let total_per_subject = Duration::from_micros(u64::from(queries));
    let warm_up = default.warm_up.min(total_per_subject / 10);
    Settings { total_per_subject, warm_up, seed: SEED, ..default }
}

/// Draws the percentiles.
fn draw(path: &Path, report: &Report<'_>) -> Result<(), String> {
    let failed = |error: &dyn std::error::Error| format!("writing {}: {}", path.display(), Chain(error));
    let svg = plot::percentiles(&report.title(), report.plotted()).map_err(|error| failed(&error))?;
    std::fs::write(path, svg).map_err(|error| failed(&error))
}
