//! Maps in memory: the standard library's, hashbrown with a fast hash, and a qp-trie.

use std::collections::HashMap;

use crate::content::Content;

use super::Store;

/// The standard library's map with its default hash, SipHash-1-3 under a key of the process.
pub struct StdMap<'a> {
    /// Wire forms to positions.
    map: HashMap<Box<[u8]>, u64>,
    /// Where the values are.
    content: &'a Content,
}

impl<'a> StdMap<'a> {
    /// Fills it.
    pub fn new(content: &'a Content) -> StdMap<'a> {
        StdMap { map: content.positions().map(|(name, position)| (name.into(), position)).collect(), content }
    }
}

impl Store for StdMap<'_> {
    const NAME: &'static str = "std HashMap";
    const IS_CANONICAL: bool = false;

    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.map.get(key).map(|position| self.content.value(*position))
    }
}

/// hashbrown's map with foldhash: fast, and not safe against names made to collide.
pub struct FastMap<'a> {
    /// Wire forms to positions.
    map: hashbrown::HashMap<Box<[u8]>, u64, foldhash::fast::FixedState>,
    /// Where the values are.
    content: &'a Content,
}

impl<'a> FastMap<'a> {
    /// Fills it.
    pub fn new(content: &'a Content) -> FastMap<'a> {
        FastMap { map: content.positions().map(|(name, position)| (name.into(), position)).collect(), content }
    }
}

impl Store for FastMap<'_> {
    const NAME: &'static str = "hashbrown, foldhash";
    const IS_CANONICAL: bool = false;

    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.map.get(key).map(|position| self.content.value(*position))
    }
}

/// A qp-trie.
pub struct Trie<'a> {
    /// Canonical forms to positions.
    trie: qp_trie::Trie<Box<[u8]>, u64>,
    /// Where the values are.
    content: &'a Content,
}

impl<'a> Trie<'a> {
    /// Fills it.
    pub fn new(content: &'a Content) -> Trie<'a> {
        let mut trie = qp_trie::Trie::new();
        let mut key = Vec::new();
        for (name, position) in content.positions() {
            crate::keys::canonical(name, &mut key);
            trie.insert(key.as_slice().into(), position);
        }
        Trie { trie, content }
    }
}

impl Store for Trie<'_> {
    const NAME: &'static str = "qp-trie";
    const IS_CANONICAL: bool = true;

    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.trie.get(key).map(|position| self.content.value(*position))
    }
}
