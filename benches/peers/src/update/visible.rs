//! One changed record: from handing it in until it is seen, and until it is durable. Servers take turns, round after round; a change follows
//! the one before it.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use bus::protocol::control::Reached;
use tempfile::TempDir;
use workload::{Kind, QuerySet, Workload, uniform};

use super::NAMES_OF_PEERS_MAX;
use super::octets::{Contents, commit_octets};
use super::sample::{Sample, together};
use super::subjects::{Change, Subject};
use crate::Outcome;
use crate::lookup::say;
use crate::servers::Server;
use crate::start::load_average;

/// What is to be measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rounds.
    pub rounds: usize,
    /// Changes of a round.
    pub changes: usize,
    /// Whether Trine is waited for until changes are durable too.
    pub is_durable: bool,
    /// Whether others are measured beside it.
    pub has_peers: bool,
    /// What zone and changes are drawn from.
    pub seed: u64,
}

/// What was found with a zone.
#[derive(Debug)]
pub struct Changes {
    /// Its names.
    pub names: usize,
    /// Servers; Trine is the first.
    pub rows: Vec<Row>,
    /// Trine until changes are durable, round by round.
    pub durable: Vec<Sample>,
    /// An append and its sync, round by round.
    pub append: Vec<Sample>,
    /// Octets of an append: those by which the commit log grows with a change.
    pub append_octets: u64,
    /// Octets of segments that were written with the changes, merged ones that are still there included.
    pub segment_octets: u64,
    /// Octets of the commit log that were.
    pub commit_octets: u64,
    /// Load averages before and after.
    pub load: [f64; 2],
}

/// A server's changes.
#[derive(Debug)]
pub struct Row {
    /// The server.
    pub server: Server,
    /// Until it said that a change is made, round by round.
    pub told: Vec<Sample>,
    /// Until an answer had it, round by round.
    pub seen: Vec<Sample>,
    /// Answers with a change that came after that.
    pub asked: usize,
    /// Answers without it.
    pub old: usize,
}

impl Row {
    /// Changes that were made.
    pub fn count(&self) -> usize {
        together(&self.told).0.len()
    }

    /// Counts answers that have changes, and those that do not.
    fn count_answers(&mut self, made: &[Change]) {
        self.asked += made.iter().map(|change| change.asked).sum::<usize>();
        self.old += made.iter().map(|change| change.old).sum::<usize>();
    }
}

/// Measures a zone.
pub fn measure(trine: &Path, names: usize, plan: &Plan, scratch: &Path, notes: &mut Vec<String>) -> Outcome<Changes> {
    say(&format!("writing a zone of {names} names"));
    let zone = Workload::new(Kind::Flat, names, plan.seed);
    let folder = TempDir::new_in(scratch)?;
    let text = folder.path().join("flat.zone");
    zone.write_text(BufWriter::with_capacity(1 << 20, File::create(&text)?))?;
    rustix::fs::sync();
    let mut subjects = start(trine, &zone, &text, plan, folder.path(), notes)?;
    let row = |subject: &Subject| Row { server: subject.server, told: Vec::new(), seen: Vec::new(), asked: 0, old: 0 };
    let rows = subjects.iter().map(row).collect();
    let mut changes = Changes {
        names,
        rows,
        durable: Vec::new(),
        append: Vec::new(),
        append_octets: 0,
        segment_octets: 0,
        commit_octets: 0,
        load: [load_average(); 2],
    };
    let before = Contents::of(&subjects[0].state())?;
    let mut picks = uniform(zone.query_count(), plan.seed);
    let mut number = 0_u32;
    for _ in 0..plan.rounds {
        let mut make = |subject: &mut Subject, wait| {
            let mut made = Vec::with_capacity(plan.changes);
            for pick in picks.by_ref().take(plan.changes) {
                number += 1;
                let [_, b, c, d] = number.to_be_bytes();
                let name = zone.queries(QuerySet::Hits, [pick], plan.seed);
                made.push(subject.change(name.wire(0), [11, b, c, d], wait)?);
            }
            Ok::<Vec<Change>, Box<dyn std::error::Error>>(made)
        };
        for (subject, row) in subjects.iter_mut().zip(&mut changes.rows) {
            let made = make(subject, Reached::Visible)?;
            row.count_answers(&made);
            row.told.push(sample(&made, |change| change.told));
            row.seen.push(sample(&made, |change| change.seen));
        }
        if plan.is_durable {
            let commits = commit_octets(&subjects[0].state())?;
            let made = make(&mut subjects[0], Reached::Durable)?;
            changes.rows[0].count_answers(&made);
            changes.durable.push(sample(&made, |change| change.told));
            let grown = commit_octets(&subjects[0].state())?.saturating_sub(commits) / plan.changes as u64;
            // Where a log was replaced meanwhile, what it grew by is not known.
            changes.append_octets = if grown > 0 { grown } else { changes.append_octets.max(APPEND_OCTETS_MIN) };
            changes.append.push(append(folder.path(), changes.append_octets, plan.changes)?);
        }
    }
    let written = Contents::of(&subjects[0].state())?;
    changes.segment_octets = written.new_segments(&before);
    changes.commit_octets = written.commits.saturating_sub(before.commits);
    changes.load[1] = load_average();
    print(&changes);
    Ok(changes)
}

/// Starts the servers, Trine first.
fn start(
    trine: &Path,
    zone: &Workload,
    text: &Path,
    plan: &Plan,
    scratch: &Path,
    notes: &mut Vec<String>,
) -> Outcome<Vec<Subject>> {
    let last = zone.queries(QuerySet::Hits, [zone.query_count() - 1], plan.seed);
    let start = |server| Subject::start(server, trine, zone.apex(), text, last.wire(0), scratch);
    let mut subjects = vec![start(Server::Trine)?];
    if !plan.has_peers || zone.query_count() > NAMES_OF_PEERS_MAX {
        return Ok(subjects);
    }
    for server in PEERS {
        match start(server) {
            Ok(subject) => subjects.push(subject),
            Err(error) => {
                let note = format!("FAILED: {}: {error}", server.name());
                say(&note);
                notes.push(note);
            }
        }
    }
    Ok(subjects)
}

/// One time of each change.
fn sample(changes: &[Change], time: impl Fn(&Change) -> std::time::Duration) -> Sample {
    let mut sample = Sample::default();
    changes.iter().for_each(|change| sample.push(time(change)));
    sample
}

/// Appends to a file of its own and syncs it, each by itself.
fn append(folder: &Path, octets: u64, count: usize) -> Outcome<Sample> {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("append"))?;
    let octets = vec![0x5a; usize::try_from(octets)?];
    let mut sample = Sample::default();
    for _ in 0..count {
        let begin = Instant::now();
        file.write_all(&octets)?;
        file.sync_data()?;
        sample.push(begin.elapsed());
    }
    Ok(sample)
}

/// Prints what was found.
fn print(changes: &Changes) {
    let line = |what: &str, rounds: &[Sample]| {
        let all = together(rounds);
        println!(
            "{:>10} names {what:<28} p50 {:>8.1} µs  p99 {:>9.1} µs  spread {:>4.0} %",
            changes.names,
            all.median(),
            all.quantile(0.99),
            all.spread() * 100.0
        );
    };
    for row in &changes.rows {
        line(&format!("{}, told", row.server.name()), &row.told);
        line(&format!("{}, seen", row.server.name()), &row.seen);
        println!("{:>10} changes, {} answers without one after it was told", row.count(), row.old);
    }
    if !changes.durable.is_empty() {
        line("Trine, durable", &changes.durable);
        line(&format!("append of {} octets", changes.append_octets), &changes.append);
    }
    println!(
        "written in all: segments {} octets, commit log {} octets; load average {:.1} to {:.1}",
        changes.segment_octets, changes.commit_octets, changes.load[0], changes.load[1]
    );
}

/// Those that change their zones in place.
const PEERS: [Server; 2] = [Server::Bind, Server::Yadifa];

/// Octets of an append where it is not known by how much the log grows.
const APPEND_OCTETS_MIN: u64 = 512;
