//! What one lookup costs, one at a time: from a name to its zone and to what the zone says of it, in a mapped segment.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

#[expect(dead_code, reason = "no case here takes its own time")]
mod report;

use workload::{Kind, QuerySet, Workload};
use zone_segment::{Find, LookupName, NameRef, Node, ZoneSet};

use report::{mix, run};

fn main() {
    run("lookup", |bench| {
        let names = bench.size(100_000, 1_000);
        let cases = [
            ("hit", Kind::Flat, QuerySet::Hits),
            ("miss", Kind::Flat, QuerySet::Misses),
            ("at-cut", Kind::Tld, QuerySet::Hits),
            ("below-cut", Kind::Tld, QuerySet::BelowCuts),
        ];
        for (case, kind, set) in cases {
            let zone = Workload::new(kind, names, SEED);
            let zones = workload::generation_of(&zone);
            let asked = zone.queries(set, workload::uniform(zone.query_count(), SEED).take(names), SEED);
            bench.case(case, asked.len(), || asked.iter().fold(0, |sum, name| mix(sum, look_up(&zones, name, case))));
        }
    });
}

/// Looks one name up and reads what an answer would need of its node.
fn look_up(zones: &ZoneSet, name: NameRef<'_>, case: &str) -> u64 {
    let name = LookupName::new(zones.key(), name);
    let zone = zones.find_zone(&name).unwrap();
    match (zone.find(&name), case) {
        (Find::Name(node), "hit") => first_record(node, 1),
        (Find::NoName { closest_encloser }, "miss") => closest_encloser.name().as_wire().len() as u64,
        (Find::Cut(node), "at-cut" | "below-cut") => first_record(node, 2),
        (found, _) => panic!("{case}: {}: {found:?}", name.name()),
    }
}

/// A word of a node's RRset.
fn first_record(node: Node<'_>, rtype: u16) -> u64 {
    let rrset = node.rrset(rtype).unwrap();
    let rdata = rrset.rdata().next().unwrap();
    mix(u64::from(rrset.ttl()), rdata.iter().map(|octet| u64::from(*octet)).sum())
}

/// The zone's seed.
const SEED: u64 = 1;
