//! Loading zones: Trine beside the servers that Debian has, on the same generated zones, in one run.
//!
//! Read [`run`] first, then `verdicts` (goals). `zones` writes files, `scan` compares readers of one file, `report` writes the page.
//!
//! Whoever is not installed, or does not load a zone, is named loudly and left out.

mod report;
mod scan;
mod verdicts;
mod zones;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use tempfile::TempDir;

use crate::goals::Goal;
use crate::lookup::say;
use crate::processes::Memory;
use crate::servers::{Server, Site, build_trine, find};
use crate::start::{Running, Start, Wait, load_average};
use crate::{Outcome, count, question};
use scan::Scanner;
use zones::Zones;

/// How to measure.
#[derive(Args)]
pub struct Options {
    /// Names of each large zone; others than Trine load those up to a million
    #[arg(long, value_delimiter = ',', default_value = "1m,10m", value_parser = count)]
    names: Vec<usize>,
    /// How many small zones
    #[arg(long, default_value = "100k", value_parser = count)]
    zones: usize,
    /// 10,000 names, 200 zones and a start of each: shows that everything works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Folder for the page; without it figures are printed only
    #[arg(long)]
    out: Option<PathBuf>,
    /// Folder on the disk for zones and segments, removed in the end
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    scratch: PathBuf,
    /// What zones are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Trine's program; without it it is built
    #[arg(long)]
    trine: Option<PathBuf>,
    /// Starts of each server; those that are far from the fastest are started once
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Minutes after which nothing new begins
    #[arg(long, default_value_t = 24)]
    minutes: u64,
}

/// Measures everything and writes the page.
pub fn run(options: &Options) -> Outcome<()> {
    let trine = match &options.trine {
        Some(trine) => trine.canonicalize()?,
        None => build_trine()?,
    };
    let mut sizes = if options.quick { vec![QUICK_NAMES] } else { options.names.clone() };
    sizes.sort_unstable();
    let many = if options.quick { QUICK_ZONES } else { options.zones };
    let mut bench = Bench {
        trine,
        scratch: TempDir::with_prefix_in("trine-load-", &options.scratch)?,
        rounds: if options.quick { 1 } else { options.rounds },
        limit: if options.quick { Duration::from_secs(30) } else { START_MAX },
        end: Instant::now() + Duration::from_secs(60 * options.minutes),
        seed: options.seed,
        report: Report { seed: options.seed, ..Report::default() },
    };
    for (index, names) in sizes.iter().enumerate() {
        // Those in the middle have all rows, others Trine's only.
        let is_whole = *names <= NAMES_OF_PEERS_MAX;
        bench.large(*names, is_whole, index == 0)?;
    }
    bench.many(many)?;
    if let Some(out) = &options.out {
        report::write(&bench.report, out)?;
    }
    let failed = bench.report.goals.iter().filter(|goal| goal.verdict().starts_with("fail")).count();
    say(&format!("{} goals, {failed} of them failed", bench.report.goals.len()));
    if options.quick {
        say("a quick run shows that everything works; zones of this size say nothing about goals");
    }
    Ok(())
}

/// See [`scan::once`].
pub fn scan_once(apex: &str, file: &Path) -> Outcome<()> {
    scan::once(apex, file)
}

/// What was found.
#[derive(Default)]
struct Report {
    /// What zones were drawn from.
    seed: u64,
    /// Readers of one file, with the zone's records and octets.
    scanners: Option<(u64, u64, Vec<Scanner>)>,
    /// Servers on zones.
    loads: Vec<Load>,
    /// What has to be said.
    notes: Vec<String>,
    /// Goals and whether they are met.
    goals: Vec<Goal>,
}

/// A server's starts on a zone or zones.
struct Load {
    /// The server.
    server: Server,
    /// The zones' title.
    title: String,
    /// Records it loaded.
    records: u64,
    /// Starts from text; none for a server that keeps a form of its own.
    starts: Vec<Start>,
    /// Starts after a clean stop, without change.
    restarts: Vec<Start>,
    /// Memory after all of the zone was asked for.
    served: Vec<Memory>,
    /// Octets of Trine's segments.
    segments: Option<u64>,
}

/// A run.
struct Bench {
    /// Trine's program.
    trine: PathBuf,
    /// Where everything is written.
    scratch: TempDir,
    /// Starts of each server.
    rounds: usize,
    /// How long a start may take.
    limit: Duration,
    /// When nothing new begins.
    end: Instant,
    /// What zones are drawn from.
    seed: u64,
    /// What was found.
    report: Report,
}

impl Bench {
    /// A zone of one size; `with_peers` beside the others, with `scan` beside their checkers.
    fn large(&mut self, names: usize, with_peers: bool, scan: bool) -> Outcome<()> {
        if self.is_late(&format!("the zone of {names} names")) {
            return Ok(());
        }
        let folder = TempDir::new_in(self.scratch.path())?;
        let zones = Zones::large(names, self.seed, folder.path(), with_peers)?;
        rustix::fs::sync();
        if scan {
            let scanners = scan::compare(&zones, 2 * self.rounds - 1)?;
            self.print(verdicts::of_scan(&zones, &scanners));
            self.report.scanners = Some((zones.records, zones.octets, scanners));
        }
        let servers: &[Server] = if with_peers { &Server::FROM_TEXT } else { &[Server::Trine] };
        let mut loads = self.loads(servers, &zones, folder.path())?;
        self.print(verdicts::of_build(&zones, &loads));
        self.print(verdicts::of_first_answer(&zones, &loads));
        self.print(verdicts::of_memory(&zones, &loads));
        if with_peers && !self.is_late("PowerDNS with LMDB") {
            loads.extend(self.kept(&zones, folder.path()));
        }
        self.print(verdicts::of_restart(&zones, &loads));
        self.report.loads.extend(loads);
        Ok(())
    }

    /// Many small zones.
    fn many(&mut self, count: usize) -> Outcome<()> {
        if self.is_late("many zones") {
            return Ok(());
        }
        let folder = TempDir::new_in(self.scratch.path())?;
        let zones = Zones::many(count, self.seed, folder.path())?;
        rustix::fs::sync();
        let mut loads = self.loads(&Server::FROM_TEXT, &zones, folder.path())?;
        self.print(verdicts::of_first_answer(&zones, &loads));
        self.print(verdicts::of_memory(&zones, &loads));
        if !self.is_late("PowerDNS with LMDB") {
            loads.extend(self.kept(&zones, folder.path()));
        }
        self.print(verdicts::of_restart(&zones, &loads));
        self.report.loads.extend(loads);
        Ok(())
    }

    /// Starts servers in turn, as often as asked for; who is far behind only once.
    fn loads(&mut self, servers: &[Server], zones: &Zones, scratch: &Path) -> Outcome<Vec<Load>> {
        let mut loads: Vec<Load> = Vec::new();
        let mut others = servers.to_vec();
        for round in 0..self.rounds {
            let fastest = loads.iter().filter_map(|load| load.first()).min();
            let is_worth = |server: &Server| match loads.iter().find(|load| load.server == *server) {
                Some(load) => load.first() <= fastest.map(|fastest| fastest.max(PATIENCE_MIN) * PATIENCE),
                None => round == 0,
            };
            // Trine is always worth it, and so is its fastest rival.
            let rival = loads.iter().filter(|load| load.server.is_rival()).min_by_key(|load| load.first());
            let rival = rival.map(|load| load.server);
            others.retain(|server| *server == Server::Trine || Some(*server) == rival || is_worth(server));
            for server in &others {
                if round > 0 && self.is_late(&format!("another start of {}", server.name())) {
                    return Ok(loads);
                }
                self.load(*server, zones, scratch, &mut loads)?;
            }
        }
        Ok(loads)
    }

    /// Starts a server once from text, the first time with a look at its memory; Trine is then started again on what it kept.
    fn load(&mut self, server: Server, zones: &Zones, scratch: &Path, loads: &mut Vec<Load>) -> Outcome<()> {
        let Some((files, records)) = zones.of(server) else { return Ok(()) };
        let Some(program) = self.program(server) else { return Ok(()) };
        let folder = TempDir::new_in(scratch)?;
        let at = loads.iter().position(|load| load.server == server);
        let mut load = match at {
            Some(at) => loads.remove(at),
            None => Load::new(server, zones, records),
        };
        let names = zones.last();
        let is_first = load.starts.is_empty();
        let started = self.start(server, &program, folder.path(), files, &names).and_then(|running| {
            let start = running.start.clone();
            // Of many zones each has pages of its own wherever it lies: the first start shows what is loaded, that is enough.
            let served = if is_first { running.serve(&zones.spread())? } else { Vec::new() };
            running.stop()?;
            Ok((start, served))
        });
        match started {
            Ok((start, served)) => {
                println!(
                    "{:<10} {:<24} first answer after {:>8.3} s, processor {:>7.2} s, load average {:.1}",
                    zones.title,
                    server.name(),
                    start.first.as_secs_f64(),
                    start.processor.as_secs_f64(),
                    start.load
                );
                load.starts.push(start);
                if is_first {
                    load.served = served;
                }
            }
            Err(error) => self.note(&format!("FAILED: {} on {}: {error}", server.name(), zones.title)),
        }
        if server == Server::Trine && is_first && !load.starts.is_empty() {
            load.segments = Some(octets_below(&folder.path().join("state"))?);
            self.restart(&mut load, &program, folder.path(), files, &names);
        }
        if !load.starts.is_empty() {
            let at = at.unwrap_or(loads.len());
            loads.insert(at, load);
        }
        Ok(())
    }

    /// PowerDNS on its LMDB, which is filled first: that is what it starts from again.
    fn kept(&mut self, zones: &Zones, scratch: &Path) -> Option<Load> {
        let server = Server::PowerDnsLmdb;
        let (program, tool) = (self.program(server)?, find("pdnsutil")?);
        let mut load = Load::new(server, zones, zones.records);
        match self.fill(&program, &tool, zones, scratch) {
            Ok((folder, took)) => {
                println!("{:<10} {:<24} filled in {:.1} s", zones.title, server.name(), took.as_secs_f64());
                self.restart(&mut load, &program, folder.path(), &zones.files, &zones.last());
            }
            Err(error) => self.note(&format!("FAILED: filling PowerDNS's LMDB with {}: {error}", zones.title)),
        }
        (!load.restarts.is_empty()).then_some(load)
    }

    /// Fills PowerDNS's LMDB.
    fn fill(&self, program: &Path, tool: &Path, zones: &Zones, scratch: &Path) -> Outcome<(TempDir, Duration)> {
        let folder = TempDir::new_in(scratch)?;
        let site = Site {
            folder: folder.path(),
            port: question::free_port()?,
            zones: &zones.files,
            threads: THREADS,
            is_changeable: false,
            is_given: false,
        };
        Server::PowerDnsLmdb.configure(program, &site)?;
        let begin = Instant::now();
        for files in zones.files.chunks(ZONES_A_COMMAND) {
            let mut command = Command::new(tool);
            command.arg(format!("--config-dir={}", folder.path().display())).arg("load-zone");
            for (apex, file) in files {
                command.arg(apex.trim_end_matches('.')).arg(file);
            }
            let output = command.output()?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(said.lines().next_back().unwrap_or("pdnsutil failed").into());
            }
            if begin.elapsed() > FILL_MAX {
                return Err(format!("more than {} s", FILL_MAX.as_secs()).into());
            }
        }
        Ok((folder, begin.elapsed()))
    }

    /// Starts a server several times on what it kept, each time after a clean stop.
    fn restart(
        &mut self,
        load: &mut Load,
        program: &Path,
        folder: &Path,
        files: &[(String, PathBuf)],
        names: &[Vec<u8>],
    ) {
        for _ in 0..2 * self.rounds + 1 {
            let started = self.start(load.server, program, folder, files, names).and_then(|running| {
                let start = running.start.clone();
                running.stop().map(|()| start)
            });
            match started {
                Ok(start) => load.restarts.push(start),
                Err(error) => {
                    self.note(&format!("FAILED: {} started again on {}: {error}", load.server.name(), load.title));
                    return;
                }
            }
        }
        let times: Vec<String> =
            load.restarts.iter().map(|start| format!("{:.0}", start.first.as_secs_f64() * 1e3)).collect();
        println!("{:<10} {:<24} started again: {} ms", load.title, load.server.name(), times.join(", "));
    }

    /// Starts a server and waits for its answers.
    fn start(
        &self,
        server: Server,
        program: &Path,
        folder: &Path,
        zones: &[(String, PathBuf)],
        names: &[Vec<u8>],
    ) -> Outcome<Running> {
        let port = question::free_port()?;
        let command = server.configure(
            program,
            &Site { folder, port, zones, threads: THREADS, is_changeable: false, is_given: false },
        )?;
        let wait = Wait { port, names, log: &folder.join("log.txt"), limit: self.limit };
        Running::start(command, server == Server::Trine, &wait)
    }

    /// Finds a server's program, or says that it is missing.
    fn program(&mut self, server: Server) -> Option<PathBuf> {
        if server == Server::Trine {
            return Some(self.trine.clone());
        }
        let found = find(server.program());
        if found.is_none() {
            self.note(&format!("MISSING: {} is not installed; its rows are left out", server.name()));
        }
        found
    }

    /// Whether there is no time left for something.
    fn is_late(&mut self, what: &str) -> bool {
        let is_late = Instant::now() > self.end;
        if is_late {
            self.note(&format!("LEFT OUT: {what}: the time is over"));
        }
        is_late
    }

    /// Says something, and keeps it for the page.
    fn note(&mut self, text: &str) {
        if !self.report.notes.iter().any(|note| note == text) {
            say(text);
            self.report.notes.push(text.to_owned());
        }
    }

    /// Prints goals, and keeps them for the page.
    fn print(&mut self, goals: Vec<Goal>) {
        for goal in &goals {
            println!("{} (load average {:.1})", verdicts::line(goal), load_average());
        }
        self.report.goals.extend(goals);
    }
}

impl Load {
    /// Nothing known of it yet.
    fn new(server: Server, zones: &Zones, records: u64) -> Load {
        Load {
            server,
            title: zones.title.clone(),
            records,
            starts: Vec::new(),
            restarts: Vec::new(),
            served: Vec::new(),
            segments: None,
        }
    }

    /// The start in the middle.
    fn first(&self) -> Option<Duration> {
        median(&self.starts, |start| Some(start.first))
    }

    /// Octets that all its processes have together.
    fn proportional(&self) -> u64 {
        self.served.iter().map(|memory| memory.proportional).sum()
    }

    /// The same of each kind of process.
    fn proportional_by_name(&self) -> BTreeMap<&str, u64> {
        let mut sums = BTreeMap::new();
        for memory in &self.served {
            *sums.entry(memory.name.as_str()).or_default() += memory.proportional;
        }
        sums
    }
}

/// The time in the middle.
fn median(starts: &[Start], of: impl Fn(&Start) -> Option<Duration>) -> Option<Duration> {
    let mut times: Vec<Duration> = starts.iter().filter_map(of).collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// Octets of all segments below a folder.
fn octets_below(folder: &Path) -> Outcome<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sum += octets_below(&entry.path())?;
        } else if kind.is_file() && entry.path().extension().is_some_and(|extension| extension == "segment") {
            sum += entry.metadata()?.len();
        }
    }
    Ok(sum)
}

/// Threads or processes of each server that answer.
const THREADS: usize = 2;

/// Names of a quick run.
const QUICK_NAMES: usize = 10_000;

/// Zones of a quick run.
const QUICK_ZONES: usize = 200;

/// The largest zone that others than Trine load: some need minutes for more.
const NAMES_OF_PEERS_MAX: usize = 1_000_000;

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(150);

/// Who took so much longer than the fastest is not started again.
const PATIENCE: u32 = 4;

/// But below this a start costs nobody's time.
const PATIENCE_MIN: Duration = Duration::from_millis(500);

/// Zones that `pdnsutil` loads in one command.
const ZONES_A_COMMAND: usize = 1_000;

/// How long filling PowerDNS's LMDB may take.
const FILL_MAX: Duration = Duration::from_secs(180);
