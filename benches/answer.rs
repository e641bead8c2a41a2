//! What one answer costs, from the query's octets to the answer's, on the signed root zone.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

#[expect(dead_code, reason = "no case here takes its own time")]
mod report;

use consumers::auth::answer::{Limits, Scratch, Transport, respond};
use zone_segment::Name;

use report::{mix, run};

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
        let (mut scratch, mut out) = (Scratch::default(), [0; 65535]);
        for (case, queries) in cases {
            bench.case(case, queries.len(), || {
                queries.iter().fold(0, |sum, query| {
                    let limits = Limits::default();
                    let length = respond(query, Some(&zones), Transport::Udp, &limits, &mut out, &mut scratch).unwrap();
                    let answer = out.get(..length).unwrap();
                    mix(sum, answer.chunks_exact(8).fold(length as u64, |sum, word| sum ^ u64::from(word[7])))
                })
            });
        }
    });
}

/// Queries with EDNS for a type of names made from these, in an order in which neighbours are not asked one after the other.
fn queries(names: &[String], prefix: &str, rtype: u8, is_dnssec_ok: bool) -> Vec<Vec<u8>> {
    let count = names.len();
    let scattered = (0..count).map(|index| &names[index * STRIDE % count]);
    let query = |name: &String| {
        let name: Name = format!("{prefix}{name}").parse().unwrap();
        let header = [0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        let flags = if is_dnssec_ok { 0x80 } else { 0 };
        let rest = [0, rtype, 0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, flags, 0, 0, 0];
        [&header, name.as_wire(), &rest].concat()
    };
    scattered.map(query).collect()
}

/// A prime that divides no number of names: every name comes once.
const STRIDE: usize = 7_919;

/// Address.
const A: u8 = 1;

/// Delegation signer.
const DS: u8 = 43;
