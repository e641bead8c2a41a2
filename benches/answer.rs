//! What one answer costs, from the query's octets to the answer's: on the signed root zone; and in a large zone, whose names come from
//! memory, with and without preparing batches of queries.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

#[expect(dead_code, reason = "no case here takes its own time")]
mod report;

use std::net::{IpAddr, Ipv4Addr};

use consumers::auth::answer::{Client, PREPARED_MAX, Policy, Scratch, Transport, prepare, respond};
use workload::{Kind, QuerySet, Workload};
use zone_segment::{Name, NameRef, ZoneSet};

use report::{Bench, mix, run};

fn main() {
    run("answer", |bench| {
        let text = workload::root_zone();
        let zones = workload::generation(".", &text);
        let tlds = workload::tlds(&text);
        let tlds = tlds.get(..bench.size(tlds.len(), 50)).unwrap();
        let cases = [
            ("positive", queries(tlds, "", DS, false)),
            ("positive-do", queries(tlds, "", DS, true)),
            ("referral", queries(tlds, "www.", A, false)),
            ("referral-do", queries(tlds, "www.", A, true)),
            ("nxdomain-do", queries(tlds, "www.no-", A, true)),
        ];
        for (case, queries) in cases {
            measure_alone(bench, case, &zones, &queries);
        }
        measure_batches(bench);
    });
}

/// Measures answers in a registry's zone, with all queries alone and in prepared batches: the checksums are the same.
fn measure_batches(bench: &mut Bench) {
    let zone = Workload::new(Kind::Tld, bench.size(1_000_000, 1_000), SEED);
    let zones = workload::generation_of(&zone);
    let count = bench.size(100_000, 100);
    let cases = [
        // Four in ten delegations have DS records; the others get NODATA.
        ("large-ds", QuerySet::Hits, DS),
        ("large-referral", QuerySet::BelowCuts, A),
        ("large-nxdomain", QuerySet::Misses, A),
    ];
    for (case, set, rtype) in cases {
        let names = zone.queries(set, workload::uniform(zone.query_count(), SEED).take(count), SEED);
        let queries: Vec<Vec<u8>> = names.iter().map(|name| query(name, rtype, false)).collect();
        measure_alone(bench, case, &zones, &queries);
        let mut scratches = vec![Scratch::default(); PREPARED_MAX];
        let mut out = [0; 65535];
        bench.case(&format!("{case}-batch"), queries.len(), || {
            queries.chunks(PREPARED_MAX).fold(0, |sum, batch| {
                prepare(batch.iter().map(Vec::as_slice), &zones, &mut scratches);
                let batch = batch.iter().zip(&mut scratches);
                batch.fold(sum, |sum, (query, scratch)| mix(sum, answer(&zones, query, &mut out, scratch)))
            })
        });
    }
}

/// Measures answers to these queries one by one.
fn measure_alone(bench: &mut Bench, case: &str, zones: &ZoneSet, queries: &[Vec<u8>]) {
    let (mut scratch, mut out) = (Scratch::default(), [0; 65535]);
    bench.case(case, queries.len(), || {
        queries.iter().fold(0, |sum, query| mix(sum, answer(zones, query, &mut out, &mut scratch)))
    });
}

/// Answers one query, and gives a checksum of the answer.
fn answer(zones: &ZoneSet, query: &[u8], out: &mut [u8], scratch: &mut Scratch) -> u64 {
    let client = Client { transport: Transport::Udp, address: IpAddr::V4(Ipv4Addr::LOCALHOST), now: 0 };
    let length = respond(query, Some(zones), &client, &Policy::default(), out, scratch).unwrap().octets;
    let answer = out.get(..length).unwrap();
    answer.chunks_exact(8).fold(length as u64, |sum, word| sum ^ u64::from(word[7]))
}

/// Queries for a type of names made from these, in an order in which neighbours are not asked one after the other.
fn queries(names: &[String], prefix: &str, rtype: u8, is_dnssec_ok: bool) -> Vec<Vec<u8>> {
    let count = names.len();
    let scattered = (0..count).map(|index| &names[index * STRIDE % count]);
    let made = |name: &String| query(format!("{prefix}{name}").parse::<Name>().unwrap().as_ref(), rtype, is_dnssec_ok);
    scattered.map(made).collect()
}

/// A query with EDNS.
fn query(name: NameRef<'_>, rtype: u8, is_dnssec_ok: bool) -> Vec<u8> {
    let header = [0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let flags = if is_dnssec_ok { 0x80 } else { 0 };
    let rest = [0, rtype, 0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, flags, 0, 0, 0];
    [&header, name.as_wire(), &rest].concat()
}

/// The large zone's seed.
const SEED: u64 = 1;

/// A prime that divides no number of names: every name comes once.
const STRIDE: usize = 7_919;

/// Address.
const A: u8 = 1;

/// Delegation signer.
const DS: u8 = 43;
