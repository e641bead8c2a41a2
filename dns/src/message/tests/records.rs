//! Reading records: against another parser, against what a builder wrote, and of malformed messages.

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::BinEncodable as _;
use proptest::prelude::*;

use super::*;
use crate::types::Class;

/// The answer header of id 1 with these counts, and octets behind it.
fn message(counts: [u16; 4], behind: &[u8]) -> Vec<u8> {
    let header = Header { id: 1, flags: 0x8400, counts };
    [&header.to_wire()[..], behind].concat()
}

/// The one record of a message without a question.
fn only(record: &[u8]) -> Result<MessageRecord, Malformed> {
    let octets = message([0, 1, 0, 0], record);
    let mut records = Records::of(&octets)?;
    let only = records.next().expect("there is one");
    assert!(records.next().is_none_or(|next| next.is_err()), "nothing follows");
    only
}

#[test]
fn all_sections_are_read_in_their_order() {
    let record = |last: u8| [&b"\x01a\xc0\x0c\0\x01\0\x01\x80\0\0\x01\0\x04\xc0\0\x02"[..], &[last]].concat();
    let records: Vec<_> = (1..=4).flat_map(record).collect();
    let octets = message([1, 1, 1, 2], &[&b"\x04TEST\0\0\x06\0\x01"[..], &records].concat());
    let mut reader = Records::of(&octets).unwrap();
    assert_eq!((reader.header().id, reader.question().unwrap().rtype), (1, Rtype::SOA));
    let mut found = Vec::new();
    while let Some(record) = reader.read().unwrap() {
        assert_eq!((record.owner.to_string().as_str(), record.rtype, record.class), ("a.TEST.", Rtype::A, Class::IN));
        assert_eq!(record.ttl, 0x8000_0001, "as it stands there");
        assert!(record.is_well_formed());
        found.push((record.section, record.rdata[3]));
    }
    let sections = [Section::Answer, Section::Authority, Section::Additional, Section::Additional];
    assert_eq!(found, sections.into_iter().zip(1..=4).collect::<Vec<_>>());
    assert_eq!(reader.read(), Ok(None));
}

#[test]
fn an_update_has_records_of_any_class_without_rdata() {
    for (class, rtype) in [(255u16, 255u16), (254, 6), (255, 15), (254, 35), (255, 250)] {
        let [[a, b], [c, d]] = [rtype.to_be_bytes(), class.to_be_bytes()];
        let record = only(&[1, b'a', 0, a, b, c, d, 0, 0, 0, 0, 0, 0]).unwrap();
        assert_eq!((record.rtype, record.class, &*record.rdata), (Rtype(rtype), Class(class), &b""[..]));
    }
}

#[test]
fn names_in_rdata_are_expanded_where_rfc_3597_section_4_says() {
    // Behind the owner `a.b.`, which stands at 12, and the fixed fields RDATA starts at 27.
    let rdata = |rtype: u16, rdata: &[u8]| {
        let ([a, b], [c, d]) = (rtype.to_be_bytes(), (rdata.len() as u16).to_be_bytes());
        only(&[&[1, b'a', 1, b'b', 0, a, b, 0, 1, 0, 0, 0, 0, c, d], rdata].concat())
            .map(|record| record.rdata.into_vec())
    };
    for (rtype, compressed, expanded) in [
        (2, &b"\xc0\x0c"[..], &b"\x01a\x01b\0"[..]),
        (5, b"\x01c\xc0\x0e", b"\x01c\x01b\0"),
        (6, b"\xc0\x0c\xc0\x0e\0\0\0\x01", b"\x01a\x01b\0\x01b\0\0\0\0\x01"),
        (6, b"\x01c\xc0\x0c\xc0\x1b1234", b"\x01c\x01a\x01b\0\x01c\x01a\x01b\x001234"),
        (15, b"\0\x0a\xc0\x0c", b"\0\x0a\x01a\x01b\0"),
        (17, b"\xc0\x0c\0", b"\x01a\x01b\0\0"),
        (18, b"\0\x01\xc0\x0c", b"\0\x01\x01a\x01b\0"),
        (24, b"123456789012345678\xc0\x0c!", b"123456789012345678\x01a\x01b\0!"),
        (26, b"\0\x01\xc0\x0c\xc0\x0e", b"\0\x01\x01a\x01b\0\x01b\0"),
        (30, b"\xc0\x0c\x01", b"\x01a\x01b\0\x01"),
        (33, b"123456\xc0\x0c", b"123456\x01a\x01b\0"),
        (35, b"1234\x01x\0\x02yz\xc0\x0c", b"1234\x01x\0\x02yz\x01a\x01b\0"),
        // Where none may be compressed, octets are what they are.
        (39, b"\xc0\x0c", b"\xc0\x0c"),
        (46, b"123456789012345678\xc0\x0c!", b"123456789012345678\xc0\x0c!"),
        (65280, b"\xc0\x0c", b"\xc0\x0c"),
    ] {
        assert_eq!(rdata(rtype, compressed).unwrap(), expanded, "TYPE{rtype}");
        assert_eq!(rdata(rtype, expanded).unwrap(), expanded, "TYPE{rtype}");
    }
    for (rtype, malformed) in [
        (2, &b"\xc0\x1b"[..]),
        (2, b"\xc0\xff"),
        (2, b"\xc0"),
        (2, b"\x02c"),
        (2, b"\x40c\0"),
        (6, b"\xc0\x0c"),
        (15, b"\0\x0a"),
        (15, b"\0"),
        (35, b"1234\x09x"),
    ] {
        assert_eq!(
            rdata(rtype, malformed).unwrap_err(),
            Malformed { offset: 27, fault: Fault::Rdata },
            "TYPE{rtype} {malformed:02x?}"
        );
    }
}

#[test]
fn what_is_malformed_is_told_with_its_place() {
    let fault = |octets: &[u8]| {
        let Malformed { offset, fault } = Records::of(octets)
            .and_then(|mut records| {
                while records.read()?.is_some() {}
                assert!(records.next().is_none(), "nothing follows");
                Ok(Malformed { offset: 0, fault: Fault::Tsig })
            })
            .unwrap_or_else(|error| error);
        (offset, fault)
    };
    let record = b"\x01a\0\0\x01\0\x01\0\0\0\0\0\x02xy";
    assert_eq!(fault(&message([0, 0, 0, 1], record)), (0, Fault::Tsig), "none");
    assert_eq!(fault(&[0; 11]), (11, Fault::Header));
    assert_eq!(fault(&message([1, 0, 0, 0], b"\x01a\0\0\x01\0")), (12, Fault::Question));
    assert_eq!(fault(&message([2, 0, 0, 0], b"\0\0\x01\0\x01\0\0\x01\0\x01")), (12, Fault::Question));
    assert_eq!(fault(&message([0, 0, 0, 1], b"")), (12, Fault::Record));
    assert_eq!(fault(&message([0, 1, 0, 1], record)), (12 + record.len(), Fault::Record));
    assert_eq!(fault(&message([0, 1, 0, 0], &[&record[..], b"x"].concat())), (12 + record.len(), Fault::Trailing));
    for cut in 0..record.len() {
        assert_eq!(fault(&message([0, 1, 0, 0], &record[..cut])), (12, Fault::Record), "{cut}");
    }
    let error = Malformed { offset: 12, fault: Fault::Record };
    assert_eq!(error.to_string(), "octet 12 of the message: expected a whole record");
}

#[test]
fn chains_of_pointers_are_followed_a_bounded_way() {
    let chain = |pointers: u16| {
        let targets = (0..pointers).flat_map(|index| match index {
            0 => *b"\0\0",
            index => (0xc000 | (12 + 11 + 2 * (index - 1))).to_be_bytes(),
        });
        let rdata: Vec<_> = targets.collect();
        let length = (rdata.len() as u16).to_be_bytes();
        let last = (0xc000 | (12 + 11 + 2 * (pointers - 1))).to_be_bytes();
        let octets = [b"\0\xff\0\0\x01\0\0\0\0", &length[..], &rdata, &last, b"\0\x01\0\x01\0\0\0\0\0\0"].concat();
        Records::of(&message([0, 2, 0, 0], &octets)).unwrap().all(|record| record.is_ok())
    };
    assert!(chain(2) && chain(128));
    assert!(!chain(129));
}

/// Records as a row of types that other parsers know, with names that share their ends.
fn records() -> impl Strategy<Value = Vec<(Name, u16, u32, Vec<u8>)>> {
    let name = prop::collection::vec(prop::sample::select(vec!["a", "B", "ns1", "mail", "x-y"]), 0..5)
        .prop_map(|labels| format!("{}.", labels.join(".")).parse::<Name>().unwrap());
    let numbers = any::<[u8; 20]>();
    let rdata = (0..6u8, name.clone(), name.clone(), numbers).prop_map(|(kind, one, other, numbers)| match kind {
        0 => (1, numbers[..4].to_vec()),
        1 => (2, one.as_wire().to_vec()),
        2 => (6, [one.as_wire(), other.as_wire(), &numbers[..]].concat()),
        3 => (15, [&numbers[..2], one.as_wire()].concat()),
        4 => (28, numbers[..16].to_vec()),
        _ => (65280, numbers.to_vec()),
    });
    let record = (name, rdata, 0..1u32 << 31).prop_map(|(owner, (rtype, rdata), ttl)| (owner, rtype, ttl, rdata));
    prop::collection::vec(record, 1..30)
}

proptest! {
    #[test]
    fn what_another_parser_encodes_is_read(records in records()) {
        // Once written plainly, it goes through the other parser, which compresses.
        let plain: Vec<u8> = records.iter().flat_map(|(owner, rtype, ttl, rdata)| {
            [owner.as_wire(), &rtype.to_be_bytes(), b"\0\x01", &ttl.to_be_bytes(), &(rdata.len() as u16).to_be_bytes(), rdata].concat()
        }).collect();
        let plain = message([0, records.len() as u16, 0, 0], &plain);
        let compressed = Message::from_vec(&plain).unwrap().to_bytes().unwrap();
        prop_assert!(compressed.len() <= plain.len());
        for octets in [plain, compressed] {
            let found: Result<Vec<_>, _> = Records::of(&octets).unwrap().collect();
            let found: Vec<_> = found.unwrap().into_iter().map(|record| (record.owner, record.rtype.0, record.ttl, record.rdata.into_vec())).collect();
            prop_assert_eq!(&found, &records);
        }
    }

    #[test]
    fn any_octets_are_read_without_harm(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(records) = Records::of(&octets) {
            prop_assert!(records.count() <= octets.len() / 11 + 1);
        }
    }

    #[test]
    fn a_changed_message_is_read_without_harm(records in records(), at in any::<prop::sample::Index>(), octets in prop::collection::vec(any::<u8>(), 1..4)) {
        let plain: Vec<u8> = records.iter().flat_map(|(owner, rtype, ttl, rdata)| {
            [owner.as_wire(), &rtype.to_be_bytes(), b"\0\x01", &ttl.to_be_bytes(), &(rdata.len() as u16).to_be_bytes(), rdata].concat()
        }).collect();
        let plain = message([0, records.len() as u16, 0, 0], &plain);
        let mut changed = Message::from_vec(&plain).unwrap().to_bytes().unwrap();
        let at = at.index(changed.len());
        for (place, octet) in changed[at..].iter_mut().zip(octets) {
            *place = octet;
        }
        let Ok(mut reader) = Records::of(&changed) else { return Ok(()) };
        while let Ok(Some(record)) = reader.read() {
            prop_assert!(NameRef::from_wire(record.owner.as_wire()).is_ok());
            prop_assert!(record.rdata.len() <= 65_535);
            record.is_well_formed();
        }
        prop_assert_eq!(reader.read(), Ok(None), "nothing is read after a fault");
    }
}
