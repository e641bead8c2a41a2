//! Making a segment of the zone directory.

use crate::directory::{DirectoryEntry, write_entry};
use crate::error::WriteError;
use crate::hash::HashKey;
use crate::index;
use crate::kind::Kind;
use crate::lookup_name::LookupName;
use crate::map::SegmentBuffer;
use crate::seal::seal;
use crate::tables::DirectoryRoot;

/// Collects directory entries and writes them as a segment. The order in which they come does not matter.
pub struct DirectoryWriter {
    /// The key of the name hash.
    key: HashKey,
    /// The entries.
    entries: Vec<DirectoryEntry>,
}

impl DirectoryWriter {
    /// An empty directory.
    pub fn new(key: HashKey) -> DirectoryWriter {
        DirectoryWriter { key, entries: Vec::new() }
    }

    /// Adds an entry.
    pub fn entry(&mut self, entry: DirectoryEntry) {
        self.entries.push(entry);
    }

    /// The whole file. An apex with two entries is an error.
    pub fn finish(mut self) -> Result<SegmentBuffer, WriteError> {
        self.entries.sort_by(|a, b| a.apex.cmp(&b.apex));
        if let Some(pair) = self.entries.windows(2).find(|pair| pair[0].apex == pair[1].apex) {
            return Err(WriteError::ApexTwice { apex: pair[0].apex.clone() });
        }
        let mut arena = Vec::new();
        let mut hashes = Vec::with_capacity(self.entries.len());
        let mut order = Vec::with_capacity(self.entries.len());
        let mut lookup = LookupName::default();
        let mut label_counts = 0u128;
        for entry in &self.entries {
            let reference = write_entry(&mut arena, entry)?;
            lookup.set(self.key, entry.apex.as_ref());
            hashes.push((lookup.hash(self.key, lookup.label_count()), reference));
            order.push(reference);
            // A name has at most 127 labels.
            label_counts |= 1 << lookup.label_count();
        }
        let buckets = index::build(&hashes).ok_or(WriteError::Index { names: hashes.len() })?;
        let root = DirectoryRoot {
            buckets,
            entries: arena,
            order,
            label_counts: [label_counts as u64, (label_counts >> 64) as u64],
        };
        seal(Kind::Directory, self.key, &root)
    }
}
