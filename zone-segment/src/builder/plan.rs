//! The zones of a segment, and the parts that they are built in.

use std::ops::{ControlFlow, Range};

use crate::changes::ZoneChanges;
use crate::error::WriteError;
use crate::ids::ZoneId;
use crate::name::{Name, NameRef};
use crate::source::ZoneSource;

use super::error::BuildError;
use super::nsec3::Chain;
use super::owned::Owned;

/// One zone.
pub(super) struct ZonePlan<'a> {
    /// Its id.
    pub(super) id: ZoneId,
    /// Its apex.
    pub(super) apex: Name,
    /// Labels of the apex.
    pub(super) apex_labels: usize,
    /// Its records.
    pub(super) source: Box<dyn ZoneSource + 'a>,
    /// Its NSEC3 chain, once its apex was looked at.
    pub(super) nsec3: Option<Chain>,
    /// Of a zone that is not written whole: what its records do not say.
    pub(super) changes: Option<ChangesPlan>,
}

/// What is known of a zone as a whole where a segment has only what changed of it.
pub(super) struct ChangesPlan {
    /// The flags of each name, by rank, that its records do not show.
    pub(super) flags: Vec<u16>,
    /// The zone's serial.
    pub(super) serial: u32,
    /// How many names the zone has.
    pub(super) names: u64,
    /// How many records.
    pub(super) records: u64,
    /// Whether only the names above a name say what hides it.
    pub(super) is_structural: bool,
}

impl<'a> ZonePlan<'a> {
    /// The plan of a zone.
    pub(super) fn new(id: ZoneId, apex: Name, source: Box<dyn ZoneSource + 'a>) -> ZonePlan<'a> {
        let apex_labels = apex.label_count();
        ZonePlan { id, apex, apex_labels, source, nsec3: None, changes: None }
    }

    /// The plan of what changed of a zone.
    pub(super) fn of_changes(id: ZoneId, changes: ZoneChanges) -> ZonePlan<'a> {
        let (serial, names, records) = (changes.serial(), changes.zone_names(), changes.record_count());
        let is_structural = changes.is_structural();
        let nsec3 = changes.nsec3().and_then(Chain::of_parameters);
        let apex = changes.apex().clone();
        let source = changes.into_source();
        let flags = source.flags();
        let changes = Some(ChangesPlan { flags, serial, names, records, is_structural });
        ZonePlan { nsec3, changes, ..ZonePlan::new(id, apex, Box::new(source)) }
    }

    /// Shows owner after owner of a range of ranks.
    pub(super) fn visit<'z>(
        &'z self,
        ranks: Range<usize>,
        mut to: impl FnMut(usize, NameRef<'z>, &Owned<'z>) -> Result<(), WriteError>,
    ) -> Result<(), BuildError> {
        let mut owned = Owned::default();
        let mut outcome = Ok(());
        self.source.visit(ranks, &mut |rank, name, records| {
            outcome = owned.set(name, records).and_then(|()| to(rank, name, &owned));
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        outcome.map_err(|error| BuildError::records(self, error))
    }

    /// The rank behind the owner that begins at a rank.
    pub(super) fn end_of_owner(&self, rank: usize) -> usize {
        let name = self.source.name(rank);
        (rank + 1..self.source.len()).find(|next| self.source.name(*next) != name).unwrap_or(self.source.len())
    }

    /// The first rank of an owner.
    pub(super) fn find(&self, name: NameRef<'_>) -> Option<usize> {
        let (mut low, mut high) = (0, self.source.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.source.name(middle) < name {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low < self.source.len() && self.source.name(low) == name).then_some(low)
    }
}

/// Ranks of a zone that are built together, by one thread.
pub(super) struct Part {
    /// The number of the zone.
    pub(super) zone: usize,
    /// The ranks; none at all for a zone without records.
    pub(super) ranks: Range<usize>,
}

/// Cuts zones into parts of about so many ranks, in order.
pub(super) fn cut(zones: &[ZonePlan<'_>], part_ranks: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    for (number, zone) in zones.iter().enumerate() {
        let ranks = zone.source.len();
        let mut start = 0;
        loop {
            let end = end_of_part(zone, start, part_ranks);
            parts.push(Part { zone: number, ranks: start..end });
            start = end;
            if start >= ranks {
                break;
            }
        }
    }
    parts
}

/// Parts in a row that have about so many ranks together.
pub(super) fn waves(parts: &[Part], ranks: usize) -> impl Iterator<Item = &[Part]> {
    let mut rest = parts;
    std::iter::from_fn(move || {
        let mut sum = 0;
        let is_room = |part: &&Part| {
            sum += part.ranks.len().max(1);
            sum <= ranks
        };
        let length = rest.iter().take_while(is_room).count().max(1).min(rest.len());
        let (wave, after) = rest.split_at(length);
        rest = after;
        (!wave.is_empty()).then_some(wave)
    })
}

/// Where a part ends: not between records of one owner, and if possible before a child of the apex, so that nothing above the next
/// part's names is in this one.
fn end_of_part(zone: &ZonePlan<'_>, start: usize, part_ranks: usize) -> usize {
    let ranks = zone.source.len();
    let end = (start + part_ranks).min(ranks);
    let is_start = |rank: &usize| zone.source.name(*rank) != zone.source.name(rank - 1);
    let is_child = |rank: &usize| zone.source.name(*rank).label_count() == zone.apex_labels + 1;
    let child = (end..ranks.min(end + part_ranks / 8)).find(|rank| is_child(rank) && is_start(rank));
    child.or_else(|| (end..ranks).find(is_start)).unwrap_or(ranks)
}
