//! What a record says: [`CommitRecord`]; and where it lies: [`RecordPlace`].

use dns::change::ChangeSet;
use serde::{Deserialize, Serialize};
use zone_segment::Name;

use super::stored;
use crate::manifest::{GroupEntry, LayerEntry, ZoneEntry};

/// One generation, as what it has other than the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitRecord {
    /// Its number. Numbers that were given up are left out.
    pub generation: u64,
    /// When it was built, in seconds since the epoch.
    pub at_unix: u64,
    /// What changed in its zones. Several of one zone follow one another.
    #[serde(with = "stored::sets")]
    pub changes: Vec<ChangeSet>,
    /// Zones whose data was replaced without a change set: nobody can be brought from what they were before to what they are.
    #[serde(with = "stored::names")]
    pub rewritten: Vec<Name>,
    /// The groups whose stacks changed, each with all its layers. One without layers is gone.
    pub groups: Vec<GroupEntry>,
    /// The zone directory's layers, if they changed.
    pub directory: Option<Vec<LayerEntry>>,
    /// Zones of which the catalogue says something other than before.
    pub zones: Vec<ZoneEntry>,
    /// Zones that are gone.
    #[serde(with = "stored::names")]
    pub gone: Vec<Name>,
    /// The lowest layer number that was never used.
    pub next_layer: u64,
    /// The lowest zone number that was never used.
    pub next_zone: u32,
    /// The lowest group number that was never used.
    pub next_group: u32,
    /// How many zones are answered for.
    pub served_zones: u64,
    /// How many records they have.
    pub served_records: u64,
}

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// The generation that it is of.
    pub generation: u64,
    /// The log's number.
    pub log: u64,
    /// Where in it the record begins, in octets.
    pub offset: u64,
    /// The record's length in octets, its header included.
    pub length: u64,
}

/// What a generation changed in its zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationChanges {
    /// The generation.
    pub generation: u64,
    /// When it was built, in seconds since the epoch.
    pub at_unix: u64,
    /// What changed.
    pub sets: Vec<ChangeSet>,
    /// Zones whose data was replaced without a change set.
    pub rewritten: Vec<Name>,
    /// Zones that are gone.
    pub gone: Vec<Name>,
}

impl CommitRecord {
    /// What it changes in zones.
    pub fn into_changes(self) -> GenerationChanges {
        let CommitRecord { generation, at_unix, changes, rewritten, gone, .. } = self;
        GenerationChanges { generation, at_unix, sets: changes, rewritten, gone }
    }
}

impl GenerationChanges {
    /// The same for one zone alone.
    pub(super) fn keep_zone(&mut self, apex: &Name) {
        self.sets.retain(|set| set.apex == *apex);
        self.rewritten.retain(|name| name == apex);
        self.gone.retain(|name| name == apex);
    }

    /// Whether no zone is spoken of.
    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty() && self.rewritten.is_empty() && self.gone.is_empty()
    }
}
