//! Tests of the registries and of the table of names in RDATA.

use super::*;

#[test]
fn mnemonics_of_types_go_both_ways_in_any_case() {
    for number in 0..=u16::MAX {
        let rtype = Rtype(number);
        let text = rtype.to_string();
        assert_eq!(text.parse(), Ok(rtype), "{text}");
        assert_eq!(text.to_ascii_lowercase().parse(), Ok(rtype), "{text}");
        assert_eq!(format!("TYPE{number}").parse(), Ok(rtype));
    }
}

#[test]
fn words_that_are_no_types_are_refused_with_the_word() {
    for word in ["", "TYPE", "TYPE65536", "TYPE-1", "TYPE+1", "TYPE1x", "AA", "A ", "NSEC3PARAMNSEC3PARAM"] {
        let error = word.parse::<Rtype>().unwrap_err();
        assert_eq!(error.to_string(), format!("unknown type `{word}`"));
    }
}

#[test]
fn classes_opcodes_and_rcodes_have_mnemonics_and_generic_forms() {
    assert_eq!("in".parse(), Ok(Class::IN));
    assert_eq!("CLASS1".parse(), Ok(Class::IN));
    assert_eq!(Class(77).to_string(), "CLASS77");
    assert_eq!("CLASS77".parse(), Ok(Class(77)));
    assert_eq!(Opcode::NOTIFY.to_string(), "NOTIFY");
    assert_eq!("OPCODE300".parse::<Opcode>().unwrap_err().to_string(), "unknown opcode `OPCODE300`");
    assert_eq!(Rcode(16).to_string(), "BADVERS");
    assert_eq!(Rcode(4095).to_string(), "RCODE4095");
    assert_eq!(format!("{:<8}|", Rtype::A), "A       |");
}

#[test]
fn names_are_found_in_rdata() {
    let soa = b"\x01a\x00\x01b\x01c\x00....................";
    let ranges: Vec<_> = compressible_names(Rtype::SOA).unwrap().ranges(soa).collect();
    assert_eq!(ranges, [0..3, 3..8]);
    let naptr = b"\x00\x01\x00\x02\x01u\x03E2U\x00\x02ab\x00";
    let ranges: Vec<_> = canonical_names(Rtype::NAPTR).unwrap().ranges(naptr).collect();
    assert_eq!(ranges, vec![11..15]);
    assert_eq!(compressible_names(Rtype::SRV), None);
    assert_eq!(canonical_names(Rtype::NSEC), None);
    assert_eq!(additional_target(Rtype::SRV), Some(6));
}

#[test]
fn names_in_rdata_that_is_cut_short_or_malformed_end_early() {
    let fields = canonical_names(Rtype::NAPTR).unwrap();
    for rdata in
        [&b""[..], b"\0\0\0\0", b"\0\0\0\0\xff", b"\0\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\x05ab", b"\0\0\0\0\0\0\0\xc0\x0c"]
    {
        assert_eq!(fields.ranges(rdata).next(), None, "{rdata:?}");
    }
}
