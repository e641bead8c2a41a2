//! The canonical order of a zone's names (RFC 4034, section 6.1): the order in which its nodes lie, in blocks of sixteen, and
//! a sort key of sixteen octets for the first name of each block, so that a search reads the nodes of one block only.

use std::cmp::Ordering;
use std::ops::Range;

use crate::lookup_name::LookupName;
use crate::node::Node;
use crate::octets::from_reference;
use crate::prefetch::prefetch;
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot, NO_NODE};

/// Names of a block.
pub(crate) const BLOCK_NAMES: usize = 16;

/// The first octets of a name's sort key as a number, the first octet highest: comparing two of them compares the names in
/// canonical order.
///
/// Labels below the apex from the right, folded, each ended by 0; an octet 0 is written 1 1 and an octet 1 is written
/// 1 2, so that the end of a label sorts before every octet in it.
pub(crate) fn separator(name: &LookupName, apex_labels: usize) -> u128 {
    let mut key = Key { octets: 0, left: SEPARATOR_OCTETS };
    for labels in apex_labels + 1..=name.label_count() {
        for &octet in name.label(labels) {
            if octet <= 1 {
                key.push(1);
                key.push(octet + 1);
            } else {
                key.push(octet);
            }
        }
        key.push(0);
        if key.left == 0 {
            break;
        }
    }
    key.octets.checked_shl(8 * key.left as u32).unwrap_or(0)
}

/// Octets of a separator.
const SEPARATOR_OCTETS: usize = 16;

/// A sort key being made.
struct Key {
    /// The octets so far, as a number.
    octets: u128,
    /// How many more there may be.
    left: usize,
}

impl Key {
    /// Adds an octet, if there is room.
    fn push(&mut self, octet: u8) {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.octets = self.octets << 8 | u128::from(octet);
        }
    }
}

/// How many separators a zone of `names` names has: none for the first block.
pub(crate) fn separator_count(names: usize) -> usize {
    names.saturating_sub(1) / BLOCK_NAMES
}

/// The block of a zone in which a name is or would be. Bounded by the logarithm of the number of names.
pub(crate) fn block_of(
    root: &ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    name: &LookupName,
    apex_labels: usize,
) -> usize {
    let start = zone.block_start.to_native() as usize;
    let count = separator_count(zone.names.to_native() as usize);
    let separators = root.separators.get(start..start.saturating_add(count)).unwrap_or_default();
    let key = separator(name, apex_labels);
    let key_at =
        |[upper, lower]: &[rkyv::rend::u64_le; 2]| u128::from(upper.to_native()) << 64 | u128::from(lower.to_native());
    // Separator i is the key of the first name of block i + 1. Keys are cut, so names with equal ones may lie on either side.
    let before = separators.partition_point(|separator| key_at(separator) < key);
    let equal = separators[before..].partition_point(|separator| key_at(separator) == key);
    let (mut low, mut high) = (before, before + equal);
    while low < high {
        let middle = low + (high - low) / 2;
        let first = first_node(root, zone, middle + 1).unwrap_or(Node::NOTHING);
        if name.canonical_cmp(first.name()).is_ge() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Asks the processor for the nodes of a block.
pub(crate) fn prefetch_block(root: &ArchivedZonesRoot, zone: &ArchivedZoneRow, block: usize) {
    prefetch(from_reference(&root.nodes, first_reference(root, zone, block)));
}

/// The last owner of an authoritative NSEC RRset at or before a name that is or would be in a block.
pub(crate) fn predecessor<'a>(
    root: &'a ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    block: usize,
    name: &LookupName,
) -> Option<Node<'a>> {
    let mut nodes = [Node::NOTHING; BLOCK_NAMES];
    let mut count = 0;
    for (place, node) in nodes.iter_mut().zip(Nodes::of_block(root, zone, block)) {
        *place = node;
        count += 1;
    }
    let nodes = &nodes[..count];
    let found = nodes.partition_point(|node| name.canonical_cmp(node.name()) != Ordering::Less);
    let in_block = nodes[..found].iter().rev().find(|node| node.is_proof()).copied();
    in_block.or_else(|| match row(root, zone, block)?.proof.to_native() {
        NO_NODE => None,
        proof => Node::at(root, proof),
    })
}

/// The row of a block; none of the first.
fn row<'a>(
    root: &'a ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    block: usize,
) -> Option<&'a crate::tables::ArchivedBlockRow> {
    root.blocks.get((zone.block_start.to_native() as usize).checked_add(block.checked_sub(1)?)?)
}

/// Reference of the first node of a block.
fn first_reference(root: &ArchivedZonesRoot, zone: &ArchivedZoneRow, block: usize) -> u32 {
    row(root, zone, block).map_or(zone.start.to_native(), |row| row.first.to_native())
}

/// The first node of a block.
fn first_node<'a>(root: &'a ArchivedZonesRoot, zone: &ArchivedZoneRow, block: usize) -> Option<Node<'a>> {
    Node::at(root, first_reference(root, zone, block))
}

/// Nodes that follow each other in one segment.
pub(crate) struct Nodes<'a> {
    /// The segment.
    root: &'a ArchivedZonesRoot,
    /// References of the next node and of what is behind the last.
    left: Range<u32>,
}

impl<'a> Nodes<'a> {
    /// All nodes of a zone.
    pub(crate) fn of_zone(root: &'a ArchivedZonesRoot, zone: &ArchivedZoneRow) -> Nodes<'a> {
        Nodes { root, left: zone.start.to_native()..zone.end.to_native() }
    }

    /// Those from a block's first to the zone's last.
    fn of_block(root: &'a ArchivedZonesRoot, zone: &ArchivedZoneRow, block: usize) -> Nodes<'a> {
        Nodes { root, left: first_reference(root, zone, block)..zone.end.to_native() }
    }
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        if self.left.is_empty() {
            return None;
        }
        // Where damage hides how long a record is nothing is known of what follows.
        let node = Node::at(self.root, self.left.start)?;
        self.left.start = self.left.start.saturating_add(node.units());
        Some(node)
    }
}
