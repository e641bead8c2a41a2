//! Rows of messages: what is written is what is read back, in messages that are as full as they may be.

use std::convert::Infallible;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::tsig::{Algorithm, Checked, Key, Keys, sign_request, verify_request};
use crate::types::compressible_names;

/// A record: owner, type, TTL and RDATA.
type Row = (Name, Rtype, u32, Vec<u8>);

/// The messages of an answer with these records.
fn written(records: &[Row], apex: &Name, limit: usize) -> Vec<Vec<u8>> {
    let question = question(7, apex.as_ref(), Asked::Axfr);
    let Received::Query(query) = receive(&question) else { panic!("a query") };
    let mut stream = MessageStream::new(query.header, &query.question, limit, 0);
    let mut messages = Vec::new();
    let mut send = |message: &mut Vec<u8>| {
        messages.push(message.clone());
        Ok::<(), Infallible>(())
    };
    for (owner, rtype, ttl, rdata) in records {
        stream.record(owner.as_ref(), *rtype, *ttl, rdata, &mut send).unwrap();
    }
    stream.end(&mut send).unwrap();
    messages
}

/// The records of messages.
fn read(messages: &[Vec<u8>]) -> Vec<Row> {
    let records = messages.iter().flat_map(|message| Records::of(message).unwrap());
    records
        .map(|record| record.unwrap())
        .map(|record| (record.owner, record.rtype, record.ttl, record.rdata.into_vec()))
        .collect()
}

/// Whether the names of both are the same octet by octet.
fn is_same_case(one: &[Row], other: &[Row]) -> bool {
    one.iter().zip(other).all(|(one, other)| one.0.as_wire() == other.0.as_wire())
}

/// Goes over all names of a message that may have a pointer, and says whether each that has leads to below 0x4000 and behind the header.
fn pointers_are_short(message: &[u8]) -> bool {
    let name = |mut at: usize| {
        while let length @ 1..0xc0 = message[at] {
            at += 1 + usize::from(length);
        }
        let pointer =
            (message[at] >= 0xc0).then(|| usize::from(u16::from_be_bytes([message[at] & 0x3f, message[at + 1]])));
        (
            at + if pointer.is_some() { 2 } else { 1 },
            pointer.is_none_or(|target| (12..at.min(0x4000)).contains(&target)),
        )
    };
    let counts = Header::parse(message).unwrap().counts;
    let mut at = 12;
    for _ in 0..counts[0] {
        at = name(at).0 + 4;
    }
    let mut all = true;
    for _ in 0..counts[1] + counts[3] {
        let (fixed, is_short) = name(at);
        all &= is_short;
        let rtype = Rtype(u16::from_be_bytes([message[fixed], message[fixed + 1]]));
        let start = fixed + 10;
        let end = start + usize::from(u16::from_be_bytes([message[fixed + 8], message[fixed + 9]]));
        if let Some(fields) = compressible_names(rtype).filter(|_| message[fixed + 3] == 1) {
            let mut inside = start + fields.offset;
            for _ in 0..fields.count {
                let (end_of_name, is_short) = name(inside);
                all &= is_short;
                inside = end_of_name;
            }
        }
        at = end;
    }
    all && at == message.len()
}

/// Records of a zone of delegations, in canonical order but for the numbers.
fn delegations(count: u32) -> Vec<Row> {
    (0..count)
        .map(|number| match number % 4 {
            0 | 1 => {
                let target = format!("ns{}.hoster{}.net.", number % 4, number / 4 % 50).parse::<Name>().unwrap();
                (name(&format!("d{}.example.", number / 4)), Rtype::NS, 3600, target.as_wire().to_vec())
            }
            2 => (name(&format!("ns.d{}.example.", number / 4)), Rtype::A, 60, number.to_be_bytes().to_vec()),
            _ => (
                name(&format!("Mixed{}.Example.", number / 4)),
                Rtype::MX,
                1,
                [b"\0\x0a", name(&format!("a.d{}.example.", number / 8)).as_wire()].concat(),
            ),
        })
        .collect()
}

#[test]
fn rows_of_any_length_come_back() {
    let apex = name("example.");
    for count in [0, 1, 2, 100, 1_000, 100_000] {
        let records = delegations(count);
        for limit in [65_535, 16_384, 600] {
            let messages = written(&records, &apex, limit);
            let found = read(&messages);
            assert!(found == records && is_same_case(&found, &records), "{count} {limit}");
            assert!(messages.iter().all(|message| message.len() <= limit && pointers_are_short(message)));
            // Nothing is left over in a message that would have held another record: the longest here has 60 octets.
            let (_, full) = messages.split_last().unwrap();
            assert!(full.iter().all(|message| message.len() > limit - 60), "{count} {limit}");
        }
    }
}

#[test]
fn the_question_and_the_opt_record_stand_in_the_first_message() {
    let question = question(7, name("EXample.").as_ref(), Asked::Axfr);
    let Received::Query(query) = receive(&question) else { panic!("a query") };
    let mut stream = MessageStream::new(query.header, &query.question, 200, 50);
    stream.set_edns(&EdnsReply { udp_size: 1232, identity: Some(b"me"), ..EdnsReply::default() });
    let owner = name("EXample.");
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for number in 0..20 {
        if stream.push(owner.as_ref(), Rtype::A, number, b"abcd").is_err() {
            messages.push(stream.finish().clone());
            assert_eq!(stream.push(owner.as_ref(), Rtype::A, number, b""), Err(PushError::Full), "it is finished");
            stream.begin();
            stream.push(owner.as_ref(), Rtype::A, number, b"abcd").unwrap();
        }
    }
    messages.push(stream.finish().clone());
    let first = Header::parse(&messages[0]).unwrap();
    assert_eq!((first.id, first.flags, first.counts), (7, 0x8400, [1, 6, 0, 1]));
    assert_eq!(messages[0].len(), 12 + 13 + 6 * 16 + 17);
    assert!(messages[0].ends_with(b"\0\0\x29\x04\xd0\0\0\0\0\0\x06\0\x03\0\x02me"));
    for message in &messages[1..] {
        assert_eq!(Header::parse(message).unwrap().counts[..1], [0]);
        assert_eq!(Header::parse(message).unwrap().counts[2..], [0, 0]);
        assert!(message.len() <= 150);
    }
    assert_eq!(messages.iter().map(|message| Header::parse(message).unwrap().counts[1]).sum::<u16>(), 20);
}

#[test]
fn a_record_that_fits_no_message_is_refused() {
    let apex = name("example.");
    let question = question(7, apex.as_ref(), Asked::Axfr);
    let Received::Query(query) = receive(&question) else { panic!("a query") };
    let mut stream = MessageStream::new(query.header, &query.question, 65_535, 0);
    let rdata = vec![0; 65_536];
    let mut sent = 0;
    let mut send = |_: &mut Vec<u8>| {
        sent += 1;
        Ok::<(), Infallible>(())
    };
    stream.record(apex.as_ref(), Rtype::A, 0, b"abcd", &mut send).unwrap();
    // Behind a header there are 65,523 octets, of which owner and fixed fields take 19.
    stream.record(apex.as_ref(), Rtype(65280), 0, &rdata[..65_504], &mut send).unwrap();
    for octets in [65_505, 65_535, 65_536] {
        let error = stream.record(apex.as_ref(), Rtype(65280), 0, &rdata[..octets], &mut send).unwrap_err();
        assert_eq!(error, StreamError::TooLong);
    }
    assert_eq!(stream.push(apex.as_ref(), Rtype(65280), 0, &rdata), Err(PushError::TooLong));
    stream.record(apex.as_ref(), Rtype::A, 0, b"abcd", &mut send).unwrap();
    assert_eq!(stream.records(), 1);
    assert_eq!(sent, 2);
    let refuse = |_: &mut Vec<u8>| Err("away");
    assert_eq!(stream.end(refuse), Err(StreamError::Send("away")));
}

#[test]
fn b73_no_signed_message_is_longer_than_65535_octets() {
    let apex = name("example.");
    let key = Arc::new(Key::new(name("a.rather.long.name.of.a.key.example."), Algorithm::HmacSha512, b"secret"));
    let mut question = question(7, apex.as_ref(), Asked::Axfr);
    let mut verifier = sign_request(&key, &mut question, 1000);
    let mut signer = verify_request(&question, &Keys::from_iter([key]), 1000).unwrap().unwrap().signer();
    let Received::Query(query) = receive(&question) else { panic!("a query") };
    let mut stream = MessageStream::new(query.header, &query.question, 65_535, signer.octets());
    let mut longest = 0;
    let mut found = Vec::new();
    let mut send = |message: &mut Vec<u8>| {
        signer.sign(message, 1000);
        longest = longest.max(message.len());
        assert!(matches!(verifier.verify(message, 1000), Ok(Checked::Signed { .. })));
        found.extend(Records::of(message).unwrap().map(Result::unwrap).filter(|record| record.rtype != Rtype::TSIG));
        Ok::<(), Infallible>(())
    };
    let records = delegations(20_000);
    for (owner, rtype, ttl, rdata) in &records {
        stream.record(owner.as_ref(), *rtype, *ttl, rdata, &mut send).unwrap();
    }
    stream.end(&mut send).unwrap();
    assert!((65_450..=65_535).contains(&longest), "{longest}");
    assert_eq!(found.len(), records.len());
    assert!(verifier.is_settled());
}

#[test]
fn names_are_as_short_as_the_names_before_allow() {
    let apex = name("example.");
    let ns = |owner: &str, target: &str| (name(owner), Rtype::NS, 1, name(target).as_wire().to_vec());
    let octets = |records: &[Row]| written(records, &apex, 65_535)[0].len() - 12 - 13;
    // Owner, fixed fields, target.
    assert_eq!(octets(&[ns("example.", "ns.example.")]), 2 + 10 + 5);
    assert_eq!(octets(&[ns("example.", "ns.example."), ns("example.", "ns.example.")]), 17 + 14);
    assert_eq!(octets(&[ns("a.example.", "b.a.example."), ns("b.a.example.", "a.example.")]), 4 + 10 + 4 + 14);
    assert_eq!(octets(&[ns("a.example.", "x.y."), ns("b.example.", "z.y.")]), 4 + 10 + 5 + 4 + 10 + 4);
    assert_eq!(octets(&[ns("c.b.a.example.", "."), ns("d.b.a.example.", "a.example.")]), 8 + 10 + 1 + 4 + 10 + 2);
    assert_eq!(octets(&[ns(".", "."), ns(".", "."), ns("com.", "a.com.")]), 12 + 12 + 5 + 10 + 4);
    // Case is kept, at the cost of some octets.
    assert_eq!(octets(&[ns("A.example.", "a.example.")]), 4 + 10 + 4);
    // SRV is no type of RFC 1035.
    let srv = (apex.clone(), Rtype::SRV, 1, [b"123456", apex.as_wire()].concat());
    assert_eq!(octets(&[srv]), 12 + 6 + 9);
}

#[test]
fn rdata_that_is_none_of_its_type_goes_out_as_it_is() {
    let apex = name("example.");
    for (rtype, rdata) in [
        (Rtype::NS, &b"\x05ab"[..]),
        (Rtype::MX, b"\0"),
        (Rtype::SOA, b"\x01a\0\xc0"),
        (Rtype::NS, b""),
        (Rtype::NS, b"\0rest"),
    ] {
        let messages = written(&[(apex.clone(), rtype, 1, rdata.to_vec())], &apex, 65_535);
        assert!(messages[0].ends_with(&[&(rdata.len() as u16).to_be_bytes()[..], rdata].concat()), "{rdata:02x?}");
    }
    // 127 labels fill a name; no longer one is compressed.
    let longest = [&b"\x01a".repeat(127)[..], b"\0"].concat();
    let records = vec![(Name::from_wire(&longest).unwrap(), Rtype::NS, 1, longest.clone()); 3];
    assert_eq!(read(&written(&records, &apex, 600)), records);
    let beyond = [&b"\x01a".repeat(128)[..], b"\0"].concat();
    let messages = written(&[(apex.clone(), Rtype::NS, 1, beyond.clone())], &apex, 65_535);
    assert!(messages[0].ends_with(&beyond));
}

proptest! {
    #[test]
    fn any_records_come_back_in_their_case(
        records in prop::collection::vec(
            (
                prop::collection::vec(prop::sample::select(vec!["a", "A", "b", "ab", "abcdefgh", "abcdefghi", "a-rather-long-label-indeed"]), 0..6),
                prop::collection::vec(prop::sample::select(vec!["a", "A", "ns", "abcdefgh", "abcdefgI"]), 0..6),
                0..5u8,
                0..300usize,
                1..4usize,
            ),
            1..60,
        ),
        limit in 900..3000usize,
        apex in prop::sample::select(vec![".", "a.", "b.a."]),
    ) {
        let name_of = |labels: &[&str]| Name::from_labels(labels.iter().map(|label| label.as_bytes()), NameRef::ROOT).unwrap();
        let records: Vec<Row> = records.iter().flat_map(|(owner, target, kind, octets, times)| {
            let (owner, target) = (name_of(owner), name_of(target));
            let (rtype, rdata) = match kind {
                0 => (Rtype::NS, target.as_wire().to_vec()),
                1 => (Rtype::SOA, [target.as_wire(), owner.as_wire(), &[7; 20]].concat()),
                2 => (Rtype::MX, [b"\0\x01", target.as_wire()].concat()),
                3 => (Rtype::TXT, vec![b'x'; *octets]),
                _ => (Rtype::A, vec![1, 2, 3, 4]),
            };
            vec![(owner, rtype, *octets as u32, rdata); *times]
        }).collect();
        let messages = written(&records, &name(apex), limit);
        let found = read(&messages);
        prop_assert_eq!(&found, &records);
        prop_assert!(is_same_case(&found, &records));
        prop_assert!(messages.iter().all(|message| message.len() <= limit && pointers_are_short(message)));
    }
}
