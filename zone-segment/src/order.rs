//! The canonical order of a zone's names (RFC 4034, section 6.1): the order in which its nodes lie, and what finds a name's place
//! in it without reading nodes on the way.
//!
//! Names have a sort key, see [`sort_key`](crate::sort_key). Each block of 64 names but a zone's first has a
//! separator, the key of its first name; halving over them finds the block. In a block one octet a name is kept: how far its key is
//! from the separator, in steps of which 256 make the whole block. Names as far as the one that is looked for are candidates,
//! few of them most of the time, and as the lengths of nodes are kept beside, also in one octet, these nodes alone are read: all at
//! once. So a search costs two reads of memory behind the separators, which stay in the processor's cache.

use std::hint::select_unpredictable;
use std::ops::Range;

use rkyv::rend::u64_le;

use crate::lookup_name::LookupName;
use crate::node::Node;
use crate::octets::{REFERENCE_UNIT, from_reference};
use crate::prefetch::{line_of, prefetch};
use crate::sort_key::{HALF, SortKey};
use crate::tables::{ArchivedBlockRow, ArchivedZoneRow, ArchivedZonesRoot, NO_NODE};

/// Names of a block: their octets are one cache line, and so are their lengths.
pub(crate) const BLOCK_NAMES: usize = 64;

/// Where a name is or would be in the canonical order of one segment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// The block.
    block: u32,
    /// The candidates in the block, once they are known.
    candidates: Option<Candidates>,
}

/// Names that a search could not tell from the one that is looked for without reading their nodes.
#[derive(Clone, Copy, Debug)]
struct Candidates {
    /// Number of the first in the block: names before it are before the name.
    low: u8,
    /// Number behind the last: names from it on are behind the name.
    high: u8,
    /// Reference of the node before the first candidate; of the first one itself where that is the block's first.
    before: u32,
}

/// How distances from a block's separator become octets, as its row says it: they are shifted by the low eight bits, multiplied
/// by the others, and shifted by [`SCALE_BITS`]. From the block's span, which becomes an octet as large as can be.
pub(crate) const fn scale_of(span: u128) -> u32 {
    let shift = (u128::BITS - span.leading_zeros()).saturating_sub(SCALE_BITS);
    let factor = ((u8::MAX as u128) << SCALE_BITS) / ((span >> shift) + 1);
    // The shift is below 128. Of a span that was shifted the factor has 9 bits; of a shorter one it has 24 at most.
    shift | (factor as u32) << 8
}

/// Bits of a span that count.
const SCALE_BITS: u32 = 16;

/// The scale of a zone's first block, whose separator is the key of the apex: 0.
pub(crate) const FIRST_SCALE: u32 = scale_of(HALF * HALF);

/// How far a key is from the separator of its block; above 255 only if it is behind all names of the block.
pub(crate) fn distance(key: SortKey, separator: SortKey, scale: u32) -> u64 {
    let difference = key.whole().saturating_sub(separator.whole()) >> (scale as u8).min(127);
    // Far beyond the block the number of bits may not suffice; a few more than the block's are as good.
    let difference = u64::try_from(difference).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
    (difference * u64::from(scale >> 8)) >> SCALE_BITS
}

/// How many separators a zone of `names` names has: none for the first block.
pub(crate) fn separator_count(names: usize) -> usize {
    names.saturating_sub(1) / BLOCK_NAMES
}

/// First step of a search: finds the block, by halving over the separators, and asks the processor for its octets.
pub(crate) fn find_block(
    root: &ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    name: &LookupName,
    key: SortKey,
    apex_octets: usize,
) -> Place {
    let start = zone.block_start.to_native() as usize;
    let separators = start..start.saturating_add(separator_count(zone.names.to_native() as usize));
    let upper = root.upper_separators.get(separators.clone()).unwrap_or_default();
    let lower = root.lower_separators.get(separators).unwrap_or_default();
    // Separator i is the key of the first name of block i + 1. Keys are cut, so names with equal ones may lie on either side.
    let mut before = count_below(upper, key.upper);
    let mut equal = 0;
    if upper.get(before).is_some_and(|separator| *separator == key.upper) {
        let lower = lower.get(before..).unwrap_or_default();
        let lower = &lower[..lower.len().min(count_equal(&upper[before..], key.upper))];
        let below = count_below(lower, key.lower);
        equal = count_equal(&lower[below..], key.lower);
        before += below;
    }
    let (mut low, mut high) = (before, before + equal);
    while low < high {
        let middle = low + (high - low) / 2;
        let first = Node::at(root, first_reference(root, zone, middle + 1)).unwrap_or(Node::NOTHING);
        if name.is_at_or_behind(first.name_octets(), apex_octets) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    prefetch(block_octets(root, zone, low), 2 * BLOCK_NAMES);
    if let Some(row) = row(root, zone, low) {
        line_of(row);
    }
    // There are fewer blocks than names, which 32 bits count.
    Place { block: low as u32, candidates: None }
}

/// How many of some ascending numbers are below a number.
fn count_below(numbers: &[u64_le], number: u64) -> usize {
    let mut start = 0;
    let mut left = numbers.len();
    // Which half it is nobody can predict: the processor is not to try.
    while left > 1 {
        let half = left / 2;
        let is_below = numbers[start + half - 1].to_native() < number;
        start = select_unpredictable(is_below, start + half, start);
        left -= half;
    }
    start + usize::from(numbers.get(start).is_some_and(|last| last.to_native() < number))
}

/// How many numbers at the beginning of some ascending ones, none of which is below a number, equal it.
fn count_equal(numbers: &[u64_le], number: u64) -> usize {
    numbers.partition_point(|other| *other == number)
}

/// Second step of a search: finds the candidates in the block, and asks the processor for their nodes.
pub(crate) fn narrow(root: &ArchivedZonesRoot, zone: &ArchivedZoneRow, place: Place, key: SortKey) -> Place {
    let block = Block::of(root, zone, place.block as usize);
    let (low, high) = block.candidates(key);
    // The one before them is the answer where no candidate is.
    let first = low.saturating_sub(1);
    let before = block.reference(root, first);
    let mut reference = before;
    let read = block.lengths.get(first..high.max(low)).unwrap_or_default();
    // Of few candidates each is asked for whole, for one of them is the answer; of many only the names.
    let octets = if read.len() <= WHOLE_NODES_MAX { WHOLE_OCTETS } else { NAME_OCTETS };
    for units in read.iter().take(PREFETCHED_NODES_MAX) {
        prefetch(from_reference(&root.nodes, reference), octets);
        reference = reference.saturating_add(u32::from(*units));
    }
    // A block has at most 64 names.
    Place { candidates: Some(Candidates { low: low as u8, high: high as u8, before }), ..place }
}

/// Candidates to ask for at once: of more than these only some are read.
const PREFETCHED_NODES_MAX: usize = 8;

/// Up to so many candidates are asked for whole.
const WHOLE_NODES_MAX: usize = 3;

/// Octets that most nodes of a signed zone have.
const WHOLE_OCTETS: usize = 256;

/// Octets up to the end of most names.
const NAME_OCTETS: usize = 32;

/// Last step of a search: the last owner of an authoritative NSEC RRset at or before a name.
pub(crate) fn predecessor<'a>(
    root: &'a ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    place: Place,
    name: &LookupName,
    key: SortKey,
    apex_octets: usize,
) -> Option<Node<'a>> {
    if zone.proofs.to_native() == 0 {
        return None;
    }
    let found = up_to(root, zone, place, name, key, apex_octets)?;
    let mut in_block = (0..found.count).rev().filter_map(|number| found.node_at(number));
    in_block.find(|node| node.is_proof()).or_else(|| match found.block.row?.proof.to_native() {
        NO_NODE => None,
        proof => Node::at(root, proof),
    })
}

/// How many names of a zone are at or before a name.
pub(crate) fn count_up_to(
    root: &ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    name: &LookupName,
    key: SortKey,
    apex_octets: usize,
) -> usize {
    let place = find_block(root, zone, name, key, apex_octets);
    let in_block = up_to(root, zone, place, name, key, apex_octets).map_or(0, |found| found.count);
    place.block as usize * BLOCK_NAMES + in_block
}

/// The reference of the name of a zone with a number, counted in canonical order; of what is behind the last name for greater numbers.
pub(crate) fn reference_at(root: &ArchivedZonesRoot, zone: &ArchivedZoneRow, number: usize) -> u32 {
    if number >= zone.names.to_native() as usize {
        return zone.end.to_native();
    }
    Block::of(root, zone, number / BLOCK_NAMES).reference(root, number % BLOCK_NAMES)
}

/// The last owner of an authoritative NSEC RRset before the node at a reference.
pub(crate) fn proof_before<'a>(
    root: &'a ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    reference: u32,
) -> Option<Node<'a>> {
    let start = zone.block_start.to_native() as usize;
    let rows = start..start.saturating_add(separator_count(zone.names.to_native() as usize));
    let rows = root.blocks.get(rows).unwrap_or_default();
    let behind = rows.partition_point(|row| row.first.to_native() < reference);
    let row = behind.checked_sub(1).and_then(|at| rows.get(at));
    let first = row.map_or(zone.start.to_native(), |row| row.first.to_native());
    let in_block = Nodes { root, left: first..reference };
    in_block.filter(Node::is_proof).last().or_else(|| match row?.proof.to_native() {
        NO_NODE => None,
        proof => Node::at(root, proof),
    })
}

/// Where a search has ended.
struct UpTo<'a> {
    /// The segment.
    root: &'a ArchivedZonesRoot,
    /// The block.
    block: Block<'a>,
    /// Number of the first name of the block that was looked at.
    first: usize,
    /// Its reference.
    before: u32,
    /// How many names of the block are at or before the one looked for.
    count: usize,
}

impl<'a> UpTo<'a> {
    /// The node of the block with a number.
    fn node_at(&self, number: usize) -> Option<Node<'a>> {
        match number.checked_sub(self.first) {
            Some(_) => Node::at(self.root, self.block.reference_from(self.root, self.first, self.before, number)),
            None => Node::at(self.root, self.block.reference(self.root, number)),
        }
    }
}

/// The end of a search: which names of the block are at or before a name.
#[inline]
fn up_to<'a>(
    root: &'a ArchivedZonesRoot,
    zone: &ArchivedZoneRow,
    place: Place,
    name: &LookupName,
    key: SortKey,
    apex_octets: usize,
) -> Option<UpTo<'a>> {
    let place = if place.candidates.is_some() { place } else { narrow(root, zone, place, key) };
    let block = Block::of(root, zone, place.block as usize);
    let candidates = place.candidates?;
    let (mut low, mut high) = (usize::from(candidates.low), usize::from(candidates.high));
    let mut found = UpTo { root, block, first: low.saturating_sub(1), before: candidates.before, count: low };
    while low < high {
        let middle = low + (high - low) / 2;
        if name.is_at_or_behind(found.node_at(middle).unwrap_or(Node::NOTHING).name_octets(), apex_octets) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    found.count = low;
    Some(found)
}

/// A block of names.
struct Block<'a> {
    /// Its row; none of a zone's first.
    row: Option<&'a ArchivedBlockRow>,
    /// Its separator, the apex's key of a zone's first.
    separator: SortKey,
    /// Reference of its first node.
    first: u32,
    /// How far each name's key is from the separator.
    distances: &'a [u8],
    /// The length of each node in units of a reference, 0 for those that are longer than an octet can say.
    lengths: &'a [u8],
}

impl<'a> Block<'a> {
    /// A block of a zone.
    fn of(root: &'a ArchivedZonesRoot, zone: &ArchivedZoneRow, block: usize) -> Block<'a> {
        let octets = block_octets(root, zone, block);
        let (distances, lengths) = octets.split_at(octets.len() / 2);
        let separator = block.checked_sub(1).and_then(|before| {
            let at = (zone.block_start.to_native() as usize).checked_add(before)?;
            let (upper, lower) = (root.upper_separators.get(at)?, root.lower_separators.get(at)?);
            Some(SortKey { upper: upper.to_native(), lower: lower.to_native() })
        });
        Block {
            row: row(root, zone, block),
            separator: separator.unwrap_or_default(),
            first: first_reference(root, zone, block),
            distances,
            lengths,
        }
    }

    /// Which of its names a key is to be compared with, by number: those before are before it, those behind are behind.
    fn candidates(&self, key: SortKey) -> (usize, usize) {
        let scale = self.row.map_or(FIRST_SCALE, |row| row.scale.to_native());
        let Ok(distance) = u8::try_from(distance(key, self.separator, scale)) else {
            return (self.distances.len(), self.distances.len());
        };
        // Counted without a branch, sixteen and more at once.
        let count = |is_one: fn(&u8, &u8) -> bool| {
            self.distances.iter().fold(0u8, |count, other| count + u8::from(is_one(other, &distance)))
        };
        let (below, up_to) = (count(|other, distance| other < distance), count(|other, distance| other <= distance));
        (usize::from(below), usize::from(up_to))
    }

    /// Reference of the node with a number.
    fn reference(&self, root: &ArchivedZonesRoot, number: usize) -> u32 {
        self.reference_from(root, 0, self.first, number)
    }

    /// The same, counted from another node of the block.
    fn reference_from(&self, root: &ArchivedZonesRoot, from: usize, reference: u32, number: usize) -> u32 {
        let between = self.lengths.get(from..number).unwrap_or_default();
        if between.iter().fold(true, |all, units| all & (*units != 0)) {
            // 64 times 255 at most.
            return reference.saturating_add(between.iter().map(|units| u32::from(*units)).sum());
        }
        between.iter().fold(reference, |reference, units| {
            let units = match units {
                0 => Node::at(root, reference).map_or(0, |node| node.units()),
                units => u32::from(*units),
            };
            reference.saturating_add(units)
        })
    }
}

/// What the table of canonical order has for a block: the distance of each name's key, then each node's length.
fn block_octets<'a>(root: &'a ArchivedZonesRoot, zone: &ArchivedZoneRow, block: usize) -> &'a [u8] {
    let names = zone.names.to_native() as usize;
    let first = (block * BLOCK_NAMES).min(names);
    let count = (names - first).min(BLOCK_NAMES);
    let start = 2 * (zone.name_start.to_native() as usize + first);
    root.order.get(start..start + 2 * count).unwrap_or_default()
}

/// The row of a block; none of the first.
fn row<'a>(root: &'a ArchivedZonesRoot, zone: &ArchivedZoneRow, block: usize) -> Option<&'a ArchivedBlockRow> {
    root.blocks.get((zone.block_start.to_native() as usize).checked_add(block.checked_sub(1)?)?)
}

/// Reference of the first node of a block.
fn first_reference(root: &ArchivedZonesRoot, zone: &ArchivedZoneRow, block: usize) -> u32 {
    row(root, zone, block).map_or(zone.start.to_native(), |row| row.first.to_native())
}

/// Reference of the first node of a block of a zone; of what is behind its last node for blocks that it does not have.
pub(crate) fn reference_of_block(root: &ArchivedZonesRoot, zone: &ArchivedZoneRow, block: usize) -> u32 {
    if block > separator_count(zone.names.to_native() as usize) {
        return zone.end.to_native();
    }
    first_reference(root, zone, block)
}

/// The octet that says how long a node is.
pub(crate) fn length_octet(octets: usize) -> u8 {
    u8::try_from(octets / REFERENCE_UNIT).unwrap_or(0)
}

/// Nodes that follow each other in one segment.
pub(crate) struct Nodes<'a> {
    /// The segment.
    root: &'a ArchivedZonesRoot,
    /// References of the next node and of what is behind the last.
    left: Range<u32>,
}

impl<'a> Nodes<'a> {
    /// The nodes between two references.
    pub(crate) fn between(root: &'a ArchivedZonesRoot, left: Range<u32>) -> Nodes<'a> {
        Nodes { root, left }
    }

    /// All nodes of a zone.
    pub(crate) fn of_zone(root: &'a ArchivedZonesRoot, zone: &ArchivedZoneRow) -> Nodes<'a> {
        Nodes { root, left: zone.start.to_native()..zone.end.to_native() }
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
