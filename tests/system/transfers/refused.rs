//! Who does not get a zone, and what is checked first (B74).

use std::time::Duration;

use dns::tsig::{Algorithm, find};
use dns::types::Rcode;
use hickory_proto::rr::RecordType;

use super::client::{Client, axfr, ixfr, key, sign};
use super::configured::{Configured, keys, secret};
use super::{ZONE, install, set, until_linked};
use crate::harness::{until, zones};

/// A server with these lines in `[transfers]`.
fn start(transfers: &str, hosts: usize) -> Configured {
    let tables = format!("{}[transfers]\n{transfers}\n", keys());
    Configured::start("127.0.0.1:0", &tables, |directory| install(directory, 1, hosts))
}

/// The RCODE that a transfer gets.
fn rcode(server: &Configured, query: &[u8]) -> Rcode {
    Client::to(server).transfer(query, None, |_| ()).rcode
}

#[test]
fn b74_what_is_not_a_zone_of_ours_is_notauth() {
    let server = super::start(10, &[]);
    for zone in ["elsewhere.test.", "host1.one.test.", "test.", "."] {
        assert_eq!(Client::to(&server).axfr(zone).rcode, Rcode::NOTAUTH, "{zone}");
        assert_eq!(Client::to(&server).ixfr(zone, 1).rcode, Rcode::NOTAUTH, "{zone}");
    }
    assert_eq!(Client::to(&server).axfr(ZONE).zone(), set(&zones::small(ZONE, 1, 10)));
    assert_eq!(Client::to(&server).axfr("ONE.Test.").zone(), set(&zones::small(ZONE, 1, 10)));
}

#[test]
fn b74_a_configuration_lets_nobody_in_unless_it_says_so() {
    let server = start("", 10);
    server.until_xfrout();
    until("xfrout refuses it", || (rcode(&server, &axfr(ZONE)) == Rcode::REFUSED).then_some(()));
    assert_eq!(rcode(&server, &ixfr(ZONE, 1)), Rcode::REFUSED);
}

#[test]
fn b74_who_may_is_said_by_address_by_key_or_by_both() {
    let zones = [
        ("address.test.", "127.0.0.2"),
        ("key.test.", "key:hmac-sha256."),
        ("both.test.", "127.0.0.2 key:hmac-sha256."),
    ];
    let of_zone =
        |(apex, entry): &(&str, &str)| format!("[[zone]]\nname = \"{apex}\"\nallow-transfer = [\"{entry}\"]\n");
    let tables = format!("{}{}", keys(), zones.iter().map(of_zone).collect::<String>());
    let server = Configured::start("127.0.0.1:0", &tables, |directory| {
        zones.iter().for_each(|(apex, _)| zones::install(directory, &format!("{apex}zone"), &zones::small(apex, 1, 3)));
    });
    server.until_xfrout();
    until("xfrout refuses it", || (rcode(&server, &axfr("address.test.")) == Rcode::REFUSED).then_some(()));
    let other_key = key("hmac-sha512.", Algorithm::HmacSha512, &secret());
    let own_key = key("hmac-sha256.", Algorithm::HmacSha256, &secret());
    for (zone, from, with, is_allowed) in [
        ("address.test.", "127.0.0.1", None, false),
        ("address.test.", "127.0.0.2", None, true),
        ("address.test.", "127.0.0.2", Some(&other_key), true),
        ("key.test.", "127.0.0.2", None, false),
        ("key.test.", "127.0.0.2", Some(&other_key), false),
        ("key.test.", "127.0.0.1", Some(&own_key), true),
        ("both.test.", "127.0.0.1", Some(&own_key), false),
        ("both.test.", "127.0.0.2", None, false),
        ("both.test.", "127.0.0.2", Some(&other_key), false),
        ("both.test.", "127.0.0.2", Some(&own_key), true),
    ] {
        let mut query = axfr(zone);
        let verifier = with.map(|key| sign(&mut query, key));
        let transfer = Client::narrow_from(&server, from).transfer(&query, verifier, |_| ());
        let expected = if is_allowed { Rcode::NOERROR } else { Rcode::REFUSED };
        assert_eq!(transfer.rcode, expected, "{zone} from {from} with {with:?}");
    }
}

#[test]
fn b74_message_signature_access_quota_and_zone_are_checked_in_this_order() {
    let server = start("allow = [\"127.0.0.2\"]\nconnections-max = 1", 30_000);
    server.until_xfrout();
    until("xfrout refuses it", || (rcode(&server, &axfr(ZONE)) == Rcode::REFUSED).then_some(()));
    let from = |own: &str, query: &[u8]| Client::narrow_from(&server, own).transfer(query, None, |_| ()).rcode;
    let mut unknown_key = axfr("elsewhere.test.");
    sign(&mut unknown_key, &key("nobody.", Algorithm::HmacSha256, &secret()));
    // Not a message at all: two questions, and a signature that is not good.
    let mut malformed = unknown_key.clone();
    malformed[5] = 2;
    let mut client = Client::to(&server);
    client.send(&[malformed]);
    assert_eq!(client.read().metadata.response_code, hickory_proto::op::ResponseCode::FormErr);
    // The signature before the list, the list before the zone.
    assert_eq!(rcode(&server, &unknown_key), Rcode::NOTAUTH);
    assert_eq!(rcode(&server, &axfr("elsewhere.test.")), Rcode::REFUSED);
    assert_eq!(from("127.0.0.2", &axfr("elsewhere.test.")), Rcode::NOTAUTH);
    // The quota before the zone.
    let mut holder = Client::narrow_from(&server, "127.0.0.2");
    holder.send(&[axfr(ZONE)]);
    assert!(holder.read_octets().is_some());
    assert_eq!(from("127.0.0.2", &axfr("elsewhere.test.")), Rcode::REFUSED);
    drop(holder);
    until("the place is given back", || (from("127.0.0.2", &axfr("elsewhere.test.")) == Rcode::NOTAUTH).then_some(()));
    // An IXFR without the SOA record that it needs is no message.
    let bare =
        dns::message::question(7, ZONE.parse::<zone_segment::Name>().unwrap().as_ref(), dns::message::Asked::Axfr);
    let at = bare.len() - 4;
    let without_soa = [&bare[..at], &251u16.to_be_bytes(), &bare[at + 2..]].concat();
    assert_eq!(from("127.0.0.2", &without_soa), Rcode::FORMERR);
}

#[test]
fn b74_no_client_takes_all_places_and_each_is_given_back() {
    let server = start("allow = [\"127.0.0.0/8\"]\nconnections-max = 3\nconnections-per-client-max = 2", 30_000);
    until_linked(&server);
    let hold = |own: &str| {
        let mut client = Client::narrow_from(&server, own);
        client.send(&[axfr(ZONE)]);
        let message = client.read_octets().unwrap();
        let rcode = Rcode(u16::from(message[3] & 0xf));
        (rcode == Rcode::NOERROR).then_some(client)
    };
    for _ in 0..3 {
        // Those of the round before are given back by and by.
        let mut own: Vec<Client> = (0..2).map(|_| until("a place is free", || hold("127.0.0.1"))).collect();
        assert!(hold("127.0.0.1").is_none(), "its own are taken");
        let other = until("the last place is free", || hold("127.0.0.2"));
        assert!(hold("127.0.0.3").is_none(), "all are taken");
        // Killed clients give theirs back at once, and so does one that reads to the end.
        own.pop();
        drop(other);
        let mut next = until("two places are given back", || hold("127.0.0.3"));
        until("the other one too", || hold("127.0.0.4"));
        while next.read_octets().is_some_and(|message| message.len() > 65_000) {}
        until("the place is given back", || hold("127.0.0.5"));
    }
}

#[test]
fn b74_who_is_refused_and_does_not_read_takes_no_place() {
    let server = start("allow = [\"127.0.0.2\"]\nconnections-max = 1\nsend-timeout = \"30s\"", 30_000);
    server.until_xfrout();
    until("xfrout refuses it", || (rcode(&server, &axfr(ZONE)) == Rcode::REFUSED).then_some(()));
    let pid = server.until_xfrout();
    let descriptors = || std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let before = descriptors();
    // Thousands of requests in each connection, and nobody reads that they are refused.
    let mut deaf: Vec<Client> = (0..20).map(|_| Client::narrow(&server)).collect();
    for client in &mut deaf {
        client.ask_until_stuck(&axfr(ZONE));
    }
    until("all but a few are ended", || (descriptors() <= before + 4).then_some(()));
    let mut allowed = Client::narrow_from(&server, "127.0.0.2");
    allowed.ask(&[(ZONE, RecordType::AXFR)]);
    assert!(allowed.read_octets().unwrap().len() > 60_000);
    assert_eq!(server.wire().serial(ZONE), Some(1));
}

#[test]
fn b74_a_bad_signature_is_said_as_rfc_8945_has_it() {
    let server = start("allow = [\"key:hmac-sha256.\"]", 10);
    server.until_xfrout();
    until("xfrout refuses it", || (rcode(&server, &axfr(ZONE)) == Rcode::REFUSED).then_some(()));
    for (name, algorithm, octets, error) in [
        ("nobody.", Algorithm::HmacSha256, secret(), Rcode::BADKEY),
        ("hmac-sha256.", Algorithm::HmacSha512, secret(), Rcode::BADKEY),
        ("hmac-sha256.", Algorithm::HmacSha256, b"something else".to_vec(), Rcode::BADSIG),
    ] {
        let mut query = axfr(ZONE);
        sign(&mut query, &key(name, algorithm, &octets));
        let mut client = Client::to(&server);
        client.send(&[query]);
        let answer = client.read_octets().unwrap();
        let tsig = find(&answer).unwrap().unwrap();
        assert_eq!((answer[3] & 0xf, tsig.error, tsig.mac.len()), (9, error, 0), "{name} {algorithm}");
        // The connection is as good as before.
        let mut query = axfr(ZONE);
        let verifier = sign(&mut query, &key("hmac-sha256.", Algorithm::HmacSha256, &secret()));
        assert_eq!(client.transfer(&query, Some(verifier), |_| ()).zone().len(), 1 + 2 + 20);
    }
    // An hour ago.
    let mut query = axfr(ZONE);
    let now = dns::tsig::seconds(std::time::SystemTime::now());
    let hour = Duration::from_secs(3600).as_secs();
    dns::tsig::sign_request(&key("hmac-sha256.", Algorithm::HmacSha256, &secret()), &mut query, now - hour);
    let mut client = Client::to(&server);
    client.send(&[query]);
    let answer = client.read_octets().unwrap();
    let tsig = find(&answer).unwrap().unwrap();
    assert_eq!((answer[3] & 0xf, tsig.error, tsig.mac.len()), (9, Rcode::BADTIME, 32));
    let [a, b, c, d, e, f] = *tsig.other else { panic!("{:?}", tsig.other) };
    assert!(u64::from_be_bytes([0, 0, a, b, c, d, e, f]).abs_diff(now) < 60, "the server's own time");
}
