//! The NSEC3 chains of a signed zone (RFC 5155, section 7.1): complete but for what opt-out leaves out, ordered, closed, each record
//! with the types of the name that it stands for.
//!
//! Every name is hashed and compared with the records that are there, [`Chain`] by [`Chain`]: one for each NSEC3PARAM.

use super::finding::Findings;
use super::nsec::types;
use super::rule::Rule;
use super::standing::{Standing, each_of_range};
use super::{Owner, RANGE_RANKS, apex};
use crate::columns::{OwnerRecord, SortedZone};
use crate::text::types_of_set;
use crate::types::Rtype;
use data_encoding::BASE32HEX_NOPAD;
use rayon::prelude::*;
use std::ops::Range;
use zone_segment::{NameRef, Nsec3Hash, Nsec3Parameters, ZoneSource as _};

/// The flag of an NSEC3 whose span may hold delegations without one.
const OPT_OUT: u8 = 1;

/// Checks all chains.
pub(super) fn check<'a>(zone: &'a SortedZone, findings: &mut Findings<'a>) {
    let parameters: Vec<Nsec3Parameters<'_>> = apex::records(zone)
        .iter()
        .filter(|record| record.rtype == Rtype::NSEC3PARAM)
        .filter_map(|record| Nsec3Parameters::in_use(record.rdata))
        .collect();
    let mut links: Vec<Link<'a>> = each_part(zone, |range, links| {
        each_of_range(zone, range, |owner, _| {
            links.extend(
                owner.records.iter().filter(|r| r.rtype == Rtype::NSEC3).filter_map(|r| Link::of(owner.name, *r)),
            );
        });
    });
    links.par_sort_unstable_by_key(|link| link.hash);
    for link in links.iter().filter(|link| !parameters.contains(&link.parameters)) {
        findings.about(Rule::Nsec3Parameters, link.owner, link.record);
    }
    for parameters in parameters {
        let links = links.iter().filter(|link| link.parameters == parameters).copied().collect();
        Chain { zone, links }.check(parameters, findings);
    }
}

/// Collects from ranges of ranks, on all cores; in the order of ranks.
fn each_part<T: Send>(zone: &SortedZone, collect: impl Fn(Range<usize>, &mut Vec<T>) + Sync) -> Vec<T> {
    let starts: Vec<usize> = (0..zone.len()).step_by(RANGE_RANKS).collect();
    let of_range = |start: usize| {
        let mut collected = Vec::new();
        collect(start..zone.len().min(start + RANGE_RANKS), &mut collected);
        collected
    };
    starts.into_par_iter().flat_map_iter(of_range).collect()
}

/// An NSEC3 of the zone.
#[derive(Clone, Copy, Debug)]
struct Link<'a> {
    /// The hash that its owner is.
    hash: Nsec3Hash,
    /// Its owner.
    owner: NameRef<'a>,
    /// The record.
    record: OwnerRecord<'a>,
    /// What it was hashed with.
    parameters: Nsec3Parameters<'a>,
    /// Whether its span may hold delegations without one.
    is_opt_out: bool,
    /// The hash that it leads to.
    next: &'a [u8],
    /// The types that it lists.
    set: &'a [u8],
}

impl<'a> Link<'a> {
    /// Takes an NSEC3 apart; `None` where its owner is no hash.
    fn of(owner: NameRef<'a>, record: OwnerRecord<'a>) -> Option<Self> {
        let label = owner.labels().next()?.to_ascii_uppercase();
        let hash: Nsec3Hash = BASE32HEX_NOPAD.decode(&label).ok()?.try_into().ok()?;
        let (parameters, flags, rest) = Nsec3Parameters::split(record.rdata)?;
        let (next_octets, rest) = rest.split_first()?;
        let (next, set) = rest.split_at_checked(usize::from(*next_octets))?;
        Some(Self { hash, owner, record, parameters, is_opt_out: flags & OPT_OUT != 0, next, set })
    }
}

/// A name that the chain has a place for.
struct Expected<'a> {
    /// Its hash.
    hash: Nsec3Hash,
    /// The name.
    name: NameRef<'a>,
    /// Its first record; none at an empty non-terminal.
    record: Option<OwnerRecord<'a>>,
    /// The rank from which its records are read again, or those below it.
    rank: usize,
    /// What it is to the zone.
    standing: Standing<'a>,
}

/// The NSEC3 records of one set of parameters.
struct Chain<'a> {
    /// The zone.
    zone: &'a SortedZone,
    /// The records by hash.
    links: Vec<Link<'a>>,
}

impl<'a> Chain<'a> {
    /// Checks the chain.
    fn check(&self, parameters: Nsec3Parameters<'_>, findings: &mut Findings<'a>) {
        let nexts = self.links.iter().cycle().skip(1);
        for (link, next) in self.links.iter().zip(nexts) {
            if link.next != next.hash {
                findings.about(Rule::Nsec3Chain, link.owner, link.record);
            }
        }
        let zone = self.zone;
        let mut expected: Vec<Expected<'a>> =
            each_part(zone, |range, expected| push_expected(zone, range, parameters, expected));
        for name in &expected {
            self.check_name(name, findings);
        }
        expected.par_sort_unstable_by_key(|name| name.hash);
        for link in &self.links {
            if expected.binary_search_by_key(&link.hash, |name| name.hash).is_err() {
                findings.about(Rule::Nsec3Superfluous, link.owner, link.record);
            }
        }
    }

    /// Checks that a name has an NSEC3 with its types.
    fn check_name(&self, name: &Expected<'a>, findings: &mut Findings<'a>) {
        match self.links.binary_search_by_key(&name.hash, |link| link.hash) {
            Ok(index) => {
                let link = &self.links[index];
                let mut records = Vec::new();
                if name.record.is_some() {
                    self.zone.records(name.rank, &mut records);
                }
                if types_of_set(link.set) != Some(types(&records, name.standing)) {
                    let what = name.name;
                    findings.about_text(Rule::Nsec3Types, link.record, || format!("{} NSEC3 of {what}", link.owner));
                }
            }
            Err(behind) => {
                let before = behind.checked_sub(1).or(self.links.len().checked_sub(1));
                let is_in_opt_out = before.is_some_and(|before| self.links[before].is_opt_out);
                if is_in_opt_out && self.is_insecure(name) {
                    return;
                }
                match name.record {
                    Some(record) => findings.about(Rule::Nsec3Missing, name.name, record),
                    None => findings.about_name(Rule::Nsec3Missing, name.name),
                }
            }
        }
    }

    /// Whether a name is a delegation without DS, or has nothing but such below it: what opt-out may leave out (RFC 5155, section 7.1).
    fn is_insecure(&self, name: &Expected<'a>) -> bool {
        let is_secure = |owner: Owner<'_, '_>, standing: Standing<'_>| match standing {
            Standing::Authoritative => true,
            Standing::Cut => owner.records.iter().any(|record| record.rtype == Rtype::DS),
            Standing::BelowCut(_) | Standing::BelowDname => false,
        };
        if name.record.is_some() {
            let mut is_insecure = true;
            each_of_range(self.zone, name.rank..name.rank + 1, |owner, standing| {
                is_insecure = !is_secure(owner, standing);
            });
            return is_insecure;
        }
        let mut end = name.rank;
        while end < self.zone.len() && self.zone.name(end).is_at_or_below(name.name) {
            end += 1;
        }
        let mut is_insecure = true;
        each_of_range(self.zone, name.rank..end, |owner, standing| is_insecure &= !is_secure(owner, standing));
        is_insecure
    }
}

/// Collects the names of a range of ranks that the chain has a place for: those that are authoritative or delegated, and the empty
/// non-terminals above them.
fn push_expected<'a>(
    zone: &'a SortedZone,
    range: Range<usize>,
    parameters: Nsec3Parameters<'_>,
    expected: &mut Vec<Expected<'a>>,
) {
    let start = super::first_owner(zone, range.start);
    let mut before = start.checked_sub(1).map(|rank| zone.name(rank));
    let mut rank = start;
    each_of_range(zone, range, |owner, standing| {
        let is_of_chain =
            owner.records.iter().all(|record| matches!(record.rtype, Rtype::NSEC3 | Rtype::RRSIG | Rtype::NSEC));
        if standing.is_in_chain() && !is_of_chain {
            push_empty_non_terminals(zone, owner.name, rank, before, parameters, expected);
            let record = owner.records.first().copied();
            let hash = parameters.hash(owner.name);
            expected.push(Expected { hash, name: owner.name, record, rank, standing });
        }
        before = Some(owner.name);
        rank = owner.end;
    });
}

/// Collects the names above an owner that have no records, unless the owner before it has them above it too.
fn push_empty_non_terminals<'a>(
    zone: &SortedZone,
    name: NameRef<'a>,
    rank: usize,
    before: Option<NameRef<'_>>,
    parameters: Nsec3Parameters<'_>,
    expected: &mut Vec<Expected<'a>>,
) {
    let mut ancestor = name;
    while ancestor != zone.apex() {
        let Some(parent) = ancestor.parent() else { break };
        ancestor = parent;
        if ancestor == zone.apex() || before.is_some_and(|before| before.is_at_or_below(ancestor)) {
            break;
        }
        let standing = Standing::Authoritative;
        let hash = parameters.hash(ancestor);
        expected.push(Expected { hash, name: ancestor, record: None, rank, standing });
    }
}

/// The hash of a name as an owner has it: for tests, which make chains.
#[cfg(test)]
pub(super) fn hash_text(name: NameRef<'_>, iterations: u16, salt: &[u8]) -> String {
    BASE32HEX_NOPAD.encode(&Nsec3Parameters { algorithm: zone_segment::NSEC3_SHA1, iterations, salt }.hash(name))
}
