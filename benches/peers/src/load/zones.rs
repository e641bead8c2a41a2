//! Generated zones on the disk, in every form that some server needs.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;

use dns::types::Rtype;
use workload::{Checksum, Kind, QuerySet, Sink, Workload, ZoneFiles, ZoneText};
use zone_segment::{NameRef, ZoneId};

use crate::Outcome;
use crate::lookup::say;
use crate::servers::{Server, find};

/// One large zone, or many small ones.
#[derive(Debug)]
pub struct Zones {
    /// What they are called in tables.
    pub title: String,
    /// Names of the zone, or how many zones.
    pub names: usize,
    /// Records.
    pub records: u64,
    /// Octets of text.
    pub octets: u64,
    /// Apexes, each with the dot at its end, and files.
    pub files: Vec<(String, PathBuf)>,
    /// The same as BIND compiles it; none where that was not done.
    raw: Option<Vec<(String, PathBuf)>>,
    /// The same without DS records, and the records left; none where there are none.
    without_ds: Option<(Vec<(String, PathBuf)>, u64)>,
    /// What they were made from.
    workload: Workload,
}

impl Zones {
    /// Writes one large zone; `for_peers` with the forms that only others need.
    pub fn large(names: usize, seed: u64, folder: &Path, for_peers: bool) -> Outcome<Zones> {
        say(&format!("writing a zone of {names} names"));
        let workload = Workload::new(Kind::Registry, names, seed);
        let create = |name: &str| File::create(folder.join(name)).map(|file| BufWriter::with_capacity(1 << 20, file));
        let file = |name: &str| vec![(workload.apex().to_owned(), folder.join(name))];
        let octets = workload.write_text(create("test.zone")?)?;
        let mut count = Checksum::default();
        let Ok(()) = workload.write(&mut count);
        let (mut raw, mut without_ds) = (None, None);
        if for_peers {
            raw = compile(&folder.join("test.zone"), &folder.join("test.raw"))?.then(|| file("test.raw"));
            let mut sink = WithoutDs { text: ZoneText::new(create("test.plain")?), left_out: 0 };
            workload.write(&mut sink)?;
            sink.text.finish()?;
            without_ds = Some((file("test.plain"), count.records - sink.left_out));
        }
        let (records, files) = (count.records, file("test.zone"));
        Ok(Zones { title: format!("{} names", short(names)), names, records, octets, files, raw, without_ds, workload })
    }

    /// Writes many small zones.
    pub fn many(zones: usize, seed: u64, folder: &Path) -> Outcome<Zones> {
        say(&format!("writing {zones} zones"));
        let workload = Workload::new(Kind::Hosting, zones, seed);
        let mut files = ZoneFiles::new(folder);
        workload.write(&mut files)?;
        let (apexes, octets) = files.finish()?;
        let file = |apex: String| {
            let file = folder.join(format!("{apex}zone"));
            (apex, file)
        };
        let mut count = Checksum::default();
        let Ok(()) = workload.write(&mut count);
        let files = apexes.into_iter().map(file).collect();
        let (title, records) = (format!("{} zones", short(zones)), count.records);
        Ok(Zones { title, names: zones, records, octets, files, raw: None, without_ds: None, workload })
    }

    /// The files that a server loads, and how many records they have; none where there is no form for it.
    pub fn of(&self, server: Server) -> Option<(&[(String, PathBuf)], u64)> {
        match (server, &self.without_ds) {
            (Server::BindRaw, _) => self.raw.as_deref().map(|files| (files, self.records)),
            (Server::Gdnsd, Some((files, records))) => Some((files, *records)),
            _ => Some((&self.files, self.records)),
        }
    }

    /// Names to wait for: the last of a large zone; of many zones some from the first to the last, the last first.
    pub fn last(&self) -> Vec<Vec<u8>> {
        let count = self.workload.query_count();
        let asked = if self.files.len() > 1 { count.min(ZONES_ASKED) } else { 1 };
        let picks =
            (0..asked).map(|index| if asked == 1 { count - 1 } else { index * (count - 1) / (asked - 1) }).rev();
        self.names(picks)
    }

    /// Names all over the zone or zones, so that all pages of what holds them are read.
    pub fn spread(&self) -> Vec<Vec<u8>> {
        self.names((0..self.workload.query_count()).step_by(NAMES_A_QUESTION))
    }

    /// Names in wire form.
    fn names(&self, picks: impl Iterator<Item = usize>) -> Vec<Vec<u8>> {
        self.workload.queries(QuerySet::Hits, picks, 1).iter().map(|name| name.as_wire().to_vec()).collect()
    }
}

/// Text without DS records: gdnsd knows none, and takes no other data at a zone cut in their place.
struct WithoutDs<W> {
    /// The text.
    text: ZoneText<W>,
    /// Records that are not in it.
    left_out: u64,
}

impl<W: std::io::Write> Sink for WithoutDs<W> {
    type Error = std::io::Error;

    fn start_zone(&mut self, id: ZoneId, apex: NameRef<'_>) -> std::io::Result<()> {
        self.text.start_zone(id, apex)
    }

    fn rrset(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> std::io::Result<()> {
        if rtype == Rtype::DS {
            self.left_out += rdata.len() as u64;
            return Ok(());
        }
        self.text.rrset(owner, rtype, ttl, rdata)
    }
}

/// Makes what BIND loads faster than text. Gives whether that worked.
fn compile(from: &Path, to: &Path) -> Outcome<bool> {
    let Some(program) = find("named-compilezone") else { return Ok(false) };
    let mut command = Command::new(program);
    command.args(["-q", "-F", "raw", "-i", "none", "-o"]).arg(to).arg("test").arg(from);
    let output = command.output()?;
    if !output.status.success() {
        say(&format!("FAILED: named-compilezone: {}", String::from_utf8_lossy(&output.stderr)));
        // Half of a zone is none.
        drop(fs::remove_file(to));
    }
    Ok(output.status.success())
}

/// A number as titles have it.
pub fn short(number: usize) -> String {
    match number {
        number if number.is_multiple_of(1_000_000) => format!("{} M", number / 1_000_000),
        number => crate::page::thousands(number as u64),
    }
}

/// Of how many zones a start waits for an answer: servers load zones in orders of their own.
const ZONES_ASKED: usize = 64;

/// One name in so many is asked for before memory is measured: a page holds more of them, and the kernel maps 16 pages at once.
const NAMES_A_QUESTION: usize = 16;
