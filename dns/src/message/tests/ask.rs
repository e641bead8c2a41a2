//! What other servers are asked and told, as another parser reads it.

use hickory_proto::op::{Message, OpCode};
use hickory_proto::rr::RecordType;

use super::*;
use crate::tsig::{Algorithm, Key, sign_request};
use crate::types::{Class, Opcode};

/// RDATA of an SOA record.
const SOA: &[u8] = b"\x01m\0\x01r\0\0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";

#[test]
fn questions_are_those_of_their_rfcs() {
    let zone = name("Example.org.");
    for (asked, rtype, opcode, is_authoritative, counts) in [
        (Asked::Soa, RecordType::SOA, OpCode::Query, false, [0, 0]),
        (Asked::Axfr, RecordType::AXFR, OpCode::Query, false, [0, 0]),
        (Asked::Ixfr { soa: SOA }, RecordType::IXFR, OpCode::Query, false, [0, 1]),
        (Asked::Notify { soa: None }, RecordType::SOA, OpCode::Notify, true, [0, 0]),
        (Asked::Notify { soa: Some((60, SOA)) }, RecordType::SOA, OpCode::Notify, true, [1, 0]),
    ] {
        let octets = question(0xabcd, zone.as_ref(), asked);
        let message = Message::from_vec(&octets).unwrap();
        assert_eq!((message.metadata.id, message.metadata.op_code), (0xabcd, opcode), "{asked:?}");
        assert_eq!((message.metadata.authoritative, message.metadata.recursion_desired), (is_authoritative, false));
        assert_eq!(message.queries[0].query_type(), rtype);
        assert_eq!(message.queries[0].name().to_string(), "Example.org.");
        assert_eq!([message.answers.len(), message.authorities.len()], counts, "{asked:?}");
        for record in Records::of(&octets).unwrap() {
            let record = record.unwrap();
            assert_eq!(
                (record.owner, record.rtype, record.class, &*record.rdata),
                (zone.clone(), Rtype::SOA, Class::IN, SOA)
            );
        }
    }
}

#[test]
fn an_update_goes_on_without_its_signature() {
    let key = std::sync::Arc::new(Key::new(name("k."), Algorithm::HmacSha256, b"secret"));
    let mut update = question(1, name("example.").as_ref(), Asked::Soa);
    update[2] = 5 << 3;
    let mut expected = update.clone();
    set_id(&mut expected, 0x1234);
    sign_request(&key, &mut update, 1000);
    let forward = forwarded(&update, 0x1234).unwrap();
    assert_eq!(forward, expected);
    assert_eq!(Header::parse(&forward).unwrap().opcode(), Opcode::UPDATE);
    assert_eq!(forwarded(&forward, 0x1234).unwrap(), expected, "without a signature too");
    assert_eq!(forwarded(&update[..update.len() - 1], 1).unwrap_err().fault, Fault::Record);
}

#[test]
fn an_answer_is_one_to_what_was_asked() {
    let asked = question(7, name("example.").as_ref(), Asked::Soa);
    let changed = |at: usize, to: u8| {
        let mut answer = asked.clone();
        answer[2] |= 0x84;
        answer[at] = to;
        answer
    };
    assert!(is_answer_to(&asked, &changed(0, 0)));
    assert!(is_answer_to(&asked, &changed(13, b'E')), "in any case");
    assert!(is_answer_to(&asked, &changed(5, 0)[..]), "without a question");
    for (at, to) in [(1, 8), (2, 0x04), (2, 0xa4), (13, b'x'), (22, 1), (24, 3), (5, 2), (12, 0xc0)] {
        assert!(!is_answer_to(&asked, &changed(at, to)), "{at} {to}");
    }
    assert!(!is_answer_to(&asked, &[]) && !is_answer_to(&[], &asked));
}
