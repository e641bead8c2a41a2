//! All nodes of a zone in canonical order: the layers' orders merged, a name in two of them taken from the newer, those that went left out.

use std::iter::Peekable;

use crate::lookup_name::LookupName;
use crate::map::SegmentOctets;
use crate::node::Node;
use crate::order;
use crate::overlay::Overlay;
use crate::sort_key::SortKey;
use crate::stack::LAYERS_MAX;
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot};

use super::Zone;

/// The nodes of a zone; see [`Zone::nodes`].
pub struct Nodes<'a> {
    /// What is left of each layer's, newest first.
    left: [Option<Peekable<order::Nodes<'a>>>; LAYERS_MAX],
}

impl<'a> Nodes<'a> {
    /// All nodes of a zone.
    pub(super) fn new<B: SegmentOctets>(zone: &Zone<'a, B>) -> Nodes<'a> {
        Self::from(zone, |row, _| row.start.to_native())
    }

    /// Those behind a name, which is at or below the apex.
    pub(super) fn behind<B: SegmentOctets>(zone: &Zone<'a, B>, name: &LookupName) -> Nodes<'a> {
        let key = SortKey::of(name, zone.apex_labels, name.label_count());
        let apex_octets = zone.apex.as_wire().len();
        Self::from(zone, |row, root| {
            order::reference_at(root, row, order::count_up_to(root, row, name, key, apex_octets))
        })
    }

    /// The names that changed above the base, tombstones included.
    pub(super) fn changed<B: SegmentOctets>(zone: &Zone<'a, B>) -> impl Iterator<Item = Node<'a>> + use<'a, B> {
        let mut nodes = Self::new(&Zone { base: None, ..*zone });
        std::iter::from_fn(move || nodes.next_of_any())
    }

    /// Those from a reference in each layer on.
    fn from<B: SegmentOctets>(
        zone: &Zone<'a, B>,
        first: impl Fn(&'a ArchivedZoneRow, &'a ArchivedZonesRoot) -> u32,
    ) -> Nodes<'a> {
        let deltas = zone.overlay.map_or(&[][..], Overlay::deltas);
        let layer = |depth: usize| match deltas.get(depth) {
            Some(part) => part.tables(),
            None => zone.base.filter(|_| depth == deltas.len()),
        };
        let nodes = |depth: usize| {
            let (root, row) = layer(depth)?;
            Some(order::Nodes::between(root, first(row, root)..row.end.to_native()).peekable())
        };
        Nodes { left: std::array::from_fn(nodes) }
    }
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        loop {
            let node = self.next_of_any()?;
            if !node.is_tombstone() {
                return Some(node);
            }
        }
    }
}

impl<'a> Nodes<'a> {
    /// The next name, as the newest layer that says anything of it has it: it may have gone.
    fn next_of_any(&mut self) -> Option<Node<'a>> {
        let mut left = self.left.iter_mut().flatten();
        if let (Some(only), None) = (left.next(), left.next()) {
            return only.next();
        }
        let nodes = self.left.iter_mut().flatten().filter_map(|nodes| nodes.peek().copied());
        // Of equal names the newest layer's: a later minimum must be smaller to win.
        let first = nodes.reduce(|first, node| if node.name() < first.name() { node } else { first })?;
        for nodes in self.left.iter_mut().flatten() {
            nodes.next_if(|node| node.name() == first.name());
        }
        Some(first)
    }
}
