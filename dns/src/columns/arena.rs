//! Octets that only grow, appended a chunk at a time: [`Arena`], and [`Room`], where RDATA is put together so that it can be.
//!
//! A copy of so many octets as are known only then is a call; copies of a fixed number are a few instructions. So whole chunks are
//! copied, and what was too much is overwritten by the next.

/// Octets that are copied at once.
pub(crate) const CHUNK_OCTETS: usize = 64;

/// Octets that only grow.
#[derive(Clone, Debug, Default)]
pub(super) struct Arena {
    /// The octets, then what is free.
    octets: Vec<u8>,
    /// How many there are.
    length: usize,
}

impl Arena {
    /// The octets.
    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }

    /// How many there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Appends octets.
    pub(super) fn append(&mut self, octets: &[u8]) {
        self.reserve(octets.len());
        self.octets[self.length..self.length + octets.len()].copy_from_slice(octets);
        self.length += octets.len();
    }

    /// Appends the first `length` octets of `octets`, in which as many follow as fill a chunk.
    #[inline(always)]
    pub(super) fn append_chunks(&mut self, octets: &[u8], length: usize) {
        self.reserve(length);
        let mut copied = 0;
        while copied < length {
            let from = octets.get(copied..).and_then(|octets| octets.first_chunk::<CHUNK_OCTETS>());
            let to = self.octets.get_mut(self.length + copied..).and_then(|octets| octets.first_chunk_mut());
            let (Some(from), Some(to)) = (from, to) else { return self.append(&octets[..length]) };
            *to = *from;
            copied += CHUNK_OCTETS;
        }
        self.length += length;
    }

    /// Makes room for octets and the rest of a chunk behind them.
    #[inline(always)]
    fn reserve(&mut self, more: usize) {
        let end = self.length + more + CHUNK_OCTETS;
        if end > self.octets.len() {
            self.grow(end);
        }
    }

    /// Makes room up to an end.
    #[inline(never)]
    fn grow(&mut self, end: usize) {
        self.octets.resize(end.max(2 * self.octets.len()), 0);
    }

    /// Gives back memory that is not used.
    pub(super) fn shrink(&mut self) {
        self.octets.truncate(self.length);
        self.octets.shrink_to_fit();
    }

    /// Octets of memory.
    pub(super) fn capacity(&self) -> usize {
        self.octets.capacity()
    }
}

/// RDATA while it is put together, with room for what a part writes before it.
#[derive(Debug)]
pub(crate) struct Room {
    /// Room for a head, then the RDATA, then what is free.
    octets: Box<[u8; ROOM_OCTETS]>,
    /// Octets of RDATA.
    length: usize,
}

/// Octets before the RDATA: three numbers of up to five octets each.
pub(super) const HEAD_OCTETS: usize = 16;

/// Octets of RDATA that there is room for.
pub(crate) const RDATA_ROOM: usize = 4096;

/// All octets of the room.
const ROOM_OCTETS: usize = HEAD_OCTETS + RDATA_ROOM + CHUNK_OCTETS;

impl Default for Room {
    fn default() -> Self {
        Self { octets: Box::new([0; ROOM_OCTETS]), length: 0 }
    }
}

impl Room {
    /// Begins another RDATA.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    /// Octets of RDATA so far.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The RDATA so far.
    #[inline(always)]
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.octets.get(HEAD_OCTETS..HEAD_OCTETS + self.length).unwrap_or_default()
    }

    /// What is free behind it.
    #[inline(always)]
    pub(crate) fn rest(&mut self) -> &mut [u8] {
        self.octets.get_mut(HEAD_OCTETS + self.length..HEAD_OCTETS + RDATA_ROOM).unwrap_or_default()
    }

    /// Takes octets that were written to what was free; `None` where there are not so many.
    #[inline(always)]
    pub(crate) fn add(&mut self, length: usize) -> Option<()> {
        let end = self.length + length;
        self.length = if end <= RDATA_ROOM { end } else { return None };
        Some(())
    }

    /// Appends octets.
    #[inline(always)]
    pub(crate) fn push(&mut self, octets: &[u8]) -> Option<()> {
        self.rest().get_mut(..octets.len())?.copy_from_slice(octets);
        self.add(octets.len())
    }

    /// Writes the end of a head right before the RDATA, and gives both and how long they are.
    #[inline(always)]
    pub(super) fn with_head(&mut self, head: [u8; HEAD_OCTETS], head_length: usize) -> (&[u8], usize) {
        self.octets[..HEAD_OCTETS].copy_from_slice(&head);
        let start = HEAD_OCTETS.saturating_sub(head_length);
        (self.octets.get(start..).unwrap_or_default(), head_length + self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_appended_whole_in_either_way() {
        let source: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let (mut arena, mut expected) = (Arena::default(), Vec::new());
        for length in [0, 1, 63, 64, 65, 128, 300, 936, 990, 1000] {
            arena.append_chunks(&source, length);
            expected.extend_from_slice(&source[..length]);
            arena.append(&source[1..length.max(1)]);
            expected.extend_from_slice(&source[1..length.max(1)]);
            assert_eq!(arena.as_slice(), expected);
            if length == 128 {
                arena.shrink();
            }
        }
        assert_eq!(arena.len(), expected.len());
    }

    #[test]
    fn a_room_takes_as_much_as_it_says() {
        let mut room = Room::default();
        assert_eq!(room.push(&[1; RDATA_ROOM - 1]), Some(()));
        assert_eq!(room.push(&[2; 2]), None);
        assert_eq!(room.push(&[2; 1]), Some(()));
        assert_eq!((room.len(), room.add(1), room.rest().len()), (RDATA_ROOM, None, 0));
        let mut head = [0; HEAD_OCTETS];
        head[HEAD_OCTETS - 1] = 9;
        let (octets, length) = room.with_head(head, 1);
        assert_eq!((&octets[..3], length), (&[9, 1, 1][..], RDATA_ROOM + 1));
    }
}
