//! Tests of the query's view and of the builder; what reads and writes whole zones in files of its own; answers as a whole are tested in `consumers/tests/answers`.

mod ask;
mod records;
mod stream;

use proptest::prelude::*;
use zone_segment::{Name, NameRef};

use super::names::stands_at;
use super::*;
use crate::types::{Rcode, Rtype};

/// A header that asks for something: id 1, RD, one question.
const ASKING: Header = Header { id: 1, flags: header::RD, counts: [1, 0, 0, 0] };

/// Parses a name.
fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A query with records behind its question.
fn query(counts: [u16; 4], behind: &[u8]) -> Vec<u8> {
    let header = Header { id: 0x1234, flags: 0, counts };
    [&header.to_wire()[..], b"\x01a\x04TEST\0\0\x01\0\x01", behind].concat()
}

/// What a message is, in a word.
fn kind(message: &[u8]) -> String {
    match receive(message) {
        Received::Drop => "drop".to_owned(),
        Received::Reject(rejected) => rejected.rcode.to_string(),
        Received::Query(_) => "query".to_owned(),
    }
}

#[test]
fn a_header_is_read_as_it_is_written() {
    let header = Header { id: 0xabcd, flags: 0x8180, counts: [1, 2, 3, 65_535] };
    assert_eq!(Header::parse(&header.to_wire()), Some(header));
    assert_eq!(Header::parse(&header.to_wire()[..11]), None);
    let answer = Header { id: 7, flags: 0x7fff & !0x7800 | 0x2000, counts: [1, 1, 1, 1] }.answer();
    assert_eq!(answer, Header { id: 7, flags: 0xa100, counts: [0; 4] });
}

#[test]
fn b54_a_query_is_seen_as_it_was_sent() {
    let message = query(
        [1, 0, 0, 2],
        b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01\0\0\x29\x04\xd0\0\0\x80\0\0\x05\0\x0a\0\x01c",
    );
    let Received::Query(query) = receive(&message) else { panic!("a query") };
    assert_eq!(query.question.name.to_string(), "a.TEST.");
    assert_eq!((query.question.rtype, query.question.wire), (Rtype::A, &message[12..24]));
    let edns = query.edns.unwrap();
    assert_eq!((edns.udp_size, edns.version, edns.is_dnssec_ok), (1232, 0, true));
    assert_eq!(edns.options().collect::<Vec<_>>(), [(10, &b"c"[..])]);
}

#[test]
fn b54_records_are_walked_to_the_last_octet() {
    let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\0";
    assert_eq!(kind(&query([1, 0, 0, 1], record)), "query");
    assert_eq!(kind(&query([1, 0, 0, 0], record)), "FORMERR");
    for cut in 0..record.len() {
        assert_eq!(kind(&query([1, 0, 0, 1], &record[..cut])), "FORMERR", "{cut}");
    }
    let most = record.repeat(RECORDS_MAX);
    assert_eq!(kind(&query([1, 0, 0, 64], &most)), "query");
    assert_eq!(kind(&query([1, 0, 0, 65], &[&most[..], record].concat())), "FORMERR");
    // IXFR alone brings a record in the authority section (RFC 1995, section 3).
    let mut ixfr = query([1, 0, 1, 0], record);
    assert_eq!(kind(&ixfr), "FORMERR");
    ixfr[21] = 251;
    assert_eq!(kind(&ixfr), "query");
}

#[test]
fn b54_pointers_go_backwards_or_nowhere() {
    let at = |owner: &[u8]| kind(&query([1, 0, 0, 1], &[owner, b"\0\x01\0\x01\0\0\0\0\0\0"].concat()));
    // The question ends, and the owner starts, at 24.
    for good in [&b"\0"[..], b"\xc0\x0c", b"\xc0\x0e", b"\x01b\xc0\x0c", b"\xc0\x13"] {
        assert_eq!(at(good), "query", "{good:02x?}");
    }
    for bad in [
        &b"\xc0\x18"[..],
        b"\xc0\x19",
        b"\xff\xff",
        b"\xc0\x0b",
        b"\xc0\x00",
        b"\x01b\xc0\x18",
        b"\x01b\xc0\x1a",
        b"\x40a\0",
        b"\x80\0",
        b"\xc0",
    ] {
        assert_eq!(at(bad), "FORMERR", "{bad:02x?}");
    }
    // Together with what a pointer leads to, a name has at most 255 octets.
    let labels = |count: usize| [&b"\x01b".repeat(count)[..], b"\xc0\x0c"].concat();
    assert_eq!(at(&labels(123)), "query");
    assert_eq!(at(&labels(124)), "FORMERR");
}

/// A message of two RRsets, and where its records begin.
fn two_rrsets(room: &mut [u8], limit: usize) -> (usize, [Result<(), Full>; 2]) {
    let mut room_of_names = NameRoom::default();
    let mut builder = Builder::new(room, limit, ASKING, &mut room_of_names).unwrap();
    let question = query([1, 0, 0, 0], b"");
    let Received::Query(query) = receive(&question) else { panic!("a query") };
    builder.question(&query.question).unwrap();
    let owner = name("a.test.");
    let first = builder.rrset(owner.as_ref(), Rtype::A, 60, [&[192, 0, 2, 1][..], &[192, 0, 2, 2]]);
    let second = builder.rrset(owner.as_ref(), Rtype::MX, 60, [&b"\0\x0a\x04mail\x04test\0"[..]]);
    (builder.finish(None), [first, second])
}

#[test]
fn names_are_compressed_where_they_may_be() {
    let mut room = [0; 512];
    let (length, written) = two_rrsets(&mut room, 512);
    assert_eq!(written, [Ok(()), Ok(())]);
    assert_eq!(Header::parse(&room).unwrap(), Header { id: 1, flags: 0x8100, counts: [1, 3, 0, 0] });
    let expected = [
        &b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01"[..],
        b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x02",
        b"\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x09\0\x0a\x04mail\xc0\x0e",
    ]
    .concat();
    assert_eq!(room[24..length], expected);
}

#[test]
fn rdata_of_later_types_is_not_compressed() {
    let mut room = [0; 512];
    let mut room_of_names = NameRoom::default();
    let mut builder = Builder::new(&mut room, 512, ASKING, &mut room_of_names).unwrap();
    let rdata = b"\0\x01\0\x02\0\x03\x01a\x04test\0";
    builder.rrset(name("a.test.").as_ref(), Rtype::SRV, 0, [&rdata[..]]).unwrap();
    let length = builder.finish(None);
    assert!(room[..length].ends_with(rdata));
}

#[test]
fn rdata_that_is_not_what_its_type_says_goes_out_as_it_is() {
    for rdata in [&b""[..], b"\x05ab", b"\xc0\x0c", b"\0\0\0", &[1; 300]] {
        let mut room = [0; 512];
        let mut room_of_names = NameRoom::default();
        let mut builder = Builder::new(&mut room, 512, ASKING, &mut room_of_names).unwrap();
        builder.rrset(NameRef::ROOT, Rtype::SOA, 0, [rdata]).unwrap();
        let length = builder.finish(None);
        assert!(room[..length].ends_with(rdata));
        assert_eq!(length, 12 + 11 + rdata.len());
    }
}

#[test]
fn b53_an_rrset_is_written_whole_or_not_at_all() {
    for limit in 24..90 {
        let mut room = [0; 512];
        let (length, [first, second]) = two_rrsets(&mut room, limit);
        let expected = match limit {
            ..56 => (24, Err(Full), if limit < 45 { Err(Full) } else { Ok(()) }),
            56..77 => (56, Ok(()), Err(Full)),
            _ => (77, Ok(()), Ok(())),
        };
        assert_eq!((first, second), (expected.1, expected.2), "{limit}");
        let only_second = if second.is_ok() && first.is_err() { 21 } else { 0 };
        assert_eq!(length, expected.0 + only_second, "{limit}");
    }
}

#[test]
fn what_is_rolled_back_is_not_pointed_at() {
    let mut room = [0; 512];
    let mut room_of_names = NameRoom::default();
    let mut builder = Builder::new(&mut room, 512, ASKING, &mut room_of_names).unwrap();
    let mark = builder.mark();
    builder.rrset(name("gone.example.").as_ref(), Rtype::A, 0, [&[1, 2, 3, 4][..]]).unwrap();
    builder.roll_back(mark);
    builder.rrset(name("example.").as_ref(), Rtype::A, 0, [&[1, 2, 3, 4][..]]).unwrap();
    builder.rrset(name("gone.example.").as_ref(), Rtype::A, 0, [&[1, 2, 3, 4][..]]).unwrap();
    let length = builder.finish(None);
    assert_eq!(Header::parse(&room).unwrap().counts, [0, 2, 0, 0]);
    assert_eq!(&room[12..21], b"\x07example\0");
    assert_eq!(&room[length - 21..length - 14], b"\x04gone\xc0\x0c");
}

#[test]
fn the_opt_record_always_fits() {
    let reply =
        EdnsReply { udp_size: 1232, is_dnssec_ok: true, error: Some(ExtendedError::NOT_READY), ..EdnsReply::default() };
    for (limit, expected) in
        [(40, &b"\0\0\x29\x04\xd0\x01\0\x80\0\0\0"[..]), (60, b"\0\0\x29\x04\xd0\x01\0\x80\0\0\x06\0\x0f\0\x02\0\x0e")]
    {
        let mut room = [0; 512];
        let mut room_of_names = NameRoom::default();
        let mut builder = Builder::new(&mut room, limit, ASKING, &mut room_of_names).unwrap();
        builder.reserve_edns(11).unwrap();
        builder.set_rcode(Rcode::BADVERS);
        while builder.rrset(NameRef::ROOT, Rtype::A, 0, [&[0; 4][..]]).is_ok() {}
        let length = builder.finish(Some(&reply));
        assert!(length <= limit);
        assert!(room[..length].ends_with(expected), "{:02x?}", &room[..length]);
    }
}

#[test]
fn no_room_is_no_answer() {
    assert!(Builder::new(&mut [0; 11], 512, ASKING, &mut NameRoom::default()).is_none());
    assert!(Builder::new(&mut [0; 512], 11, ASKING, &mut NameRoom::default()).is_none());
    assert_eq!(Builder::new(&mut [0; 22], 512, ASKING, &mut NameRoom::default()).unwrap().reserve_edns(11), Err(Full));
}

/// Names that share suffixes, in mixed case.
fn names() -> impl Strategy<Value = Vec<Name>> {
    let label =
        prop::sample::select(vec!["a", "B", "b", "www", "WWW", "example", "Test", "x1", "x2", "x3", "x4", "x5"]);
    let one = prop::collection::vec(label, 0..7).prop_map(|labels| name(&(labels.join(".") + ".")));
    prop::collection::vec(one, 1..400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_compressed_is_read_back(names in names(), padding in 0..200usize, limit in 100..65_535usize) {
        let mut room = vec![0; 65_535];
        let mut room_of_names = NameRoom::default();
        let mut builder = Builder::new(&mut room, limit, ASKING, &mut room_of_names).unwrap();
        let mut positions = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let before = builder.position();
            let rdata = vec![0xff; padding];
            let written = match index % 3 {
                0 => builder.rrset(name.as_ref(), Rtype::NS, 0, [name.as_wire()]),
                _ => builder.rrset(name.as_ref(), Rtype::TXT, 0, [&rdata[..]]),
            };
            match written {
                Ok(()) => positions.push((before, name)),
                Err(Full) => prop_assert_eq!(builder.position(), before),
            }
        }
        let length = builder.finish(None);
        prop_assert!(length <= limit);
        for (position, name) in positions {
            prop_assert!(stands_at(&room[..length], u16::try_from(position).unwrap(), name.as_wire()));
        }
    }

    #[test]
    fn b54_any_octets_are_classified(message in prop::collection::vec(any::<u8>(), 0..300)) {
        let is_query = Header::parse(&message).is_some_and(|header| !header.has(header::QR));
        prop_assert_eq!(!matches!(receive(&message), Received::Drop), is_query);
    }
}
