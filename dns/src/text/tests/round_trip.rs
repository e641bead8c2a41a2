//! Writing what was read, and reading what was written, for anything at all.

use super::*;
use crate::text::is_rdata_of;
use crate::types::Rtype;
use proptest::prelude::*;

/// Octets of a name in wire form.
fn name_octets() -> impl Strategy<Value = Vec<u8>> {
    let label = proptest::collection::vec(any::<u8>(), 1..20);
    proptest::collection::vec(label, 0..5).prop_map(|labels| {
        let mut wire: Vec<u8> =
            labels.iter().flat_map(|label| std::iter::once(label.len() as u8).chain(label.iter().copied())).collect();
        wire.push(0);
        wire
    })
}

/// Octets that are RDATA of some type often enough: names, strings and numbers in a row.
fn rdata_octets() -> impl Strategy<Value = Vec<u8>> {
    let string = proptest::collection::vec(any::<u8>(), 0..8)
        .prop_map(|string| std::iter::once(string.len() as u8).chain(string).collect::<Vec<u8>>());
    let part =
        prop_oneof![name_octets(), string, proptest::collection::vec(any::<u8>(), 0..8), Just(vec![0, 0, 1, 0x40])];
    proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_written_reads_as_the_same_octets(owner in name_octets(), ttl in 0..=0x7fff_ffff_u32, rtype in prop_oneof![1_u16..128, 256_u16..266],
        rdata in rdata_octets())
    {
        let rtype = Rtype(rtype);
        prop_assume!(!rtype.is_meta());
        let owner = Name::from_wire(&owner).unwrap();
        let line = present::record(owner.as_ref(), ttl, rtype, &rdata);
        let zone_file = parse(&line);
        if is_rdata_of(rtype, &rdata) {
            prop_assert_eq!(&zone_file.errors, &[], "{}", line);
            let record = &zone_file.to_records()[0];
            prop_assert_eq!(record.owner.as_wire(), owner.as_wire(), "{}", line);
            prop_assert_eq!((record.ttl, record.rtype, &*record.rdata), (ttl, rtype, rdata.as_slice()), "{}", line);
        } else {
            let is_generic = line.contains(" \\# ");
            prop_assert!(is_generic, "{}", line);
            prop_assert_eq!(zone_file.errors.len(), 1, "{}", line);
        }
    }

    #[test]
    fn any_octets_are_read_without_a_panic_and_what_is_read_is_written_and_read_again(
        source in "(\\$(ORIGIN|TTL|INCLUDE) |[a-c.@\\\\\"();\t \r\n]|[0-9]{1,5} |(A|NS|TXT|NSEC|SOA|SVCB|LOC|CAA|NSEC3) |\\PC){0,40}")
    {
        let zone_file = parse(&source);
        for record in zone_file.to_records() {
            let line = present::record(record.owner.as_ref(), record.ttl, record.rtype, &record.rdata);
            let again = parse(&line);
            prop_assert_eq!(&again.errors, &[], "{}", line);
            prop_assert_eq!(&again.to_records()[0].rdata, &record.rdata, "{}", line);
        }
    }
}
