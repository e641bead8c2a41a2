//! Messages as they come, and what is answered at once; answers are read by the reader of messages and the client's side of signatures.

use std::sync::Arc;

use bus::protocol::messages::Transport;
use config::policy::UpdateRule;
use dns::message::header::QR;
use dns::message::{ExtendedError, Header, Records, Section};
use dns::tsig::{Algorithm, Key, Keys, Verifier, sign_request};
use dns::types::{Class, Opcode, Rcode, Rtype};
use zone_segment::Name;

use super::*;

/// 22 November 2026, 12:00:00 UTC.
const NOW: u64 = 1_795_348_800;

/// Somebody.
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// A name.
fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// The key that both sides know.
fn key() -> Arc<Key> {
    Arc::new(Key::new(name("ddns."), Algorithm::HmacSha256, b"not so secret"))
}

/// The header of a message that asks.
fn header(opcode: Opcode, counts: [u16; 4]) -> Vec<u8> {
    Header { id: 0x5452, flags: u16::from(opcode.0) << 11, counts }.to_wire().to_vec()
}

/// A record: owner, type, class, TTL and RDATA.
fn record(owner: &str, rtype: Rtype, class: Class, ttl: u32, rdata: &[u8]) -> Vec<u8> {
    let mut wire = name(owner).as_wire().to_vec();
    wire.extend([rtype.0.to_be_bytes(), class.0.to_be_bytes()].concat());
    wire.extend(ttl.to_be_bytes());
    wire.extend((rdata.len() as u16).to_be_bytes());
    wire.extend(rdata);
    wire
}

/// A zone section.
fn zone(rtype: Rtype, class: Class) -> Vec<u8> {
    [name("Example.").as_wire(), &rtype.0.to_be_bytes(), &class.0.to_be_bytes()].concat()
}

/// An update that adds an address if there is none, with an OPT record.
fn update() -> Vec<u8> {
    [
        header(Opcode::UPDATE, [1, 1, 1, 1]),
        zone(Rtype::SOA, Class::IN),
        record("new.example.", Rtype::A, Class::NONE, 0, &[]),
        record("new.example.", Rtype::A, Class::IN, 300, &[192, 0, 2, 9]),
        record(".", Rtype::OPT, Class(1232), 0x8000, &[]),
    ]
    .concat()
}

/// What a message is, for a server that knows the key.
fn received(message: Vec<u8>) -> Received {
    receive(message, CLIENT, Transport::Udp, &Keys::from_iter([key()]), NOW)
}

/// What is answered at once.
fn answered(message: Vec<u8>) -> Vec<u8> {
    match received(message) {
        Received::Answered(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// The code of an answer, that of its OPT record included; the answer has to be whole.
fn rcode(answer: &[u8]) -> Rcode {
    let header = Header::parse(answer).unwrap();
    assert!(header.has(QR) && header.id == 0x5452, "{header:?}");
    let records: Vec<_> = Records::of(answer).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(records.iter().all(|record| record.section == Section::Additional));
    let upper = records.iter().find(|record| record.rtype == Rtype::OPT).map_or(0, |opt| opt.ttl >> 24);
    Rcode(header.rcode().0 | (upper as u16) << 4)
}

#[test]
fn an_update_is_read_section_by_section() {
    let Received::Asked(exchange, Asked::Update { apex, prerequisites, records }) = received(update()) else {
        panic!("an update");
    };
    assert_eq!((apex, exchange.key(), exchange.client), (name("example."), None, CLIENT));
    let of = |class, ttl, rdata: &[u8]| UpdateRecord {
        owner: name("new.example."),
        rtype: Rtype::A,
        class,
        ttl,
        rdata: rdata.into(),
    };
    assert_eq!(prerequisites, [of(Class::NONE, 0, &[])]);
    assert_eq!(records, [of(Class::IN, 300, &[192, 0, 2, 9])]);
    let answer = exchange.answer(&Verdict::of(Rcode::NXRRSET), NOW);
    assert_eq!(rcode(&answer), Rcode::NXRRSET);
    assert_eq!(Records::of(&answer).unwrap().question().unwrap().name.to_string(), "Example.", "as it was spelled");
}

#[test]
fn what_is_no_question_about_a_zone_is_answered_at_once() {
    let soa = || zone(Rtype::SOA, Class::IN);
    let cases: Vec<(Vec<u8>, Rcode)> = vec![
        (header(Opcode::UPDATE, [0, 0, 0, 0]), Rcode::FORMERR),
        ([header(Opcode::UPDATE, [2, 0, 0, 0]), soa(), soa()].concat(), Rcode::FORMERR),
        ([header(Opcode::UPDATE, [1, 0, 0, 0]), zone(Rtype::A, Class::IN)].concat(), Rcode::FORMERR),
        ([header(Opcode::NOTIFY, [1, 0, 0, 0]), zone(Rtype::A, Class::IN)].concat(), Rcode::FORMERR),
        ([header(Opcode::UPDATE, [1, 0, 0, 0]), zone(Rtype::SOA, Class::CH)].concat(), Rcode::NOTAUTH),
        ([header(Opcode::UPDATE, [1, 0, 1, 0]), soa()].concat(), Rcode::FORMERR),
        ([header(Opcode::UPDATE, [1, 0, 0, 0]), soa(), vec![0]].concat(), Rcode::FORMERR),
        ([header(Opcode::STATUS, [1, 0, 0, 0]), soa()].concat(), Rcode::NOTIMP),
        (
            [header(Opcode::UPDATE, [1, 0, 0, 1]), soa(), record(".", Rtype::OPT, Class(512), 1 << 16, &[])].concat(),
            Rcode::BADVERS,
        ),
        (
            [header(Opcode::UPDATE, [1, 0, 1, 0]), soa(), record(".", Rtype::OPT, Class(512), 0, &[])].concat(),
            Rcode::FORMERR,
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(rcode(&answered(message.clone())), expected, "{message:?}");
    }
    let mut response = update();
    response[2] |= 0x80;
    assert!(matches!(received(response), Received::Nothing));
    assert!(matches!(received(b"short".to_vec()), Received::Nothing));
    // No message cut short is taken for a whole one.
    for length in 12..update().len() {
        assert_eq!(rcode(&answered(update()[..length].to_vec())), Rcode::FORMERR, "{length}");
    }
}

#[test]
fn a_signed_message_is_answered_signed() {
    let mut message = update();
    let mut verifier: Verifier = sign_request(&key(), &mut message, NOW - 10);
    let Received::Asked(exchange, Asked::Update { .. }) = received(message) else { panic!("an update") };
    assert_eq!(exchange.key(), Some(&name("ddns.")));
    let answer = exchange.answer(&Verdict::because(Rcode::REFUSED, "no".to_owned()), NOW);
    assert!(verifier.verify(&answer, NOW).is_ok() && verifier.is_settled());
    assert_eq!(rcode(&answer), Rcode::REFUSED);
}

#[test]
fn a_signature_that_is_not_good_is_refused() {
    let signed = |key: &Arc<Key>, time| {
        let mut message = update();
        sign_request(key, &mut message, time);
        message
    };
    let stranger = Arc::new(Key::new(name("other."), Algorithm::HmacSha256, b"not so secret"));
    let guessed = Arc::new(Key::new(name("ddns."), Algorithm::HmacSha256, b"guessed secret"));
    // The error of the answer's TSIG record stands before the length of its other data.
    let error = |answer: &[u8]| {
        let records: Vec<_> = Records::of(answer).unwrap().collect::<Result<_, _>>().unwrap();
        let tsig = records.last().filter(|record| record.rtype == Rtype::TSIG).unwrap();
        let other = if tsig.rdata.ends_with(&[0, 0]) { 2 } else { 8 };
        let at = tsig.rdata.len() - other - 2;
        Rcode(u16::from_be_bytes([tsig.rdata[at], tsig.rdata[at + 1]]))
    };
    let cases = [
        (signed(&stranger, NOW), Rcode::BADKEY),
        (signed(&guessed, NOW), Rcode::BADSIG),
        (signed(&key(), NOW - 301), Rcode::BADTIME),
    ];
    for (message, expected) in cases {
        let answer = answered(message);
        assert_eq!((rcode(&answer), error(&answer)), (Rcode::NOTAUTH, expected));
    }
}

#[test]
fn the_reason_goes_along_as_far_as_it_fits() {
    let Received::Asked(exchange, _) = received(update()) else { panic!("an update") };
    let text = |answer: &[u8]| {
        let records: Vec<_> = Records::of(answer).unwrap().collect::<Result<_, _>>().unwrap();
        let opt = records.iter().find(|record| record.rtype == Rtype::OPT).unwrap();
        assert_eq!((opt.ttl & 0x8000, opt.rdata[..2].to_vec()), (0x8000, vec![0, 15]));
        String::from_utf8(opt.rdata[6..].to_vec()).unwrap()
    };
    assert_eq!(text(&exchange.answer(&Verdict::because(Rcode::REFUSED, "no".to_owned()), NOW)), "no");
    let long = exchange.answer(&Verdict::because(Rcode::REFUSED, "é".repeat(5000)), NOW);
    assert!(text(&long).len() > 300 && long.len() <= 1232, "{}", long.len());
    let without = [header(Opcode::UPDATE, [1, 0, 0, 0]), zone(Rtype::SOA, Class::IN)].concat();
    let Received::Asked(exchange, _) = received(without) else { panic!("an update") };
    assert_eq!(exchange.answer(&Verdict::because(Rcode::REFUSED, "no".to_owned()), NOW).len(), 12 + 9 + 4);
}

#[test]
fn every_record_needs_a_rule_that_is_about_who_asks() {
    let rule = |who: &str, names: &[&str], types: &[Rtype]| UpdateRule {
        who: [who].iter().map(|entry| entry.parse().unwrap()).collect(),
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        types: types.to_vec(),
    };
    let rules = [
        rule("key:ddns.", &["*.dyn.example."], &[Rtype::A]),
        rule("key:ddns.", &["www.example."], &[]),
        rule("127.0.0.1", &[], &[]),
    ];
    let of = |owner: &str, rtype| UpdateRecord {
        owner: name(owner),
        rtype,
        class: Class::ANY,
        ttl: 0,
        rdata: Box::default(),
    };
    let may = |key: Option<&str>, records: &[UpdateRecord]| {
        permitted(&rules, CLIENT, key.map(name).as_ref(), &name("example."), records)
    };
    let key = Some("ddns.");
    assert!(may(key, &[of("a.dyn.example.", Rtype::A), of("www.example.", Rtype::ANY)]));
    assert!(!may(key, &[of("a.dyn.example.", Rtype::A), of("www2.example.", Rtype::A)]));
    assert!(!may(key, &[of("a.dyn.example.", Rtype::ANY)]), "deletes all types");
    assert!(!may(None, &[of("a.dyn.example.", Rtype::A)]) && !may(Some("other."), &[]) && may(key, &[]));
    // What is outside of the zone has an answer of its own.
    assert!(may(key, &[of("elsewhere.", Rtype::A)]) && !may(None, &[of("elsewhere.", Rtype::A)]));
    let own = "127.0.0.1".parse().unwrap();
    assert!(permitted(&rules, own, None, &name("example."), &[of("example.", Rtype::ANY)]));
}

#[test]
fn what_is_malformed_behind_a_good_signature_is_answered_signed() {
    // An address of three octets is a record that no update may have, an MX record without a name one that can't be read.
    let mx = record("new.example.", Rtype::MX, Class::IN, 300, &[0, 10, 0xc0]);
    let mut message = [header(Opcode::UPDATE, [1, 0, 1, 0]), zone(Rtype::SOA, Class::IN), mx].concat();
    assert_eq!(rcode(&answered(message.clone())), Rcode::FORMERR);
    let mut verifier = sign_request(&key(), &mut message, NOW);
    let answer = answered(message);
    assert!(verifier.verify(&answer, NOW).is_ok() && verifier.is_settled());
    assert_eq!(rcode(&answer), Rcode::FORMERR);
}

#[test]
fn an_answer_fits_into_what_the_asker_takes() {
    let label = "a".repeat(63);
    let long = format!("{label}.{label}.{label}.{}.", "b".repeat(61));
    let long_key = Arc::new(Key::new(name(&long), Algorithm::HmacSha512, b"secret"));
    let zone_section = [name(&long).as_wire(), &[0, 6, 0, 1]].concat();
    for (edns, records) in [(vec![], 0), (record(".", Rtype::OPT, Class(512), 0, &[]), 1)] {
        let mut message = [header(Opcode::UPDATE, [1, 0, 0, records]), zone_section.clone(), edns].concat();
        let mut verifier = sign_request(&long_key, &mut message, NOW);
        for (transport, has_zone) in [(Transport::Udp, false), (Transport::Tcp, true)] {
            let keys = Keys::from_iter([Arc::clone(&long_key)]);
            let Received::Asked(exchange, _) = receive(message.clone(), CLIENT, transport, &keys, NOW) else {
                panic!("an update");
            };
            let answer = exchange.answer(&Verdict::because(Rcode::REFUSED, "é".repeat(300)), NOW);
            assert_eq!(rcode(&answer), Rcode::REFUSED);
            assert_eq!(Records::of(&answer).unwrap().question().is_some(), has_zone);
            assert!(has_zone || answer.len() <= 512, "{}", answer.len());
            let mut verifier = verifier.clone();
            assert!(verifier.verify(&answer, NOW).is_ok());
        }
        assert!(verifier.verify(&[], NOW).is_err());
    }
}

#[test]
fn what_a_primary_answers_is_said_in_an_answer_of_our_own() {
    let of = |counts, flags: u16, behind: &[u8]| {
        let header = Header { id: 9, flags: 0xa800 | flags, counts };
        Verdict::of_answer(&[&header.to_wire()[..], behind].concat())
    };
    assert_eq!(of([0, 0, 0, 0], 6, &[]), Some(Verdict::of(Rcode::YXDOMAIN)));
    assert_eq!(of([0, 0, 0, 1], 6, &[]), None, "it is cut short");
    let opt = |options: &[u8]| record(".", Rtype::OPT, Class(1232), 1 << 24, options);
    assert_eq!(of([0, 0, 0, 1], 0, &opt(&[])), Some(Verdict::of(Rcode::BADVERS)));
    // A cookie first, which is for us, then the reason.
    let options = b"\0\x0a\0\x02xy\0\x0f\0\x05\0\x12why";
    let expected = Verdict { rcode: Rcode(16 | 5), error: Some((ExtendedError::PROHIBITED, "why".to_owned())) };
    assert_eq!(of([0, 0, 0, 1], 5, &opt(options)), Some(expected));
    for cut in 1..options.len() {
        let verdict = of([0, 0, 0, 1], 5, &opt(&options[..cut])).unwrap();
        assert_eq!(verdict.rcode, Rcode(16 | 5), "{cut}");
    }
}
