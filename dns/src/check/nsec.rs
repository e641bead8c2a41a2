//! The NSEC chain of a signed zone (RFC 4035, section 2.3): complete, ordered, closed, each with its owner's types.

use super::finding::Findings;
use super::rule::Rule;
use super::standing::{Standing, each_of_range};
use super::{Owner, RANGE_RANKS, apex, each_range};
use crate::columns::{OwnerRecord, SortedZone};
use crate::text::types_of_set;
use crate::types::Rtype;
use zone_segment::{NameRef, ZoneSource as _};

/// Checks the chain, if the zone has one or has no other.
pub(super) fn check<'a>(zone: &'a SortedZone, findings: &mut Findings<'a>) {
    let apex = apex::records(zone);
    let has = |rtype| apex.iter().any(|record| record.rtype == rtype);
    if !has(Rtype::NSEC) && has(Rtype::NSEC3PARAM) {
        return;
    }
    let found = each_range(zone, findings.kept_max(), |range, findings| {
        let mut before: Option<(NameRef<'a>, OwnerRecord<'a>)> = None;
        let end = range.end;
        each_of_range(zone, range, |owner, standing| {
            if !is_in_chain(owner, standing) {
                return;
            }
            if let Some((name, nsec)) = before {
                check_next(name, nsec, owner.name, findings);
            }
            before = check_owner(owner, standing, findings).map(|nsec| (owner.name, nsec));
        });
        if let Some((name, nsec)) = before {
            let next = next_in_chain(zone, end).unwrap_or(zone.apex());
            check_next(name, nsec, next, findings);
        }
    });
    findings.append(found);
}

/// Whether an owner has a place in the chain; those of NSEC3 records have none.
fn is_in_chain(owner: Owner<'_, '_>, standing: Standing<'_>) -> bool {
    standing.is_in_chain() && !owner.records.iter().all(|record| matches!(record.rtype, Rtype::NSEC3 | Rtype::RRSIG))
}

/// Checks the NSEC of an owner, and gives it.
fn check_owner<'a>(
    owner: Owner<'_, 'a>,
    standing: Standing<'_>,
    findings: &mut Findings<'a>,
) -> Option<OwnerRecord<'a>> {
    let mut records = owner.records.iter().filter(|record| record.rtype == Rtype::NSEC);
    let Some(nsec) = records.next().copied() else {
        if let Some(first) = owner.records.first() {
            findings.about(Rule::NsecMissing, owner.name, *first);
        }
        return None;
    };
    if let Some(second) = records.find(|second| second.rdata != nsec.rdata) {
        findings.about(Rule::NsecMultiple, owner.name, *second);
    }
    let set = NameRef::parse_prefix(nsec.rdata).ok().and_then(|(_, octets)| types_of_set(nsec.rdata.get(octets..)?));
    if set.as_deref() != Some(types(owner.records, standing).as_slice()) {
        findings.about(Rule::NsecTypes, owner.name, nsec);
    }
    Some(nsec)
}

/// Checks that an NSEC leads to the next name in the chain.
fn check_next<'a>(owner: NameRef<'a>, nsec: OwnerRecord<'a>, next: NameRef<'_>, findings: &mut Findings<'a>) {
    let told = NameRef::parse_prefix(nsec.rdata).map(|(name, _)| name);
    if told != Ok(next) {
        findings.about_text(Rule::NsecChain, nsec, || format!("{owner} NSEC, next is {next}"));
    }
}

/// The first owner in the chain from a rank on.
fn next_in_chain(zone: &SortedZone, start: usize) -> Option<NameRef<'_>> {
    let mut next = None;
    let mut from = start;
    while next.is_none() && from < zone.len() {
        let end = zone.len().min(from + RANGE_RANKS);
        each_of_range(zone, from..end, |owner, standing| {
            if next.is_none() && is_in_chain(owner, standing) {
                next = Some(owner.name);
            }
        });
        from = end;
    }
    next
}

/// The types that a chain says an owner has, ascending: at a cut those alone that the parent answers for (RFC 4035, section 2.3).
pub(super) fn types(records: &[OwnerRecord<'_>], standing: Standing<'_>) -> Vec<Rtype> {
    let is_of_cut = |rtype| matches!(rtype, Rtype::NS | Rtype::DS | Rtype::NSEC | Rtype::RRSIG);
    let mut types: Vec<Rtype> = records
        .iter()
        .map(|record| record.rtype)
        .filter(|rtype| standing != Standing::Cut || is_of_cut(*rtype))
        .collect();
    types.dedup();
    types
}
