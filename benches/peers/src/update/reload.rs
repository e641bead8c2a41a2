//! Reload of a zone file in which few records changed: from putting it in the place of the one before until an answer has the change. Servers run
//! all the time and take turns, round after round; in each round the file is also parsed in this process, on as many cores.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dns::text::zonefile;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use workload::{Kind, QuerySet, Workload};
use zone_segment::Name;

use super::control::Control;
use super::octets::Contents;
use super::probe::Probe;
use super::sample::Sample;
use crate::Outcome;
use crate::lookup::say;
use crate::processes::{Watch, memory};
use crate::question::free_port;
use crate::servers::{Server, Site, find};
use crate::start::{Running, Wait, load_average};

/// What was found with a zone.
#[derive(Debug)]
pub struct Reloads {
    /// Its names.
    pub names: usize,
    /// Octets of its text.
    pub text_octets: u64,
    /// Times of parsing it.
    pub parse: Sample,
    /// Servers; Trine is the first.
    pub rows: Vec<Row>,
    /// Octets of the segments that Trine serves.
    pub segment_octets: u64,
    /// Load averages before and after.
    pub load: [f64; 2],
}

/// A server's reloads.
#[derive(Debug)]
pub struct Row {
    /// The server.
    pub server: Server,
    /// How long each took.
    pub times: Sample,
    /// What its largest process had mapped when that was most, in octets, reload by reload.
    pub peaks: Sample,
    /// Its proportional share of memory before, and after all.
    pub served: [u64; 2],
}

/// A running server.
struct Reloaded {
    /// The server.
    server: Server,
    /// Its folder.
    folder: TempDir,
    /// The file that it reads.
    file: PathBuf,
    /// How it is asked.
    probe: Probe,
    /// The connection to Trine.
    control: Option<Control>,
    /// Its processes.
    running: Running,
}

/// Measures a zone.
pub fn measure(
    trine: &Path,
    names: usize,
    seed: u64,
    rounds: usize,
    scratch: &Path,
    notes: &mut Vec<String>,
) -> Outcome<Reloads> {
    say(&format!("writing a zone of {names} names"));
    let zone = Workload::new(Kind::Flat, names, seed);
    let folder = TempDir::new_in(scratch)?;
    let base = folder.path().join("base.zone");
    let text_octets = zone.write_text(BufWriter::with_capacity(1 << 20, File::create(&base)?))?;
    rustix::fs::sync();
    let asked = zone.queries(QuerySet::Hits, [zone.query_count() / 2], seed);
    let mut servers = Vec::new();
    for server in SERVERS {
        match Reloaded::start(server, trine, zone.apex(), &base, asked.wire(0), folder.path()) {
            Ok(started) => servers.push(started),
            Err(error) if server == Server::Trine => return Err(error),
            Err(error) => {
                let note = format!("FAILED: {}, reload: {error}", server.name());
                say(&note);
                notes.push(note);
            }
        }
    }
    let share = |server: &Reloaded| memory(server.running.process()).iter().map(|memory| memory.proportional).sum();
    let row = |server: &Reloaded| Row {
        server: server.server,
        times: Sample::default(),
        peaks: Sample::default(),
        served: [share(server); 2],
    };
    let mut reloads = Reloads {
        names,
        text_octets,
        parse: Sample::default(),
        rows: servers.iter().map(row).collect(),
        segment_octets: 0,
        load: [load_average(); 2],
    };
    for round in 0..rounds {
        let (file, address) = (folder.path().join("changed.zone"), [14, 0, 0, u8::try_from(round + 1)?]);
        write_changed(&base, &file, names, u32::try_from(round + 2)?, asked.wire(0), address)?;
        rustix::fs::sync();
        let begin = Instant::now();
        let parsed = zonefile::read(&file, &zone.apex().parse()?, &zonefile::Options::default());
        reloads.parse.push(begin.elapsed());
        drop(parsed);
        for (server, row) in servers.iter_mut().zip(&mut reloads.rows) {
            let watch = Watch::new(server.running.process());
            row.times.push(server.reload(&file, asked.wire(0), address)?);
            row.peaks.0.push(watch.finish().all() as f64);
        }
        fs::remove_file(&file)?;
    }
    for (server, row) in servers.iter().zip(&mut reloads.rows) {
        row.served[1] = share(server);
    }
    reloads.segment_octets = Contents::of(&servers[0].folder.path().join("state"))?.new_segments(&Contents::default());
    reloads.load[1] = load_average();
    print(&reloads);
    Ok(reloads)
}

impl Reloaded {
    /// Starts a server on a file of its own.
    fn start(server: Server, trine: &Path, apex: &str, text: &Path, name: &[u8], scratch: &Path) -> Outcome<Reloaded> {
        say(&format!("starting {}", server.name()));
        let program = match server {
            Server::Trine => trine.to_owned(),
            _ => find(server.program()).ok_or_else(|| format!("{} is not installed", server.name()))?,
        };
        let (folder, port) = (TempDir::new_in(scratch)?, free_port()?);
        let own = folder.path().join("own.zone");
        fs::hard_link(text, &own)?;
        let zones = [(apex.to_owned(), own.clone())];
        let site = Site {
            folder: folder.path(),
            port,
            zones: &zones,
            threads: THREADS,
            is_changeable: false,
            is_given: false,
        };
        let command = server.configure(&program, &site)?;
        let log = folder.path().join("log.txt");
        let wait = Wait { port, names: &[name.to_vec()], log: &log, limit: RELOAD_MAX };
        let running = Running::start(command, server == Server::Trine, &wait)?;
        let file = match server {
            Server::Trine => folder.path().join("zones").join(format!("{apex}zone")),
            Server::Gdnsd => folder.path().join("etc/zones").join(apex.trim_end_matches('.')),
            _ => own,
        };
        let control = match server {
            Server::Trine => Some(Control::connect(&folder.path().join("state"))?),
            _ => None,
        };
        Ok(Reloaded { server, file, probe: Probe::connect(port)?, control, running, folder })
    }

    /// Puts a file in place and tells the server. Gives the time until a name has an address.
    fn reload(&mut self, changed: &Path, name: &[u8], address: [u8; 4]) -> Outcome<Duration> {
        let whole = self.folder.path().join("whole");
        fs::hard_link(changed, &whole)?;
        let begin = Instant::now();
        fs::rename(whole, &self.file)?;
        match (&self.control, self.server) {
            (Some(control), _) => control.reload()?,
            (None, Server::Gdnsd) => {
                let mut command = Command::new("gdnsdctl");
                command.arg("-c").arg(self.folder.path().join("etc")).arg("reload-zones");
                if !command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
                    return Err("gdnsdctl reload-zones failed".into());
                }
            }
            (None, _) => {
                let process = Pid::from_raw(i32::try_from(self.running.process())?).ok_or("no process")?;
                kill_process(process, Signal::HUP)?;
            }
        }
        while self.probe.address(name)? != Some(address) {
            if begin.elapsed() > RELOAD_MAX {
                return Err(
                    format!("{}: no changed answer within {} s", self.server.name(), RELOAD_MAX.as_secs()).into()
                );
            }
            std::thread::sleep(BETWEEN_QUESTIONS);
        }
        Ok(begin.elapsed())
    }
}

/// Writes a zone's text with another serial, another address of one name, and one of each other name that is changed.
fn write_changed(base: &Path, file: &Path, names: usize, serial: u32, name: &[u8], address: [u8; 4]) -> Outcome<()> {
    let name = format!("{} ", Name::from_wire(name)?);
    let (every, mut hosts, [a, b, c, d]) = ((names / CHANGED).max(1), 0_usize, address);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    for line in BufReader::with_capacity(1 << 20, File::open(base)?).lines() {
        let line = line?;
        if let Some((front, _)) = line.rsplit_once(" A ").or_else(|| line.rsplit_once("\tA\t")) {
            hosts += 1;
            if hosts % every == 0 || line.starts_with(&name) {
                writeln!(out, "{front} A {a}.{b}.{c}.{d}")?;
                continue;
            }
        }
        match line.split_once(" SOA ") {
            Some((front, rdata)) => {
                let mut fields: Vec<String> = rdata.split(' ').map(str::to_owned).collect();
                *fields.get_mut(2).ok_or("an SOA record without serial")? = serial.to_string();
                writeln!(out, "{front} SOA {}", fields.join(" "))?;
            }
            None => writeln!(out, "{line}")?,
        }
    }
    Ok(out.flush()?)
}

/// Prints what was found.
fn print(reloads: &Reloads) {
    println!("{:>10} names parse                 {:>8.1} ms", reloads.names, reloads.parse.median() / 1e3);
    for row in &reloads.rows {
        println!(
            "{:>10} names {:<20} reload {:>8.1} ms, spread {:>3.0} %, most memory {:>6.1} MiB, PSS {:.1} to {:.1} MiB",
            reloads.names,
            row.server.name(),
            row.times.median() / 1e3,
            row.times.spread() * 100.0,
            row.peaks.quantile(1.0) / MIB,
            row.served[0] as f64 / MIB,
            row.served[1] as f64 / MIB,
        );
    }
    println!(
        "segments {} octets; load average {:.1} to {:.1}",
        reloads.segment_octets, reloads.load[0], reloads.load[1]
    );
}

/// Those that reload a text; Trine first.
const SERVERS: [Server; 4] = [Server::Trine, Server::Gdnsd, Server::Nsd, Server::Knot];

/// Threads or processes that answer.
const THREADS: usize = 2;

/// Records that change, about.
const CHANGED: usize = 100;

/// How long a start or a reload may take.
const RELOAD_MAX: Duration = Duration::from_secs(120);

/// Time between two questions: a server that reloads is to have the cores.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(1);

/// Octets of a MiB.
const MIB: f64 = (1_u64 << 20) as f64;
