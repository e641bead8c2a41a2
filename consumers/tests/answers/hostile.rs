//! Hostile input (B54): a table of packets with what each gets, then random and mutated ones, of which only the frame is known.

use consumers::auth::answer::{Policy, Transport};
use dns::message::header::{self, Header};
use proptest::prelude::*;
use zone_segment::NameRef;

use crate::ask::{Ask, check_frame, text};
use crate::found::ZONES;

/// The answer to a message, by UDP.
fn answer(message: &[u8]) -> Option<Vec<u8>> {
    Ask { message: message.to_vec(), transport: Transport::Udp }.respond(&ZONES)
}

/// The first line of the answer to a message, or "silence".
fn rcode(message: &[u8]) -> String {
    let Some(answer) = answer(message) else { return "silence".to_owned() };
    check_frame(message, &answer);
    text(&answer).lines().next().unwrap().to_owned()
}

/// A query for `www.example. A` with other flags and counts, and octets behind the question.
fn altered(flags: u16, counts: [u16; 4], behind: &[u8]) -> Vec<u8> {
    let mut message = Header { id: 0x5452, flags, counts }.to_wire().to_vec();
    message.extend(b"\x03www\x07example\0\0\x01\0\x01");
    message.extend(behind);
    message
}

/// An OPT record without options.
const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";

#[test]
fn b54_what_is_no_query_gets_silence() {
    let query = Ask::new("www.example. A").message;
    for length in 0..12 {
        assert_eq!(rcode(&query[..length]), "silence", "{length}");
    }
    for flags in [header::QR, header::QR | 0x7800, 0xffff] {
        assert_eq!(rcode(&altered(flags, [1, 0, 0, 0], b"")), "silence");
        assert_eq!(rcode(&altered(flags, [0, 0, 0, 0], b"")), "silence");
    }
}

#[test]
fn b54_what_is_malformed_gets_formerr() {
    let one = |behind: &[u8]| altered(0, [1, 0, 0, 1], behind);
    let pointed = |octets: &[u8]| [&Header { id: 7, flags: 0, counts: [1, 0, 0, 0] }.to_wire()[..], octets].concat();
    let long_name = [&[1, b'a'].repeat(127)[..], b"\x01b\0\0\x01\0\x01"].concat();
    for (what, message) in [
        ("no question", altered(0, [0, 0, 0, 0], b"")),
        ("no question, nothing behind", Header { id: 7, ..Header::default() }.to_wire().to_vec()),
        ("two questions", altered(0, [2, 0, 0, 0], b"\xc0\x0c\0\x01\0\x01")),
        ("question cut short", pointed(b"\x03www\x07example\0\0\x01\0")),
        ("question missing", pointed(b"")),
        ("label cut short", pointed(b"\x03ww")),
        ("pointer to itself", pointed(b"\xc0\x0c\0\x01\0\x01")),
        ("pointer forward", pointed(b"\xc0\x20\0\x01\0\x01")),
        ("pointer into the header", pointed(b"\xc0\x00\0\x01\0\x01")),
        ("label over 63", pointed(&[&[64][..], &[b'a'; 64], b"\0\0\x01\0\x01"].concat())),
        ("label of kind 10", pointed(&[&[0x80][..], &[b'a'; 64], b"\0\0\x01\0\x01"].concat())),
        ("name over 255", pointed(&long_name)),
        ("trailing octets", altered(0, [1, 0, 0, 0], b"\0")),
        ("record missing", one(b"")),
        ("record cut short", one(&OPT[..10])),
        ("RDATA cut short", one(b"\0\0\x29\x04\xd0\0\0\0\0\0\x01")),
        ("option cut short", one(b"\0\0\x29\x04\xd0\0\0\0\0\0\x05\0\x0a\0\x02\x01")),
        ("two OPT", altered(0, [1, 0, 0, 2], &[OPT, OPT].concat())),
        ("OPT with an owner", one(&[b"\xc0\x0c", &OPT[1..]].concat())),
        ("OPT in the answer section", altered(0, [1, 1, 0, 0], OPT)),
        ("OPT in the authority section", altered(0, [1, 0, 1, 0], OPT)),
        ("owner that points at itself", one(&[b"\xc0\x1d", &OPT[1..]].concat())),
        ("owner that points forward", one(&[b"\xc0\x1f", &OPT[1..]].concat())),
        ("owner in a loop", one(&[b"\x01a\xc0\x1d", &OPT[1..]].concat())),
        ("answer in a query", altered(0, [1, 1, 0, 0], b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01")),
        ("TSIG that is not the last", altered(0, [1, 0, 0, 2], &[b"\0\0\xfa\0\xff\0\0\0\0\0\0", OPT].concat())),
        ("65,535 records", altered(0, [1, 0, 0, 65_535], OPT)),
    ] {
        assert_eq!(rcode(&message), "FORMERR", "{what}");
    }
}

#[test]
fn b54_the_question_is_echoed_where_there_is_one() {
    let message = altered(0, [1, 0, 0, 0], b"\0");
    assert_eq!(answer(&message).unwrap()[12..], message[12..message.len() - 1]);
    let message = altered(0, [2, 0, 0, 0], b"\xc0\x0c\0\x01\0\x01");
    assert_eq!(answer(&message).unwrap().len(), 12);
}

#[test]
fn b54_what_is_not_implemented_gets_notimp() {
    for opcode in 1..16u16 {
        assert_eq!(rcode(&altered(opcode << 11, [1, 0, 0, 0], b"")), "NOTIMP");
        // The sections of an unknown opcode mean nothing to us.
        assert_eq!(rcode(&altered(opcode << 11, [0, 7, 0, 3], b"")), "NOTIMP");
    }
    for rtype in ["TKEY", "MAILA", "MAILB"] {
        assert_eq!(rcode(&Ask::new(&format!("www.example. {rtype}")).message), "NOTIMP");
    }
}

#[test]
fn b54_meta_types_get_formerr() {
    for rtype in [0, 41, 128, 200, 248, 250] {
        assert_eq!(rcode(&Ask::new(&format!("www.example. TYPE{rtype}")).message), "FORMERR", "{rtype}");
    }
}

#[test]
fn b54_an_unknown_version_of_edns_gets_badvers() {
    let message = altered(0, [1, 0, 0, 1], b"\0\0\x29\x04\xd0\0\x01\0\0\0\0");
    assert_eq!(rcode(&message), "BADVERS");
    let answer = answer(&message).unwrap();
    // The version known here is told (RFC 6891, section 6.1.3).
    assert_eq!(answer[answer.len() - 11..], *b"\0\0\x29\x04\xd0\x01\0\0\0\0\0");
}

#[test]
fn b54_a_signature_that_is_none_gets_formerr() {
    let message = altered(0, [1, 0, 0, 2], &[OPT, b"\0\0\xfa\0\xff\0\0\0\0\0\0"].concat());
    assert_eq!(rcode(&message), "FORMERR");
}

#[test]
fn b54_what_is_unusual_but_sound_is_answered() {
    let found = "NOERROR aa";
    for (what, message) in [
        ("AA, TC, RA, Z, AD, CD and an RCODE set", altered(0x07ff, [1, 0, 0, 0], b"")),
        ("an unknown option", altered(0, [1, 0, 0, 1], b"\0\0\x29\x04\xd0\0\0\0\0\0\x06\xfd\xe9\0\x02hi")),
        ("unknown EDNS flags", altered(0, [1, 0, 0, 1], b"\0\0\x29\x04\xd0\0\0\x7f\xff\0\0")),
        (
            "another additional record",
            altered(0, [1, 0, 0, 2], &[b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01", OPT].concat()),
        ),
    ] {
        assert_eq!(rcode(&message), found, "{what}");
    }
}

/// Asserts what holds of the answer to any octets.
fn check_any(message: &[u8], transport: Transport) -> Result<(), TestCaseError> {
    let mut room = vec![0; 65_535];
    let policy = Policy::default();
    let ask = Ask { message: message.to_vec(), transport };
    let length = ask.respond_into(&ZONES, &policy, &mut room).map(|answered| answered.octets);
    let is_query = Header::parse(message).is_some_and(|header| !header.has(header::QR));
    prop_assert_eq!(length.is_some(), is_query);
    let Some(length) = length else { return Ok(()) };
    prop_assert!(transport == Transport::Tcp || length <= usize::from(policy.udp_octets_max));
    check_frame(message, &room[..length]);
    let asked = Header::parse(message).unwrap();
    let has_question = asked.counts[0] == 1
        && NameRef::parse_prefix(&message[12..]).is_ok_and(|(_, octets)| message.len() >= 12 + octets + 4);
    prop_assert_eq!(Header::parse(&room).unwrap().counts[0], u16::from(has_question));
    // Whatever is in the answer can be read back.
    text(&room[..length]);
    Ok(())
}

/// A sound query of the kind the tests ask.
fn sound_query() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec![
        "www", "x.wild", "alias", "loop1", "a.dname", "sub", "nope", "ent", "child", "x.long", "chain1", "c.dname",
    ]);
    let rtype = prop::sample::select(vec!["A", "ANY", "DS", "NS", "SOA", "RRSIG", "TXT", "CNAME", "AXFR", "IXFR"]);
    (name, rtype, any::<bool>()).prop_map(|(name, rtype, has_edns)| {
        Ask::new(&format!("{name}.example. {rtype}{}", if has_edns { " +do" } else { "" })).message
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn b54_random_octets_never_do_harm(message in prop::collection::vec(any::<u8>(), 0..600), tcp: bool) {
        check_any(&message, if tcp { Transport::Tcp } else { Transport::Udp })?;
    }

    #[test]
    fn b54_mutated_queries_never_do_harm(
        message in sound_query(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        behind in prop::collection::vec(any::<u8>(), 0..24),
    ) {
        let mut message = message;
        for (place, octet) in changes {
            let place = place.index(message.len());
            message[place] = octet;
        }
        if let Some(cut) = cut {
            message.truncate(cut.index(message.len() + 1));
        }
        message.extend(behind);
        check_any(&message, Transport::Udp)?;
    }

    #[test]
    fn b54_pointers_in_records_never_do_harm(
        owner in prop::collection::vec(prop_oneof![Just(0xc0u8), Just(0), Just(1), 0..64u8, any::<u8>()], 1..60),
        count in 0..4u16,
    ) {
        let message = altered(0, [1, 0, 0, count], &owner);
        check_any(&message, Transport::Udp)?;
    }
}
