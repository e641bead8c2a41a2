//! All of a zone to one client, as fast as that takes it. Servers take turns, round after round.

use std::path::Path;

use super::client::{Client, Pace, Taken};
use super::memory::Watch;
use super::subjects::{Subject, Zone};
use crate::Outcome;
use crate::lookup::say;
use crate::servers::Server;
use crate::start::load_average;
use crate::update::sample::Sample;

/// What was found.
#[derive(Debug)]
pub struct Whole {
    /// Names of the zone.
    pub names: usize,
    /// Servers; Trine is the first.
    pub rows: Vec<Row>,
    /// The most memory that Trine's xfrout had of its own.
    pub peak: u64,
    /// Load averages before and after.
    pub load: [f64; 2],
}

/// A server's transfers.
#[derive(Debug)]
pub struct Row {
    /// The server.
    pub server: Server,
    /// What the last one brought.
    pub taken: Taken,
    /// The time of each, round by round.
    pub times: Sample,
}

impl Row {
    /// Records a second.
    pub fn records_a_second(&self) -> f64 {
        self.taken.records as f64 / (self.times.median() / 1e6)
    }
}

/// Measures.
pub fn measure(trine: &Path, zone: &Zone, rounds: usize, scratch: &Path, notes: &mut Vec<String>) -> Outcome<Whole> {
    let before = load_average();
    let mut subjects = vec![Subject::start(Server::Trine, trine, zone, scratch)?];
    for server in PEERS {
        match Subject::start(server, trine, zone, scratch) {
            Ok(subject) => subjects.push(subject),
            Err(error) => {
                let note = format!("FAILED: {}: {error}", server.name());
                say(&note);
                notes.push(note);
            }
        }
    }
    let row = |subject: &Subject| Row { server: subject.server, taken: Taken::default(), times: Sample::default() };
    let mut rows: Vec<Row> = subjects.iter().map(row).collect();
    let watch = Watch::new(subjects[0].process())?;
    // The first one of each maps pages and fills caches, and is not counted.
    for round in 0..=rounds {
        for (subject, row) in subjects.iter().zip(&mut rows) {
            let taken = Client::connect(1, subject.port)?.take(zone.apex(), Pace::Free);
            row.taken = taken.map_err(|error| format!("{}: {error}", subject.server.name()))?;
            if round > 0 {
                row.times.push(row.taken.time);
            }
        }
    }
    let peak = watch.finish();
    let records = rows[0].taken.records;
    if let Some(row) = rows.iter().find(|row| row.taken.records != records) {
        let found = row.taken.records;
        return Err(format!("{} gives {found} records away, Trine {records}", row.server.name()).into());
    }
    let whole = Whole { names: zone.names(), rows, peak, load: [before, load_average()] };
    print(&whole);
    Ok(whole)
}

/// Prints what was found.
fn print(whole: &Whole) {
    for row in &whole.rows {
        println!(
            "{:>10} names {:<8} {:>8.1} ms  spread {:>4.0} %  {:>5.1} M records a second, {} messages, {} octets",
            whole.names,
            row.server.name(),
            row.times.median() / 1e3,
            row.times.spread() * 100.0,
            row.records_a_second() / 1e6,
            row.taken.messages,
            row.taken.octets
        );
    }
    println!("xfrout had at most {:.1} MiB of its own", whole.peak as f64 / f64::from(1 << 20));
}

/// Those that give zones away.
const PEERS: [Server; 3] = [Server::Nsd, Server::Knot, Server::Bind];
