//! Whether an owner fits a segment: [`check`] tells the first record of each kind that is one too many.
//!
//! Were it the builder that met these limits, one zone would keep the segment of a whole group from being written.

use super::Owner;
use super::finding::Findings;
use super::rule::Rule;
use crate::columns::OwnerRecord;
use crate::order::canonical_rdata_cmp;
use crate::types::Rtype;
use std::cmp::Ordering;
use std::collections::HashSet;
use zone_segment::{RRSET_RECORDS_MAX, RRSETS_MAX};

/// Whether an owner has so few records that it fits whatever they are, as nearly all do: then nothing need be counted.
#[inline]
pub(super) fn is_small(owner: Owner<'_, '_>) -> bool {
    owner.records.len() <= RRSETS_MAX
}

/// Checks one owner. Duplicates do not count, since they are dropped.
pub(super) fn check<'a>(owner: Owner<'_, 'a>, findings: &mut Findings<'a>) {
    // A type that has signatures alone counts too.
    let mut types = HashSet::new();
    for rrset in owner.records.chunk_by(is_same_rrset) {
        if let Some(record) = rrset.first()
            && types.insert(signed_type(record))
            && types.len() == RRSETS_MAX + 1
        {
            findings.about(Rule::RrsetTooLarge, owner.name, *record);
        }
        if let Some(record) = rrset.chunk_by(is_same_record).nth(RRSET_RECORDS_MAX).and_then(<[_]>::first) {
            findings.about(Rule::RrsetTooLarge, owner.name, *record);
        }
    }
}

/// The type whose RRset a segment puts a record with: for a signature the one that it covers.
fn signed_type(record: &OwnerRecord<'_>) -> Rtype {
    if record.rtype == Rtype::RRSIG { record.covered() } else { record.rtype }
}

/// Whether two records are of one RRset; signatures are of the RRset of the type that they cover.
fn is_same_rrset(a: &OwnerRecord<'_>, b: &OwnerRecord<'_>) -> bool {
    a.rtype == b.rtype && a.covered() == b.covered()
}

/// Whether two records of one RRset are one.
fn is_same_record(a: &OwnerRecord<'_>, b: &OwnerRecord<'_>) -> bool {
    canonical_rdata_cmp(a.rtype, a.rdata, b.rdata) == Ordering::Equal
}
