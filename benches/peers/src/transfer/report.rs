//! The page of figures, in Markdown.

use std::fmt::Write as _;
use std::path::Path;

use super::crowd::{CLIENTS, Crowd, OCTETS_A_SECOND, QUERIES_A_SECOND};
use super::incoming::Incoming;
use super::link::HandedOver;
use super::whole::Whole;
use crate::goals::Goal;
use crate::page::{push_goals, thousands};
use crate::servers::versions;
use crate::{Outcome, machine};

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// What zone and queries were drawn from.
    pub seed: u64,
    /// The load average before all.
    pub load: f64,
    /// All of a zone to one client.
    pub whole: Option<Whole>,
    /// Many clients at once.
    pub crowd: Option<Crowd>,
    /// Sockets handed over.
    pub handed: Option<HandedOver>,
    /// Zones taken from a primary.
    pub incoming: Option<Incoming>,
    /// What has to be said.
    pub notes: Vec<String>,
    /// Goals and whether they are met.
    pub goals: Vec<Goal>,
}

/// Writes the page.
pub fn write(report: &Report, folder: &Path) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("transfer.md"), page(report)?)?;
    Ok(())
}

/// The page.
fn page(report: &Report) -> Result<String, std::fmt::Error> {
    let mut out = String::from(
        "# Zones given away and taken beside other servers\n\n\
         Written by the command below; nothing on this page is edited by hand.\n\n| | |\n|---|---|\n",
    );
    for (what, value) in machine::heading() {
        writeln!(out, "| {what} | {value} |")?;
    }
    writeln!(out, "| seed | {} |\n| load average before | {:.1} |", report.seed, report.load)?;
    let given = report.whole.iter().flat_map(|whole| whole.rows.iter().map(|row| row.server));
    let taken = report.incoming.iter().flat_map(|incoming| incoming.rows.iter().map(|row| row.server));
    let compared = given.chain(taken);
    for (what, version) in versions(compared) {
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
    if let Some(whole) = &report.whole {
        push_whole(&mut out, whole)?;
    }
    if let Some(crowd) = &report.crowd {
        push_crowd(&mut out, crowd)?;
    }
    if let Some(incoming) = &report.incoming {
        push_incoming(&mut out, incoming)?;
    }
    if let Some(handed) = &report.handed {
        let HandedOver { count, a_second } = handed;
        writeln!(out, "## Sockets handed over\n")?;
        let rate = thousands(a_second.median() as u64);
        writeln!(out, "{} sockets, {rate} a second, spread {:.0} %.", thousands(*count), a_second.spread() * 100.0)?;
    }
    Ok(out)
}

/// The table of all of a zone to one client.
fn push_whole(out: &mut String, whole: &Whole) -> std::fmt::Result {
    writeln!(out, "## All of {} names to one client\n", thousands(whole.names as u64))?;
    writeln!(out, "| | p50, ms | spread | records a second | messages | octets |\n|---|---:|---:|---:|---:|---:|")?;
    for row in &whole.rows {
        let (name, times, taken) = (row.server.name(), &row.times, &row.taken);
        let (time, spread, rate) = (times.median() / 1e3, times.spread() * 100.0, row.records_a_second() as u64);
        let (messages, octets) = (thousands(taken.messages), thousands(taken.octets));
        writeln!(out, "| {name} | {time:.1} | {spread:.0} % | {} | {messages} | {octets} |", thousands(rate))?;
    }
    let [before, after] = whole.load;
    writeln!(
        out,
        "\nxfrout had at most {:.1} MiB of its own. Load average {before:.1} to {after:.1}.\n",
        whole.peak as f64 / MIB
    )
}

/// The table of many clients at once.
fn push_crowd(out: &mut String, crowd: &Crowd) -> std::fmt::Result {
    writeln!(out, "## {CLIENTS} clients at once, of {} names\n", thousands(crowd.names as u64))?;
    writeln!(out, "| p99 without transfers, µs | beside them, µs |\n|---:|---:|")?;
    for [quiet, beside] in &crowd.pairs {
        writeln!(out, "| {:.0} | {:.0} |", quiet / 1e3, beside / 1e3)?;
    }
    writeln!(
        out,
        "\n{} transfers, each at {:.0} MB a second, {:.0} MB in all; {} queries a second, of which {:.3} % had no answer beside the transfers. xfrout had \
         at most {:.1} MiB of its own. Load average {:.1}.\n",
        crowd.transfers,
        OCTETS_A_SECOND / 1e6,
        crowd.octets_a_second / 1e6,
        thousands(QUERIES_A_SECOND as u64),
        crowd.unanswered * 100.0,
        crowd.peak as f64 / MIB,
        crowd.load
    )
}

/// The table of zones taken from a primary.
fn push_incoming(out: &mut String, incoming: &Incoming) -> std::fmt::Result {
    writeln!(out, "## {} names taken from a primary\n", thousands(incoming.names as u64))?;
    writeln!(out, "| | starts | all of it, p50, ms | spread | records added | one, p50, µs | p99, µs |")?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
    for row in &incoming.rows {
        let (whole, added) = (&row.whole, &row.added);
        let (name, starts, count) = (row.server.name(), whole.0.len(), added.0.len());
        let (time, spread) = (whole.median() / 1e3, whole.spread() * 100.0);
        let (middle, late) = (added.median(), added.quantile(0.99));
        writeln!(out, "| {name} | {starts} | {time:.0} | {spread:.0} % | {count} | {middle:.1} | {late:.1} |")?;
    }
    let [before, after] = incoming.load;
    writeln!(out, "\nLoad average {before:.1} to {after:.1}.\n")
}

/// Octets of a mebibyte.
const MIB: f64 = 1_048_576.0;

/// How it is measured.
const HOW: &str = "One client asks each server for the same zone (AXFR over TCP on loopback) and looks at every record; servers take turns, round after round, and \
the first round is not counted. All give the same number of records away. A figure against another server is the quotient of the times of one round, in the middle \
of all rounds. xfrout's own memory is what of it is in no file (RssAnon), looked at every 5 ms: segments are the same pages for all processes.

Clients of the crowd take what a gigabit a second carries between them, at the lowest priority, since they stand for other machines. Each is a connection of its own, \
and asks again when it has the zone. Queries leave when they are due, whether or not others were answered; rounds without and with transfers follow one another.

A secondary begins with nothing. Its primary is a thread that sends, as fast as it is taken, what Trine gave away before; all of a zone counts from the query for it until the last name \
is answered for. Then records of names that were not there are added, one after the other, each told by NOTIFY and sent as a difference; each counts from the last octet of that until an \
answer has it, asked for again and again.

Sockets are handed over as auth and xfrout do it, with a request each, from one thread to another, which closes them.
";
