//! Marks on the records of a zone: which of them a newer version of it has as well. For whoever compares a source with what is served
//! ([`Marks`]), and goes through a zone on many threads ([`Zone::pieces`]).
//!
//! A mark is a bit. A node has as many as its record has units of four octets, so that a segment's marks take a thirty-second of its nodes and
//! a record's is found by where its node lies; what a node owns beyond that, of RRsets that lie elsewhere, is marked aside.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::map::SegmentOctets;
use crate::node::Node;
use crate::octets::{REFERENCE_UNIT, from_reference};
use crate::order;
use crate::prefetch::prefetch_two;

use super::{Nodes, Zone};

/// Bits of a word.
const WORD_BITS: usize = 64;

/// Marks on the records of a zone, set by many threads.
#[derive(Debug)]
pub struct Marks<'a> {
    /// Those of each layer of the zone.
    layers: Vec<LayerMarks<'a>>,
    /// Those of records that are more than their node's units, by where the node lies.
    aside: Mutex<HashMap<usize, Vec<u64>>>,
}

/// Marks on the records of a zone in one layer.
#[derive(Debug)]
struct LayerMarks<'a> {
    /// The zone's nodes.
    nodes: &'a [u8],
    /// A bit for each unit of them.
    words: Vec<AtomicU64>,
}

impl<'a> Marks<'a> {
    /// Marks on a zone, none of them set.
    pub fn new<B: SegmentOctets>(zone: &Zone<'a, B>) -> Marks<'a> {
        let layers = zone.layers().map(|(root, row)| {
            let octets = row.end.to_native().saturating_sub(row.start.to_native()) as usize * REFERENCE_UNIT;
            let nodes = from_reference(&root.nodes, row.start.to_native());
            let nodes = nodes.get(..octets).unwrap_or(nodes);
            let words = (nodes.len() / REFERENCE_UNIT).div_ceil(WORD_BITS);
            LayerMarks { nodes, words: (0..words).map(|_| AtomicU64::new(0)).collect() }
        });
        Marks { layers: layers.collect(), aside: Mutex::default() }
    }

    /// Marks a record of a node of the zone: `record` is its number, counted RRset by RRset, the signatures of each behind it. Whether it was
    /// not marked before.
    pub fn mark(&self, node: Node<'_>, record: usize) -> bool {
        // Relaxed throughout: a mark says nothing of other memory, and they are read once all threads that set them have ended.
        match self.place(node, record) {
            Some((word, bit)) => word.fetch_or(bit, Ordering::Relaxed) & bit == 0,
            None => {
                let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
                let words = aside.entry(address(node)).or_default();
                words.resize(words.len().max(record / WORD_BITS + 1), 0);
                let (word, bit) = (&mut words[record / WORD_BITS], 1 << (record % WORD_BITS));
                let is_new = *word & bit == 0;
                *word |= bit;
                is_new
            }
        }
    }

    /// Marks records of a node of the zone: `records` has a bit for each of the first 64. Which of them were marked before.
    #[inline]
    pub fn mark_all(&self, node: Node<'_>, records: u64) -> u64 {
        let each = || (0..u64::BITS as usize).filter(|record| records >> record & 1 != 0);
        let last = records.checked_ilog2().unwrap_or(0) as usize;
        let Some((words, unit)) = self.unit(node, last).filter(|_| records != 0) else {
            return each().filter(|record| !self.mark(node, *record)).fold(0, |marked, record| marked | 1 << record);
        };
        let shift = unit % WORD_BITS;
        let or = |word: usize, bits: u64| match bits {
            0 => 0,
            _ => words.get(word).map_or(0, |word| word.fetch_or(bits, Ordering::Relaxed) & bits),
        };
        let low = or(unit / WORD_BITS, records << shift);
        let high = or(unit / WORD_BITS + 1, (records >> 1) >> (WORD_BITS - 1 - shift));
        low >> shift | (high << 1) << (WORD_BITS - 1 - shift)
    }

    /// Whether a record of a node of the zone is marked.
    pub fn is_marked(&self, node: Node<'_>, record: usize) -> bool {
        match self.place(node, record) {
            Some((word, bit)) => word.load(Ordering::Relaxed) & bit != 0,
            None => {
                let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
                let word = aside.get(&address(node)).and_then(|words| words.get(record / WORD_BITS));
                word.is_some_and(|word| word & 1 << (record % WORD_BITS) != 0)
            }
        }
    }

    /// How many marks are set. Reads all of them.
    pub fn count(&self) -> u64 {
        let in_place = self.layers.iter().flat_map(|layer| &layer.words).map(|word| word.load(Ordering::Relaxed));
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let ones = |word: u64| u64::from(word.count_ones());
        in_place.map(ones).sum::<u64>() + aside.values().flatten().map(|word| ones(*word)).sum::<u64>()
    }

    /// Takes all marks off. Nobody else may use them meanwhile.
    pub fn clear(&self) {
        self.layers.iter().flat_map(|layer| &layer.words).for_each(|word| word.store(0, Ordering::Relaxed));
        self.aside.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Octets of memory that they take, but for those aside.
    pub fn octets(&self) -> usize {
        self.layers.iter().map(|layer| size_of_val(layer.words.as_slice())).sum()
    }

    /// Where a record's mark is; none for one that is marked aside.
    #[inline]
    fn place(&self, node: Node<'_>, record: usize) -> Option<(&AtomicU64, u64)> {
        let (words, unit) = self.unit(node, record)?;
        let word = words.get((unit + record) / WORD_BITS)?;
        Some((word, 1 << ((unit + record) % WORD_BITS)))
    }

    /// The marks of a node's layer and the place of its first; none where those of a record are aside.
    #[inline]
    fn unit(&self, node: Node<'_>, record: usize) -> Option<(&[AtomicU64], usize)> {
        if record >= node.units() as usize {
            return None;
        }
        let address = address(node);
        self.layers.iter().find_map(|layer| {
            let offset = address.checked_sub(layer.nodes.as_ptr() as usize)?;
            (offset < layer.nodes.len()).then_some((layer.words.as_slice(), offset / REFERENCE_UNIT))
        })
    }
}

/// Where a node lies.
fn address(node: Node<'_>) -> usize {
    node.record().as_ptr() as usize
}

impl<'a> Node<'a> {
    /// Whether its name is written as another, in wire form, case included.
    #[inline]
    pub fn is_written(&self, wire: &[u8]) -> bool {
        self.name_octets() == wire
    }

    /// Asks the processor for those of its RRsets that do not lie beside it.
    #[inline]
    pub fn prefetch_rrsets(&self) {
        self.shared_rrsets().for_each(prefetch_two);
    }
}

impl<'a, B: SegmentOctets> Zone<'a, B> {
    /// The node behind one of the zone in canonical order, where that is known without a search: in a zone of one layer.
    #[inline]
    pub fn following(&self, node: Node<'a>) -> Option<Node<'a>> {
        let (root, row) = self.base.filter(|_| self.overlay.is_none())?;
        let octets = address(node).checked_sub(root.nodes.as_ptr() as usize).filter(|at| *at < root.nodes.len())?;
        // An arena is no longer than references can say.
        let behind = ((octets / REFERENCE_UNIT) as u32).saturating_add(node.units());
        Node::at(root, behind).filter(|_| super::is_in(behind, row))
    }

    /// All of its nodes in up to so many pieces, for as many threads: one piece behind the other they are [`nodes`](Zone::nodes).
    pub fn pieces(&self, count: usize) -> Vec<Piece<'a>> {
        let Some((root, row)) = self.base.filter(|_| self.overlay.is_none()) else {
            return vec![Piece { left: Left::Merged(Box::new(self.nodes())) }];
        };
        let step = (row.names.to_native() as usize).div_ceil(count.max(1)).max(1);
        let borders = (0..count).map(|piece| order::reference_of_block(root, row, piece * step / order::BLOCK_NAMES));
        let mut borders: Vec<u32> = borders.chain([row.end.to_native()]).collect();
        borders.dedup();
        let piece = |left: Range<u32>| Piece { left: Left::Range(order::Nodes::between(root, left)) };
        borders.windows(2).map(|pair| piece(pair[0]..pair[1])).collect()
    }
}

/// Nodes that follow each other in a zone; see [`Zone::pieces`].
pub struct Piece<'a> {
    /// What is left of them.
    left: Left<'a>,
}

/// Nodes of a piece.
enum Left<'a> {
    /// Of one layer.
    Range(order::Nodes<'a>),
    /// Of several layers: all of them.
    Merged(Box<Nodes<'a>>),
}

impl<'a> Iterator for Piece<'a> {
    type Item = Node<'a>;

    #[inline]
    fn next(&mut self) -> Option<Node<'a>> {
        match &mut self.left {
            Left::Range(nodes) => nodes.next(),
            Left::Merged(nodes) => nodes.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::HashKey;
    use crate::ids::ZoneId;
    use crate::map::SegmentBuffer;
    use crate::name::Name;
    use crate::segment::Segment;
    use crate::writer::SegmentWriter;

    /// A zone of so many names, each with two addresses, and one with many.
    fn segment(names: u32) -> Segment<SegmentBuffer> {
        let apex: Name = "example.".parse().unwrap();
        let mut writer = SegmentWriter::new(HashKey([7; 16]));
        writer.start_zone(ZoneId(1), apex.as_ref()).unwrap();
        let many: Vec<[u8; 4]> = (0..1000_u32).map(u32::to_be_bytes).collect();
        let many: Vec<&[u8]> = many.iter().map(<[u8; 4]>::as_slice).collect();
        writer.rrset(apex.as_ref(), 1, 60, &many).unwrap();
        for name in 0..names {
            let name: Name = format!("n{name:05}.example.").parse().unwrap();
            writer.rrset(name.as_ref(), 1, 60, &[&[192, 0, 2, 1], &[192, 0, 2, 2]]).unwrap();
        }
        Segment::open(writer.finish().unwrap()).unwrap()
    }

    #[test]
    fn each_record_has_a_mark_of_its_own() {
        let segment = segment(300);
        let zone = segment.zones().next().unwrap();
        let marks = Marks::new(&zone);
        let records = |node: Node<'_>| node.rrsets().map(|rrset| rrset.len()).sum::<usize>();
        for is_second in [false, true] {
            for node in zone.nodes() {
                assert!((0..records(node)).all(|record| marks.is_marked(node, record) == is_second));
                assert!((0..records(node)).all(|record| marks.mark(node, record) != is_second));
            }
            assert_eq!(marks.count(), zone.record_count());
        }
        marks.clear();
        assert_eq!(marks.count(), 0);
        for node in zone.nodes() {
            let all = u64::MAX >> (64 - records(node).min(64));
            assert_eq!((marks.mark_all(node, all & 0xaaaa_aaaa_aaaa_aaaa), marks.mark_all(node, 0)), (0, 0));
            assert_eq!(marks.mark_all(node, all), all & 0xaaaa_aaaa_aaaa_aaaa);
            assert_eq!(marks.mark_all(node, all), all);
        }
        assert_eq!(marks.count(), 2 * 300 + 64);
    }

    #[test]
    fn pieces_are_all_nodes_in_order() {
        for names in [0, 1, 63, 64, 65, 1000] {
            let segment = segment(names);
            let zone = segment.zones().next().unwrap();
            let all: Vec<usize> = zone.nodes().map(address).collect();
            for count in [1, 2, 3, 64, 5000] {
                let pieces = zone.pieces(count);
                assert!(pieces.len() <= count.max(1));
                assert_eq!(pieces.into_iter().flatten().map(address).collect::<Vec<_>>(), all);
            }
            let followed = std::iter::successors(zone.apex_node(), |node| zone.following(*node));
            assert_eq!(followed.map(address).collect::<Vec<_>>(), all);
        }
    }
}
