//! Which owners of a zone are authoritative, and which are at or below a cut or below a DNAME: [`each_standing`] goes over all owners
//! with that known.

use super::finding::Findings;
use super::lookup::covering;
use super::{Owner, each_owner, each_range, first_owner};
use crate::columns::{OwnerRecord, SortedZone};
use crate::types::Rtype;
use std::ops::Range;
use zone_segment::{NameRef, ZoneSource as _};

/// What an owner is to its zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing<'a> {
    /// The zone answers for it.
    Authoritative,
    /// The zone delegates it.
    Cut,
    /// It is below a cut: there it can only have addresses of name servers.
    BelowCut(NameRef<'a>),
    /// It is below a DNAME.
    BelowDname,
}

impl Standing<'_> {
    /// Whether the name has a place in a chain of NSEC or NSEC3: authoritative, or a cut.
    pub(super) fn is_in_chain(self) -> bool {
        matches!(self, Self::Authoritative | Self::Cut)
    }
}

/// Runs a check over all owners on all cores.
pub(super) fn each_standing<'a>(
    zone: &'a SortedZone,
    findings: &mut Findings<'a>,
    check: impl Fn(Owner<'_, 'a>, Standing<'a>, &mut Findings<'a>) + Sync,
) {
    let found = each_range(zone, findings.kept_max(), |range, findings| {
        each_of_range(zone, range, |owner, standing| check(owner, standing, findings));
    });
    findings.append(found);
}

/// Hands over each owner that begins in a range of ranks.
pub(super) fn each_of_range<'a>(
    zone: &'a SortedZone,
    range: Range<usize>,
    mut take: impl FnMut(Owner<'_, 'a>, Standing<'a>),
) {
    let mut standings = Standings::new(zone, range.start);
    each_owner(zone, range, |owner| {
        let standing = standings.next(owner.name, owner.records);
        take(owner, standing);
    });
}

/// The standing of owner after owner in canonical order, in which what is below a name follows it.
pub(super) struct Standings<'a> {
    /// The zone.
    zone: &'a SortedZone,
    /// The cut or DNAME that owners may be below.
    above: Option<(NameRef<'a>, Rtype)>,
}

impl<'a> Standings<'a> {
    /// Starts at the first owner of a range of ranks: what it is below is searched.
    pub(super) fn new(zone: &'a SortedZone, start: usize) -> Self {
        let rank = first_owner(zone, start);
        let name = (rank > 0 && rank < zone.len()).then(|| zone.name(rank));
        Self { zone, above: name.and_then(|name| covering(zone, name)) }
    }

    /// The standing of the next owner.
    pub(super) fn next(&mut self, name: NameRef<'a>, records: &[OwnerRecord<'_>]) -> Standing<'a> {
        if let Some((above, rtype)) = self.above {
            if name != above && name.is_at_or_below(above) {
                return if rtype == Rtype::NS { Standing::BelowCut(above) } else { Standing::BelowDname };
            }
            self.above = None;
        }
        let has = |rtype| records.iter().any(|record| record.rtype == rtype);
        if name != self.zone.apex() && has(Rtype::NS) {
            self.above = Some((name, Rtype::NS));
            return Standing::Cut;
        }
        if has(Rtype::DNAME) {
            self.above = Some((name, Rtype::DNAME));
        }
        Standing::Authoritative
    }
}
