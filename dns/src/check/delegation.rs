//! Delegations: glue that is missing or that nobody needs, records below a cut that are never an answer, name servers that lead nowhere.
//! The name servers of the zone itself are in `apex`.

use super::finding::Findings;
use super::lookup::{Found, find};
use super::rule::Rule;
use super::standing::{Standing, each_of_range, each_standing};
use super::{Owner, RANGE_RANKS};
use crate::columns::SortedZone;
use crate::types::Rtype;
use rayon::prelude::*;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use zone_segment::{NameRef, ZoneSource as _};

/// Checks all delegations.
pub(super) fn check<'a>(zone: &'a SortedZone, findings: &mut Findings<'a>) {
    let targets = Targets::of(zone);
    each_standing(zone, findings, |owner, standing, findings| match standing {
        Standing::Authoritative => check_authoritative(zone, owner, findings),
        Standing::Cut => {
            check_targets(zone, owner, findings);
            check_occluded(owner, true, &targets, findings);
        }
        Standing::BelowCut(_) => check_occluded(owner, false, &targets, findings),
        // A finding of every load.
        Standing::BelowDname => (),
    });
}

/// Checks what belongs to a delegation and stands elsewhere.
fn check_authoritative<'a>(zone: &SortedZone, owner: Owner<'_, 'a>, findings: &mut Findings<'a>) {
    for record in owner.records {
        match record.rtype {
            Rtype::DS => {
                findings.about(Rule::DsWithoutNs, owner.name, *record);
                break;
            }
            Rtype::DNAME if owner.name.is_wildcard() && owner.name != zone.apex() => {
                findings.about(Rule::DnameAtWildcard, owner.name, *record);
                break;
            }
            _ => (),
        }
    }
}

/// Checks the name servers of a cut.
fn check_targets<'a>(zone: &'a SortedZone, owner: Owner<'_, 'a>, findings: &mut Findings<'a>) {
    let mut servers = owner.records.iter().filter(|record| record.rtype == Rtype::NS);
    if owner.name.is_wildcard()
        && let Some(record) = servers.clone().next()
    {
        findings.about(Rule::NsAtWildcard, owner.name, *record);
    }
    let mut before: Option<NameRef<'_>> = None;
    servers.by_ref().for_each(|record| {
        let Ok(target) = NameRef::from_wire(record.rdata) else { return };
        if before.replace(target) == Some(target) {
            return;
        }
        let rule = match find(zone, target) {
            Found::Outside => return,
            Found::Nothing | Found::Dname => Rule::DelegationToNothing,
            Found::Name(name) if name.has(zone, Rtype::CNAME) => Rule::DelegationToCname,
            Found::Name(name) if !name.has_address(zone) => Rule::DelegationToNothing,
            Found::Name(_) => return,
            // A name below another cut is for that one to find; only below its own it cannot be found without glue.
            Found::BelowCut { name, .. } => {
                if !target.is_at_or_below(owner.name) || name.is_some_and(|name| name.has_address(zone)) {
                    return;
                }
                Rule::GlueMissing
            }
        };
        let name = owner.name;
        findings.about_text(rule, *record, || format!("{name} NS {target}"));
    });
}

/// Checks records at or below a cut: only NS and what is signed stand at it, and addresses of name servers.
fn check_occluded<'a>(owner: Owner<'_, 'a>, is_cut: bool, targets: &Targets, findings: &mut Findings<'a>) {
    let is_of_cut =
        |rtype| is_cut && matches!(rtype, Rtype::NS | Rtype::DS | Rtype::NSEC | Rtype::RRSIG | Rtype::NXT | Rtype::SIG);
    let is_address = |rtype| matches!(rtype, Rtype::A | Rtype::AAAA);
    let others = owner.records.iter().filter(|record| !is_of_cut(record.rtype));
    if let Some(record) = others.clone().find(|record| !is_address(record.rtype)) {
        findings.about(Rule::BelowCut, owner.name, *record);
    }
    if let Some(record) = others.clone().find(|record| is_address(record.rtype))
        && !targets.has(owner.name)
    {
        findings.about(Rule::GlueSuperfluous, owner.name, *record);
    }
}

/// The names of all name servers that are in the zone, by hash: a zone may have millions, and only whether there is one is asked.
struct Targets {
    /// The hashes in order.
    hashes: Vec<u64>,
}

impl Targets {
    /// Those of all NS records of a zone.
    fn of(zone: &SortedZone) -> Self {
        let starts: Vec<usize> = (0..zone.len()).step_by(RANGE_RANKS).collect();
        let of_range = |start: usize| {
            let mut hashes = Vec::new();
            each_of_range(zone, start..zone.len().min(start + RANGE_RANKS), |owner, _| {
                for record in owner.records.iter().filter(|record| record.rtype == Rtype::NS) {
                    if let Ok(target) = NameRef::from_wire(record.rdata)
                        && target.is_at_or_below(zone.apex())
                    {
                        hashes.push(hash(target));
                    }
                }
            });
            hashes
        };
        let mut hashes: Vec<u64> = starts.into_par_iter().flat_map_iter(of_range).collect();
        hashes.par_sort_unstable();
        hashes.dedup();
        Self { hashes }
    }

    /// Whether a name is among them.
    fn has(&self, name: NameRef<'_>) -> bool {
        self.hashes.binary_search(&hash(name)).is_ok()
    }
}

/// The hash of a name, whatever its case.
fn hash(name: NameRef<'_>) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(name)
}
