//! The rules of a load for records that stand alone, for those who have no columns: [`records`].

use super::finding::CheckReport;
use crate::columns::{Columns, SortedZone};
use crate::order::{canonical_rdata_cmp, sort};
use crate::record::Record;
use crate::rrset::rrsets;
use crate::types::Rtype;
use std::cmp::Ordering;
use std::path::PathBuf;
use zone_segment::Name;

/// Checks the records of a zone as [`zone`](super::zone) does, and leaves them in canonical order without those out of the zone and
/// without duplicates, each RRset with one TTL: as [`rrsets`] wants them. `files` is what [`Record::file`] is an index into; the first
/// is the zone's own.
pub fn records(apex: &Name, records: &mut Vec<Record>, files: &[PathBuf]) -> CheckReport {
    let columns = Columns { files: files.to_vec(), ..records.iter().cloned().collect() };
    let report = super::zone(&SortedZone::new(apex.clone(), columns));
    records.retain(|record| record.owner.is_at_or_below(apex.as_ref()));
    sort(records);
    drop_duplicates(records);
    even_ttls(records);
    report
}

/// The serial of the SOA at the apex, of records that are in canonical order.
pub fn serial(apex: &Name, records: &[Record]) -> Option<u32> {
    let start = records.partition_point(|record| record.owner < *apex);
    let soa =
        records.get(start..)?.iter().take_while(|record| record.owner == *apex).find(|r| r.rtype == Rtype::SOA)?;
    // Serial, refresh, retry, expire and minimum are the last 20 octets.
    let (serial, _) = soa.rdata.last_chunk::<20>()?.split_first_chunk()?;
    Some(u32::from_be_bytes(*serial))
}

/// Keeps the first of records that are the same but for their TTL and the case of their names, with the lowest TTL.
fn drop_duplicates(records: &mut Vec<Record>) {
    records.dedup_by(|later, first| {
        let is_duplicate = later.rtype == first.rtype
            && canonical_rdata_cmp(first.rtype, &first.rdata, &later.rdata) == Ordering::Equal
            && later.owner == first.owner;
        if is_duplicate {
            first.ttl = first.ttl.min(later.ttl);
        }
        is_duplicate
    });
}

/// Gives all records of an RRset the lowest TTL among them. For signatures the RRset is that of one covered type.
fn even_ttls(records: &mut [Record]) {
    let lengths: Vec<(usize, u32)> = rrsets(records).map(|rrset| (rrset.records().len(), rrset.ttl())).collect();
    let mut rest = records;
    for (length, ttl) in lengths {
        let (rrset, after) = rest.split_at_mut(length);
        rrset.iter_mut().for_each(|record| record.ttl = ttl);
        rest = after;
    }
}
