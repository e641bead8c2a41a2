//! A manifest brought up to the last generation of the logs: [`catch_up`]. No files here.
//!
//! A record is on the disk; the delta that it names need not be, since nobody waited for that file. So what is told beside the newest stacks
//! is what they were before, and what changed since: a stack that is not whole is made anew from an older one that is ([`CaughtUp::rebuild`]).

use std::collections::{BTreeMap, BTreeSet};

use dns::change::ChangeSet;
use zone_segment::Name;

use super::apply::{ApplyError, apply};
use super::record::{CommitRecord, GenerationChanges, RecordPlace};
use super::replay::Replayed;
use crate::manifest::{LayerEntry, ManifestBody, ZoneEntry};

/// A manifest with the records that follow it.
#[derive(Debug)]
pub struct CaughtUp {
    /// What a manifest of the last generation would say, but for the catalogue: that is the snapshot's, with `zones` to be put in.
    pub body: ManifestBody,
    /// The snapshot's generation.
    pub snapshot: u64,
    /// What the catalogue says of zones that changed since the snapshot, the last word; nothing of those that are gone.
    pub zones: BTreeMap<Name, Option<ZoneEntry>>,
    /// What each generation since the snapshot changed, in their order.
    pub changes: Vec<GenerationChanges>,
    /// The stacks of each group that changed since the snapshot.
    pub stacks: BTreeMap<u32, StackHistory>,
    /// The stacks of the zone directory; empty when it did not change.
    pub directories: StackHistory,
    /// The record that can't follow, if there is one. It and those behind it are left out.
    pub refused: Option<Refused>,
}

/// A stack in time: each with the generation that it came with, the snapshot's first. One without layers is none.
pub type StackHistory = Vec<(u64, Vec<LayerEntry>)>;

/// A record that can't follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it lies.
    pub place: RecordPlace,
    /// Why.
    pub why: ApplyError,
    /// How many are behind it.
    pub records_lost: u64,
}

/// What a group's stack is made anew from.
#[derive(Debug, PartialEq, Eq)]
pub struct Rebuild<'a> {
    /// The newest stack all of whose layers can be used, newest layer first.
    pub layers: &'a [LayerEntry],
    /// The generation it came with: what changed later is to be put on top ([`CaughtUp::changes_after`]).
    pub generation: u64,
}

/// Puts records on top of a manifest. Those of generations that the manifest has already are passed over: it may be a later snapshot than
/// the logs begin at.
pub fn catch_up(body: ManifestBody, replayed: Replayed) -> CaughtUp {
    let snapshot = body.generation;
    let gap = replayed.after_generation.filter(|after| *after > snapshot);
    let mut caught_up = CaughtUp {
        body,
        snapshot,
        zones: BTreeMap::new(),
        changes: Vec::new(),
        stacks: BTreeMap::new(),
        directories: Vec::new(),
        refused: None,
    };
    let mut records = replayed.records.into_iter().filter(|(place, _)| place.generation > snapshot);
    while let Some((place, record)) = records.next() {
        let added = match gap {
            Some(after) => Err(ApplyError::Gap { reached: snapshot, after }),
            None => caught_up.add(record),
        };
        if let Err(why) = added {
            caught_up.refused = Some(Refused { place, why, records_lost: records.count() as u64 });
            break;
        }
    }
    caught_up
}

impl CaughtUp {
    /// What a group's stack can be made anew from, when one of its layers is not whole. None: no stack since the snapshot is whole, or none
    /// is newer than what changed in the group.
    pub fn rebuild(&self, group: u32, is_whole: impl Fn(&LayerEntry) -> bool) -> Option<Rebuild<'_>> {
        let stacks = self.stacks.get(&group)?.iter().rev();
        // Where the group was gone nothing of it can be built on.
        let mut stacks = stacks.take_while(|(_, layers)| !layers.is_empty());
        let (generation, layers) = stacks.find(|(_, layers)| layers.iter().all(&is_whole))?;
        Some(Rebuild { layers, generation: *generation })
    }

    /// What changed after a generation, each with its generation, in their order. Several of one zone follow one another.
    pub fn changes_after(&self, generation: u64) -> impl Iterator<Item = (u64, &ChangeSet)> {
        let later = self.changes.iter().filter(move |changes| changes.generation > generation);
        later.flat_map(|changes| changes.sets.iter().map(|set| (changes.generation, set)))
    }

    /// The zones that change sets can't bring from what they were at a generation to what they are: replaced as a whole since.
    pub fn rewritten_after(&self, generation: u64) -> BTreeSet<&Name> {
        let later = self.changes.iter().filter(|changes| changes.generation > generation);
        later.flat_map(|changes| &changes.rewritten).collect()
    }

    /// Puts one more record on top.
    fn add(&mut self, mut record: CommitRecord) -> Result<(), ApplyError> {
        // What no record spoke of so far is as the snapshot has it.
        let unseen = record.groups.iter().filter(|group| !self.stacks.contains_key(&group.id));
        let unseen: Vec<_> = unseen.map(|group| (group.id, stack_of(&self.body, group.id).to_vec())).collect();
        let directory =
            (record.directory.is_some() && self.directories.is_empty()).then(|| self.body.directory.clone());
        apply(&mut self.body, &record)?;
        self.stacks.extend(unseen.into_iter().map(|(group, layers)| (group, vec![(self.snapshot, layers)])));
        for group in std::mem::take(&mut record.groups) {
            self.stacks.entry(group.id).or_default().push((record.generation, group.layers));
        }
        self.directories.extend(directory.map(|layers| (self.snapshot, layers)));
        self.directories.extend(record.directory.take().map(|layers| (record.generation, layers)));
        self.zones.extend(record.gone.iter().map(|apex| (apex.clone(), None)));
        for zone in std::mem::take(&mut record.zones) {
            self.zones.insert(zone.apex.clone(), Some(zone));
        }
        self.changes.push(record.into_changes());
        Ok(())
    }
}

/// The layers of a group; none when it is not there.
fn stack_of(body: &ManifestBody, group: u32) -> &[LayerEntry] {
    body.groups.iter().find(|entry| entry.id == group).map_or(&[], |entry| &entry.layers)
}
