//! The names' hashes as they come in, and the index made from them on all cores.
//!
//! Hashes are kept by their first bits, and buckets are chosen by the same: what came in together belongs to neighbouring buckets,
//! which one thread fills. How many pieces there are depends on the number of names alone, so that the index does too.

use rayon::prelude::*;

use crate::index::{Filling, bucket_of};
use crate::tables::Bucket;

/// Hashes and references of nodes, by the first bits of the hash.
pub(super) struct Hashes {
    /// How many bits are not looked at.
    shift: u32,
    /// The pieces.
    pieces: Vec<Vec<(u64, u32)>>,
}

/// Names below which one piece is enough.
const NAMES_OF_ONE_PIECE: usize = 1 << 16;

/// Bits of a hash that choose a piece.
const PIECE_BITS: u32 = 8;

impl Hashes {
    /// None yet, of so many.
    pub(super) fn new(names: usize) -> Hashes {
        if names < NAMES_OF_ONE_PIECE {
            return Hashes { shift: u64::BITS, pieces: vec![Vec::with_capacity(names)] };
        }
        let pieces = 1 << PIECE_BITS;
        // Hashes are even: a few more than the mean are room for all.
        let room = names / pieces + names / pieces / 16 + 64;
        Hashes { shift: u64::BITS - PIECE_BITS, pieces: (0..pieces).map(|_| Vec::with_capacity(room)).collect() }
    }

    /// Adds one.
    #[inline]
    pub(super) fn push(&mut self, hash: u64, node: u32) {
        let piece = hash.checked_shr(self.shift).unwrap_or(0) as usize;
        self.pieces[piece].push((hash, node));
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    /// The index; none when one of the names would stand too far from its own bucket: with a keyed hash that is a broken hash, not bad luck.
    pub(super) fn build(self, buckets: usize) -> Option<Vec<Bucket>> {
        let mut index = vec![Bucket::EMPTY; buckets];
        let mut used = vec![0_u8; buckets];
        let starts: Vec<usize> = (0..self.pieces.len() as u64)
            .map(|piece| bucket_of(piece.checked_shl(self.shift).unwrap_or(0), buckets))
            .chain([buckets])
            .collect();
        let mut rest = (&mut index[..], &mut used[..]);
        let mut ranges = Vec::new();
        for ends in starts.windows(2) {
            let (own, others) = rest.0.split_at_mut(ends[1] - ends[0]);
            let (own_used, others_used) = rest.1.split_at_mut(ends[1] - ends[0]);
            ranges.push(Filling { start: ends[0], buckets: own, used: own_used });
            rest = (others, others_used);
        }
        // What finds no place among its piece's buckets is placed when all pieces are done.
        let left: Vec<Vec<(u64, u32)>> = ranges
            .into_par_iter()
            .zip(self.pieces)
            .map(|(mut range, piece)| {
                piece.into_iter().filter(|(hash, node)| !range.place(*hash, *node, buckets)).collect()
            })
            .collect();
        let mut whole = Filling { start: 0, buckets: &mut index, used: &mut used };
        let are_placed = left.into_iter().flatten().all(|(hash, node)| whole.place_around(hash, node));
        are_placed.then_some(index)
    }
}
