//! All nodes of a zone in canonical order: the layers' orders merged, a name in two of them taken from the newer.

use std::iter::Peekable;

use crate::map::SegmentOctets;
use crate::node::Node;
use crate::order;
use crate::stack::LAYERS_MAX;

use super::Zone;

/// The nodes of a zone; see [`Zone::nodes`].
pub struct Nodes<'a> {
    /// What is left of each layer's, newest first.
    left: [Option<Peekable<order::Nodes<'a>>>; LAYERS_MAX],
}

impl<'a> Nodes<'a> {
    /// All nodes of a zone.
    pub(super) fn new<B: SegmentOctets>(zone: &Zone<'a, B>) -> Nodes<'a> {
        let nodes = |depth: usize| {
            let (root, row) = zone.layer(depth)?;
            Some(order::Nodes::of_zone(root, row).peekable())
        };
        Nodes { left: std::array::from_fn(nodes) }
    }
}

impl<'a> Iterator for Nodes<'a> {
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
