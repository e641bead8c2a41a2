//! Rules about one owner by itself, or with the name behind it: [`check`] runs for each owner of each zone at each load, so that it
//! looks at each record once and searches nothing.

use super::Owner;
use super::finding::Findings;
use super::rule::Rule;
use super::size;
use crate::columns::{OwnerRecord, SortedZone};
use crate::order::canonical_rdata_cmp;
use crate::types::Rtype;
use std::cmp::Ordering;
use zone_segment::ZoneSource as _;

/// What the records of an owner are, from one look at each.
#[derive(Default)]
struct Seen<'a> {
    /// The CNAMEs that differ, counted.
    cnames: usize,
    /// The DNAMEs that differ, counted.
    dnames: usize,
    /// The SOAs that differ, counted.
    soas: usize,
    /// A record that does not stand beside a CNAME.
    other: Option<OwnerRecord<'a>>,
}

/// Checks one owner.
pub(super) fn check<'a>(zone: &'a SortedZone, owner: Owner<'_, 'a>, findings: &mut Findings<'a>) {
    let mut seen = Seen::default();
    let mut before: Option<OwnerRecord<'a>> = None;
    let mut mismatch = None;
    for record in owner.records {
        if let Some(before) = before.filter(|before| before.rtype == record.rtype) {
            if canonical_rdata_cmp(record.rtype, before.rdata, record.rdata) == Ordering::Equal {
                findings.about(Rule::Duplicate, owner.name, *record);
                continue;
            }
            // One finding an RRset, and of a duplicate that it is one says more.
            if before.ttl != record.ttl
                && before.covered() == record.covered()
                && mismatch != Some((record.rtype, record.covered()))
            {
                mismatch = Some((record.rtype, record.covered()));
                findings.about(Rule::TtlMismatch, owner.name, *record);
            }
        }
        check_record(zone, owner, *record, &mut seen, findings);
        before = Some(*record);
    }
    if !size::is_small(owner) {
        size::check(owner, findings);
    }
    if seen.cnames > 0
        && let Some(other) = seen.other
    {
        findings.about(Rule::CnameAndOtherData, owner.name, other);
    }
    if seen.dnames > 0
        && owner.end < zone.len()
        && let below = zone.name(owner.end)
        && below.is_at_or_below(owner.name)
    {
        // The first is told; who repairs one, finds the others.
        let mut records = Vec::new();
        zone.records(owner.end, &mut records);
        if let Some(record) = records.first() {
            findings.about(Rule::BelowDname, below, *record);
        }
    }
}

/// Looks at one record that is no duplicate.
#[inline]
fn check_record<'a>(
    zone: &SortedZone,
    owner: Owner<'_, 'a>,
    record: OwnerRecord<'a>,
    seen: &mut Seen<'a>,
    findings: &mut Findings<'a>,
) {
    let mut count = |count: &mut usize, rule| {
        *count += 1;
        if *count == 2 {
            findings.about(rule, owner.name, record);
        }
    };
    match record.rtype {
        Rtype::CNAME => count(&mut seen.cnames, Rule::CnameMultiple),
        Rtype::DNAME => count(&mut seen.dnames, Rule::DnameMultiple),
        Rtype::SOA => {
            count(&mut seen.soas, Rule::SoaMultiple);
            if seen.soas == 1 && owner.name != zone.apex() {
                findings.about(Rule::SoaBelowApex, owner.name, record);
            }
        }
        Rtype::DS if !is_digest_of_its_length(record.rdata) => {
            findings.about(Rule::DigestLength, owner.name, record);
        }
        Rtype::MD | Rtype::MF => findings.about(Rule::TypeObsolete, owner.name, record),
        _ => (),
    }
    if seen.other.is_none() && record.rtype != Rtype::CNAME && !record.rtype.is_allowed_beside_cname() {
        seen.other = Some(record);
    }
}

/// Whether the digest in an RDATA of DS is as long as its type says (IANA's registry of digest algorithms); any length is, for a type
/// that is not known.
fn is_digest_of_its_length(rdata: &[u8]) -> bool {
    let Some(([_, _, _, digest_type], digest)) = rdata.split_first_chunk() else { return false };
    match digest_type {
        1 => digest.len() == 20,
        2 | 3 | 5 | 6 => digest.len() == 32,
        4 => digest.len() == 48,
        _ => true,
    }
}
