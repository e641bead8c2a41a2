//! The page of figures, in Markdown.

use std::fmt::Write as _;
use std::path::Path;

use super::verdicts::seconds;
use super::{Load, Report, median};
use crate::page::{push_goals, thousands};
use crate::servers::{Server, versions};
use crate::start::Start;
use crate::{Outcome, machine};

/// Writes the page.
pub fn write(report: &Report, folder: &Path) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("load.md"), page(report)?)?;
    Ok(())
}

/// The page.
fn page(report: &Report) -> Result<String, std::fmt::Error> {
    let mut out = String::from(
        "# Loading zones beside other servers\n\n\
         Written by the command below; nothing on this page is edited by hand.\n\n| | |\n|---|---|\n",
    );
    for (what, value) in machine::heading() {
        writeln!(out, "| {what} | {value} |")?;
    }
    writeln!(out, "| seed | {} |", report.seed)?;
    for (what, version) in versions(report.loads.iter().map(|load| load.server)) {
        writeln!(out, "| {what} | {version} |")?;
    }
    writeln!(out, "\n## Goals\n\n| | names or zones | goal | figure | spread | |\n|---|---:|---:|---:|---:|---|")?;
    push_goals(&mut out, &report.goals)?;
    writeln!(out, "\n{HOW}")?;
    if !report.notes.is_empty() {
        writeln!(out, "What is not here:\n")?;
        for note in &report.notes {
            writeln!(out, "```text\n{note}\n```\n")?;
        }
    }
    push_scan(&mut out, report)?;
    let mut titles: Vec<&str> = report.loads.iter().map(|load| load.title.as_str()).collect();
    titles.dedup();
    for title in titles {
        let loads: Vec<&Load> = report.loads.iter().filter(|load| load.title == title).collect();
        push_loads(&mut out, title, &loads)?;
    }
    Ok(out)
}

/// The table of readers of one file.
fn push_scan(out: &mut String, report: &Report) -> std::fmt::Result {
    let Some((records, octets, scanners)) = &report.scanners else { return Ok(()) };
    let (of, all) = (thousands(*records), thousands(*octets));
    writeln!(out, "## One file on one core: {of} records, {all} octets\n")?;
    writeln!(out, "| | user | system | wall | M records/s of user time | GB/s | with system time |")?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
    for scanner in scanners {
        let (user, system) = (scanner.median(|run| run.user), scanner.median(|run| run.system));
        writeln!(
            out,
            "| {} | {:.3} s | {:.3} s | {:.3} s | {:.2} | {:.3} | {:.2} |",
            scanner.name,
            user.as_secs_f64(),
            system.as_secs_f64(),
            scanner.median(|run| run.wall).as_secs_f64(),
            *records as f64 / seconds(user) / 1e6,
            *octets as f64 / seconds(user) / 1e9,
            *records as f64 / seconds(user + system) / 1e6,
        )?;
    }
    writeln!(out)
}

/// The tables of one size.
fn push_loads(out: &mut String, title: &str, loads: &[&Load]) -> std::fmt::Result {
    writeln!(out, "## {title}\n")?;
    writeln!(
        out,
        "| | records | first answer, s | each start, s | processor, s | M records/s | memory served, MiB | octets a record | \
         most memory of a process, MiB | of its own | load average |\n|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    for load in loads.iter().filter(|load| !load.starts.is_empty()) {
        let first = median(&load.starts, |start| Some(start.first)).unwrap_or_default();
        let processor = median(&load.starts, |start| Some(start.processor)).unwrap_or_default();
        let peak = load.served.iter().map(|memory| memory.peak).max().unwrap_or(0);
        let anonymous = load.starts.iter().map(|start| start.peak.anonymous).max().unwrap_or(0);
        writeln!(
            out,
            "| {} | {} | {:.2} | {} | {:.2} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            load.server.name(),
            thousands(load.records),
            first.as_secs_f64(),
            each(&load.starts, 1.0, 2),
            processor.as_secs_f64(),
            load.records as f64 / seconds(first) / 1e6,
            load.proportional() as f64 / MIB,
            load.proportional() as f64 / load.records as f64,
            peak as f64 / MIB,
            anonymous as f64 / MIB,
            load.starts.iter().map(|start| start.load).fold(0.0, f64::max),
        )?;
    }
    for load in loads.iter().filter(|load| load.server == Server::Trine) {
        push_trine(out, load)?;
    }
    let again: Vec<_> = loads.iter().filter(|load| !load.restarts.is_empty()).collect();
    if !again.is_empty() {
        writeln!(out, "\nStarted again after a clean stop, without change:\n")?;
        writeln!(out, "| | first answer, ms | each, ms |\n|---|---:|---|")?;
        for load in again {
            let first = median(&load.restarts, |start| Some(start.first)).unwrap_or_default();
            let (name, each) = (load.server.name(), each(&load.restarts, 1e3, 0));
            writeln!(out, "| {name} | {:.1} | {each} |", first.as_secs_f64() * 1e3)?;
        }
    }
    writeln!(out)
}

/// What else is known of Trine.
fn push_trine(out: &mut String, load: &Load) -> std::fmt::Result {
    if let Some(segments) = load.segments {
        let a_record = segments as f64 / load.records as f64;
        writeln!(out, "\nTrine's segments: {} octets, {a_record:.1} a record.", thousands(segments))?;
    }
    let ready = median(&load.starts, |start| start.ready).unwrap_or_default();
    writeln!(out, "Ready after {:.3} s.", ready.as_secs_f64())?;
    if let Some(peak) = load.starts.iter().map(|start| start.peak).max_by_key(|peak| peak.all()) {
        let (own, file) = (peak.anonymous as f64 / MIB, peak.file as f64 / MIB);
        writeln!(
            out,
            "The process that loads had {own:.1} MiB of its own and {file:.1} MiB of files when it had most."
        )?;
    }
    let by_name = load.proportional_by_name();
    let parts = by_name.iter().map(|(name, octets)| format!("{name} {:.1} MiB", *octets as f64 / MIB));
    writeln!(out, "Memory served by role: {}.", parts.collect::<Vec<_>>().join(", "))
}

/// Each start's time.
fn each(starts: &[Start], unit: f64, digits: usize) -> String {
    let times = starts.iter().map(|start| format!("{:.digits$}", start.first.as_secs_f64() * unit));
    times.collect::<Vec<_>>().join(", ")
}

/// Octets of a MiB.
const MIB: f64 = (1_u64 << 20) as f64;

/// How figures come about.
const HOW: &str = "\
All servers load the same generated zones in this run, in turn, and the figure is that of the start in the middle; the spread is half of what the fastest and the slowest
lie apart, as a part of it. A figure that is nearer to its goal than the spreads of both sides is *drawn*. Who takes more than four times as long as the fastest is started
once. A start goes from the process to the answer that comes back over UDP, for a name at the end of the zone; of many zones, for a name of each of 64 zones
from the first to the last. Questions are asked every millisecond. Files are in the page cache. Each server has two threads or processes that answer, no log but of
errors, no journal and no checks that can be switched off.

The large zone is a registry's dump: whole names in canonical order, two to four name servers to a delegation, 37 % with DS records, glue of both families. gdnsd
has no DS records: it loads the zone without them. A small zone has ten records in a file of its own.

Memory served is the proportional share (PSS) of all processes of a server, after one name in sixteen was asked for, so that every page that holds names is mapped by who
answers. The most memory of a process is its largest resident set, file pages included; of Trine that is memmgr, which maps the segment it writes.

*One file on one core*: user time of one process, in turn; Trine reads and scans into columns and stops there, on one thread. The checkers build and check the
zone: they are the parsers of Knot and NSD as Debian has them. simdzone, a parser by itself, is not packaged there and is not measured here.

PowerDNS with LMDB is filled by `pdnsutil load-zone` before, which is not in the time.
";
