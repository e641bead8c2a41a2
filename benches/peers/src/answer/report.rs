//! The page of figures, in Markdown.

use std::fmt::Write as _;
use std::path::Path;

use super::latency::Latencies;
use super::pressure::Pressure;
use super::subjects::ECHO;
use super::verdicts::{median, ratio, spread};
use super::{Report, Table};
use crate::page::{push_goals, thousands};
use crate::servers::versions;
use crate::{Outcome, machine};

/// Writes the page.
pub fn write(report: &Report, folder: &Path) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("answer.md"), page(report)?)?;
    Ok(())
}

/// The page.
fn page(report: &Report) -> Result<String, std::fmt::Error> {
    let mut out = String::from(
        "# Answering beside other servers\n\n\
         Written by the command below; nothing on this page is edited by hand.\n\n| | |\n|---|---|\n",
    );
    for (what, value) in machine::heading() {
        writeln!(out, "| {what} | {value} |")?;
    }
    let tables = || [&report.datagrams, &report.signed, &report.streams].into_iter().flatten();
    let servers = tables().flat_map(|table| &table.rows).filter_map(|row| row.server);
    for (what, version) in versions(servers) {
        writeln!(out, "| {what} | {version} |")?;
    }
    writeln!(out, "\n## Goals\n\n| | names | goal | figure | spread | |\n|---|---:|---:|---:|---:|---|")?;
    push_goals(&mut out, &report.goals)?;
    writeln!(out, "\n{HOW}")?;
    if !report.notes.is_empty() {
        writeln!(out, "What is not here:\n")?;
        for note in &report.notes {
            writeln!(out, "```text\n{note}\n```\n")?;
        }
    }
    for (names, is_signed, count) in &report.instructions {
        let (names, what) = (thousands(*names as u64), if *is_signed { "signed names with DO" } else { "hosts" });
        writeln!(out, "Instructions from a query's octets to the answer's, {names} {what}: **{count:.0}** a query.\n")?;
    }
    if let Some(calls) = &report.calls {
        writeln!(out, "{calls}.\n")?;
    }
    push_table(&mut out, "Hosts, UDP", report.datagrams.as_ref())?;
    push_table(&mut out, "A signed registry's zone with DO, UDP", report.signed.as_ref())?;
    push_table(&mut out, "Hosts, TCP, 16 connections with 16 queries each in flight", report.streams.as_ref())?;
    push_latencies(&mut out, report)?;
    Ok(out)
}

/// What servers did on a zone.
fn push_table(out: &mut String, title: &str, table: Option<&Table>) -> std::fmt::Result {
    let Some(table) = table else { return Ok(()) };
    writeln!(out, "## {title}: {} names\n", thousands(table.names as u64))?;
    writeln!(
        out,
        "| | processor time a query, µs | spread | of it user, µs | × echo | answers/s | lost | wrong |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    for row in table.rows.iter().filter(|row| !row.runs.is_empty()) {
        let echo = table.find(ECHO).and_then(|echo| ratio(row, echo, Pressure::time));
        let lost: u64 = row.runs.iter().map(|run| run.lost).sum();
        let wrong: u64 = row.runs.iter().map(|run| run.wrong).sum();
        writeln!(
            out,
            "| {} | {:.2} | {:.1} % | {:.2} | {} | {} | {} | {} |",
            row.name,
            median(row, Pressure::time) / 1e3,
            spread(row, Pressure::time) * 100.0,
            median(row, Pressure::user) / 1e3,
            echo.map_or_else(|| "–".to_owned(), |echo| format!("{echo:.2}")),
            thousands(median(row, Pressure::rate) as u64),
            thousands(lost),
            thousands(wrong),
        )?;
    }
    writeln!(out)
}

/// Latency without and with switches.
fn push_latencies(out: &mut String, report: &Report) -> std::fmt::Result {
    if report.latencies.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Latency at {} queries a second\n", thousands(report.rate as u64))?;
    writeln!(
        out,
        "| pair | p50, µs | p99, µs | p99.9, µs | switches | p50, µs | p99, µs | p99.9, µs |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    for (pair, (calm, switched, count)) in report.latencies.iter().enumerate() {
        let three = |latencies: &Latencies| {
            [5_000, 9_900, 9_990].map(|at| format!("{:.1}", latencies.percentile(at) / 1e3)).join(" | ")
        };
        writeln!(out, "| {} | {} | {count} | {} |", pair + 1, three(calm), three(switched))?;
    }
    writeln!(out)
}

/// How figures come about.
const HOW: &str = "\
All servers run at the same time, each with one thread or process that answers and no log, all on one core; the load has another core and never sleeps. They are asked in
turn, round after round; a figure is the one in the middle, a ratio that of the rounds' ratios, the spread half of what the outermost lie apart. The echo is there twice: a figure
that is nearer to its goal than the two echoes are to each other is *drawn*.

Processor time is that of all processes of a server, to the nanosecond, divided by the answers. Which part of it is user time the kernel finds by looking at
each tick (250 a second): figures of few seconds are known to some hundredths of a microsecond. 128 queries are under way at any time. The echo takes up to 32 datagrams
with one `recvmmsg` and sends them back with one `sendmmsg`.

The zone of hosts is asked for A records, one query in ten for a host that is not there; the signed zone for delegations, one in ten for a name that is not there: referrals
with DS records or the NSEC record in their place, and denials. Queries have an OPT record and come in random order. Every answer's RCODE is
compared with what the zone says. NSD and BIND are told to give minimal answers, as the others do by themselves. gdnsd and YADIFA have no row in the signed zone: gdnsd has no
signatures.

Latency is taken from the time a query was due, at half of the answers a second that Trine gives; a zone of a thousand hosts beside the large one changes each second, and memmgr,
which builds it on the same core, runs when nobody else wants the core.
";
