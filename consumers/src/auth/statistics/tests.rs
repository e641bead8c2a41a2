//! What is counted is what is gathered.

use dns::types::{Opcode, Rcode};

use super::*;

/// An answer.
fn answer(rtype: Option<Rtype>, rcode: Rcode, kind: Kind) -> Summary {
    Summary {
        opcode: Opcode::QUERY,
        rtype,
        rcode,
        kind,
        has_edns: true,
        is_dnssec_ok: false,
        is_truncated: false,
        is_authoritative: true,
        has_valid_cookie: false,
        like: 0,
    }
}

#[test]
fn every_count_has_its_name() {
    let block = Block::default();
    let addresses = ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"];
    for (transport, address) in
        addresses.map(|address| (Transport::Udp, address)).into_iter().chain([(Transport::Tcp, "::1")])
    {
        block.note_received(Way::new(transport, address.parse().unwrap()), 40);
    }
    block.note_ignored();
    let whole = answer(Some(Rtype::A), Rcode::NOERROR, Kind::Positive);
    let signed = Summary { is_dnssec_ok: true, is_truncated: true, has_valid_cookie: true, ..whole };
    let unknown = answer(Some(Rtype(60_000)), Rcode(4000), Kind::NoData);
    let wrong =
        Summary { opcode: Opcode(9), has_edns: false, is_authoritative: false, ..answer(None, Rcode(23), Kind::Error) };
    let caa = answer(Some(Rtype(257)), Rcode::NXDOMAIN, Kind::NxDomain);
    for summary in [whole, signed, unknown, wrong, caa] {
        block.note_query(&summary);
        block.note_answer(&summary, 100);
    }
    block.note_query(&whole);
    block.note_limited();
    block.note_slipped();
    block.note_slipped();
    block.note_batch(6, Duration::from_nanos(1000), 4, 1);
    block.note_receive_error();

    let counts = serde_json::to_value(gather([&block])).unwrap();
    let expected = serde_json::json!({
        "received": {"udp-ipv4": 2, "udp-ipv6": 1, "tcp-ipv6": 1},
        "ignored": 1,
        "types": {"A": 3, "CAA": 1, "other": 2},
        "opcodes": {"QUERY": 5, "OPCODE9": 1},
        "flags": {"edns": 5, "dnssec-ok": 1, "cookie": 1},
        "rcodes": {"NOERROR": 2, "NXDOMAIN": 1, "BADCOOKIE": 1, "other": 1},
        "kinds": {"positive": 2, "nodata": 1, "nxdomain": 1, "error": 1},
        "answer_flags": {"authoritative": 4, "truncated": 1},
        "limited": 1,
        "slipped": 2,
        "unsent": 1,
        "receive_errors": 1,
        "tcp": {},
        "query_octets": {"32": 4},
        "answer_octets": {"96": 5},
        "latency_ns": {"1023": 6},
    });
    assert_eq!(counts, expected);
    assert_eq!((block.received(), block.sent(), block.unsent()), (4, 4, 1));
}

#[test]
fn blocks_are_added_up() {
    let blocks = [Block::default(), Block::default()];
    for block in &blocks {
        block.note_query(&answer(Some(Rtype::A), Rcode::NOERROR, Kind::Positive));
    }
    assert_eq!(gather(&blocks).types, [("A".to_owned(), 2)].into());
}
