//! The others: structures that give octets for a key, and what asks them.
//!
//! Those in memory have the position of a value and read the value there, from one arena that they share; those in files have the
//! value beside the key, as their users would. Ordered ones have names in canonical form as keys, the others in wire form.

mod archived;
mod lmdb;
mod maps;
mod ordered;
mod sync;

use measure::Subject;

use crate::content::read_value;
use crate::keys::Keys;

pub use archived::{ArchivedHash, ArchivedTree};
pub use lmdb::Lmdb;
pub use maps::{FastMap, StdMap, Trie};
pub use ordered::Ordered;
pub use sync::Sync;

/// Gives a value for a key.
pub trait Store {
    /// What it is called.
    const NAME: &'static str;
    /// Whether its keys are names in canonical form.
    const IS_CANONICAL: bool;

    /// The value of exactly this key.
    fn value(&self, key: &[u8]) -> Option<&[u8]>;
}

/// What is asked of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The name itself.
    Exact,
    /// The name, then each name above it, until one is there: how a zone cut is found without an index that knows of them.
    Upwards,
}

/// Lookups in a store.
pub struct Asked<'a, S> {
    /// What it is called.
    name: String,
    /// What is asked.
    store: &'a S,
    /// For what.
    keys: &'a Keys,
    /// How.
    ask: Ask,
}

impl<'a, S: Store> Asked<'a, S> {
    /// Asks `store`.
    pub fn new(store: &'a S, keys: &'a Keys, ask: Ask) -> Asked<'a, S> {
        Asked { name: S::NAME.to_owned(), store, keys, ask }
    }
}

impl<S: Store> Subject for Asked<'_, S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare(&mut self, at: usize, operations: usize) {
        touch(self.keys, at, operations);
    }

    fn call(&mut self, at: usize) -> u64 {
        let mut key = self.keys.at(at);
        loop {
            if let Some(value) = self.store.value(key) {
                return read_value(value);
            }
            let above = match (self.ask, S::IS_CANONICAL) {
                (Ask::Exact, _) => None,
                (Ask::Upwards, true) => parent_of_canonical(key),
                (Ask::Upwards, false) => key.get(1 + usize::from(key[0])..).filter(|above| above.len() > 1),
            };
            match above {
                Some(above) => key = above,
                None => return 0,
            }
        }
    }
}

/// Lookups of the last key at or before one.
pub struct Before<'a, F> {
    /// What it is called.
    name: &'static str,
    /// For what.
    keys: &'a Keys,
    /// What finds a value.
    find: F,
}

impl<'a, 'v, F: Fn(&[u8]) -> Option<&'v [u8]>> Before<'a, F> {
    /// Asks `find`.
    pub fn new(name: &'static str, keys: &'a Keys, find: F) -> Before<'a, F> {
        Before { name, keys, find }
    }
}

impl<'v, F: Fn(&[u8]) -> Option<&'v [u8]>> Subject for Before<'_, F> {
    fn name(&self) -> &str {
        self.name
    }

    fn prepare(&mut self, at: usize, operations: usize) {
        touch(self.keys, at, operations);
    }

    fn call(&mut self, at: usize) -> u64 {
        (self.find)(self.keys.at(at)).map_or(0, read_value)
    }
}

/// Reads keys, so that they are in the cache when they are asked for, as those of the segment are.
fn touch(keys: &Keys, at: usize, operations: usize) {
    let octets = (at..at + operations).map(|at| keys.at(at).iter().fold(0, |sum, octet| sum ^ octet));
    std::hint::black_box(octets.fold(0, |sum, octet| sum ^ octet));
}

/// The name above one in canonical form.
fn parent_of_canonical(key: &[u8]) -> Option<&[u8]> {
    let labels = key.split_last()?.1;
    let end = labels.iter().rposition(|octet| *octet == 0)?;
    Some(&key[..end + 1])
}
