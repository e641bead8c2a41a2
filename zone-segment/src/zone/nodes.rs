//! All nodes of a zone in canonical order: the layers' orders merged, a name in two of them taken from the newer.

use std::ops::Range;

use crate::map::{Mapping, SegmentOctets};
use crate::node::Node;
use crate::order;
use crate::stack::LAYERS_MAX;

use super::Zone;

/// The nodes of a zone; see [`Zone::nodes`].
pub struct Nodes<'a, B = Mapping> {
    /// The zone.
    zone: Zone<'a, B>,
    /// What is left of each layer's order, newest first.
    left: [Range<usize>; LAYERS_MAX],
}

impl<'a, B: SegmentOctets> Nodes<'a, B> {
    /// All nodes of a zone.
    pub(super) fn new(zone: Zone<'a, B>) -> Nodes<'a, B> {
        let positions = |depth: usize| {
            let segment = zone.source.get(depth)?;
            Some(order::positions(segment.zones_root()?, segment.zone_row(zone.id)?))
        };
        let left = std::array::from_fn(|depth| positions(depth).unwrap_or_default());
        Nodes { zone, left }
    }

    /// The next node of a layer. One that damage took away is passed over.
    fn peek(&mut self, depth: usize) -> Option<Node<'a>> {
        let root = self.zone.source.get(depth)?.zones_root()?;
        let left = &mut self.left[depth];
        while let Some(position) = left.clone().next() {
            match order::node_at(root, position) {
                Some(node) => return Some(node),
                None => left.start += 1,
            }
        }
        None
    }
}

impl<'a, B: SegmentOctets> Iterator for Nodes<'a, B> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let layers = self.zone.source.len().min(LAYERS_MAX);
        let mut first: Option<Node<'a>> = None;
        for depth in 0..layers {
            if let Some(node) = self.peek(depth)
                && first.is_none_or(|first| node.name() < first.name())
            {
                first = Some(node);
            }
        }
        let first = first?;
        for depth in 0..layers {
            if layers == 1 || self.peek(depth).is_some_and(|node| node.name() == first.name()) {
                self.left[depth].start += 1;
            }
        }
        Some(first)
    }
}
