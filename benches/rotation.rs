//! How long a change takes from `trine reload` until every auth process answers from it: real processes, real packets.

#[path = "../tests/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "benches need little of what tests need")]
mod harness;
#[expect(dead_code, reason = "every case here takes its own time")]
mod report;

use std::time::{Duration, Instant};

use harness::{Server, ServerOptions, zones};
use report::run;
use workload::{Kind, Workload};

fn main() {
    run("rotation", |bench| {
        for names in [1_000, bench.size(100_000, 2_000)] {
            let text = Workload::new(Kind::Tld, names, SEED).with_serial(FIRST_SERIAL).text();
            let server = Server::start(&ServerOptions { auth: 2, ..ServerOptions::default() }, |directory| {
                zones::install(directory, FILE, &text);
            });
            let mut serial = FIRST_SERIAL;
            bench.timed_case(&format!("{names}-names"), || {
                serial += 1;
                let first = format!(" {FIRST_SERIAL} ");
                zones::install(&server.zones, FILE, &text.replacen(&first, &format!(" {serial} "), 1));
                change(&server, serial)
            });
        }
    });
}

/// Has a change taken up and waits until it is seen from many ports, so that each auth process is asked. Gives the time and how many saw
/// it.
fn change(server: &Server, serial: u32) -> (Duration, u64) {
    let began = Instant::now();
    server.reload();
    let wire = server.wire();
    let seen = (0..PORTS).filter(|_| wire.serial("test.") == Some(serial)).count();
    let took = began.elapsed();
    assert_eq!(seen, PORTS, "every auth answers from the generation when the reload is answered");
    (took, seen as u64)
}

/// Ports asked from: that all hash to one of two sockets has a chance of 1 in 32,768.
const PORTS: usize = 16;

/// The zone's file.
const FILE: &str = "test.zone";

/// The serial started with.
const FIRST_SERIAL: u32 = 1_000_000_000;

/// The zone's seed.
const SEED: u64 = 1;
