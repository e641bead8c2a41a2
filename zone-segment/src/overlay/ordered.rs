//! A sorted list that shares what did not change with the one it was made from: chunks behind reference counts, in one list.
//!
//! A change copies its chunk and the list of chunks: of 100,000 entries some kilobytes. Entries are small and plain, and are compared by
//! whoever searches, since what they stand for lies in segments.

use std::sync::Arc;

/// Entries of a chunk that is cut in two.
const CHUNK_MAX: usize = 256;

/// The list.
#[derive(Clone, Debug)]
pub(super) struct Ordered<T> {
    /// None of them is empty.
    chunks: Vec<Arc<Vec<T>>>,
    /// How many entries they have.
    length: usize,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered { chunks: Vec::new(), length: 0 }
    }
}

/// A place of an entry, or where one would be put in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The chunk.
    chunk: usize,
    /// In the chunk.
    at: usize,
}

impl<T: Copy> Ordered<T> {
    /// How many entries.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Octets that they take.
    pub(super) fn octets(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.capacity() * size_of::<T>()).sum::<usize>()
            + self.chunks.capacity() * size_of::<Arc<Vec<T>>>()
    }

    /// The place behind the entries that `is_before` holds for, which are the first ones.
    pub(super) fn behind(&self, is_before: impl Fn(&T) -> bool) -> Place {
        let chunks = self.chunks.partition_point(|chunk| chunk.first().is_some_and(&is_before));
        let Some(chunk) = chunks.checked_sub(1) else { return Place { chunk: 0, at: 0 } };
        Place { chunk, at: self.chunks[chunk].partition_point(is_before) }
    }

    /// The entry before a place.
    pub(super) fn before(&self, place: Place) -> Option<T> {
        match place.at.checked_sub(1) {
            Some(at) => self.chunks.get(place.chunk)?.get(at).copied(),
            None => self.chunks.get(place.chunk.checked_sub(1)?)?.last().copied(),
        }
    }

    /// The entry at a place.
    pub(super) fn at(&self, place: Place) -> Option<T> {
        let chunk = self.chunks.get(place.chunk)?;
        chunk.get(place.at).or_else(|| self.chunks.get(place.chunk + 1)?.first()).copied()
    }

    /// The last entry of all.
    pub(super) fn last(&self) -> Option<T> {
        self.chunks.last()?.last().copied()
    }

    /// Changes the entry before a place.
    pub(super) fn replace_before(&mut self, place: Place, entry: T) {
        let (chunk, at) = match place.at.checked_sub(1) {
            Some(at) => (place.chunk, at),
            None => match place.chunk.checked_sub(1) {
                Some(chunk) => (chunk, self.chunks[chunk].len() - 1),
                None => return,
            },
        };
        if let Some(chunk) = self.chunks.get_mut(chunk) {
            Arc::make_mut(chunk)[at] = entry;
        }
    }

    /// Puts an entry in at a place.
    pub(super) fn insert(&mut self, place: Place, entry: T) {
        self.length += 1;
        let Some(chunk) = self.chunks.get_mut(place.chunk) else {
            self.chunks.push(Arc::new(vec![entry]));
            return;
        };
        let entries = Arc::make_mut(chunk);
        entries.insert(place.at, entry);
        if entries.len() >= CHUNK_MAX {
            let behind = entries.split_off(CHUNK_MAX / 2);
            self.chunks.insert(place.chunk + 1, Arc::new(behind));
        }
    }

    /// Takes out the entry before a place.
    pub(super) fn remove_before(&mut self, place: Place) {
        let (chunk, at) = match place.at.checked_sub(1) {
            Some(at) => (place.chunk, at),
            None => match place.chunk.checked_sub(1) {
                Some(chunk) => (chunk, self.chunks[chunk].len() - 1),
                None => return,
            },
        };
        let Some(entries) = self.chunks.get_mut(chunk).map(Arc::make_mut) else { return };
        entries.remove(at);
        self.length -= 1;
        if entries.is_empty() {
            self.chunks.remove(chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_list(changes in prop::collection::vec((any::<bool>(), 0u32..2000), 0..3000)) {
            let (mut list, mut model) = (Ordered::default(), Vec::new());
            let before = list.clone();
            for (adds, number) in changes {
                let place = list.behind(|other: &u32| *other <= number);
                let at = model.partition_point(|other| *other <= number);
                prop_assert_eq!(list.before(place), at.checked_sub(1).map(|at| model[at]));
                prop_assert_eq!(list.at(place), model.get(at).copied());
                if adds {
                    list.insert(place, number);
                    model.insert(at, number);
                } else if at > 0 {
                    list.remove_before(place);
                    model.remove(at - 1);
                }
                prop_assert_eq!(list.len(), model.len());
                prop_assert_eq!(list.last(), model.last().copied());
            }
            prop_assert_eq!(before.len(), 0);
            let all: Vec<u32> = list.chunks.iter().flat_map(|chunk| chunk.iter().copied()).collect();
            prop_assert_eq!(all, model);
        }
    }
}
