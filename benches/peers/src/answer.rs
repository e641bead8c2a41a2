//! Answering queries: Trine beside a bare echo and the servers that Debian has, on the same generated zones, in one run.
//!
//! Each server has one core and one thread or process that answers; the load has the other core. All of them run all the time and are
//! asked in turn, round after round. Read [`run`] first, then `subjects` (who is asked), `pressure` (as many queries as are answered), `streams`
//! (the same over TCP), `latency` and `switches` (at a steady rate, while generations follow each other), `instructions`
//! (of an answer by itself), `verdicts` (goals). `datagrams` is the load's way to the network, `report` writes the page.
//!
//! Whoever is not installed, or does not load a zone, is named loudly and left out.

mod calls;
mod cores;
mod datagrams;
mod echo;
mod instructions;
mod latency;
mod pressure;
mod queries;
mod report;
mod streams;
mod subjects;
mod switches;
mod verdicts;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use tempfile::TempDir;
use workload::{Kind, Workload};

use crate::goals::Goal;
use crate::lookup::say;
use crate::page::thousands;
use crate::servers::{Server, build_trine};
use crate::{Outcome, count};
use calls::Calls;
use cores::Cores;
pub use latency::Latencies;
pub use latency::measure as latencies;
pub use queries::{Asked, Queries};
use subjects::{Subject, Subjects};
use switches::Switches;

/// How to measure.
#[derive(Args)]
pub struct Options {
    /// Names of the zone of hosts: numbers, `k` and `m` stand for thousands and millions
    #[arg(long, default_value = "1m", value_parser = count)]
    names: usize,
    /// Names of the signed zone
    #[arg(long, default_value = "300k", value_parser = count)]
    signed_names: usize,
    /// 10,000 names and one short round: shows that everything works and answers are right, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Folder for the page; without it figures are printed only
    #[arg(long)]
    out: Option<PathBuf>,
    /// Folder on the disk for zones and segments, removed in the end
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    scratch: PathBuf,
    /// What zones and queries are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Trine's program; without it it is built
    #[arg(long)]
    trine: Option<PathBuf>,
    /// Rounds in which each server is asked once
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds that each is asked a round
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Servers to compare with, by the names of their programs; all of them if none is named
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// What to measure; all of it if nothing is named
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,
}

/// A part of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The zone of hosts over UDP
    Datagrams,
    /// A signed registry's zone over UDP, signatures asked for
    Signed,
    /// The zone of hosts over TCP
    Streams,
    /// Latency with and without switches
    Latency,
    /// Instructions of an answer
    Instructions,
    /// System calls of Trine
    Calls,
}

/// Measures everything and writes the page.
pub fn run(options: &Options) -> Outcome<()> {
    let trine = match &options.trine {
        Some(trine) => trine.canonicalize()?,
        None => build_trine()?,
    };
    let cores = Cores::choose()?;
    let mut bench = Bench {
        trine,
        cores,
        scratch: TempDir::with_prefix_in("trine-answer-", &options.scratch)?,
        rounds: if options.quick { 1 } else { options.rounds },
        pairs: if options.quick { 1 } else { PAIRS },
        time: if options.quick { Duration::from_millis(500) } else { Duration::from_secs(options.seconds) },
        seed: options.seed,
        peers: options.peers.clone(),
        report: Report::default(),
    };
    let is_asked = |part| options.parts.is_empty() || options.parts.contains(&part);
    let names = |asked| if options.quick { QUICK_NAMES } else { asked };
    if is_asked(Part::Instructions) {
        bench.instructions(names(INSTRUCTIONS_NAMES));
    }
    if [Part::Datagrams, Part::Streams, Part::Latency, Part::Calls].into_iter().any(is_asked) {
        bench.hosts(names(options.names), is_asked)?;
    }
    if is_asked(Part::Signed) {
        bench.signed(names(options.signed_names))?;
    }
    bench.report.goals = verdicts::of(&bench.report);
    for goal in &bench.report.goals {
        println!("{}", verdicts::line(goal));
    }
    if let Some(out) = &options.out {
        report::write(&bench.report, out)?;
    }
    let failed = bench.report.goals.iter().filter(|goal| goal.verdict().starts_with("fail")).count();
    say(&format!("{} goals, {failed} of them failed", bench.report.goals.len()));
    if options.quick {
        say("a quick run shows that everything works; zones of this size say nothing about goals");
    }
    bench.report.check()
}

/// See [`echo::once`].
pub fn echo_once(port: u16) -> Outcome<()> {
    echo::once(port)
}

/// See [`instructions::once`].
pub fn answer_once(names: usize, queries: usize, is_signed: bool) -> Outcome<()> {
    instructions::once(names, queries, is_signed)
}

/// What was found.
#[derive(Default)]
struct Report {
    /// The zone of hosts over UDP.
    datagrams: Option<Table>,
    /// The signed zone over UDP.
    signed: Option<Table>,
    /// The zone of hosts over TCP.
    streams: Option<Table>,
    /// Latency without and with switches, in pairs, and how many switches there were.
    latencies: Vec<(Latencies, Latencies, usize)>,
    /// Queries a second that latency was measured at.
    rate: f64,
    /// Names of a zone, whether it is the signed one, and instructions an answer.
    instructions: Vec<(usize, bool, f64)>,
    /// System calls of Trine under pressure.
    calls: Option<Calls>,
    /// What has to be said.
    notes: Vec<String>,
    /// Goals and whether they are met.
    goals: Vec<Goal>,
}

impl Report {
    /// Fails if Trine's answers were not what the zones say.
    fn check(&self) -> Outcome<()> {
        let tables = [&self.datagrams, &self.signed, &self.streams];
        let wrong: u64 = tables
            .into_iter()
            .flatten()
            .filter_map(|table| table.find(Server::Trine.name()))
            .flat_map(|row| &row.runs)
            .map(|run| run.wrong)
            .sum();
        if wrong > 0 { Err(format!("{wrong} answers were wrong").into()) } else { Ok(()) }
    }
}

/// What servers did on a zone.
struct Table {
    /// Names of the zone.
    names: usize,
    /// The servers.
    rows: Vec<Row>,
}

impl Table {
    /// The row of a name.
    fn find(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name && !row.runs.is_empty())
    }
}

/// What a server did, round by round.
struct Row {
    /// Its name.
    name: &'static str,
    /// Whether it is a server, not an echo.
    server: Option<Server>,
    /// Its rounds.
    runs: Vec<pressure::Pressure>,
}

/// A run.
struct Bench {
    /// Trine's program.
    trine: PathBuf,
    /// Who works where.
    cores: Cores,
    /// Where everything is written.
    scratch: TempDir,
    /// Rounds.
    rounds: usize,
    /// Pairs of latency.
    pairs: usize,
    /// How long each is asked a round.
    time: Duration,
    /// What is drawn from.
    seed: u64,
    /// Programs to compare with; all if there is none.
    peers: Vec<String>,
    /// What was found.
    report: Report,
}

impl Bench {
    /// Instructions of an answer.
    fn instructions(&mut self, names: usize) {
        for is_signed in [false, true] {
            match instructions::count(names, INSTRUCTIONS_QUERIES, is_signed) {
                Ok(count) => {
                    let what = if is_signed { "signed names" } else { "hosts" };
                    println!("instructions a query, {} {what}: {count:.0}", thousands(names as u64));
                    self.report.instructions.push((names, is_signed, count));
                }
                Err(error) => self.note(format!("MISSING: instructions: {error}")),
            }
        }
    }

    /// A zone of hosts: over UDP, over TCP, and at half the rate while generations follow each other.
    fn hosts(&mut self, names: usize, is_asked: impl Fn(Part) -> bool) -> Outcome<()> {
        let zone = Workload::new(Kind::Flat, names, self.seed);
        let folder = TempDir::new_in(self.scratch.path())?;
        let small = folder.path().join("small.zone");
        std::fs::write(&small, switches::text(1))?;
        let files = vec![
            (zone.apex().to_owned(), write(&zone, folder.path(), "hosts.zone")?),
            (switches::APEX.to_owned(), small),
        ];
        let queries = Queries::of(&zone, &Asked { count: self.asked(), ..HOSTS }, self.seed);
        let mut servers = vec![Server::Trine];
        if is_asked(Part::Datagrams) || is_asked(Part::Streams) {
            servers.extend(PEERS.into_iter().filter(|server| self.is_peer(*server)));
        }
        let last = zone.queries(workload::QuerySet::Hits, [zone.query_count() - 1], 1);
        let mut subjects = Subjects::start(&servers, &self.trine, &files, last.wire(0), folder.path(), self.cores)?;
        self.report.notes.append(&mut subjects.notes);
        if is_asked(Part::Datagrams) {
            self.report.datagrams = Some(self.rounds("UDP", names, &subjects.all, &queries, pressure::of_datagrams)?);
        }
        if is_asked(Part::Streams) {
            let servers: Vec<&Subject> = subjects.all.iter().filter(|subject| subject.server.is_some()).collect();
            self.report.streams = Some(self.rounds("TCP", names, servers, &queries, streams::pressure)?);
        }
        if is_asked(Part::Calls)
            && let Some(trine) = subjects.all.iter().find(|subject| subject.server == Some(Server::Trine))
        {
            match calls::count(&trine.target, &queries, self.time) {
                Ok(calls) => {
                    println!("{}", calls.to_string().replace("**", ""));
                    self.report.calls = Some(calls);
                }
                Err(error) => self.note(format!("MISSING: system calls: {error}")),
            }
        }
        if is_asked(Part::Latency)
            && let Some(trine) = subjects.all.iter().find(|subject| subject.server == Some(Server::Trine))
        {
            self.latency(trine, &queries)?;
        }
        Ok(())
    }

    /// A signed registry's zone.
    fn signed(&mut self, names: usize) -> Outcome<()> {
        let zone = Workload::new(Kind::Registry, names, self.seed).with_nsec();
        let folder = TempDir::new_in(self.scratch.path())?;
        let files = vec![(zone.apex().to_owned(), write(&zone, folder.path(), "signed.zone")?)];
        let queries = Queries::of(&zone, &Asked { count: self.asked(), ..SIGNED }, self.seed);
        let last = zone.queries(workload::QuerySet::Hits, [zone.query_count() - 1], 1);
        let is_asked = |server: &Server| *server == Server::Trine || self.is_peer(*server);
        let servers: Vec<Server> = SIGNERS.into_iter().filter(is_asked).collect();
        let mut subjects = Subjects::start(&servers, &self.trine, &files, last.wire(0), folder.path(), self.cores)?;
        self.report.notes.append(&mut subjects.notes);
        self.report.signed = Some(self.rounds("DO", names, &subjects.all, &queries, pressure::of_datagrams)?);
        Ok(())
    }

    /// Asks all subjects in turn, round after round.
    fn rounds<'s>(
        &mut self,
        title: &str,
        names: usize,
        subjects: impl IntoIterator<Item = &'s Subject>,
        queries: &Queries,
        ask: fn(&pressure::Target, &Queries, usize, Duration) -> Outcome<pressure::Pressure>,
    ) -> Outcome<Table> {
        let subjects: Vec<&Subject> = subjects.into_iter().collect();
        let row = |subject: &&Subject| Row { name: subject.name, server: subject.server, runs: Vec::new() };
        let mut table = Table { names, rows: subjects.iter().map(row).collect() };
        for round in 0..self.rounds {
            for (subject, row) in subjects.iter().zip(&mut table.rows) {
                let (target, time, cores) = (subject.target, self.time, self.cores);
                let asked = std::thread::scope(|scope| {
                    let load = scope.spawn(move || {
                        cores.keep_load().map_err(|error| error.to_string())?;
                        ask(&target, queries, round * STRIDE, time).map_err(|error| error.to_string())
                    });
                    load.join().unwrap_or_else(|_| Err("the load panicked".into()))
                });
                let run = match asked {
                    Ok(run) => run,
                    Err(error) => {
                        self.note(format!("FAILED: {title}, {}: {error}", row.name));
                        continue;
                    }
                };
                println!(
                    "{title:<4} {:<10} {:>7.3} µs, user {:>6.3} µs, {:>8.0} answers/s, busy {:>3.0} %, {} lost, {} wrong",
                    row.name,
                    run.time() / 1e3,
                    run.user() / 1e3,
                    run.rate(),
                    run.spent.all.as_secs_f64() / run.wall.as_secs_f64() * 100.0,
                    run.lost,
                    run.wrong,
                );
                row.runs.push(run);
            }
        }
        Ok(table)
    }

    /// Latency at half of what Trine answers, without and with switches in turn.
    fn latency(&mut self, trine: &Subject, queries: &Queries) -> Outcome<()> {
        let cores = self.cores;
        let target = trine.target;
        let on_load = |work: &(dyn Fn() -> Outcome<Latencies> + Sync)| {
            std::thread::scope(|scope| {
                let load = scope.spawn(|| {
                    cores.keep_load().map_err(|error| error.to_string())?;
                    work().map_err(|error| error.to_string())
                });
                load.join().unwrap_or_else(|_| Err("the load panicked".into()))
            })
        };
        let full = match self.report.datagrams.as_ref().and_then(|table| table.find(trine.name)) {
            Some(row) => verdicts::median(row, pressure::Pressure::rate),
            None => pressure::of_datagrams(&target, queries, 0, self.time)?.rate(),
        };
        let rate = full / 2.0;
        self.report.rate = rate;
        switches::make_builder_idle(target.process)?;
        let mut serial = 2;
        for pair in 0..self.pairs {
            let measure = || latency::measure(target.port, queries, pair * STRIDE, rate, self.time);
            let calm = on_load(&measure)?;
            let switches = Switches::start(&self.trine, trine.folder.path(), cores.server, serial);
            let switched = on_load(&measure)?;
            let count = switches.finish();
            serial += 1_000;
            println!(
                "latency at {rate:.0}/s: p50 {:.0} ns, p99 {:.0} ns; with {count} switches p50 {:.0} ns, p99 {:.0} ns",
                calm.percentile(5_000),
                calm.percentile(9_900),
                switched.percentile(5_000),
                switched.percentile(9_900),
            );
            self.report.latencies.push((calm, switched, count));
        }
        if self.report.latencies.iter().all(|(.., count)| *count == 0) {
            return Err("no generation followed another".into());
        }
        Ok(())
    }

    /// Whether a server is to be compared with.
    fn is_peer(&self, server: Server) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|peer| peer == server.program())
    }

    /// How many queries are drawn: a million, or for small zones 65,536.
    fn asked(&self) -> usize {
        if self.rounds == 1 { 1 << 16 } else { 1 << 20 }
    }

    /// Says something, and keeps it for the page.
    fn note(&mut self, text: String) {
        if !self.report.notes.contains(&text) {
            say(&text);
            self.report.notes.push(text);
        }
    }
}

/// Writes a zone's text.
fn write(zone: &Workload, folder: &Path, name: &str) -> Outcome<PathBuf> {
    say(&format!("writing a zone of {} names", thousands(zone.query_count() as u64)));
    let file = folder.join(name);
    zone.write_text(BufWriter::with_capacity(1 << 20, File::create(&file)?))?;
    Ok(file)
}

/// What a zone of hosts is asked: addresses, one in ten of a host that is not there.
const HOSTS: Asked = Asked { count: 0, missing_percent: 10, rtype: 1, is_dnssec_ok: false };

/// What a signed zone is asked: referrals with their DS records or the proof that there are none, one in ten denied.
const SIGNED: Asked = Asked { count: 0, missing_percent: 10, rtype: 1, is_dnssec_ok: true };

/// Servers to compare with.
const PEERS: [Server; 5] = [Server::Gdnsd, Server::Nsd, Server::Knot, Server::Yadifa, Server::Bind];

/// Servers that answer from a signed zone, Trine first.
const SIGNERS: [Server; 4] = [Server::Trine, Server::Nsd, Server::Knot, Server::Bind];

/// Names of a quick run.
const QUICK_NAMES: usize = 10_000;

/// Names of the zone in which instructions are counted: they do not grow with it, building it under callgrind does.
const INSTRUCTIONS_NAMES: usize = 100_000;

/// Queries that instructions are counted of.
const INSTRUCTIONS_QUERIES: usize = 32 * 1_000;

/// Pairs of latency without and with switches.
const PAIRS: usize = 9;

/// By how many queries rounds are apart: a prime.
const STRIDE: usize = 104_729;
