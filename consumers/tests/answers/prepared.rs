//! Queries prepared in batches: the answers are those of queries answered by themselves, octet by octet, whatever else is in the batch.

use consumers::auth::answer::{PREPARED_MAX, Policy, Scratch, Transport, prepare, respond};
use zone_segment::{HashKey, ZoneSet, ZoneState};

use crate::ask::{Ask, client};
use crate::found::{EXAMPLE, ZONES};
use crate::zones::{generation, generation_under, sign, zone, zone_in_state};

/// Queries of every kind, with some that are none in between.
fn queries() -> Vec<Vec<u8>> {
    let names = [
        "example",
        "www.example",
        "wWw.ExAmPlE",
        "nope.example",
        "x.y.nope.example",
        "x.wild.example",
        "alias.example",
        "loop1.example",
        "a.dname.example",
        "x.long.example",
        "sub.example",
        "www.sub.example",
        "ns.sub.example",
        "secure.example",
        "child.example",
        "www.child.example",
        "ent.example",
        "to-served.example",
        "www.elsewhere",
        "www.broken",
        "",
    ];
    let kinds = ["A", "A +do", "ANY", "NS +do", "DS +do", "IXFR", "A +class=3", "AXFR"];
    let lines = names.iter().flat_map(|name| kinds.map(|kind| format!("{name}. {kind}")));
    let mut queries: Vec<Vec<u8>> = lines.map(|line| Ask::new(&line).message).collect();
    let query = Ask::new("www.example. A +do").message;
    queries.extend((0..query.len()).map(|length| query[..length].to_vec()));
    for (place, octet) in [(2, 0x80), (2, 0x08), (5, 0), (5, 2), (12, 64), (12, 0xc0), (15, 0x80)] {
        let mut query = query.clone();
        query[place] = octet;
        queries.push(query);
    }
    queries
}

/// The answer to a query.
fn answer(zones: &ZoneSet, query: &[u8], scratch: &mut Scratch) -> Option<Vec<u8>> {
    let mut room = vec![0xee; 1232];
    let client = client(Transport::Udp);
    let answered = respond(query, Some(zones), &client, &Policy::default(), &mut room, scratch)?;
    room.truncate(answered.octets);
    Some(room)
}

/// Asserts that batches of these sizes get the answers that each query gets alone.
#[track_caller]
fn check_batches(zones: &ZoneSet, scratches: &mut [Scratch]) {
    let queries = queries();
    for size in [1, 2, 7, PREPARED_MAX, PREPARED_MAX + 5] {
        for batch in queries.chunks(size) {
            prepare(batch.iter().map(Vec::as_slice), zones, scratches);
            for (query, scratch) in batch.iter().zip(&mut *scratches) {
                let alone = answer(zones, query, &mut Scratch::default());
                assert_eq!(answer(zones, query, scratch), alone, "{size} in a batch: {query:02x?}");
            }
        }
    }
}

#[test]
fn a_batch_gets_the_answers_of_its_queries_alone() {
    let mut scratches = vec![Scratch::default(); PREPARED_MAX + 5];
    check_batches(&ZONES, &mut scratches);
    let signed = generation(2, vec![sign(zone("example.", EXAMPLE)), zone_in_state("broken.", ZoneState::Broken)]);
    check_batches(&signed, &mut scratches);
}

#[test]
fn a_name_prepared_under_another_key_is_found() {
    let other = generation_under(HashKey(*b"another 16 octet"), 3, vec![zone("example.", EXAMPLE)]);
    let mut scratches = vec![Scratch::default(); PREPARED_MAX];
    for query in queries() {
        prepare([query.as_slice()], &ZONES, &mut scratches);
        let alone = answer(&other, &query, &mut Scratch::default());
        assert_eq!(answer(&other, &query, &mut scratches[0]), alone, "{query:02x?}");
    }
}

#[test]
fn a_scratch_prepared_for_another_query_does_no_harm() {
    let mut scratches = vec![Scratch::default(); PREPARED_MAX];
    let other = Ask::new("www.example. A").message;
    for query in queries() {
        prepare([other.as_slice()], &ZONES, &mut scratches);
        let alone = answer(&ZONES, &query, &mut Scratch::default());
        assert_eq!(answer(&ZONES, &query, &mut scratches[0]), alone, "{query:02x?}");
    }
}
