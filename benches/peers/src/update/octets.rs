//! What is written for a change: for one address, for a zone cut above many names, for an address that many zone cuts use.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zone_segment::Name;

use super::subjects::{Subject, address_lines};
use crate::Outcome;
use crate::lookup::say;
use crate::servers::Server;

/// What was found.
#[derive(Debug)]
pub struct Written {
    /// Names below the cut, and cuts that use the address.
    pub names: usize,
    /// Changes.
    pub rows: Vec<Row>,
}

/// A kind of change.
#[derive(Debug)]
pub struct Row {
    /// What it is.
    pub what: &'static str,
    /// What was written for each.
    pub writes: Vec<Octets>,
}

/// What was written for one change.
#[derive(Clone, Copy, Debug)]
pub struct Octets {
    /// Segments that came with it.
    pub segments: u64,
    /// The growth of the commit log.
    pub commits: u64,
    /// How long it took until it was durable.
    pub time: Duration,
}

impl Octets {
    /// All of it.
    pub fn all(&self) -> u64 {
        self.segments + self.commits
    }
}

/// What is in a state directory.
#[derive(Debug, Default)]
pub struct Contents {
    /// Segments and their octets.
    segments: BTreeMap<String, u64>,
    /// Octets of all commit logs.
    pub commits: u64,
}

impl Contents {
    /// Looks.
    pub fn of(state: &Path) -> Outcome<Contents> {
        Ok(Contents { segments: files(&state.join("segments"))?, commits: commit_octets(state)? })
    }

    /// Octets of segments that were not there before.
    pub fn new_segments(&self, before: &Contents) -> u64 {
        self.segments.iter().filter(|(name, _)| !before.segments.contains_key(*name)).map(|(_, octets)| octets).sum()
    }
}

/// Octets of all commit logs.
pub fn commit_octets(state: &Path) -> Outcome<u64> {
    Ok(files(&state.join("commits"))?.values().sum())
}

/// The files of a folder and their lengths; one that goes meanwhile is left out.
fn files(folder: &Path) -> Outcome<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Ok(metadata) = entry.metadata() {
            found.insert(entry.file_name().to_string_lossy().into_owned(), metadata.len());
        }
    }
    Ok(found)
}

/// Measures a zone with so many names below one, and as many zone cuts that use one address.
pub fn measure(trine: &Path, names: usize, scratch: &Path) -> Outcome<Written> {
    say(&format!("writing a zone with {names} names below one and {names} zone cuts with one server"));
    let folder = TempDir::new_in(scratch)?;
    let text = folder.path().join("wide.zone");
    write(names, &text)?;
    let wire = |name: &str| Ok::<Name, Box<dyn std::error::Error>>(format!("{name}{APEX}").parse()?);
    let (host, deep, shared) = (wire("h7.big.")?, wire("h9.big.")?, wire("ns.")?);
    let first = deep.as_ref().as_wire();
    let mut subject = Subject::start(Server::Trine, trine, APEX, &text, first, folder.path())?;
    let mut rows = ["an address", "a zone cut above names", "the same zone cut gone", "an address of cuts"]
        .map(|what| Row { what, writes: Vec::new() });
    for round in 0..ROUNDS {
        let address = [13, 0, 0, round];
        rows[0].writes.push(made(&mut subject, address_lines(host.as_ref().as_wire(), address)?)?);
        if subject.probe.count_other(host.as_ref().as_wire(), address)? > 0 {
            return Err("a changed address was not seen".into());
        }
        let cut = format!("big.{APEX} 3600 IN NS ns.{APEX}\n");
        rows[1].writes.push(made(&mut subject, format!("add {cut}"))?);
        if !subject.probe.ask(first)?.is_referral() {
            return Err("a name below a new zone cut: expected a referral".into());
        }
        rows[2].writes.push(made(&mut subject, format!("delete {cut}"))?);
        if subject.probe.address(first)?.is_none() {
            return Err("a name below a zone cut that went: expected its address".into());
        }
        rows[3].writes.push(made(&mut subject, address_lines(shared.as_ref().as_wire(), address)?)?);
        if subject.probe.count_other(shared.as_ref().as_wire(), address)? > 0 {
            return Err("a changed address of a name server was not seen".into());
        }
    }
    for row in &rows {
        for octets in &row.writes {
            println!(
                "{:<24} segments {:>7} octets, commit log {:>6} octets, durable after {:>8.1} µs",
                row.what,
                octets.segments,
                octets.commits,
                octets.time.as_secs_f64() * 1e6
            );
        }
    }
    Ok(Written { names, rows: rows.into() })
}

/// Makes a change and looks what was written.
fn made(subject: &mut Subject, lines: String) -> Outcome<Octets> {
    // What merges wrote for changes before is not this one's.
    std::thread::sleep(BETWEEN);
    let before = Contents::of(&subject.state())?;
    let begin = Instant::now();
    subject.update(lines)?;
    let time = begin.elapsed();
    let after = Contents::of(&subject.state())?;
    Ok(Octets { segments: after.new_segments(&before), commits: after.commits.saturating_sub(before.commits), time })
}

/// Writes the zone.
fn write(names: usize, file: &Path) -> Outcome<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    let mut text = format!(
        "{APEX} 3600 IN SOA ns.{APEX} hostmaster.{APEX} 1 7200 3600 1209600 300\n{APEX} 3600 IN NS ns.{APEX}\n\
         ns.{APEX} 3600 IN A 192.0.2.1\n"
    );
    for number in 0..names {
        let [_, b, c, d] = u32::try_from(number)?.to_be_bytes();
        writeln!(text, "h{number}.big.{APEX} 3600 IN A 10.{b}.{c}.{d}")?;
        writeln!(text, "c{number}.{APEX} 3600 IN NS ns.{APEX}")?;
    }
    Ok(out.write_all(text.as_bytes())?)
}

/// The apex.
const APEX: &str = "wide.test.";

/// Names below one, and zone cuts that use one address.
pub const NAMES: usize = 100_000;

/// How often each change is made.
const ROUNDS: u8 = 5;

/// Time between changes, in which merges end.
const BETWEEN: Duration = Duration::from_millis(200);
