//! The page of figures, in Markdown.

use std::fmt::Write as _;
use std::path::Path;

use super::layers::Lookups;
use super::octets::Written;
use super::reload::Reloads;
use super::sample::{Sample, together};
use super::steady::Steady;
use super::visible::Changes;
use crate::goals::Goal;
use crate::page::{push_goals, thousands};
use crate::servers::versions;
use crate::{Outcome, machine};

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// What zones and changes were drawn from.
    pub seed: u64,
    /// The load average before all.
    pub load: f64,
    /// One changed record, by size.
    pub changes: Vec<Changes>,
    /// What is written for a change.
    pub written: Option<Written>,
    /// Lookups, by size.
    pub lookups: Vec<Lookups>,
    /// Reloads, by size.
    pub reloads: Vec<Reloads>,
    /// Changes at a steady rate, by size.
    pub steady: Vec<Steady>,
    /// What has to be said.
    pub notes: Vec<String>,
    /// Goals and whether they are met.
    pub goals: Vec<Goal>,
}

/// Writes the page.
pub fn write(report: &Report, folder: &Path) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("update.md"), page(report)?)?;
    Ok(())
}

/// The page.
fn page(report: &Report) -> Result<String, std::fmt::Error> {
    let mut out = String::from(
        "# Changing zones beside other servers\n\n\
         Written by the command below; nothing on this page is edited by hand.\n\n| | |\n|---|---|\n",
    );
    for (what, value) in machine::heading() {
        writeln!(out, "| {what} | {value} |")?;
    }
    writeln!(out, "| seed | {} |\n| load average before | {:.1} |", report.seed, report.load)?;
    let changed = report.changes.iter().flat_map(|changes| changes.rows.iter().map(|row| row.server));
    let reloaded = report.reloads.iter().flat_map(|reloads| reloads.rows.iter().map(|row| row.server));
    for (what, version) in versions(changed.chain(reloaded)) {
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
    for changes in &report.changes {
        push_changes(&mut out, changes)?;
    }
    for steady in &report.steady {
        push_steady(&mut out, steady)?;
    }
    if let Some(written) = &report.written {
        push_written(&mut out, written)?;
    }
    for lookups in &report.lookups {
        push_lookups(&mut out, lookups)?;
    }
    for reloads in &report.reloads {
        push_reloads(&mut out, reloads)?;
    }
    Ok(out)
}

/// The table of one changed record.
fn push_changes(out: &mut String, changes: &Changes) -> std::fmt::Result {
    writeln!(out, "## One changed record of {} names\n", thousands(changes.names as u64))?;
    writeln!(out, "| | changes | p50, µs | p99, µs | spread |\n|---|---:|---:|---:|---:|")?;
    let mut line = |what: String, rounds: &[Sample]| {
        let all = together(rounds);
        let (count, spread) = (all.0.len(), all.spread() * 100.0);
        writeln!(out, "| {what} | {count} | {:.1} | {:.1} | {spread:.0} % |", all.median(), all.quantile(0.99))
    };
    for row in &changes.rows {
        line(format!("{}, until it says so", row.server.name()), &row.told)?;
        line(format!("{}, until an answer has it", row.server.name()), &row.seen)?;
    }
    if !changes.durable.is_empty() {
        line("Trine, until it says that it is durable".into(), &changes.durable)?;
        line(format!("append of {} octets with fdatasync", thousands(changes.append_octets)), &changes.append)?;
    }
    let all = changes.rows.first().map_or(0, super::visible::Row::count)
        + changes.durable.iter().map(|round| round.0.len()).sum::<usize>();
    writeln!(
        out,
        "\nTrine wrote {} octets of segments that are still there and {} octets of commit log for {all} changes. Load average {:.1} to {:.1}.\n",
        thousands(changes.segment_octets),
        thousands(changes.commit_octets),
        changes.load[0],
        changes.load[1]
    )
}

/// The table of what is written.
fn push_written(out: &mut String, written: &Written) -> std::fmt::Result {
    writeln!(out, "## Octets written for one change, {} names below or beside\n", thousands(written.names as u64))?;
    writeln!(out, "| | segments, each | commit log, each | durable after, µs, in the middle |\n|---|---|---|---:|")?;
    for row in &written.rows {
        let each = |octets: fn(&super::octets::Octets) -> u64| {
            row.writes.iter().map(|write| thousands(octets(write))).collect::<Vec<_>>().join(" · ")
        };
        let mut times = Sample::default();
        row.writes.iter().for_each(|write| times.push(write.time));
        let (segments, commits) = (each(|write| write.segments), each(|write| write.commits));
        writeln!(out, "| {} | {segments} | {commits} | {:.0} |", row.what, times.median())?;
    }
    writeln!(out)
}

/// The tables of lookups.
fn push_lookups(out: &mut String, lookups: &Lookups) -> std::fmt::Result {
    writeln!(out, "## Lookups with changes above {} names\n", thousands(lookups.names as u64))?;
    writeln!(out, "| layers | octets of them | octets a reader keeps |\n|---|---:|---:|")?;
    for ((stack, above), private) in lookups.stacks.iter().zip(&lookups.above).zip(&lookups.private) {
        writeln!(out, "| {stack} | {} | {} |", thousands(*above), thousands(*private as u64))?;
    }
    for table in &lookups.tables {
        writeln!(out, "\n| {} | ns | × none | spread |\n|---|---:|---:|---:|", table.what)?;
        for figure in &table.figures {
            let ratio = figure.mean() / table.figures[0].mean();
            writeln!(
                out,
                "| {} | {:.1} | {ratio:.3} | {:.1} % |",
                figure.name,
                figure.mean(),
                figure.spread() * 100.0
            )?;
        }
    }
    writeln!(out, "\nLoad average {:.1} to {:.1}.\n", lookups.load[0], lookups.load[1])
}

/// The table of reloads.
fn push_reloads(out: &mut String, reloads: &Reloads) -> std::fmt::Result {
    let (names, octets) = (thousands(reloads.names as u64), thousands(reloads.text_octets));
    writeln!(out, "## Reload of a text of {names} names and {octets} octets in which 100 records changed\n")?;
    writeln!(
        out,
        "| | ms | spread | most memory of a process, MiB | PSS before, MiB | PSS after, MiB |\n|---|---:|---:|---:|---:|---:|"
    )?;
    writeln!(
        out,
        "| parsing it, on all cores | {:.0} | {:.0} % | | | |",
        reloads.parse.median() / 1e3,
        reloads.parse.spread() * 100.0
    )?;
    for row in &reloads.rows {
        writeln!(
            out,
            "| {} | {:.0} | {:.0} % | {:.1} | {:.1} | {:.1} |",
            row.server.name(),
            row.times.median() / 1e3,
            row.times.spread() * 100.0,
            row.peaks.quantile(1.0) / MIB,
            row.served[0] as f64 / MIB,
            row.served[1] as f64 / MIB
        )?;
    }
    let [before, after] = reloads.load;
    writeln!(
        out,
        "\nTrine's segments: {} octets. Load average {before:.1} to {after:.1}.\n",
        thousands(reloads.segment_octets)
    )
}

/// Octets of a MiB.
const MIB: f64 = (1_u64 << 20) as f64;

/// How figures come about.
const HOW: &str = "\
All servers run all the time on the same generated zone of hosts, each with two threads or processes that answer. They take turns, round after round; a change gives one
name, drawn from all of them, another address, and follows the one before it. Time runs from handing it in. *Until it says so*: of Trine the
answer over its bus to one who waits until it is visible in every auth; of the others the response to a dynamic update (RFC 2136) over UDP from an address that needs no
signature. *Until an answer has it*: until a query over UDP, sent after that and as often as needed, gives the new address; then all of eight ports are asked once more. BIND
and YADIFA keep a journal, and sync it as they are set up by Debian. A ratio is that of the medians of a round, the figure the ratio in
the middle, its spread that of the middle half of them. A figure that is nearer to its goal than its spread over the root of the number of rounds is *drawn*.

Durable changes, visible ones and appends take turns too. An append is one write of as many octets as the commit log grows by for a change, and an fdatasync, to a
file on the same file system.

What is written for a change is every segment that was not there before it and the growth of the commit log, the largest of all rounds; time for
merges lies between them.

Lookups are made in this process, in slices that take turns in an order drawn for each round; the figure is that of the slice in the middle. Without changes is measured
twice: what the two differ by, or the spread of the control's median, makes a figure *drawn*. All stacks are seen to find the same.

A reload runs from the moment at which the changed text takes the place of the one before until an answer has the change; NSD and Knot are told by SIGHUP, gdnsd and Trine
by a command. Parsing is what Trine's reader of zone files takes in the bench's own process, on all cores, in the same round. Memory is the largest resident set of a process
while it reloads, file pages included.
";

/// Changes at a steady rate.
fn push_steady(out: &mut String, steady: &Steady) -> std::fmt::Result {
    writeln!(
        out,
        "\n## 1,000 changes a second beside 50,000 queries a second, {} names\n",
        thousands(steady.names as u64)
    )?;
    let mib = |octets: Option<&u64>| octets.copied().unwrap_or(0) as f64 / f64::from(1 << 20);
    writeln!(
        out,
        "{} changes in {:.1} s, {} of them visible under a serial that follows the one before; half of them within {:.0} µs, 99 of 100 within \
         {:.0} µs. 99 of 100 answers within {:.0} µs without changes, {:.0} µs with them; {:.2} % and {:.2} % of the queries had none. Memory of all processes (PSS): {:.0} MiB at first, \
         {:.0} at most, {:.0} in the end. Load average {:.1}.",
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
    )
}
