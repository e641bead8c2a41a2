//! Writes a transfer of a zone of delegations, made up here, and says what a record takes: `stream_zone [RECORDS]`.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

use dns::message::{Asked, MessageStream, Received, question, receive};
use dns::types::Rtype;
use zone_segment::Name;

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let name = |text: String| text.parse::<Name>().unwrap_or_else(|error| panic!("{text}: {error}"));
    let apex = name("example.".to_owned());
    // Two NS records a delegation with servers of some thousand hosters, a third of them with glue.
    let records: Vec<(Name, Rtype, Vec<u8>)> = (0..count / 3)
        .flat_map(|number| {
            let owner = name(format!("delegation{number:08}.example."));
            let hoster = number.wrapping_mul(2_654_435_761) % 4_000;
            let server = |which: usize| match number % 3 {
                0 => name(format!("ns{which}.delegation{number:08}.example.")),
                _ => name(format!("ns{which}.hoster{hoster}.net.")),
            };
            let glue = match number % 3 {
                0 => server(1),
                _ => owner.clone(),
            };
            [
                (owner.clone(), Rtype::NS, server(1).as_wire().to_vec()),
                (owner, Rtype::NS, server(2).as_wire().to_vec()),
                (glue, Rtype::A, vec![192, 0, 2, 1]),
            ]
        })
        .collect();
    let asked = question(1, apex.as_ref(), Asked::Axfr);
    let Received::Query(query) = receive(&asked) else { return };
    for _ in 0..5 {
        let (mut messages, mut octets) = (0, 0);
        let mut send = |message: &mut Vec<u8>| {
            messages += 1;
            octets += black_box(message).len();
            Ok::<(), Infallible>(())
        };
        let start = Instant::now();
        let mut stream = MessageStream::new(query.header, &query.question, 65_535, 0);
        for (owner, rtype, rdata) in &records {
            let Ok(()) = stream.record(owner.as_ref(), *rtype, 3600, rdata, &mut send) else { return };
        }
        let Ok(()) = stream.end(&mut send) else { return };
        let nanoseconds = start.elapsed().as_nanos() as f64 / records.len() as f64;
        println!("{nanoseconds:.1} ns a record: {} records, {messages} messages, {octets} octets", records.len());
    }
}
