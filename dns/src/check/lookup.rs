//! What a zone has at a name, as a query for it would find: [`find`]. Costs a few searches by halving.

use crate::columns::SortedZone;
use crate::types::Rtype;
use std::cmp::Ordering;
use zone_segment::{Name, NameRef, ZoneSource as _};

/// What there is at a name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// It is not in the zone.
    Outside,
    /// It is at a cut or below one.
    BelowCut {
        /// The name itself, if it has records.
        name: Option<Owned>,
    },
    /// It is below a DNAME.
    Dname,
    /// It is authoritative and has records, by itself or by a wildcard.
    Name(Owned),
    /// There is no such name, or none that has records.
    Nothing,
}

/// An owner that has records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owned {
    /// Its first rank.
    pub(super) rank: usize,
}

impl Owned {
    /// The owner by a name.
    pub(super) fn find(zone: &SortedZone, name: NameRef<'_>) -> Option<Self> {
        zone.find(name).map(|rank| Self { rank })
    }

    /// Whether it has records of a type.
    pub(super) fn has(self, zone: &SortedZone, rtype: Rtype) -> bool {
        zone.has_any(self.rank, &[rtype])
    }

    /// Whether it has an IPv4 or IPv6 address.
    pub(super) fn has_address(self, zone: &SortedZone) -> bool {
        zone.has_any(self.rank, &[Rtype::A, Rtype::AAAA])
    }
}

/// Looks a name up.
pub(super) fn find(zone: &SortedZone, name: NameRef<'_>) -> Found {
    let apex = zone.apex();
    if !name.is_at_or_below(apex) {
        return Found::Outside;
    }
    let owned = Owned::find(zone, name);
    match covering(zone, name) {
        Some((_, Rtype::NS)) => return Found::BelowCut { name: owned },
        Some(_) => return Found::Dname,
        None => (),
    }
    if name != apex && owned.is_some_and(|owned| owned.has(zone, Rtype::NS)) {
        return Found::BelowCut { name: owned };
    }
    match owned {
        Some(owned) => Found::Name(owned),
        None if has_descendant(zone, name) => Found::Nothing,
        None => wildcard(zone, name).map_or(Found::Nothing, Found::Name),
    }
}

/// The highest name above a name that has a cut or a DNAME, and which of the two: what is below is not authoritative.
pub(super) fn covering<'n>(zone: &SortedZone, name: NameRef<'n>) -> Option<(NameRef<'n>, Rtype)> {
    let apex = zone.apex();
    let mut highest = None;
    let mut ancestor = name;
    while ancestor != apex {
        ancestor = ancestor.parent()?;
        let Some(owned) = Owned::find(zone, ancestor) else { continue };
        if ancestor != apex && owned.has(zone, Rtype::NS) {
            highest = Some((ancestor, Rtype::NS));
        } else if owned.has(zone, Rtype::DNAME) {
            highest = Some((ancestor, Rtype::DNAME));
        }
    }
    highest
}

/// Whether a name that has no records has descendants that do: an empty non-terminal.
pub(super) fn has_descendant(zone: &SortedZone, name: NameRef<'_>) -> bool {
    let rank = lower_bound(zone, name);
    rank < zone.len() && zone.name(rank).is_at_or_below(name)
}

/// The first rank whose owner is not before a name.
fn lower_bound(zone: &SortedZone, name: NameRef<'_>) -> usize {
    let (mut low, mut high) = (0, zone.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if zone.name(middle).canonical_cmp(name) == Ordering::Less {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// The wildcard that a name without records is synthesised from (RFC 4592, section 3.3.1).
fn wildcard(zone: &SortedZone, name: NameRef<'_>) -> Option<Owned> {
    let mut encloser = name.parent()?;
    while encloser != zone.apex() && zone.find(encloser).is_none() && !has_descendant(zone, encloser) {
        encloser = encloser.parent()?;
    }
    let wildcard: Name = encloser.to_name().prepend_label(b"*").ok()?;
    Owned::find(zone, wildcard.as_ref())
}
