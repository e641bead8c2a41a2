//! The tables of canonical order, as names come in: see [`order`](crate::order) for what they are for.

use crate::order::{BLOCK_NAMES, FIRST_SCALE, distance, length_octet, scale_of};
use crate::sort_key::SortKey;
use crate::tables::BlockRow;

/// The tables of canonical order.
#[derive(Default)]
pub(super) struct Order {
    /// Distances and lengths, block by block.
    pub(super) octets: Vec<u8>,
    /// The sort keys of the blocks' first names, upper halves.
    pub(super) upper_separators: Vec<u64>,
    /// Lower halves.
    pub(super) lower_separators: Vec<u64>,
    /// The blocks behind the first of each zone.
    pub(super) blocks: Vec<BlockRow>,
    /// Sort key and length of the names of the block that is being written.
    block: Vec<(SortKey, u8)>,
    /// Whether that is its zone's first.
    is_first: bool,
}

/// Where a zone begins in the tables.
#[derive(Clone, Copy)]
pub(super) struct OrderStart {
    /// How many names stand before its own.
    pub(super) names: usize,
    /// How many blocks.
    pub(super) blocks: usize,
}

impl Order {
    /// Begins a zone; the one before is complete.
    pub(super) fn start_zone(&mut self) -> OrderStart {
        self.is_first = true;
        OrderStart { names: self.octets.len() / 2, blocks: self.blocks.len() }
    }

    /// Adds the next name of the zone: its key, its node and how many octets that has, and the last node before it that owns an
    /// authoritative NSEC RRset.
    pub(super) fn name(&mut self, key: SortKey, node: u32, node_octets: usize, last_proof: u32) {
        if self.block.len() == BLOCK_NAMES {
            self.complete_block();
            self.is_first = false;
        }
        if self.block.is_empty() && !self.is_first {
            self.upper_separators.push(key.upper);
            self.lower_separators.push(key.lower);
            self.blocks.push(BlockRow { first: node, proof: last_proof, scale: FIRST_SCALE });
        }
        self.block.push((key, length_octet(node_octets)));
    }

    /// Ends the zone.
    pub(super) fn complete_zone(&mut self) {
        self.complete_block();
    }

    /// Writes the distances and lengths of a block, once its last name is known.
    fn complete_block(&mut self) {
        let (Some((first, _)), Some((last, _))) = (self.block.first(), self.block.last()) else { return };
        let (mut separator, mut scale) = (SortKey::default(), FIRST_SCALE);
        if let Some(row) = self.blocks.last_mut().filter(|_| !self.is_first) {
            separator = *first;
            scale = scale_of(last.whole().saturating_sub(separator.whole()));
            row.scale = scale;
        }
        // No name's distance is above that of the last one, which is an octet.
        self.octets.extend(self.block.iter().map(|(key, _)| distance(*key, separator, scale) as u8));
        self.octets.extend(self.block.drain(..).map(|(_, length)| length));
    }

    /// The tables, filled up so that the arena behind them begins at a cache line.
    pub(super) fn finish(mut self) -> Order {
        self.octets.resize(self.octets.len().next_multiple_of(LINE_OCTETS), 0);
        self
    }
}

/// Octets of a cache line.
const LINE_OCTETS: usize = 64;
