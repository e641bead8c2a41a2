//! Records one after the other in octets, as one process gives another what changed in a zone: [`put_record`] and [`ListedRecord`].
//!
//! ```text
//! u8 octets of the owner, the owner in wire form; u16 type, u32 TTL, u16 octets of the RDATA, the RDATA, uncompressed
//! ```
//!
//! Numbers are big-endian. The change sets of a zone are such a list in the order of an incremental transfer (RFC 1995, section 4): for each the
//! records that went, its old SOA record first, then those that came, its new SOA record first. So whoever sends one need not know where a set
//! begins.

use zone_segment::NameRef;

use crate::change::{ChangeSet, ChangedRecord};
use crate::types::Rtype;

/// The longest record of a list: the longest owner, and the longest RDATA.
pub const LISTED_OCTETS_MAX: usize = 1 + zone_segment::NAME_OCTETS_MAX + 8 + u16::MAX as usize;

/// A record of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedRecord<'l> {
    /// The owner.
    pub owner: NameRef<'l>,
    /// The type.
    pub rtype: Rtype,
    /// The TTL.
    pub ttl: u32,
    /// The RDATA.
    pub rdata: &'l [u8],
}

impl<'l> ListedRecord<'l> {
    /// The first record of a list, and the octets that it takes; none where it is not whole, or the owner is no name.
    pub fn parse(list: &'l [u8]) -> Option<(Self, usize)> {
        let (length, rest) = list.split_first()?;
        let (owner, rest) = rest.split_at_checked(usize::from(*length))?;
        let ([a, b, c, d, e, f, g, h], rest) = rest.split_first_chunk()?;
        let (rdata, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*g, *h])))?;
        let record = Self {
            owner: NameRef::from_wire(owner).ok()?,
            rtype: Rtype(u16::from_be_bytes([*a, *b])),
            ttl: u32::from_be_bytes([*c, *d, *e, *f]),
            rdata,
        };
        Some((record, list.len() - rest.len()))
    }
}

/// Adds a record to a list.
pub fn put_record(list: &mut Vec<u8>, record: &ChangedRecord) {
    let owner = record.owner.as_wire();
    // A name has at most 255 octets, and RDATA at most 65,535.
    list.push(owner.len() as u8);
    list.extend_from_slice(owner);
    list.extend_from_slice(&record.rtype.0.to_be_bytes());
    list.extend_from_slice(&record.ttl.to_be_bytes());
    list.extend_from_slice(&(record.rdata.len() as u16).to_be_bytes());
    list.extend_from_slice(&record.rdata);
}

/// Change sets as a list.
pub fn list_of(sets: &[ChangeSet]) -> Vec<u8> {
    let mut list = Vec::new();
    for record in sets.iter().flat_map(|set| set.removed.iter().chain(&set.added)) {
        put_record(&mut list, record);
    }
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any record.
    fn record() -> impl Strategy<Value = ChangedRecord> {
        let label = prop::collection::vec(any::<u8>(), 1..=63);
        let labels = prop::collection::vec(label, 0..=3);
        let rdata = prop_oneof![prop::collection::vec(any::<u8>(), 0..50), Just(vec![1; usize::from(u16::MAX)])];
        (labels, any::<u16>(), any::<u32>(), rdata).prop_map(|(labels, rtype, ttl, rdata)| {
            let mut wire: Vec<u8> =
                labels.iter().flat_map(|label| [&[label.len() as u8][..], label].concat()).collect();
            wire.push(0);
            let owner = NameRef::from_wire(&wire).unwrap().to_name();
            ChangedRecord { owner, rtype: Rtype(rtype), ttl, rdata: rdata.into() }
        })
    }

    proptest! {
        #[test]
        fn records_are_read_as_they_were_written(records in prop::collection::vec(record(), 0..5)) {
            let mut list = Vec::new();
            records.iter().for_each(|record| put_record(&mut list, record));
            let mut rest = &list[..];
            for record in &records {
                prop_assert!(ListedRecord::parse(&rest[..rest.len().min(8)]).is_none_or(|(_, octets)| octets <= 8));
                let (found, octets) = ListedRecord::parse(rest).unwrap();
                prop_assert!(octets <= LISTED_OCTETS_MAX);
                prop_assert_eq!(found.owner, record.owner.as_ref());
                prop_assert_eq!((found.rtype, found.ttl, found.rdata), (record.rtype, record.ttl, &*record.rdata));
                prop_assert!(ListedRecord::parse(&rest[..octets - 1]).is_none());
                rest = &rest[octets..];
            }
            prop_assert!(rest.is_empty());
        }
    }
}
