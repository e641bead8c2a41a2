//! The standard library's ordered map, for what the archived one cannot: the last key at or before one.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::content::Content;

/// Canonical forms in order.
pub struct Ordered<'a> {
    /// Canonical forms to positions.
    map: BTreeMap<Box<[u8]>, u64>,
    /// Where the values are.
    content: &'a Content,
}

impl<'a> Ordered<'a> {
    /// Fills it.
    pub fn new(content: &'a Content) -> Ordered<'a> {
        let mut key = Vec::new();
        let entries = content.positions().map(|(name, position)| {
            crate::keys::canonical(name, &mut key);
            (key.as_slice().into(), position)
        });
        Ordered { map: entries.collect(), content }
    }

    /// The value of the last key at or before one.
    pub fn before(&self, key: &[u8]) -> Option<&'a [u8]> {
        let range = (Bound::Unbounded, Bound::Included(key));
        self.map.range::<[u8], _>(range).next_back().map(|(_, position)| self.content.value(*position))
    }
}
