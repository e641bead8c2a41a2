//! The records of a catalog zone that we produce: [`records`].

use std::collections::BTreeMap;

use dns::types::Rtype;
use zone_segment::{Name, NameError};

use super::read::VERSION;

/// A record: owner, type, RDATA. All have the TTL 0, since nobody is to cache them.
pub(crate) type Produced = (Name, Rtype, Vec<u8>);

/// All records of a catalog zone but its SOA record, in no particular order, from its zones and the groups of each.
///
/// # Errors
///
/// [`NameError`] where the catalog's name is so long that no member fits below it.
pub(crate) fn records(apex: &Name, zones: &BTreeMap<Name, Vec<Box<[u8]>>>) -> Result<Vec<Produced>, NameError> {
    let node = |label: &[u8]| apex.prepend_label(b"zones")?.prepend_label(label);
    let invalid = Name::from_labels([&b"invalid"[..]], Name::root().as_ref())?;
    let mut records = Vec::with_capacity(2 + zones.len());
    // RFC 9432, section 4.1: there has to be one, and it is not used.
    records.push((apex.clone(), Rtype::NS, invalid.as_wire().to_vec()));
    records.push((apex.prepend_label(b"version")?, Rtype::TXT, strings(VERSION)));
    for (zone, groups) in zones {
        let node = node(label(zone).as_bytes())?;
        for group in groups {
            records.push((node.prepend_label(b"group")?, Rtype::TXT, strings(group)));
        }
        records.push((node, Rtype::PTR, zone.as_wire().to_vec()));
    }
    Ok(records)
}

/// The label that stands for a zone: the same as long as it has its name, on whichever server. 64 bits of a hash would meet by chance among some
/// billions of zones, and 128 cost as little.
pub(crate) fn label(zone: &Name) -> String {
    let hash = xxhash_rust::xxh3::xxh3_128(zone.to_lowercase().as_wire());
    format!("{hash:032x}")
}

/// A text as strings of a TXT record.
fn strings(text: &[u8]) -> Vec<u8> {
    let mut rdata = Vec::with_capacity(text.len() + 1);
    let parts = text.chunks(usize::from(u8::MAX));
    let empty = if text.is_empty() { Some(&b""[..]) } else { None };
    for part in parts.chain(empty) {
        rdata.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
        rdata.extend(part);
    }
    rdata
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::catalog::Catalog;

    proptest! {
        #[test]
        fn what_is_produced_is_read_back(zones in proptest::collection::btree_map("[a-z0-9]{1,20}", proptest::collection::btree_set("[ -~]{0,300}", 0..3), 0..20)) {
            let apex: Name = "catalog.test.".parse().unwrap();
            let zones: BTreeMap<Name, Vec<Box<[u8]>>> = zones
                .into_iter()
                .map(|(zone, groups)| {
                    let groups = groups.into_iter().map(|group| group.into_bytes().into()).collect();
                    (format!("{zone}.test.").parse().unwrap(), groups)
                })
                .collect();
            let records = records(&apex, &zones).unwrap();
            let read = Catalog::read(&apex, records.iter().map(|(owner, rtype, rdata)| (owner.as_ref(), *rtype, &rdata[..]))).unwrap();
            let members: BTreeMap<Name, Vec<Box<[u8]>>> =
                read.members.into_iter().map(|(zone, member)| (zone, member.groups)).collect();
            prop_assert_eq!(members, zones);
        }
    }
}
