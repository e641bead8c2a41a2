//! Twenty clients at once, each paced as by a network, beside queries at a steady rate.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::client::{Client, Pace};
use super::memory::Watch;
use super::subjects::{Subject, Zone};
use crate::Outcome;
use crate::answer::{Asked, Latencies, Queries, latencies};
use crate::lookup::say;
use crate::servers::Server;
use crate::start::load_average;
use crate::update::sample::Sample;

/// What was found.
#[derive(Debug)]
pub struct Crowd {
    /// Names of the zone.
    pub names: usize,
    /// Transfers that came to their end.
    pub transfers: u64,
    /// Octets that were taken in all, a second.
    pub octets_a_second: f64,
    /// The most memory that xfrout had of its own.
    pub peak: u64,
    /// Of each pair of rounds, p99 without and beside the transfers, in nanoseconds.
    pub pairs: Vec<[f64; 2]>,
    /// Queries without an answer beside the transfers, as a part.
    pub unanswered: f64,
    /// The load average in the end.
    pub load: f64,
}

impl Crowd {
    /// The quotients of all pairs.
    pub fn ratios(&self) -> Sample {
        Sample(self.pairs.iter().map(|[quiet, beside]| beside / quiet).collect())
    }
}

/// Measures.
pub fn measure(trine: &Path, zone: &Zone, time: Duration, scratch: &Path) -> Outcome<Crowd> {
    let subject = Subject::start(Server::Trine, trine, zone, scratch)?;
    say(&format!("{CLIENTS} transfers of {} names beside {QUERIES_A_SECOND} queries a second", zone.names()));
    let asked = Asked { count: 1 << 16, missing_percent: 10, rtype: 1, is_dnssec_ok: false };
    let queries = Queries::of(&zone.workload, &asked, zone.seed);
    let ask = |time| latencies(subject.port, &queries, 0, QUERIES_A_SECOND, time);
    ask(WARM_UP)?;
    let slice = time / PAIRS;
    let (transfers, octets) = (AtomicU64::new(0), AtomicU64::new(0));
    let (mut pairs, mut unanswered, mut peak) = (Vec::new(), 0.0_f64, 0);
    for _ in 0..PAIRS {
        let quiet: Latencies = ask(slice)?;
        let is_over = AtomicBool::new(false);
        let watch = Watch::new(subject.process())?;
        let beside = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let (is_over, transfers, octets) = (&is_over, &transfers, &octets);
                    scope.spawn(move || {
                        // They stand for other machines: what they do with a zone is not to be in the way here.
                        let _ = rustix::process::setpriority_process(None, LOWEST_PRIORITY);
                        let own = 2 + (number / CLIENTS_AN_ADDRESS) as u8;
                        while !is_over.load(Ordering::Relaxed) {
                            let mut client = Client::connect(own, subject.port).map_err(|error| error.to_string())?;
                            let pace = Pace::Octets(OCTETS_A_SECOND);
                            let taken = client.take(zone.apex(), pace).map_err(|error| error.to_string())?;
                            transfers.fetch_add(1, Ordering::Relaxed);
                            octets.fetch_add(taken.octets, Ordering::Relaxed);
                        }
                        Ok::<(), String>(())
                    })
                })
                .collect();
            std::thread::sleep(BEFORE_QUERIES);
            let beside = ask(slice).map_err(|error| error.to_string());
            is_over.store(true, Ordering::Relaxed);
            for client in clients {
                client.join().map_err(|_| "a client ended".to_owned())??;
            }
            beside
        })?;
        peak = peak.max(watch.finish());
        unanswered = unanswered.max(beside.unanswered());
        pairs.push([quiet.percentile(9_900), beside.percentile(9_900)]);
    }
    let octets_a_second = f64::from(CLIENTS) * OCTETS_A_SECOND;
    let transfers = transfers.into_inner();
    let crowd =
        Crowd { names: zone.names(), transfers, octets_a_second, peak, pairs, unanswered, load: load_average() };
    print(&crowd);
    Ok(crowd)
}

/// Prints what was found.
fn print(crowd: &Crowd) {
    let p99 = |at: usize| Sample(crowd.pairs.iter().map(|pair| pair[at] / 1e3).collect()).median();
    println!(
        "{:>10} names {} transfers, {CLIENTS} at once, {:.0} MB a second: answers p99 {:.0} µs without, {:.0} µs beside; xfrout at most {:.1} \
         MiB; load average {:.1}",
        crowd.names,
        crowd.transfers,
        crowd.octets_a_second / 1e6,
        p99(0),
        p99(1),
        crowd.peak as f64 / f64::from(1 << 20),
        crowd.load
    );
}

/// Clients at once.
pub const CLIENTS: u32 = 20;

/// Clients of one address: as many places as one has by default.
const CLIENTS_AN_ADDRESS: u32 = 10;

/// What a client takes in a second: all of them together as much as a gigabit a second carries.
pub const OCTETS_A_SECOND: f64 = 6.0e6;

/// Queries a second.
pub const QUERIES_A_SECOND: f64 = 20_000.0;

/// Pairs of rounds, one without and one beside transfers.
const PAIRS: u32 = 5;

/// Queries before anything is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// How long transfers run before queries beside them are counted.
const BEFORE_QUERIES: Duration = Duration::from_millis(200);

/// The least priority that a thread can have.
const LOWEST_PRIORITY: i32 = 19;
