//! Sorting by keys must agree with comparing names and RDATA as RFC 4034 says.

use super::*;
use crate::rrset::rrsets;
use proptest::prelude::*;
use zone_segment::{Name, NameRef};

/// Names that are near each other: few labels of few octets, those with a meaning for keys among them.
fn names() -> impl Strategy<Value = Name> {
    let octet = prop_oneof![Just(0_u8), Just(1), Just(2), Just(b'a'), Just(b'A'), Just(b'['), Just(b'z'), Just(255)];
    let label = proptest::collection::vec(octet, 1..4);
    proptest::collection::vec(label, 0..4)
        .prop_map(|labels| Name::from_labels(labels.iter().map(Vec::as_slice), NameRef::ROOT).unwrap())
}

/// Records with few types and RDATA that is often the same but for case.
fn records() -> impl Strategy<Value = Vec<Record>> {
    let rtype = prop_oneof![Just(Rtype::NS), Just(Rtype::TXT), Just(Rtype::RRSIG)];
    let record = (names(), rtype, names(), 0_u32..3, 0_u8..3).prop_map(|(owner, rtype, target, ttl, covered)| {
        let mut rdata = target.as_wire().to_vec();
        if rtype == Rtype::RRSIG {
            rdata = [&[0, covered][..], &[0; 16], &rdata, b"S"].concat();
        }
        Record { owner, rtype, ttl, rdata: rdata.into(), file: 0, line: 0 }
    });
    proptest::collection::vec(record, 0..40)
}

/// RDATA in canonical form, straight from the definition.
fn canonical_form(record: &Record) -> Vec<u8> {
    let mut rdata = record.rdata.to_vec();
    match record.rtype {
        Rtype::NS => rdata.make_ascii_lowercase(),
        Rtype::RRSIG => {
            let signature = rdata.len() - 1;
            rdata[18..signature].make_ascii_lowercase();
        }
        _ => (),
    }
    rdata
}

proptest! {
    #[test]
    fn sorting_agrees_with_the_definition(mut records in records()) {
        for (index, record) in records.iter_mut().enumerate() {
            record.line = index as u32;
        }
        let mut expected = records.clone();
        expected.sort_by(|a, b| {
            let key = |record: &Record| (record.rtype, canonical_form(record));
            a.owner.as_ref().canonical_cmp(b.owner.as_ref()).then_with(|| key(a).cmp(&key(b)))
        });
        sort(&mut records);
        let lines = |records: &[Record]| records.iter().map(|record| record.line).collect::<Vec<u32>>();
        prop_assert_eq!(lines(&records), lines(&expected));
    }

    #[test]
    fn rrsets_hold_each_record_once(mut records in records()) {
        sort(&mut records);
        let mut distinct: Vec<_> = records.iter().map(|r| (r.owner.to_lowercase(), r.rtype, canonical_form(r))).collect();
        distinct.dedup();
        let mut found = Vec::new();
        let mut last = None;
        for rrset in rrsets(&records) {
            let covered = (rrset.rtype() == Rtype::RRSIG).then(|| rrset.records()[0].rdata[..2].to_vec());
            let key = (rrset.owner().to_name(), rrset.rtype(), covered);
            prop_assert!(last.as_ref() < Some(&key), "{:?} {:?}", last, key);
            last = Some(key);
            prop_assert_eq!(rrset.ttl(), rrset.records().iter().map(|record| record.ttl).min().unwrap());
            for rdata in rrset.rdata() {
                let record = Record { rdata: rdata.into(), ..rrset.records()[0].clone() };
                found.push((rrset.owner().to_name().to_lowercase(), rrset.rtype(), canonical_form(&record)));
            }
        }
        prop_assert_eq!(found, distinct);
    }
}
