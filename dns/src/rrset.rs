//! RRsets out of sorted records: [`rrsets`] goes over records as [`sort`](crate::sort) leaves them, without copying or allocating.
//!
//! For records that stand alone, and the plain model that [`SortedZone`](crate::SortedZone), which builders are fed with, is held against.

use crate::order::canonical_rdata_cmp;
use crate::record::Record;
use crate::types::Rtype;
use std::cmp::Ordering;
use zone_segment::NameRef;

/// An RRset: the records of one owner and type. Signatures of different covered types are RRsets of their own, since each has the
/// TTL of what it covers (RFC 4034, section 3).
#[derive(Clone, Copy, Debug)]
pub struct RrsetRef<'a> {
    /// The first record.
    first: &'a Record,
    /// All of its records, duplicates included; at least one.
    records: &'a [Record],
}

impl<'a> RrsetRef<'a> {
    /// The owner, in the case of its first record.
    pub fn owner(&self) -> NameRef<'a> {
        self.first.owner.as_ref()
    }

    /// The type.
    pub fn rtype(&self) -> Rtype {
        self.first.rtype
    }

    /// The TTL: the lowest of its records, where they differ (RFC 2181, section 5.2).
    pub fn ttl(&self) -> u32 {
        self.records.iter().map(|record| record.ttl).min().unwrap_or(0)
    }

    /// The RDATA of each record in canonical order, duplicates left out.
    pub fn rdata(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let rtype = self.rtype();
        let records = self.records;
        records.iter().enumerate().filter_map(move |(index, record)| {
            let before = index.checked_sub(1).and_then(|before| records.get(before));
            let is_duplicate = before
                .is_some_and(|before| canonical_rdata_cmp(rtype, &before.rdata, &record.rdata) == Ordering::Equal);
            (!is_duplicate).then_some(&*record.rdata)
        })
    }

    /// Its records.
    pub fn records(&self) -> &'a [Record] {
        self.records
    }
}

/// The RRsets of records in canonical order, as [`sort`](crate::sort) leaves them; owners in canonical order, types ascending.
pub fn rrsets(records: &[Record]) -> impl Iterator<Item = RrsetRef<'_>> {
    records.chunk_by(is_same_rrset).filter_map(|records| Some(RrsetRef { first: records.first()?, records }))
}

/// Whether two records belong to one RRset.
fn is_same_rrset(a: &Record, b: &Record) -> bool {
    a.rtype == b.rtype && covered(a) == covered(b) && a.owner == b.owner
}

/// The type that a signature covers; for other types nothing.
fn covered(record: &Record) -> Option<&[u8]> {
    match record.rtype {
        Rtype::RRSIG => record.rdata.get(..2),
        _ => None,
    }
}
