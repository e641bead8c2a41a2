//! The page of figures: Markdown, and two plots beside it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use measure::PageSizes;
use measure::plot::{self, Series};
use workload::Kind;

use crate::extras::Sizes;
use crate::goals::{BATCHED, Goal, TRINE};
use crate::run::{Figure, Figures, Mode, Set};
use crate::{Outcome, machine};

/// What a run found.
#[derive(Debug, Default)]
pub struct Report {
    /// What zones and queries were drawn from.
    pub seed: u64,
    /// All times.
    pub figures: Figures,
    /// What segments take.
    pub sizes: Vec<Sizes>,
    /// For each size, octets and pages of the segment with NSEC records.
    pub nsec_octets: Vec<(usize, u64, PageSizes)>,
    /// For each size, octets of a value that the others hold.
    pub value_octets: Vec<(usize, f64)>,
    /// Files of the others.
    pub archives: Vec<Archives>,
    /// What else is to be said.
    pub notes: Vec<String>,
    /// Goals and whether they are met.
    pub goals: Vec<Goal>,
    /// The most memory that was mapped at once.
    pub peak_octets: u64,
}

/// Files of the others: their octets, and how long checking them took.
#[derive(Debug)]
pub struct Archives {
    /// Delegations of the zone.
    pub names: usize,
    /// rkyv's hash map.
    pub hash: (u64, Duration),
    /// rkyv's ordered map.
    pub tree: (u64, Duration),
    /// LMDB's file.
    pub lmdb: u64,
}

impl Report {
    /// Nothing found yet.
    pub fn new(seed: u64) -> Report {
        Report { seed, ..Report::default() }
    }
}

/// Prints the goals.
pub fn print_goals(goals: &[Goal]) {
    println!("\n{}", goals_table(goals));
}

/// Writes the page and its plots.
pub fn write(report: &Report, folder: &Path) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    let hits = |name: &str| by_size(report, name);
    let mut names: Vec<String> = Vec::new();
    for figure in in_mode(report, Mode::Loop).filter(|figure| figure.set == Set::Hit) {
        if !names.contains(&figure.measured.name) {
            names.push(figure.measured.name.clone());
        }
    }
    let series: Vec<Series> = names.iter().map(|name| hits(name)).collect();
    let latency = plot::latency_by_size("A hit in a plain loop, by the size of the zone", &series)?;
    std::fs::write(folder.join("lookup-latency.svg"), latency)?;
    if let Some(names) = percentile_names(report) {
        let shown = in_mode(report, Mode::Single)
            .filter(|figure| figure.names == names && matches!(figure.set, Set::Hit | Set::Memory))
            .filter(|figure| !figure.measured.name.contains("NSEC") && !figure.measured.name.contains("control"));
        let shown: Vec<_> = shown.map(|figure| figure.measured.clone()).collect();
        let title = format!("A hit, one at a time, in a zone of {} delegations", thousands(names as u64));
        std::fs::write(folder.join("lookup-percentiles.svg"), plot::percentiles(&title, &shown)?)?;
    }
    Ok(std::fs::write(folder.join("lookup.md"), markdown(report)?)?)
}

/// The page.
fn markdown(report: &Report) -> Result<String, std::fmt::Error> {
    let mut out = String::from(
        "# Lookups beside what one would pick instead\n\n\
         Written by the command below; nothing on this page is edited by hand. Times are nanoseconds of one lookup.\n\n",
    );
    writeln!(out, "| | |\n|---|---|")?;
    for (what, value) in machine::heading() {
        writeln!(out, "| {what} | {value} |")?;
    }
    writeln!(out, "| seed | {} |", report.seed)?;
    writeln!(out, "| most memory at once, file pages included | {:.1} GiB |", report.peak_octets as f64 / GIB)?;
    writeln!(out, "\n## Goals\n\n{}", goals_table(&report.goals))?;
    out.push_str(HOW);
    for note in &report.notes {
        writeln!(out, "{note}\n")?;
    }
    writeln!(out, "![A hit in a plain loop, by the size of the zone](lookup-latency.svg)\n")?;
    writeln!(out, "![Percentiles of a hit, one at a time](lookup-percentiles.svg)\n")?;
    for size in &report.sizes {
        writeln!(out, "## {} delegations\n", thousands(size.delegations as u64))?;
        push_times(&mut out, report, Kind::Tld, size.delegations)?;
    }
    writeln!(out, "## Other zones\n")?;
    for kind in [Kind::Flat, Kind::Deep, Kind::Many] {
        let Some(figure) = report.figures.0.iter().find(|figure| figure.kind == kind) else { continue };
        let what = match kind {
            Kind::Flat => "hosts right below the apex",
            Kind::Deep => "names of 5 to 12 labels below empty non-terminals",
            Kind::Many => "names of small zones, two each, the zone found too",
            Kind::Tld | Kind::Registry | Kind::Hosting => continue,
        };
        writeln!(out, "### {}: {} {what}\n", kind.name(), thousands(figure.names as u64))?;
        push_times(&mut out, report, kind, figure.names)?;
    }
    push_sizes(&mut out, report)?;
    Ok(out)
}

/// Both tables of times of a zone.
fn push_times(out: &mut String, report: &Report, kind: Kind, names: usize) -> std::fmt::Result {
    let of_zone = |mode| {
        report.figures.0.iter().filter(move |figure| (figure.kind, figure.names, figure.mode) == (kind, names, mode))
    };
    writeln!(out, "One at a time, or one batch at a time:\n")?;
    writeln!(
        out,
        "| asked for | of | median slice | spread | p50 | p99 | × pair |\n|---|---|---:|---:|---:|---:|---:|"
    )?;
    for Figure { set, measured, .. } in of_zone(Mode::Single) {
        let pair = if *set == Set::Denial || measured.name.contains("NSEC") {
            crate::goals::NSEC_PAIR
        } else {
            crate::goals::PAIR
        };
        let pair = report.figures.find(kind, names, Mode::Single, Set::Memory, pair);
        let ratio = pair.map_or(0.0, |pair| measured.mean() / pair.mean());
        let (mean, spread) = (measured.mean(), measured.spread() * 100.0);
        let (p50, p99) = (measured.p50(), measured.p99());
        writeln!(
            out,
            "| {} | {} | {mean:.0} | {spread:.1} % | {p50:.0} | {p99:.0} | {ratio:.2} |",
            set.name(),
            measured.name
        )?;
    }
    writeln!(out, "\nIn a plain loop:\n")?;
    writeln!(out, "| asked for | of | median slice | spread | × Trine |\n|---|---|---:|---:|---:|")?;
    for Figure { set, measured, .. } in of_zone(Mode::Loop) {
        let trine = report.figures.find(kind, names, Mode::Loop, *set, TRINE);
        let ratio = trine.map_or(0.0, |trine| measured.mean() / trine.mean());
        let (mean, spread) = (measured.mean(), measured.spread() * 100.0);
        writeln!(out, "| {} | {} | {mean:.0} | {spread:.1} % | {ratio:.2} |", set.name(), measured.name)?;
    }
    writeln!(out)
}

/// The tables of octets, pages and opening.
fn push_sizes(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "## What a segment takes\n")?;
    writeln!(
        out,
        "| delegations | names | records | octets | a name | a record | × text | in 2 MiB pages | opening | mapped after it |"
    )?;
    writeln!(out, "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
    for size in &report.sizes {
        let huge = percent(size.pages.huge(), size.pages.rss);
        writeln!(
            out,
            "| {} | {} | {} | {} | {:.1} | {:.1} | {:.2} | {huge} | {:.1} µs, {} page faults | {} KiB |",
            thousands(size.delegations as u64),
            thousands(size.names),
            thousands(size.records),
            thousands(size.octets),
            size.octets_a_name(),
            size.octets as f64 / size.records as f64,
            size.part_of_text(),
            size.opening.time.as_nanos() as f64 / 1_000.0,
            size.opening.faults,
            size.opening.rss / 1024,
        )?;
    }
    for (names, octets, pages) in &report.nsec_octets {
        let huge = percent(pages.huge(), pages.rss);
        let (names, octets) = (thousands(*names as u64), thousands(*octets));
        writeln!(
            out,
            "\nWith NSEC records and signatures, {names} delegations: {octets} octets, {huge} of them in pages of 2 MiB."
        )?;
    }
    for size in &report.sizes {
        writeln!(out, "\nBy part, {} delegations:\n", thousands(size.delegations as u64))?;
        writeln!(out, "| part | rows | octets | a name |\n|---|---:|---:|---:|")?;
        for part in &size.parts {
            let a_name = part.octets as f64 / size.names as f64;
            writeln!(out, "| {} | {} | {} | {a_name:.2} |", part.part, thousands(part.rows), thousands(part.octets))?;
        }
    }
    writeln!(out, "\n## What the others take\n")?;
    for (names, octets) in &report.value_octets {
        writeln!(out, "{} delegations: values of {octets:.0} octets on average.\n", thousands(*names as u64))?;
    }
    writeln!(out, "| delegations | file | octets | checking it |\n|---:|---|---:|---:|")?;
    for archives in &report.archives {
        let names = thousands(archives.names as u64);
        for (file, (octets, check)) in [("ArchivedHashMap", archives.hash), ("ArchivedBTreeMap", archives.tree)] {
            writeln!(out, "| {names} | {file} | {} | {:.0} ms |", thousands(octets), check.as_secs_f64() * 1_000.0)?;
        }
        writeln!(out, "| {names} | LMDB | {} | |", thousands(archives.lmdb))?;
    }
    Ok(())
}

/// The goals as a table.
fn goals_table(goals: &[Goal]) -> String {
    let mut table = String::from("| | delegations | goal | figure | spread | |\n|---|---:|---:|---:|---:|---|\n");
    for goal in goals {
        let found = goal.found.map_or_else(|| "–".to_owned(), |found| format!("{found:.3}"));
        let spread = if goal.spread > 0.0 { format!("{:.1} %", goal.spread * 100.0) } else { "–".into() };
        table.push_str(&format!(
            "| {} | {} | {} | {found} | {spread} | {} |\n",
            goal.what,
            thousands(goal.names as u64),
            goal.limit_text(),
            goal.verdict()
        ));
    }
    table
}

/// The figures of the registries' zones in a mode.
fn in_mode(report: &Report, mode: Mode) -> impl Iterator<Item = &Figure> {
    report.figures.0.iter().filter(move |figure| figure.kind == Kind::Tld && figure.mode == mode)
}

/// A subject's hits by size.
fn by_size(report: &Report, name: &str) -> Series {
    let figures = in_mode(report, Mode::Loop).filter(|figure| figure.set == Set::Hit && figure.measured.name == name);
    let points = figures.map(|figure| (figure.names as f64, figure.measured.mean())).collect();
    let label = if name == BATCHED { "Trine, in batches".to_owned() } else { name.to_owned() };
    Series { label, points }
}

/// The size that percentiles are drawn of: a million, or the nearest below, or whatever there is.
fn percentile_names(report: &Report) -> Option<usize> {
    let sizes = || report.sizes.iter().map(|size| size.delegations);
    sizes().filter(|names| *names <= 1_000_000).max().or(sizes().min())
}

/// The lines of a table of goals.
pub fn push_goals(out: &mut String, goals: &[Goal]) -> std::fmt::Result {
    goals.iter().try_for_each(|goal| {
        let found = goal.found.map_or_else(|| "–".to_owned(), |found| format!("{found:.3}"));
        let spread = if goal.spread > 0.0 { format!("{:.1} %", goal.spread * 100.0) } else { "–".into() };
        let names = thousands(goal.names as u64);
        let (what, limit, verdict) = (&goal.what, goal.limit_text(), goal.verdict());
        writeln!(out, "| {what} | {names} | {limit} | {found} | {spread} | {verdict} |")
    })
}

/// A number with commas.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A part of a whole.
pub fn percent(part: u64, whole: u64) -> String {
    format!("{:.0} %", part as f64 * 100.0 / whole.max(1) as f64)
}

/// Octets of a GiB.
const GIB: f64 = (1_u64 << 30) as f64;

/// How figures come about.
const HOW: &str = "\
A figure is that of the slice in the middle: all subjects of a table are measured in one run in slices of about 10 ms that take turns, in an order drawn for
each round, and the spread is that of the middle half of a subject's slices. The *pair* is two dependent reads at random cache lines of the mapped segment itself; its
*control* is the same again with another seed. A figure nearer to its goal than pair and control are to each
other, or than the spread of the control's median (that of its slices over the root of their number), is *drawn*: it says nothing either way.

One at a time: a fence stands between two lookups, and each is timed by itself. In a plain loop: nothing stands between them, and the processor may overlap
them. Keys are prepared shortly before, outside of the time, for everyone: a server has the key of a query in its cache. Trine's are
folded and hashed by then; with *hashing included* that is in the time, as hashing is for the hash maps, whose keys are in lower case as they come. Every lookup reads the TTL and the
beginning of the first RDATA of what it finds, and all subjects are first seen to find the same data.

The zone is a registry's: two name servers to a delegation, 30 % with one of their own and its address, 40 % with a DS record. A *hit* is a delegated name. Below a
cut, the others are asked for the name and then for each name above it; Trine finds the zone cut by itself. All names of the zone are in every store.
std HashMap, hashbrown and the qp-trie map a key of its own allocation to the position of a value in one arena; the archived maps, LMDB and mmap-sync have
values beside keys in their files. Ordered stores and the trie have names from the root on as keys, all others the wire form. LMDB is filled in order and read in one
transaction; a predecessor is found through a cursor for each, as its crate does it. rkyv's ordered map has no ranges: the standard library's stands in for it.

";
