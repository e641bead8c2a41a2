//! Instructions of an answer, from a query's octets to the answer's, as callgrind counts them: the network and the kernel left out.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use consumers::auth::answer::{Client, Data, PREPARED_MAX, Policy, Scratch, Transport, prepare, respond_from};
use workload::{Kind, Workload};
use zone_segment::ZoneSet;

use super::queries::{Asked, Queries};
use crate::Outcome;
use crate::servers::find;

/// Counts instructions a query, or says why not; of a zone of hosts, or of a signed registry's with signatures asked for.
pub fn count(names: usize, queries: usize, is_signed: bool) -> Outcome<f64> {
    let program = find("valgrind").ok_or("valgrind is not installed")?;
    let mut command = Command::new(program);
    command.args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*answer_all*"]);
    command.arg("--callgrind-out-file=/dev/null").arg(std::env::current_exe()?);
    command.args(["answer-once", &names.to_string(), &queries.to_string()]);
    let output = command.args(is_signed.then_some("--signed")).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse::<f64>().ok());
    match collected {
        Some(collected) if output.status.success() && collected > 0.0 => Ok(collected / queries as f64),
        _ => Err(format!("callgrind: {}", said.lines().next_back().unwrap_or_default()).into()),
    }
}

/// Answers queries: what callgrind looks at, in a process of its own.
pub fn once(names: usize, queries: usize, is_signed: bool) -> Outcome<()> {
    let (zone, asked) = match is_signed {
        true => (Workload::new(Kind::Registry, names, SEED).with_nsec(), super::SIGNED),
        false => (Workload::new(Kind::Flat, names, SEED), super::HOSTS),
    };
    let zones = workload::generation_of(&zone);
    let asked = Asked { count: QUERIES, ..asked };
    let asked = Queries::of(&zone, &asked, SEED);
    // Once before, so that nothing is done for the first time.
    let mut scratches = vec![Scratch::default(); PREPARED_MAX];
    warm_up(&zones, &asked, &mut scratches);
    println!("{} octets", answer_all(&zones, &asked, queries, &mut scratches));
    Ok(())
}

/// Answers some queries.
#[inline(never)]
fn warm_up(zones: &ZoneSet, queries: &Queries, scratches: &mut [Scratch]) {
    black_box(answer(zones, queries, PREPARED_MAX, scratches));
}

/// Answers queries in batches, as the query thread does. Its instructions are counted; found by its name.
#[inline(never)]
fn answer_all(zones: &ZoneSet, queries: &Queries, count: usize, scratches: &mut [Scratch]) -> usize {
    answer(zones, queries, count, scratches)
}

/// Answers queries in batches. Gives the octets of all answers.
fn answer(zones: &ZoneSet, queries: &Queries, count: usize, scratches: &mut [Scratch]) -> usize {
    let (mut out, mut octets) = ([0; 65535], 0);
    let policy = Policy::default();
    let client = Client { transport: Transport::Udp, address: IpAddr::V4(Ipv4Addr::LOCALHOST), now: 0 };
    for first in (0..count).step_by(PREPARED_MAX) {
        let last = count.min(first + PREPARED_MAX);
        let prepared = prepare((first..last).map(|number| queries.query(number)), zones, scratches);
        for ((number, scratch), closest) in (first..last).zip(scratches.iter_mut()).zip(prepared) {
            let (query, data) = (queries.query(number), Data { zones, closest });
            let answered = respond_from(query, Some(data), &client, &policy, &mut out, scratch);
            octets += answered.map_or(0, |answered| answered.octets);
        }
    }
    octets
}

/// What zone and queries are drawn from.
const SEED: u64 = 1;

/// Different queries.
const QUERIES: usize = 1 << 16;
