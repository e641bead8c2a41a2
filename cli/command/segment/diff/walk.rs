//! Two segments side by side: zones by apex, names in canonical order, records by type and RDATA.

use std::cmp::Ordering;
use std::io;

use zone_segment::{NameRef, Node, Zone};

use super::super::records::{self, RecordRef};

/// Which of the two has something that the other has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The one before.
    Old,
    /// The one after.
    New,
}

/// Takes what differs, in order.
pub(super) trait Report {
    /// A zone differs; its records follow.
    fn zone(&mut self, old: Option<Zone<'_>>, new: Option<Zone<'_>>) -> io::Result<()>;

    /// A record of that zone is on one side alone.
    fn record(&mut self, side: Side, owner: NameRef<'_>, record: &RecordRef<'_>) -> io::Result<()>;
}

/// How much differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// Zones in both or in one.
    pub(super) zones: u64,
    /// Those of them that differ.
    pub(super) zones_differing: u64,
    /// Records that the segment before alone has.
    pub(super) removed: u64,
    /// Records that the segment after alone has.
    pub(super) added: u64,
}

/// Walks two segments' zones, each sorted by apex.
pub(super) fn segments(old: &[Zone<'_>], new: &[Zone<'_>], report: &mut impl Report) -> io::Result<Summary> {
    let mut walk = Walk { report, summary: Summary::default(), zone: None };
    merge(old.iter().copied(), new.iter().copied(), |a, b| a.apex().cmp(&b.apex()), |old, new| walk.zones(old, new))?;
    Ok(walk.summary)
}

/// A walk, and the zone it is in.
struct Walk<'r, R> {
    /// Who is told.
    report: &'r mut R,
    /// What was found so far.
    summary: Summary,
    /// The zone on both sides, until it is found to differ.
    zone: Option<(Option<Zone<'r>>, Option<Zone<'r>>)>,
}

impl<'r, R: Report> Walk<'r, R> {
    /// One zone, on either side or on both.
    fn zones(&mut self, old: Option<Zone<'r>>, new: Option<Zone<'r>>) -> io::Result<()> {
        self.summary.zones += 1;
        self.zone = Some((old, new));
        if old.is_none() || new.is_none() {
            // It differs even if it has no record.
            self.begin_zone()?;
        }
        let nodes = |zone: Option<Zone<'r>>| zone.into_iter().flat_map(|zone| zone.nodes());
        merge(nodes(old), nodes(new), |a, b| a.name().cmp(&b.name()), |old, new| self.nodes(old, new))
    }

    /// One name, on either side or on both.
    fn nodes(&mut self, old: Option<Node<'r>>, new: Option<Node<'r>>) -> io::Result<()> {
        let is_spelled_alike = |old: Node<'_>, new: Node<'_>| old.name().as_wire() == new.name().as_wire();
        match (old, new) {
            (Some(old), Some(new)) if is_spelled_alike(old, new) => {
                let (before, after) = (records::of_node(&old), records::of_node(&new));
                merge(before, after, RecordRef::stored_cmp, |before, after| {
                    if before == after {
                        return Ok(());
                    }
                    self.record(Side::Old, old, before)?;
                    self.record(Side::New, new, after)
                })
            }
            _ => {
                for (side, node) in [(Side::Old, old), (Side::New, new)] {
                    let records = node.into_iter().flat_map(|node| records::of_node(&node).map(move |one| (node, one)));
                    records.into_iter().try_for_each(|(node, record)| self.record(side, node, Some(record)))?;
                }
                Ok(())
            }
        }
    }

    /// One record that differs, if there is one on this side.
    fn record(&mut self, side: Side, node: Node<'_>, record: Option<RecordRef<'_>>) -> io::Result<()> {
        let Some(record) = record else { return Ok(()) };
        self.begin_zone()?;
        match side {
            Side::Old => self.summary.removed += 1,
            Side::New => self.summary.added += 1,
        }
        self.report.record(side, node.name(), &record)
    }

    /// Says once that the zone differs.
    fn begin_zone(&mut self) -> io::Result<()> {
        let Some((old, new)) = self.zone.take() else { return Ok(()) };
        self.summary.zones_differing += 1;
        self.report.zone(old, new)
    }
}

/// Takes two ordered sequences apart into what is on one side and what is on both.
fn merge<T>(
    old: impl Iterator<Item = T>,
    new: impl Iterator<Item = T>,
    compare: impl Fn(&T, &T) -> Ordering,
    mut found: impl FnMut(Option<T>, Option<T>) -> io::Result<()>,
) -> io::Result<()> {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => compare(a, b),
        };
        match order {
            Ordering::Less => found(old.next(), None)?,
            Ordering::Equal => found(old.next(), new.next())?,
            Ordering::Greater => found(None, new.next())?,
        }
    }
}
