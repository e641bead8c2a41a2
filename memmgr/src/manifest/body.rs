//! What a manifest says, as plain data.
//!
//! Nothing here knows how it is stored. [`ManifestBody`] is the type to read first.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{hexadecimal, lossless_path};

/// The snapshot of a state directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ManifestBody {
    /// The newest generation. Its number stands for these contents for all time.
    pub generation: u64,
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
    /// The zone directory's layers, newest first.
    pub directory: Vec<LayerEntry>,
    /// The groups. Their zones are those that name them.
    pub groups: Vec<GroupEntry>,
    /// The zones, those that are broken too.
    pub zones: Vec<ZoneEntry>,
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

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ZoneEntry {
    /// The apex in presentation format.
    pub apex: String,
    /// The zone's number.
    pub zone: u32,
    /// The group in whose layers its data lies. A zone that never had data may name a group without layers.
    pub group: u32,
    /// How it is answered.
    pub state: ZoneState,
    /// The serial in its SOA, when it has data.
    pub serial: Option<u32>,
    /// The records in it.
    pub records: u64,
    /// Layers below this one are invisible for the zone.
    pub floor: u64,
    /// The files that its data was read from, the main one first: while they are as they were, nothing is parsed.
    pub sources: Vec<SourceStamp>,
    /// Why its source could not be loaded the last time.
    pub error: Option<String>,
}

/// How a zone is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZoneState {
    /// From its data.
    Serving,
    /// SERVFAIL: no data was ever loaded.
    Broken,
    /// SERVFAIL: the data of a secondary is too old.
    Expired,
    /// Not at all: the zone is no longer served.
    Removed,
}

/// A source file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceStamp {
    /// Where it lies.
    #[serde(with = "lossless_path")]
    pub path: PathBuf,
    /// The device number.
    pub dev: u64,
    /// The inode number.
    pub ino: u64,
    /// The length in octets.
    pub size: u64,
    /// The modification time in nanoseconds since the epoch. Enough for 292 years to either side.
    pub mtime_ns: i64,
    /// The time of the last change of the inode, the same way.
    pub ctime_ns: i64,
    /// The xxh3-128 of what was read.
    #[serde(with = "hexadecimal::number")]
    pub content_hash: u128,
}

impl ManifestBody {
    /// A directory in which nothing is stored.
    pub fn new(hash_key: [u8; 16], boot_id: String) -> Self {
        Self {
            generation: 0,
            boot_id,
            clean_stop: false,
            hash_key,
            next_layer: 1,
            next_zone: 1,
            next_group: 1,
            directory: Vec::new(),
            groups: Vec::new(),
            zones: Vec::new(),
        }
    }

    /// Whether segments may be served before they are verified: nothing but processes can have died since this was written,
    /// or nothing was under way.
    pub fn is_trusted(&self, boot_id: &str) -> bool {
        self.clean_stop || self.boot_id == boot_id
    }

    /// Every segment named, the directory's first. One that several stacks share comes several times.
    pub fn layers(&self) -> impl Iterator<Item = &LayerEntry> {
        self.directory.iter().chain(self.groups.iter().flat_map(|group| &group.layers))
    }

    /// What contradicts itself in a body, if anything does: a body of sound checksum that was written wrong.
    pub(super) fn contradiction(&self) -> Option<String> {
        self.contradiction_in_layers().or_else(|| self.contradiction_in_zones())
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

    /// The same for zones and their groups.
    fn contradiction_in_zones(&self) -> Option<String> {
        let mut groups = BTreeSet::new();
        if let Some(twice) = self.groups.iter().find(|group| !groups.insert(group.id)) {
            return Some(format!("group {} stands twice", twice.id));
        }
        if let Some(above) = groups.iter().find(|id| **id >= self.next_group) {
            return Some(format!("group {above} is not below next-group {}", self.next_group));
        }
        let mut zones = BTreeSet::new();
        self.zones.iter().find_map(|zone| {
            let (apex, id) = (&zone.apex, zone.zone);
            if !zones.insert(id) {
                return Some(format!("zone {apex} has number {id}, which stands twice"));
            }
            if id >= self.next_zone {
                return Some(format!("zone {apex} has number {id}, not below next-zone {}", self.next_zone));
            }
            let is_lost = zone.state == ZoneState::Serving && !groups.contains(&zone.group);
            is_lost.then(|| format!("zone {apex} is served from group {}, which is not there", zone.group))
        })
    }
}
