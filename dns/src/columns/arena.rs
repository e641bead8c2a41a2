//! Octets that only grow: [`Arena`], and the [`Room`] at its end, in which a record is put together where it is to stay.
//!
//! A copy of so many octets as are known only then is a call; copies of a fixed number are a few instructions. So whole chunks are
//! copied, and what was too much is overwritten by the next. And what was just written in small pieces is slow to read in large ones, so
//! that nothing is copied once it is whole.

use super::varint;

/// Octets that are copied at once.
pub(crate) const CHUNK_OCTETS: usize = 64;

/// Octets that are made ready at once.
const STEP_OCTETS: usize = 32 << 10;

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

    /// Makes room for octets and the rest of a chunk behind them.
    #[inline(always)]
    fn reserve(&mut self, more: usize) {
        let end = self.length + more + CHUNK_OCTETS;
        if end > self.octets.len() {
            self.grow(end);
        }
    }

    /// Makes room up to an end and a step further. Memory is touched step by step: what is reserved and not needed costs nothing.
    #[inline(never)]
    fn grow(&mut self, end: usize) {
        self.octets.resize(end + STEP_OCTETS.min(end), 0);
    }

    /// Reserves memory for so many octets.
    pub(super) fn reserve_all(&mut self, octets: usize) {
        self.octets.reserve(octets + STEP_OCTETS);
    }

    /// The same octets in memory of just their size.
    pub(super) fn copy(&self) -> Arena {
        Arena { octets: self.as_slice().into(), length: self.length }
    }

    /// Forgets the octets; what was made ready stays so.
    pub(super) fn clear(&mut self) {
        self.length = 0;
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

/// Room at the end of an arena, in which a record is put together where it is to stay. Until it is taken, nothing of it counts.
#[derive(Debug)]
pub(crate) struct Room<'a> {
    /// All of it.
    octets: &'a mut [u8; ROOM_OCTETS],
    /// How much of it is used.
    length: usize,
}

/// Octets of a room: an owner, numbers and all but the longest RDATA.
const ROOM_OCTETS: usize = 5120;

impl Arena {
    /// Room at the end; `None` only where memory has no end.
    #[inline(always)]
    pub(super) fn room(&mut self) -> Option<Room<'_>> {
        self.reserve(ROOM_OCTETS);
        let octets = self.octets.get_mut(self.length..)?.first_chunk_mut()?;
        Some(Room { octets, length: 0 })
    }

    /// Takes the first octets of the room.
    #[inline(always)]
    pub(super) fn take(&mut self, length: usize) {
        self.length += length;
    }
}

impl Room<'_> {
    /// Octets used so far.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// What was used from a place on.
    #[inline(always)]
    pub(crate) fn since(&self, start: usize) -> &[u8] {
        self.octets.get(start..self.length).unwrap_or_default()
    }

    /// What is free.
    #[inline(always)]
    pub(crate) fn rest(&mut self) -> &mut [u8] {
        self.octets.get_mut(self.length..).unwrap_or_default()
    }

    /// Uses octets that were written to what was free; `None` where there are not so many.
    #[inline(always)]
    pub(crate) fn add(&mut self, length: usize) -> Option<()> {
        let end = self.length + length;
        self.length = if end <= ROOM_OCTETS { end } else { return None };
        Some(())
    }

    /// Appends octets.
    #[inline(always)]
    pub(crate) fn push(&mut self, octets: &[u8]) -> Option<()> {
        self.rest().get_mut(..octets.len())?.copy_from_slice(octets);
        self.add(octets.len())
    }

    /// Appends the first `length` octets of `octets`, in which as many follow as fill a chunk.
    #[inline(always)]
    pub(super) fn push_chunks(&mut self, octets: &[u8], length: usize) -> Option<()> {
        let mut copied = 0;
        while copied < length {
            let from = octets.get(copied..)?.first_chunk::<CHUNK_OCTETS>()?;
            *self.rest().get_mut(copied..)?.first_chunk_mut()? = *from;
            copied += CHUNK_OCTETS;
        }
        self.add(length)
    }

    /// Appends a number of up to seven bits, or of more.
    #[inline(always)]
    pub(super) fn push_number(&mut self, number: u32) -> Option<()> {
        match u8::try_from(number) {
            Ok(octet) if octet < 0x80 => self.push(&[octet]),
            _ => {
                let (octets, length) = varint::row([0, 0, number]);
                self.push(octets.get(octets.len() - length + 2..)?)
            }
        }
    }

    /// Puts before the octets from a place on, and in place of the octet before them, how many they are.
    #[inline(always)]
    pub(super) fn count_since(&mut self, start: usize) -> Option<()> {
        let count = self.length.checked_sub(start)?;
        if count >= 0x80 {
            return self.long_count_since(start, count);
        }
        *self.octets.get_mut(start.checked_sub(1)?)? = count as u8;
        Some(())
    }

    /// The same where the count takes more than an octet, so that the others move.
    #[inline(never)]
    fn long_count_since(&mut self, start: usize, count: usize) -> Option<()> {
        let (octets, length) = varint::row([0, 0, u32::try_from(count).ok()?]);
        let number = octets.get(octets.len() - length + 2..)?;
        let end = self.length;
        self.add(number.len() - 1)?;
        self.octets.copy_within(start..end, start - 1 + number.len());
        self.octets.get_mut(start - 1..start - 1 + number.len())?.copy_from_slice(number);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_appended_whole_in_any_way() {
        let source: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let (mut arena, mut expected) = (Arena::default(), Vec::new());
        for length in [0, 1, 63, 64, 65, 128, 300, 936] {
            let mut room = arena.room().expect("there is memory");
            assert_eq!(room.push_chunks(&source, length), Some(()));
            assert_eq!(room.push(&source[..3]), Some(()));
            let used = room.len();
            assert_eq!(room.push(b"not taken"), Some(()));
            arena.take(used);
            expected.extend_from_slice(&source[..length]);
            expected.extend_from_slice(&source[..3]);
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
    fn a_count_stands_before_what_it_counts() {
        for count in [0, 1, 127, 128, 300, 4000] {
            let mut arena = Arena::default();
            let mut room = arena.room().expect("there is memory");
            assert_eq!(room.push_number(1000), Some(()));
            assert_eq!(room.push(&[0]), Some(()));
            let start = room.len();
            assert_eq!(room.push(&vec![7; count]), Some(()));
            assert_eq!(room.count_since(start), Some(()));
            let length = room.len();
            arena.take(length);
            let mut rest = arena.as_slice();
            assert_eq!((varint::take(&mut rest), varint::take(&mut rest)), (1000, count as u32));
            assert_eq!(rest, vec![7; count]);
        }
    }

    #[test]
    fn a_room_has_an_end() {
        let mut arena = Arena::default();
        let mut room = arena.room().expect("there is memory");
        assert_eq!(room.push(&[1; ROOM_OCTETS - 1]), Some(()));
        assert_eq!(room.push(&[2; 2]), None);
        assert_eq!(room.push(&[2; 1]), Some(()));
        assert_eq!((room.len(), room.add(1), room.rest().len()), (ROOM_OCTETS, None, 0));
        assert_eq!(room.count_since(100), None);
    }
}
