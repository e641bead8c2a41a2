//! All nodes of a zone in canonical order: the base's and those that changed above it merged, a name in several layers taken from the newest,
//! those that went left out.

use std::cmp::Ordering;
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
    /// What is left of the base's.
    base: Option<Peekable<order::Nodes<'a>>>,
    /// What is left of those that changed.
    changed: Peekable<Changed<'a>>,
}

impl<'a> Nodes<'a> {
    /// All nodes of a zone.
    pub(super) fn new<B: SegmentOctets>(zone: &Zone<'a, B>) -> Nodes<'a> {
        Self::from(zone, |_, row| row.start.to_native())
    }

    /// Those behind a name, which is at or below the apex.
    pub(super) fn behind<B: SegmentOctets>(zone: &Zone<'a, B>, name: &LookupName) -> Nodes<'a> {
        let key = SortKey::of(name, zone.apex_labels, name.label_count());
        let apex_octets = zone.apex.as_wire().len();
        Self::from(zone, |root, row| {
            order::reference_at(root, row, order::count_up_to(root, row, name, key, apex_octets))
        })
    }

    /// Those from a reference in each layer on.
    fn from<B: SegmentOctets>(
        zone: &Zone<'a, B>,
        first: impl Fn(&'a ArchivedZonesRoot, &'a ArchivedZoneRow) -> u32,
    ) -> Nodes<'a> {
        let nodes = |(root, row): (&'a ArchivedZonesRoot, &'a ArchivedZoneRow)| {
            order::Nodes::between(root, first(root, row)..row.end.to_native()).peekable()
        };
        let deltas = zone.overlay.map_or(&[][..], Overlay::deltas);
        let left = std::array::from_fn(|depth| deltas.get(depth)?.tables().map(nodes));
        Nodes { base: zone.base.map(nodes), changed: Changed { left }.peekable() }
    }
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        loop {
            let Some(changed) = self.changed.peek() else { return self.base.as_mut()?.next() };
            if let Some(base) = &mut self.base
                && let Some(node) = base.peek()
            {
                match node.name().cmp(&changed.name()) {
                    Ordering::Less => return base.next(),
                    Ordering::Equal => drop(base.next()),
                    Ordering::Greater => {}
                }
            }
            if let Some(node) = self.changed.next_if(|node| !node.is_tombstone()) {
                return Some(node);
            }
            self.changed.next();
        }
    }
}

/// The names that changed above a zone's base, tombstones included, as the newest delta has each.
pub(super) struct Changed<'a> {
    /// What is left of each delta's, newest first.
    left: [Option<Peekable<order::Nodes<'a>>>; LAYERS_MAX],
}

impl<'a> Changed<'a> {
    /// All of them.
    pub(super) fn new<B: SegmentOctets>(zone: &Zone<'a, B>) -> Changed<'a> {
        let deltas = zone.overlay.map_or(&[][..], Overlay::deltas);
        let nodes = |(root, row)| order::Nodes::of_zone(root, row).peekable();
        Changed { left: std::array::from_fn(|depth| deltas.get(depth)?.tables().map(nodes)) }
    }
}

impl<'a> Iterator for Changed<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
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
