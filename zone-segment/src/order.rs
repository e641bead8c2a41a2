//! The canonical order of a zone's names (RFC 4034, section 6.1): an array of node references, and a sort key of sixteen
//! octets for each sixteenth name, so that a search reads nodes only for its last steps.

use std::ops::Range;

use crate::lookup_name::LookupName;
use crate::node::Node;
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot, NO_POSITION, SEPARATOR_OCTETS};

/// Names a separator stands for.
pub(crate) const SEPARATED_NAMES: usize = 16;

/// The first octets of a name's sort key: comparing two keys as octets compares the names in canonical order.
///
/// Labels below the apex from the right, folded, each ended by 0; an octet 0 is written 1 1 and an octet 1 is written
/// 1 2, so that the end of a label sorts before every octet in it.
pub(crate) fn separator(name: &LookupName, apex_labels: usize) -> [u8; SEPARATOR_OCTETS] {
    let mut key = [0; SEPARATOR_OCTETS];
    let mut length = 0;
    for labels in apex_labels + 1..=name.label_count() {
        let label = name.suffix(labels).labels().next().unwrap_or_default();
        let escaped = label.iter().flat_map(|&octet| match octet {
            0 | 1 => [1, octet + 1].into_iter().take(2),
            _ => [octet, 0].into_iter().take(1),
        });
        for octet in escaped.chain([0]) {
            match key.get_mut(length) {
                Some(room) => *room = octet,
                None => return key,
            }
            length += 1;
        }
    }
    key
}

/// How many separators a zone of `names` names has: none for the first name.
pub(crate) fn separator_count(names: usize) -> usize {
    names.saturating_sub(1) / SEPARATED_NAMES
}

/// The positions of a zone in the order array, cut to what the array has.
pub(crate) fn positions(root: &ArchivedZonesRoot, zone: &ArchivedZoneRow) -> Range<usize> {
    let length = root.order.len();
    let start = (zone.order_start.to_native() as usize).min(length);
    start..start.saturating_add(zone.order_count.to_native() as usize).min(length)
}

/// The node at a position.
pub(crate) fn node_at(root: &ArchivedZonesRoot, position: usize) -> Option<Node<'_>> {
    Node::at(&root.nodes, root.order.get(position)?.to_native())
}

/// The last owner of an authoritative NSEC RRset at or before a name.
pub(crate) fn predecessor<'a>(
    root: &'a ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    name: &LookupName,
    apex_labels: usize,
) -> Option<Node<'a>> {
    let position = at_or_before(root, zone, name, apex_labels)?;
    match root.predecessors.get(position)?.to_native() {
        NO_POSITION => None,
        owner => node_at(root, owner as usize),
    }
}

/// The position of the last name of a zone at or before a name. Bounded by the logarithm of the number of names.
fn at_or_before(
    root: &ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    name: &LookupName,
    apex_labels: usize,
) -> Option<usize> {
    let positions = positions(root, zone);
    let names = positions.len();
    let start = zone.separator_start.to_native() as usize;
    let separators = root.separators.get(start..start + separator_count(names)).unwrap_or_default();
    // As numbers, since their comparison needs no call and no branch.
    let key = u128::from_be_bytes(separator(name, apex_labels));
    let key_at = |separator: &[u8; SEPARATOR_OCTETS]| u128::from_be_bytes(*separator);
    // Separator i is the key of name 16 × (i + 1). Keys are cut, so names with equal ones may lie on either side.
    let before = separators.partition_point(|separator| key_at(separator) < key);
    let equal = match separators[before..].first() {
        Some(separator) if key_at(separator) == key => {
            separators[before..].partition_point(|separator| key_at(separator) == key)
        }
        _ => 0,
    };
    let mut low = before * SEPARATED_NAMES;
    let mut high = names;
    if before + equal < separators.len() {
        high = (before + equal + 1) * SEPARATED_NAMES;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        let node = node_at(root, positions.start + middle).unwrap_or(Node::NOTHING);
        if name.canonical_cmp(node.name()).is_ge() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Some(positions.start + low.checked_sub(1)?)
}
