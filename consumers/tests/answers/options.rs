//! What a policy and the options of an OPT record change in answers: cookies, identifiers, versions, class CHAOS, rotation, what goes beside data.

use std::time::Duration;

use consumers::auth::answer::{Answered, Cookies, Kind, Policy, Scratch, Transport, respond, slip};
use dns::message::header::{self, Header};
use dns::types::Rtype;
use zone_segment::ZoneSet;

use crate::ask::{Ask, client, read_record, text};
use crate::found::ZONES;
use crate::zones::{generation, zone};

/// A query with options in its OPT record.
fn with_options(line: &str, options: &[(u16, &[u8])]) -> Ask {
    let mut ask = Ask::new(line);
    let rdata: Vec<u8> = options
        .iter()
        .flat_map(|(code, value)| [&code.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat())
        .collect();
    let length_at = ask.message.len() - 2;
    ask.message[length_at..].copy_from_slice(&(rdata.len() as u16).to_be_bytes());
    ask.message.extend(rdata);
    ask
}

/// The answer under a policy, and what is said of it.
fn answer(ask: &Ask, zones: &ZoneSet, policy: &Policy) -> (Vec<u8>, Answered) {
    let mut room = vec![0; 65_535];
    let answered = ask.respond_into(zones, policy, &mut room).unwrap();
    room.truncate(answered.octets);
    (room, answered)
}

/// The options of an answer's OPT record, which is its last.
fn options(answer: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let header = Header::parse(answer).unwrap();
    let mut position = 12;
    for _ in 0..header.counts[0] {
        position = crate::ask::read_name(answer, position).1 + 4;
    }
    let mut last = None;
    for _ in 0..header.counts[1..].iter().sum::<u16>() {
        last = Some(read_record(answer, &mut position));
    }
    let opt = last.filter(|record| record.rtype == Rtype::OPT).expect("an OPT record");
    let (mut options, mut rest) = (Vec::new(), &opt.rdata[..]);
    while !rest.is_empty() {
        let [a, b, c, d, ..] = *rest else { panic!("{rest:?}") };
        let end = 4 + usize::from(u16::from_be_bytes([c, d]));
        options.push((u16::from_be_bytes([a, b]), rest[4..end].to_vec()));
        rest = &rest[end..];
    }
    options
}

/// A policy with one of everything.
fn full() -> Policy {
    Policy {
        version: Some("Trine".into()),
        identity: Some("ns1.paris".into()),
        cookies: Cookies::new(&[[7; 16]]),
        keepalive: Some(Duration::from_secs(10)),
        ..Policy::default()
    }
}

#[test]
fn b58_a_cookie_is_answered_and_then_known() {
    let policy = full();
    let first = with_options("www.example. A +edns=1232", &[(10, b"12345678")]);
    let (octets, answered) = answer(&first, &ZONES, &policy);
    let [(10, cookie)] = &options(&octets)[..] else { panic!("{:?}", options(&octets)) };
    assert_eq!((cookie.len(), &cookie[..8]), (24, &b"12345678"[..]));
    assert!(!answered.summary.has_valid_cookie);
    let again = with_options("www.example. A +edns=1232", &[(10, cookie)]);
    let (octets, answered) = answer(&again, &ZONES, &policy);
    assert!(answered.summary.has_valid_cookie && text(&octets).contains("192.0.2.80"));
    // Forged ones are answered as if they were not there (RFC 7873, section 5.2.4).
    let mut forged = cookie.clone();
    forged[23] ^= 1;
    let (octets, answered) = answer(&with_options("www.example. A +edns=1232", &[(10, &forged)]), &ZONES, &policy);
    assert!(!answered.summary.has_valid_cookie && text(&octets).contains("192.0.2.80"));
    // After a roll the old secret's are still accepted, and answered with the new secret's.
    let rolled = Policy { cookies: Cookies::new(&[[8; 16], [7; 16]]), ..full() };
    let (octets, answered) = answer(&again, &ZONES, &rolled);
    assert!(answered.summary.has_valid_cookie);
    assert_ne!(options(&octets)[0].1, *cookie);
}

#[test]
fn b58_malformed_cookies_are_format_errors_and_none_are_made_where_they_are_off() {
    for length in [0, 1, 7, 9, 15, 41] {
        let ask = with_options("www.example. A +edns=1232", &[(10, &vec![1; length])]);
        assert_eq!(answer(&ask, &ZONES, &full()).1.summary.rcode.to_string(), "FORMERR", "{length} octets");
        let off = answer(&ask, &ZONES, &Policy::default());
        assert_eq!((off.1.summary.rcode.to_string(), options(&off.0)), ("NOERROR".to_owned(), Vec::new()));
    }
}

#[test]
fn b58_a_query_without_a_question_gets_a_cookie() {
    let mut ask = with_options(". A +edns=1232", &[(10, b"12345678")]);
    ask.message.drain(12..12 + 5);
    ask.message[4..6].copy_from_slice(&[0, 0]);
    let (octets, answered) = answer(&ask, &ZONES, &full());
    assert_eq!(answered.summary.rcode.to_string(), "NOERROR");
    assert_eq!(Header::parse(&octets).unwrap().counts, [0, 0, 0, 1]);
    assert_eq!(options(&octets)[0].1.len(), 24);
    // In another version of EDNS it may mean anything.
    let mut unknown = ask.message.clone();
    unknown[12 + 6] = 1;
    let unknown = Ask { message: unknown, transport: Transport::Udp };
    assert_eq!(answer(&unknown, &ZONES, &full()).1.summary.rcode.to_string(), "BADVERS");
    // Where cookies are off there is nothing that it could ask for.
    assert_eq!(answer(&ask, &ZONES, &Policy::default()).1.summary.rcode.to_string(), "FORMERR");
}

#[test]
fn the_identity_the_zone_version_and_the_idle_timeout_are_told_to_who_asks() {
    let asked: &[(u16, &[u8])] = &[(3, b""), (19, b""), (11, b""), (65_001, b"unknown"), (12, b"\0\0\0\0")];
    let told = |line: &str, policy: &Policy| options(&answer(&with_options(line, asked), &ZONES, policy).0);
    let version = |labels| (19, vec![labels, 0, 0, 0, 0, 1]);
    assert_eq!(told("www.example. A +edns=1232", &full()), [(3, b"ns1.paris".to_vec()), version(1)]);
    // Negative answers and referrals have a version too (RFC 9660, section 3).
    assert_eq!(told("nope.example. A +edns=1232", &full()), [(3, b"ns1.paris".to_vec()), version(1)]);
    assert_eq!(told("x.sub.example. A +edns=1232", &full()), [(3, b"ns1.paris".to_vec()), version(1)]);
    assert_eq!(told("www.elsewhere. A +edns=1232", &full()), [(3, b"ns1.paris".to_vec()), (15, vec![0, 20])]);
    let over_tcp = told("www.example. A +edns=1232 +tcp", &full());
    assert_eq!(over_tcp, [(11, vec![0, 100]), (3, b"ns1.paris".to_vec()), version(1)]);
    assert_eq!(told("www.example. A +edns=1232 +tcp", &Policy::default()), [version(1)]);
    assert_eq!(options(&answer(&Ask::new("www.example. A +edns=1232"), &ZONES, &full()).0), []);
}

#[test]
fn class_chaos_says_what_is_configured_and_refuses_the_rest() {
    let said = |line: &str, policy: &Policy| text(&answer(&Ask::new(line), &ZONES, policy).0);
    for name in ["version.bind.", "VERSION.server."] {
        let answer = said(&format!("{name} TXT +class=3"), &full());
        assert!(answer.starts_with("NOERROR aa\n") && answer.ends_with(" 0 TXT \"Trine\"\n"), "{answer}");
        assert_eq!(said(&format!("{name} TXT +class=3"), &Policy::default()), "REFUSED\n");
        assert_eq!(said(&format!("{name} A +class=3"), &full()), "NOERROR aa\n");
    }
    for name in ["id.server.", "hostname.bind."] {
        assert!(said(&format!("{name} ANY +class=3"), &full()).ends_with(" 0 TXT \"ns1.paris\"\n"));
    }
    assert_eq!(said("authors.bind. TXT +class=3", &full()), "REFUSED\n");
    // The same names of class IN are names like others.
    assert_eq!(said("version.bind. TXT", &full()), "REFUSED\n");
}

#[test]
fn records_are_turned_by_the_id_where_that_is_asked_for() {
    let policy = Policy { rotate_rrsets: true, ..Policy::default() };
    let mut orders = std::collections::BTreeSet::new();
    for id in 1..20u16 {
        let mut ask = Ask::new("www.example. A");
        ask.message[..2].copy_from_slice(&id.to_be_bytes());
        let turned = text(&answer(&ask, &ZONES, &policy).0);
        let mut lines: Vec<&str> = turned.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            ["NOERROR aa", "answer www.example. 3600 A 192.0.2.80", "answer www.example. 3600 A 192.0.2.81"]
        );
        orders.insert(turned);
        let still = text(&answer(&ask, &ZONES, &Policy::default()).0);
        assert!(still.find("192.0.2.80") < still.find("192.0.2.81"));
    }
    assert_eq!(orders.len(), 2);
}

#[test]
fn a_long_identity_is_left_out_where_it_does_not_fit() {
    let long = Policy { identity: Some("i".repeat(255).into()), ..full() };
    let name = format!("{}.{}.{}.{}.example.", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(40));
    let ask = with_options(&format!("{name} A +edns=512"), &[(3, b""), (10, b"12345678"), (19, b"")]);
    let codes: Vec<u16> = options(&answer(&ask, &ZONES, &long).0).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, [10, 19]);
    let short = with_options("www.example. A +edns=512", &[(3, b"")]);
    assert_eq!(options(&answer(&short, &ZONES, &long).0)[0].1.len(), 255);
}

#[test]
fn the_soa_record_that_answers_ixfr_is_an_answer_like_others() {
    let summary = answer(&Ask::new("example. IXFR"), &ZONES, &Policy::default()).1.summary;
    let soa = answer(&Ask::new("example. SOA"), &ZONES, &Policy::default()).1.summary;
    assert_eq!((summary.kind, summary.like), (soa.kind, soa.like));
    let nowhere = answer(&Ask::new("www.example. IXFR"), &ZONES, &Policy::default()).1.summary;
    assert_eq!(nowhere.kind, Kind::Error);
}

/// A zone of records that speak of other names.
const SERVICES: &str = "
@        3600 SOA ns1 admin 1 7200 3600 1209600 900
@        3600 NS ns1
@        3600 MX 10 mail
ns1      3600 A 192.0.2.1
mail     3600 A 192.0.2.2
mail     3600 AAAA 2001:db8::2
_sip._tcp 3600 SRV 0 0 5060 mail
www      3600 HTTPS 1 . alpn=h2
www      3600 A 192.0.2.3
alias    3600 HTTPS 0 pool
pool     3600 HTTPS 1 mail
pool     3600 A 192.0.2.4
none     3600 SVCB 0 .
out      3600 SVCB 1 www.elsewhere.
in       3600 SVCB 1 x.wild
two      3600 HTTPS 1 . alpn=h3
two      3600 HTTPS 2 . alpn=h2
two      3600 A 192.0.2.6
*.wild   3600 A 192.0.2.5
";

#[test]
fn svcb_records_bring_their_targets_addresses() {
    let zones = generation(1, vec![zone("services.", SERVICES)]);
    let beside = |line: &str, policy: &Policy| -> Vec<String> {
        let answer = text(&answer(&Ask::new(line), &zones, policy).0);
        answer.lines().filter_map(|line| line.strip_prefix("additional ")).map(str::to_owned).collect()
    };
    let minimal = Policy::default();
    assert_eq!(beside("www.services. HTTPS", &minimal), ["www.services. 3600 A 192.0.2.3"]);
    assert_eq!(beside("two.services. HTTPS", &minimal), ["two.services. 3600 A 192.0.2.6"]);
    let of_alias = beside("alias.services. HTTPS", &minimal);
    assert_eq!(of_alias.len(), 4, "{of_alias:?}");
    assert!(of_alias[0].ends_with(" A 192.0.2.4") && of_alias[1].contains("HTTPS 1 mail.services."), "{of_alias:?}");
    for line in
        ["none.services. SVCB", "out.services. SVCB", "in.services. SVCB", "services. MX", "_sip._tcp.services. SRV"]
    {
        assert_eq!(beside(line, &minimal), [""; 0], "{line}");
    }
    let whole = Policy { minimal_responses: false, ..Policy::default() };
    let addresses =
        ["mail.services. 3600 A 192.0.2.2", "mail.services. 3600 AAAA 2001:db8::2", "ns1.services. 3600 A 192.0.2.1"];
    assert_eq!(beside("services. MX", &whole), addresses);
    assert_eq!(beside("_sip._tcp.services. SRV", &whole), addresses);
    assert_eq!(beside("ns1.services. A", &whole), [""; 0], "it is the answer");
    let answer = text(&answer(&Ask::new("www.services. A"), &zones, &whole).0);
    assert!(answer.contains("authority services. 3600 NS ns1.services."), "{answer}");
}

#[test]
fn answers_are_told_apart_by_kind_and_by_what_makes_them_alike() {
    let summary = |line: &str| answer(&Ask::new(line), &ZONES, &Policy::default()).1.summary;
    let alike = [
        ("www.example. A", "WWW.example. TXT", Kind::Positive),
        ("x.wild.example. A", "a.b.wild.example. A", Kind::Wildcard),
        ("a.dname.example. A", "b.dname.example. A", Kind::Wildcard),
        ("sub.example. A", "x.sub.example. AAAA", Kind::Referral),
        ("www.example. MX", "ent.example. A", Kind::NoData),
        ("nope.example. A", "x.nope.example. A", Kind::NxDomain),
        ("www.elsewhere. A", "x.other. A", Kind::Error),
    ];
    for (one, other, kind) in alike {
        assert_eq!([summary(one).kind, summary(other).kind], [kind; 2], "{one}");
        assert_eq!(summary(one).like, summary(other).like, "{one}");
    }
    assert_ne!(summary("www.example. A").like, summary("alias.example. A").like);
}

#[test]
fn a_slip_is_truncated_empty_and_asks_for_tcp() {
    let ask = with_options("www.example. A +edns=1232", &[(10, b"12345678")]);
    let mut room = [0; 512];
    let answered = slip(&ask.message, &client(Transport::Udp), &full(), &mut room).unwrap();
    let octets = &room[..answered.octets];
    assert_eq!(text(octets), "NOERROR tc\n");
    assert_eq!(Header::parse(octets).unwrap().counts, [1, 0, 0, 1]);
    assert_eq!(options(octets)[0].1.len(), 24);
    // Responses are not answered, not even so.
    let mut response = ask.message.clone();
    response[2] |= (header::QR >> 8) as u8;
    assert!(slip(&response, &client(Transport::Udp), &full(), &mut room).is_none());
    assert!(
        respond::<zone_segment::Mapping>(
            &response,
            None,
            &client(Transport::Udp),
            &full(),
            &mut room,
            &mut Scratch::default()
        )
        .is_none()
    );
}
