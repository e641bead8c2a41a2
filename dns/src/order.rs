//! Canonical order of records: by owner (RFC 4034, section 6.1), then type, then RDATA (RFC 4034, section 6.3).

use crate::record::Record;
use crate::types::{Rtype, canonical_names};
use std::cmp::Ordering;
use std::ops::Range;

#[cfg(test)]
mod tests;

/// Sorts records into canonical order; records that are equal in it stay in the order they came in. For records that stand alone: those of
/// a zone are sorted where they lie, by [`SortedZone`](crate::SortedZone).
pub fn sort(records: &mut [Record]) {
    records.sort_by(|a, b| {
        let owners = a.owner.as_ref().canonical_cmp(b.owner.as_ref());
        owners.then(a.rtype.cmp(&b.rtype)).then_with(|| canonical_rdata_cmp(a.rtype, &a.rdata, &b.rdata))
    });
}

/// Compares two RDATA of a type in canonical order: as octets, with the letters of some types' names in lower case (RFC 4034,
/// sections 6.2 and 6.3). Equal are those that are the same record.
pub fn canonical_rdata_cmp(rtype: Rtype, a: &[u8], b: &[u8]) -> Ordering {
    let Some(names) = canonical_names(rtype) else { return a.cmp(b) };
    let Some(first) = a.iter().zip(b).position(|(a, b)| a != b) else { return a.len().cmp(&b.len()) };
    if !a[first].is_ascii_uppercase() && !b[first].is_ascii_uppercase() {
        // Folding would change neither, wherever the names are.
        return a[first].cmp(&b[first]);
    }
    let in_names = |rdata: &[u8]| names.ranges(rdata).collect::<Vec<Range<usize>>>();
    let (a_names, b_names) = (in_names(a), in_names(b));
    let fold = |names: &[Range<usize>], at: usize, octet: &u8| {
        if names.iter().any(|name| name.contains(&at)) { octet.to_ascii_lowercase() } else { *octet }
    };
    for (at, (a, b)) in a.iter().zip(b).enumerate().skip(first) {
        let order = fold(&a_names, at, a).cmp(&fold(&b_names, at, b));
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}
