//! A zone of a stack as a source for the builder: its base's names and those that changed above, in one order. Only what changed is held in
//! memory, so that a large zone is merged without a second copy of it.

use std::ops::Range;

use crate::lookup_name::LookupName;
use crate::map::SegmentOctets;
use crate::name::NameRef;
use crate::node::Node;
use crate::order;
use crate::sort_key::SortKey;
use crate::source::{SourceRecord, Visitor, ZoneSource};
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot};
use crate::zone::Zone;

/// A zone of a stack by rank. Names that own nothing have ranks too.
pub(crate) struct StackedZone<'a> {
    /// The base and the zone's row.
    base: (&'a ArchivedZonesRoot, &'a ArchivedZoneRow),
    /// Its names in pieces, by rank.
    pieces: Vec<Piece<'a>>,
    /// How many ranks.
    length: usize,
}

/// Names that follow each other.
struct Piece<'a> {
    /// The rank of the first.
    rank: usize,
    /// What they are.
    what: What<'a>,
}

/// What a piece is.
#[derive(Clone, Copy)]
enum What<'a> {
    /// Names of the base from this number on.
    Base(usize),
    /// A name that changed.
    Changed(Node<'a>),
}

impl<'a> StackedZone<'a> {
    /// A zone as a source; none where it has no base.
    pub(crate) fn new<B: SegmentOctets>(zone: Zone<'a, B>) -> Option<StackedZone<'a>> {
        let (root, row) = zone.base_tables()?;
        let names = row.names.to_native() as usize;
        let (mut pieces, mut length, mut taken) = (Vec::new(), 0, 0);
        let (apex_labels, apex_octets) = (zone.apex_label_count(), zone.apex().as_wire().len());
        let mut lookup = LookupName::default();
        for node in zone.changed_nodes() {
            lookup.set(zone.key(), node.name());
            let key = SortKey::of(&lookup, apex_labels, lookup.label_count());
            let up_to = order::count_up_to(root, row, &lookup, key, apex_octets);
            let wire = lookup.name();
            let is_own = up_to.checked_sub(1).is_some_and(|number| {
                let found = Node::at(root, order::reference_at(root, row, number));
                found.is_some_and(|found| found.is(wire.as_wire()))
            });
            let before = if is_own { up_to - 1 } else { up_to };
            if before > taken {
                pieces.push(Piece { rank: length, what: What::Base(taken) });
                length += before - taken;
            }
            taken = taken.max(up_to);
            if !node.is_tombstone() {
                pieces.push(Piece { rank: length, what: What::Changed(node) });
                length += 1;
            }
        }
        if names > taken {
            pieces.push(Piece { rank: length, what: What::Base(taken) });
            length += names - taken;
        }
        Some(StackedZone { base: (root, row), pieces, length })
    }

    /// The number of the piece that a rank is in.
    fn piece_of(&self, rank: usize) -> usize {
        self.pieces.partition_point(|piece| piece.rank <= rank).saturating_sub(1)
    }

    /// The nodes of a range of ranks.
    fn nodes(&self, ranks: Range<usize>) -> impl Iterator<Item = Node<'a>> {
        let (root, row) = self.base;
        let first = self.piece_of(ranks.start);
        let pieces = self.pieces.get(first..).unwrap_or_default().iter().zip(first + 1..);
        let pieces = pieces.take_while(move |(piece, _)| piece.rank < ranks.end);
        pieces.flat_map(move |(piece, next)| {
            let end = self.pieces.get(next).map_or(self.length, |next| next.rank).min(ranks.end);
            let start = piece.rank.max(ranks.start);
            let (changed, numbers) = match piece.what {
                What::Changed(node) => (Some(node), 0..0),
                What::Base(number) => (None, number + start - piece.rank..number + end - piece.rank),
            };
            let references = match numbers.is_empty() {
                true => 0..0,
                false => order::reference_at(root, row, numbers.start)..order::reference_at(root, row, numbers.end),
            };
            changed.into_iter().chain(order::Nodes::between(root, references))
        })
    }
}

impl ZoneSource for StackedZone<'_> {
    fn len(&self) -> usize {
        self.length
    }

    fn name(&self, rank: usize) -> NameRef<'_> {
        self.nodes(rank..rank + 1).next().unwrap_or(Node::NOTHING).name()
    }

    fn visit<'s>(&'s self, ranks: Range<usize>, to: &mut Visitor<'_, 's>) {
        let mut records: Vec<SourceRecord<'s>> = Vec::new();
        for (rank, node) in ranks.clone().zip(self.nodes(ranks)) {
            records.clear();
            records.extend(node.records());
            if to(rank, node.name(), &records).is_break() {
                break;
            }
        }
    }
}
