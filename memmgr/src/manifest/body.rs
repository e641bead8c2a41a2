//! What a manifest says, as plain data.
//!
//! Nothing here knows how it is stored. [`ManifestBody`] is the type to read first; what is known of the zones stands elsewhere
//! ([`super::catalogue`]), in chunks that are named here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::catalogue::SHARDS;
use super::hexadecimal;

/// The snapshot of a state directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ManifestBody {
    /// The newest generation. Its number stands for these contents for all time.
    pub generation: u64,
    /// When it was made, in seconds since 1970, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_unix: Option<u64>,
    /// The boot during which this was written, from [`super::boot_id`]. During the same boot the page cache is whole, whatever
    /// happened to processes.
    pub boot_id: String,
    /// Written at an orderly stop, after everything was synced.
    pub clean_stop: bool,
    /// The key of the hash of names, drawn once for each state directory: the same in every segment.
    #[serde(with = "hexadecimal::key")]
    pub hash_key: [u8; 16],
    /// The lowest layer number that was never used.
    pub next_layer: u64,
    /// The lowest zone number that was never used.
    pub next_zone: u32,
    /// The lowest group number that was never used.
    pub next_group: u32,
    /// The lowest number of a catalogue file that was never used.
    pub next_catalogue: u64,
    /// The first commit log that may hold generations that came after this snapshot, see [`crate::commits`].
    pub log: u64,
    /// How many zones are answered for.
    pub served_zones: u64,
    /// How many records they have.
    pub served_records: u64,
    /// The zone directory's layers, newest first.
    pub directory: Vec<LayerEntry>,
    /// The groups.
    pub groups: Vec<GroupEntry>,
    /// Records of the commit log were lost once: serials may have been given out that nobody knows of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub serials_lost: bool,
    /// Generations that are kept for an operator to go back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptEntry>,
    /// Where the catalogue of zones lies: for each shard that has any, one chunk of a file.
    pub catalogue: Vec<ChunkEntry>,
}

/// A generation that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeptEntry {
    /// Its number.
    pub generation: u64,
    /// Whether an operator asked for it.
    pub is_pinned: bool,
    /// When it was made, in seconds since 1970, where that is known.
    pub at_unix: Option<u64>,
    /// The zone directory's layers, newest first.
    pub directory: Vec<LayerEntry>,
    /// The groups.
    pub groups: Vec<GroupEntry>,
}

/// One chunk of the catalogue: the zones of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChunkEntry {
    /// The shard's number, below [`super::SHARDS`].
    pub shard: u32,
    /// The number of the file in the catalogue directory.
    pub file: u64,
    /// Where in it the chunk begins, in octets.
    pub offset: u64,
    /// The chunk's length in octets.
    pub length: u64,
    /// The xxh3-128 of the chunk.
    #[serde(with = "hexadecimal::number")]
    pub hash: u128,
}

/// One segment file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LayerEntry {
    /// The layer's number, unique in its state directory.
    pub id: u64,
    /// The name of its file in the segment directory.
    pub file: String,
    /// The file's length in octets.
    pub length: u64,
    /// The content hash (xxh3-128) in its header.
    #[serde(with = "hexadecimal::number")]
    pub content_hash: u128,
}

/// One group of zones and its stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GroupEntry {
    /// The group's number.
    pub id: u32,
    /// Its layers, newest first, the base last.
    pub layers: Vec<LayerEntry>,
}

impl KeptEntry {
    /// Every segment named, the directory's first.
    pub fn layers(&self) -> impl Iterator<Item = &LayerEntry> {
        self.directory.iter().chain(self.groups.iter().flat_map(|group| &group.layers))
    }
}

impl ManifestBody {
    /// A directory in which nothing is stored.
    pub fn new(hash_key: [u8; 16], boot_id: String) -> Self {
        Self {
            generation: 0,
            made_unix: None,
            boot_id,
            clean_stop: false,
            hash_key,
            next_layer: 1,
            next_zone: 1,
            next_group: 1,
            next_catalogue: 1,
            log: 1,
            served_zones: 0,
            served_records: 0,
            directory: Vec::new(),
            groups: Vec::new(),
            serials_lost: false,
            kept: Vec::new(),
            catalogue: Vec::new(),
        }
    }

    /// Whether segments may be served before they are verified: nothing but processes can have died since this was written,
    /// or nothing was under way.
    pub fn is_trusted(&self, boot_id: &str) -> bool {
        self.clean_stop || self.boot_id == boot_id
    }

    /// Every segment named, the directory's first, those of kept generations last. One that several stacks share comes several times.
    pub fn layers(&self) -> impl Iterator<Item = &LayerEntry> {
        let own = self.directory.iter().chain(self.groups.iter().flat_map(|group| &group.layers));
        own.chain(self.kept.iter().flat_map(KeptEntry::layers))
    }

    /// What contradicts itself in a body, if anything does: a body of sound checksum that was written wrong.
    pub(super) fn contradiction(&self) -> Option<String> {
        self.contradiction_in_layers()
            .or_else(|| self.contradiction_in_groups())
            .or_else(|| self.contradiction_in_chunks())
    }

    /// The same for the segments.
    fn contradiction_in_layers(&self) -> Option<String> {
        self.layers().find_map(|layer| {
            let is_plain = !matches!(layer.file.as_str(), "" | "." | "..") && !layer.file.contains(['/', '\0']);
            if !is_plain {
                return Some(format!(
                    "layer {} has the file name {:?}, which is not a plain one",
                    layer.id, layer.file
                ));
            }
            (layer.id >= self.next_layer)
                .then(|| format!("layer {} is not below next-layer {}", layer.id, self.next_layer))
        })
    }

    /// The same for the groups.
    fn contradiction_in_groups(&self) -> Option<String> {
        let mut groups = BTreeSet::new();
        if let Some(twice) = self.groups.iter().find(|group| !groups.insert(group.id)) {
            return Some(format!("group {} stands twice", twice.id));
        }
        let above = groups.iter().find(|id| **id >= self.next_group)?;
        Some(format!("group {above} is not below next-group {}", self.next_group))
    }

    /// The same for the chunks of the catalogue.
    fn contradiction_in_chunks(&self) -> Option<String> {
        let mut shards = BTreeSet::new();
        self.catalogue.iter().find_map(|chunk| {
            let ChunkEntry { shard, file, .. } = *chunk;
            if shard >= SHARDS {
                return Some(format!("shard {shard} is not below {SHARDS}"));
            }
            if !shards.insert(shard) {
                return Some(format!("shard {shard} stands twice"));
            }
            (file >= self.next_catalogue)
                .then(|| format!("catalogue file {file} is not below next-catalogue {}", self.next_catalogue))
        })
    }
}
