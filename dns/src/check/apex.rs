//! Rules about the apex: what it must have, and that the zone's name servers can be found.

use super::finding::Findings;
use super::lookup::{Found, find};
use super::rule::Rule;
use crate::columns::{OwnerRecord, SortedZone};
use crate::types::Rtype;
use zone_segment::{NameRef, Nsec3Parameters};

/// Checks the apex.
pub(super) fn check<'a>(zone: &'a SortedZone, findings: &mut Findings<'a>) {
    let apex = zone.apex();
    let records = records(zone);
    check_iterations(&records, apex, findings);
    for (rtype, rule) in [(Rtype::SOA, Rule::SoaMissing), (Rtype::NS, Rule::NsMissing)] {
        if !records.iter().any(|record| record.rtype == rtype) {
            findings.about_name(rule, apex);
        }
    }
    for record in records.iter().filter(|record| record.rtype == Rtype::NS) {
        let Ok(target) = NameRef::from_wire(record.rdata) else { continue };
        let rule = match find(zone, target) {
            Found::Nothing | Found::Dname => Rule::NsWithoutAddress,
            Found::Name(found) if found.has(zone, Rtype::CNAME) => Rule::NsToCname,
            Found::Name(found) if !found.has_address(zone) => Rule::NsWithoutAddress,
            Found::Name(_) | Found::BelowCut { .. } | Found::Outside => continue,
        };
        findings.about_text(rule, *record, || format!("{apex} NS {target}"));
    }
}

/// Refuses a chain of which each proof would take longer than any other answer: at these iterations validators do not look at it anyway.
fn check_iterations<'a>(records: &[OwnerRecord<'a>], apex: NameRef<'a>, findings: &mut Findings<'a>) {
    for record in records.iter().filter(|record| record.rtype == Rtype::NSEC3PARAM) {
        let parameters = Nsec3Parameters::in_use(record.rdata);
        if parameters.is_some_and(|parameters| parameters.iterations > NSEC3_ITERATIONS_MAX) {
            findings.about(Rule::Nsec3Iterations, apex, *record);
        }
    }
}

/// How often names may be hashed again: what validators took at most, before RFC 9276 asked for 0.
const NSEC3_ITERATIONS_MAX: u16 = 150;

/// The serial of a zone's SOA.
pub fn zone_serial(zone: &SortedZone) -> Option<u32> {
    let soa = records(zone).into_iter().find(|record| record.rtype == Rtype::SOA)?;
    // Serial, refresh, retry, expire and minimum are the last 20 octets.
    let (serial, _) = soa.rdata.last_chunk::<20>()?.split_first_chunk()?;
    Some(u32::from_be_bytes(*serial))
}

/// The records of the apex.
pub(super) fn records(zone: &SortedZone) -> Vec<OwnerRecord<'_>> {
    let mut records = Vec::new();
    if let Some(rank) = zone.find(zone.apex()) {
        zone.records(rank, &mut records);
    }
    records
}
