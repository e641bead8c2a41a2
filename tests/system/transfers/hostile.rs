//! Requests that are no requests, and clients that mean harm: none of it ends a process, or keeps another client waiting.

use dns::tsig::Algorithm;
use dns::types::Rcode;
use hickory_proto::rr::RecordType;
use workload::uniform;

use super::client::{Client, axfr, ixfr, key, sign};
use super::{ZONE, set, start};
use crate::harness::zones;

/// What a message gets: an RCODE, or the end of the connection.
fn answer_to(client: &mut Client, message: &[u8]) -> Option<Rcode> {
    client.send(&[message.to_vec()]);
    client.read_octets().map(|answer| Rcode(u16::from(answer[3] & 0xf)))
}

#[test]
fn b54_odd_requests_are_refused_and_the_connection_goes_on() {
    let server = start(10, &[]);
    let whole = axfr(ZONE);
    let with = |message: &[u8], at: usize, octet: u8| [&message[..at], &[octet], &message[at + 1..]].concat();
    let signed = |mut message: Vec<u8>| {
        sign(&mut message, &key("nobody.", Algorithm::HmacSha256, b"anything at all"));
        message
    };
    // An address record behind the signature.
    let behind = [&signed(whole.clone())[..], b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01"].concat();
    let incremental = ixfr(ZONE, 1);
    let soa = incremental.len() - 22;
    for (what, message, expected) in [
        ("two questions", with(&whole, 5, 2), Rcode::FORMERR),
        (
            "an answer in the query",
            [&with(&whole, 7, 1)[..], b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01"].concat(),
            Rcode::FORMERR,
        ),
        ("octets behind the end", [&whole[..], &[0; 20]].concat(), Rcode::FORMERR),
        ("a record cut short", with(&whole, 11, 1), Rcode::FORMERR),
        ("a signature that is not the last", with(&behind, 11, 2), Rcode::FORMERR),
        ("another opcode", with(&whole, 2, 0x10), Rcode::NOTIMP),
        ("an unknown key", signed(whole.clone()), Rcode::NOTAUTH),
        ("an SOA record without a serial", with(&incremental[..soa + 2], soa - 1, 2), Rcode::FORMERR),
        ("an SOA record that is too long", [&with(&incremental, soa - 1, 23)[..], &[0]].concat(), Rcode::FORMERR),
        (
            "an SOA record of a name that points at itself",
            with(&incremental, soa - 11, (soa - 12) as u8),
            Rcode::FORMERR,
        ),
        ("an SOA record of another zone", with(&incremental, soa - 11, 16), Rcode::FORMERR),
        ("an SOA record of a type that it is not", with(&incremental, soa - 9, 1), Rcode::FORMERR),
    ] {
        let mut client = Client::to(&server);
        assert_eq!(answer_to(&mut client, &message), Some(expected), "{what}");
        assert_eq!(client.axfr(ZONE).rcode, Rcode::NOERROR, "after {what}");
    }
    // Another class is no transfer that anybody gives away.
    let mut client = Client::to(&server);
    assert_ne!(answer_to(&mut client, &with(&whole, whole.len() - 1, 3)), Some(Rcode::NOERROR));
}

#[test]
fn b54_the_longest_request_there_can_be_is_answered() {
    let server = start(10, &[]);
    // As many additional records as a query may have, and one more, filled up to the end.
    for (records, expected) in [(64, Rcode::NOERROR), (65, Rcode::FORMERR)] {
        let mut message = axfr(ZONE);
        message[11] = records;
        for number in 0..records {
            let left = 65_535 - message.len();
            let rdata = if number + 1 == records { left - 12 } else { 900 };
            message.extend(b"\xc0\x0c\xff\x00\0\x01\0\0\0\0");
            message.extend((rdata as u16).to_be_bytes());
            message.resize(message.len() + rdata, 0);
        }
        assert_eq!(message.len(), 65_535);
        let mut client = Client::to(&server);
        client.send(&[message]);
        client.ask(&[(ZONE, RecordType::SOA)]);
        let answer = client.read();
        assert_eq!(u16::from(answer.metadata.response_code), expected.0, "{records}");
        assert_eq!(client.read().answers.len(), 1, "what came behind it");
    }
}

#[test]
fn changed_requests_end_no_process() {
    let server = start(10, &[]);
    let (xfrout, auth) = (server.until_xfrout(), server.auth_pids());
    let mut incremental = ixfr(ZONE, 1);
    sign(&mut incremental, &key("nobody.", Algorithm::HmacSha256, b"anything at all"));
    let whole = axfr(ZONE);
    let mut numbers = uniform(1 << 16, 7);
    let mut below = |limit: usize| numbers.next().unwrap() % limit;
    for number in 0..500 {
        let mut message = if number % 2 == 0 { whole.clone() } else { incremental.clone() };
        for _ in 0..=below(3) {
            let at = below(message.len());
            message[at] = below(256) as u8;
        }
        if below(2) == 0 {
            message.truncate(1 + below(message.len()));
        }
        let mut client = Client::to(&server);
        client.send(std::slice::from_ref(&message));
        client.end_asking();
        // Whatever it is answered with, it comes to an end.
        assert!(client.has_ended(), "{message:02x?}");
    }
    assert_eq!((server.until_xfrout(), server.auth_pids()), (xfrout, auth));
    assert_eq!(Client::to(&server).axfr(ZONE).zone(), set(&zones::small(ZONE, 1, 10)));
}
