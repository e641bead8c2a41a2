//! Columns must give back what went in, and a sorted zone what sorting records gives.

use super::*;
use crate::order::sort;
use crate::rrset::rrsets;
use crate::types::Rtype;
use proptest::prelude::*;
use std::ops::ControlFlow;
use zone_segment::{NameRef, SourceRecord, ZoneSource as _};

/// Names that are near each other, most of them below `a.`.
fn names() -> impl Strategy<Value = Name> {
    let octet = prop_oneof![Just(0_u8), Just(1), Just(2), Just(b'a'), Just(b'A'), Just(b'['), Just(b'z'), Just(255)];
    let label = proptest::collection::vec(octet, 1..4);
    let origin = prop_oneof![9 => Just("a."), 1 => Just("b.")];
    (proptest::collection::vec(label, 0..4), origin).prop_map(|(labels, origin)| {
        let origin: Name = origin.parse().expect("a name");
        Name::from_labels(labels.iter().map(Vec::as_slice), origin.as_ref()).expect("a short name")
    })
}

/// Records with few types and RDATA that is often the same but for case.
fn records() -> impl Strategy<Value = Vec<Record>> {
    let rtype = prop_oneof![Just(Rtype::NS), Just(Rtype::TXT), Just(Rtype::RRSIG)];
    let record = (names(), rtype, names(), 0_u32..3, 0_u8..3, 0_u32..300).prop_map(
        |(owner, rtype, target, ttl, covered, line)| {
            let mut rdata = target.as_wire().to_vec();
            if rtype == Rtype::RRSIG {
                rdata = [&[0, covered][..], &[0; 16], &rdata, b"S"].concat();
            }
            Record { owner, rtype, ttl, rdata: rdata.into(), file: ttl, line }
        },
    );
    (proptest::collection::vec(record, 0..40), any::<bool>()).prop_map(|(mut records, is_sorted)| {
        if is_sorted {
            sort(&mut records);
        }
        records
    })
}

/// Columns of records in parts of a few each.
fn columns(records: &[Record], of_part: usize) -> Columns {
    let parts = records.chunks(of_part).flat_map(|records| Columns::from_iter(records.to_vec()).parts).collect();
    Columns { parts, files: Vec::new() }
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(records in records(), of_part in 1_usize..50) {
        prop_assert_eq!(columns(&records, of_part).to_records(), records);
    }

    #[test]
    fn a_sorted_zone_is_as_sorted_records(records in records(), of_part in 1_usize..50) {
        let apex: Name = "a.".parse().expect("a name");
        let zone = SortedZone::new(apex.clone(), columns(&records, of_part));
        let (mut inside, outside): (Vec<Record>, Vec<Record>) =
            records.into_iter().partition(|record| record.owner.is_at_or_below(apex.as_ref()));
        prop_assert_eq!(zone.outside().count(), outside.len());
        sort(&mut inside);
        let (mut rank, mut found) = (0, Vec::new());
        while rank < zone.len() {
            let name = zone.name(rank).to_name();
            prop_assert_eq!(zone.find(name.as_ref()), Some(rank));
            let mut owned = Vec::new();
            let mut clean: Vec<SourceRecord<'_>> = Vec::new();
            let end = zone.records(rank, &mut owned);
            let mut times = 0;
            zone.visit(rank..end, &mut |at, owner, records| {
                assert_eq!((at, owner), (rank, name.as_ref()));
                clean.extend(records);
                times += 1;
                ControlFlow::Continue(())
            });
            prop_assert_eq!(times, 1);
            let expected: Vec<SourceRecord<'_>> = expected_rrsets(&inside, name.as_ref());
            prop_assert_eq!(clean, expected);
            for record in owned {
                let (_, line) = zone.place(&record);
                found.push(Record { owner: name.clone(), rtype: record.rtype, ttl: record.ttl, rdata: record.rdata.into(), file: record.file, line });
            }
            rank = end;
        }
        prop_assert_eq!(found, inside);
        prop_assert_eq!(zone.find(NameRef::ROOT), None);
    }
}

/// The records of an owner as RRsets have them.
fn expected_rrsets<'a>(sorted: &'a [Record], owner: NameRef<'_>) -> Vec<SourceRecord<'a>> {
    let of_owner = rrsets(sorted).filter(|rrset| rrset.owner() == owner);
    of_owner
        .flat_map(|rrset| {
            rrset.rdata().map(move |rdata| SourceRecord { rtype: rrset.rtype().0, ttl: rrset.ttl(), rdata })
        })
        .collect()
}
