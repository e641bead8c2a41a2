//! Zone checks: what is wrong with a zone whose records could be read, each fault named by its [`Rule`].
//!
//! [`zone`] is what every load runs: all rules that keep a zone from being served, and those that cost no search, on all cores.
//! [`all`] adds what wants searches or hashes: delegations and glue, aliases that are pointed at, chains and signatures of DNSSEC, and the digest
//! of the zone where asked for. Both work on a [`SortedZone`], whatever source its records came from; what keeps a file from being
//! records is in `crate::text`. Every rule is a line of `docs/zone-file-format.md`.
//!
//! Read [`zone`] first, then `owner` (rules about one owner; `size` has its limits), `apex`, `standing` (which owners are authoritative), and the files named by
//! what they check.

mod apex;
mod delegation;
mod finding;
mod lookup;
mod nsec;
mod nsec3;
mod owner;
mod rule;
mod signature;
mod size;
mod standing;
mod target;
#[cfg(test)]
mod tests;
mod zonemd;

pub use apex::zone_serial;
pub use finding::{CheckReport, FINDINGS_MAX, Finding};
pub use rule::Rule;

use crate::columns::{OwnerRecord, SortedZone};
use finding::Findings;
use rayon::prelude::*;
use std::ops::Range;
use zone_segment::{NameRef, ZoneSource as _};

/// What [`all`] is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The time that signatures have to be valid at, in seconds since 1970; `None` for any.
    pub at: Option<u32>,
    /// Whether the zone has to have a ZONEMD that agrees with it (RFC 8976).
    pub zonemd: bool,
    /// How many findings of each severity are kept.
    pub findings_max: usize,
}

/// Checks a zone as at every load: what keeps it from being served, and what shows without a search. Keeps [`FINDINGS_MAX`] findings
/// of each severity.
pub fn zone(zone: &SortedZone) -> CheckReport {
    let mut findings = local(zone, FINDINGS_MAX);
    apex::check(zone, &mut findings);
    findings.into_report(zone)
}

/// The same, and that the zone has a ZONEMD that agrees with it (RFC 8976).
pub fn zone_with_digest(zone: &SortedZone) -> CheckReport {
    let mut findings = local(zone, FINDINGS_MAX);
    apex::check(zone, &mut findings);
    zonemd::check(zone, &mut findings);
    findings.into_report(zone)
}

/// Checks everything.
pub fn all(zone: &SortedZone, options: &Options) -> CheckReport {
    let mut findings = local(zone, options.findings_max);
    apex::check(zone, &mut findings);
    delegation::check(zone, &mut findings);
    target::check(zone, &mut findings);
    if signature::is_signed(zone) {
        signature::check(zone, options.at, &mut findings);
        nsec::check(zone, &mut findings);
        nsec3::check(zone, &mut findings);
    }
    if options.zonemd {
        zonemd::check(zone, &mut findings);
    }
    findings.into_report(zone)
}

/// The rules about each owner by itself, and those about owners outside of the zone.
fn local(zone: &SortedZone, findings_max: usize) -> Findings<'_> {
    let mut findings = each_range(zone, findings_max, |range, findings| {
        each_owner(zone, range, |owner| owner::check(zone, owner, findings));
    });
    for (name, record) in zone.outside() {
        findings.about(Rule::OutOfZone, name, record);
    }
    findings
}

/// One owner and its records.
#[derive(Clone, Copy, Debug)]
struct Owner<'r, 'a> {
    /// Its name, in the spelling of its first record.
    name: NameRef<'a>,
    /// The rank behind it.
    end: usize,
    /// Its records by type, duplicates and all.
    records: &'r [OwnerRecord<'a>],
}

/// The ranks that one task checks. Many more than there are cores, so that none waits long for the last.
const RANGE_RANKS: usize = 1 << 14;

/// Runs a check over ranges of ranks on all cores; the findings are in the order of ranks.
fn each_range<'a>(
    zone: &'a SortedZone,
    findings_max: usize,
    check: impl Fn(Range<usize>, &mut Findings<'a>) + Sync,
) -> Findings<'a> {
    let check_range = |start: usize| {
        let mut findings = Findings::new(findings_max);
        check(start..zone.len().min(start + RANGE_RANKS), &mut findings);
        findings
    };
    if zone.len() <= RANGE_RANKS {
        // Most zones are small, and many of them are loaded at once.
        return check_range(0);
    }
    let starts: Vec<usize> = (0..zone.len()).step_by(RANGE_RANKS).collect();
    let ranges: Vec<Findings<'_>> = starts.into_par_iter().map(check_range).collect();
    ranges.into_iter().fold(Findings::new(findings_max), |mut all, findings| {
        all.append(findings);
        all
    })
}

/// Hands over each owner that begins in a range of ranks.
fn each_owner<'a>(zone: &'a SortedZone, range: Range<usize>, mut check: impl FnMut(Owner<'_, 'a>)) {
    let start = first_owner(zone, range.start);
    zone.visit_records(start..range.end, |end, name, records| check(Owner { name, end, records }));
}

/// The first rank from a rank on at which an owner begins.
fn first_owner(zone: &SortedZone, mut rank: usize) -> usize {
    while rank > 0 && rank < zone.len() && zone.name(rank) == zone.name(rank - 1) {
        rank += 1;
    }
    rank
}
