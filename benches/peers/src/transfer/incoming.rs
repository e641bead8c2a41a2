//! Zones taken from a primary: all of one by an empty server until it answers for it, and a record that is added until an answer has it. Each server has
//! a primary of its own, which sends what Trine gave away before.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use workload::QuerySet;
use zone_segment::Name;

use super::client::Client;
use super::primary::{Added, Primary, Stream};
use super::subjects::{START_MAX, Subject, Zone};
use crate::Outcome;
use crate::lookup::say;
use crate::question::free_port;
use crate::servers::{Server, find};
use crate::start::{Running, Wait, last_lines, load_average};
use crate::update::probe::Probe;
use crate::update::sample::Sample;

/// What was found.
#[derive(Debug)]
pub struct Incoming {
    /// Names of the zone.
    pub names: usize,
    /// Servers; Trine is the first.
    pub rows: Vec<Row>,
    /// Load averages before and after.
    pub load: [f64; 2],
}

/// A server's times.
#[derive(Debug)]
pub struct Row {
    /// The server.
    pub server: Server,
    /// From the query for all of a zone to the first answer from it, round by round.
    pub whole: Sample,
    /// From the last octet of a difference to an answer with its record.
    pub added: Sample,
}

/// Measures.
pub fn measure(
    trine: &Path,
    zone: &Zone,
    (rounds, changes): (usize, usize),
    scratch: &Path,
    notes: &mut Vec<String>,
) -> Outcome<Incoming> {
    let before = load_average();
    let stream = {
        let subject = Subject::start(Server::Trine, trine, zone, scratch)?;
        Stream::of(&Client::connect(1, subject.port)?.record(zone.apex())?)?
    };
    let mut rows: Vec<Row> = Vec::new();
    for round in 0..rounds {
        for server in SERVERS {
            if round > 0 && rows.iter().all(|row| row.server != server) {
                continue;
            }
            let measured = Secondary::start(server, trine, zone, &stream, scratch).and_then(|mut secondary| {
                let last = if round + 1 == rounds { changes } else { 0 };
                Ok((secondary.whole, secondary.add(last)?))
            });
            match measured {
                Ok((whole, added)) => {
                    if round == 0 {
                        rows.push(Row { server, whole: Sample::default(), added: Sample::default() });
                    }
                    if let Some(row) = rows.iter_mut().find(|row| row.server == server) {
                        row.whole.push(whole);
                        added.iter().for_each(|time| row.added.push(*time));
                    }
                }
                Err(error) if server == Server::Trine => return Err(error),
                Err(error) => {
                    let note = format!("FAILED: {}: {error}", server.name());
                    say(&note);
                    notes.push(note);
                    rows.retain(|row| row.server != server);
                }
            }
        }
    }
    let incoming = Incoming { names: zone.names(), rows, load: [before, load_average()] };
    print(&incoming);
    Ok(incoming)
}

/// A server that takes the zone.
struct Secondary {
    /// Where it is taken from.
    primary: Primary,
    /// How long all of it took.
    whole: Duration,
    /// How it is asked.
    probe: Probe,
    /// Its port.
    port: u16,
    /// The zone's apex.
    apex: String,
    /// Where its log goes.
    log: PathBuf,
    /// Its processes.
    _running: Running,
    /// Its folder.
    _folder: TempDir,
}

impl Secondary {
    /// Starts one with nothing, and waits until it answers for the zone.
    fn start(server: Server, trine: &Path, zone: &Zone, stream: &Stream, scratch: &Path) -> Outcome<Secondary> {
        say(&format!("starting {} as a secondary", server.name()));
        let program = match server {
            Server::Trine => trine.to_owned(),
            _ => find(server.program()).ok_or_else(|| format!("{} is not installed", server.name()))?,
        };
        let (folder, port, from) = (TempDir::new_in(scratch)?, free_port()?, free_port()?);
        let primary = Primary::start(stream.clone(), from)?;
        let command = command(server, &program, folder.path(), (port, from), zone.apex())?;
        let log = folder.path().join("log.txt");
        let last = zone.workload.queries(QuerySet::Hits, [zone.names() - 1], zone.seed);
        let wait = Wait { port, names: &[last.wire(0).to_vec()], log: &log, limit: START_MAX };
        let begin = Instant::now();
        let running = Running::start(command, server == Server::Trine, &wait)?;
        let visible = begin + running.start.first;
        let asked = primary.times().0.ok_or("it answers without having asked its primary")?;
        let (probe, apex) = (Probe::connect(port)?, zone.apex().to_owned());
        let whole = visible.saturating_duration_since(asked);
        Ok(Secondary { primary, whole, probe, port, apex, log, _running: running, _folder: folder })
    }

    /// Adds records, one after the other; the time of each until an answer has it.
    fn add(&mut self, count: usize) -> Outcome<Vec<Duration>> {
        let mut times = Vec::with_capacity(count);
        for number in 0..count {
            let (owner, [_, b, c, d]) = (format!("added{number}.{}", self.apex), (number as u32 + 1).to_be_bytes());
            let (owner, address): (Name, _) = (owner.parse()?, [13, b, c, d]);
            self.primary.add(Added { owner: owner.clone(), address }, self.port)?;
            let seen = self.probe.until(owner.as_ref().as_wire(), address);
            seen.map_err(|error| format!("{error}\n{}", last_lines(&self.log, &[])))?;
            let seen = Instant::now();
            let sent = self.primary.times().1.ok_or("it has what its primary did not send")?;
            times.push(seen.saturating_duration_since(sent));
        }
        Ok(times)
    }
}

/// Writes the least configuration of a secondary into a folder, and gives the command that starts it in the foreground.
fn command(server: Server, program: &Path, folder: &Path, (port, from): (u16, u16), apex: &str) -> Outcome<Command> {
    let (path, mut text, mut command) = (folder.display(), String::new(), Command::new(program));
    let file = folder.join("secondary.conf");
    match server {
        Server::Trine => {
            fs::create_dir(folder.join("zones"))?;
            write!(
                text,
                "version = 1\n[server]\nlisten = \"127.0.0.1:{port}\"\nauth = {THREADS}\nstate = \"{path}/state\"\n\
                 [zones]\ndirectory = \"{path}/zones\"\n[[remote]]\nname = \"primary\"\naddresses = [\"127.0.0.1:{from}\"]\n\
                 [[zone]]\nname = \"{apex}\"\nprimaries = [\"primary\"]\n"
            )?;
            command.args(["serve", "--config"]);
        }
        Server::Nsd => {
            write!(
                text,
                "server:\n  ip-address: 127.0.0.1@{port}\n  do-ip6: no\n  server-count: {THREADS}\n  database: \"\"\n  username: \"\"\n  chroot: \"\"\n  \
                 pidfile: \"{path}/pid\"\n  zonelistfile: \"{path}/list\"\n  xfrdfile: \"{path}/xfrd\"\n  xfrdir: \"{path}\"\n  zonesdir: \"{path}\"\n  \
                 rrl-ratelimit: 0\n  xfrd-reload-timeout: 0\nremote-control:\n  control-enable: no\nzone:\n  name: \"{apex}\"\n  zonefile: \"zone\"\n  \
                 request-xfr: 127.0.0.1@{from} NOKEY\n  allow-notify: 127.0.0.1 NOKEY\n"
            )?;
            command.args(["-d", "-c"]);
        }
        Server::Knot => {
            write!(
                text,
                "server:\n  rundir: \"{path}\"\n  listen: 127.0.0.1@{port}\n  udp-workers: {THREADS}\n  tcp-workers: {THREADS}\n  \
                 background-workers: {THREADS}\nlog:\n  - target: stderr\n    any: warning\ndatabase:\n  storage: \"{path}\"\n\
                 remote:\n  - id: primary\n    address: 127.0.0.1@{from}\nacl:\n  - id: told\n    address: 127.0.0.1\n    action: notify\n\
                 zone:\n  - domain: \"{apex}\"\n    storage: \"{path}\"\n    zonefile-sync: -1\n    semantic-checks: off\n    master: primary\n    acl: told\n"
            )?;
            command.arg("-c");
        }
        _ => {
            write!(
                text,
                "options {{ directory \"{path}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none; \
                 session-keyfile none; recursion no; notify no; dnssec-validation no; empty-zones-enable no; serial-query-rate 1000; }};\n\
                 controls {{}};\nzone \"{apex}\" {{ type secondary; file \"zone\"; primaries port {from} {{ 127.0.0.1; }}; \
                 allow-notify {{ 127.0.0.1; }}; }};\n"
            )?;
            command.args(["-g", "-n", "2", "-c"]);
        }
    }
    fs::write(&file, text)?;
    command.arg(file);
    Ok(command)
}

/// Prints what was found.
fn print(incoming: &Incoming) {
    for row in &incoming.rows {
        println!(
            "{:>10} names {:<8} taken in {:>8.0} ms, spread {:>3.0} %; a record added: p50 {:>10.1} µs, p99 {:>10.1} µs",
            incoming.names,
            row.server.name(),
            row.whole.median() / 1e3,
            row.whole.spread() * 100.0,
            row.added.median(),
            row.added.quantile(0.99)
        );
    }
}

/// Those that take zones.
const SERVERS: [Server; 4] = [Server::Trine, Server::Nsd, Server::Knot, Server::Bind];

/// Threads or processes that answer.
const THREADS: usize = 2;
