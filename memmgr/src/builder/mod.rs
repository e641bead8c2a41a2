//! From sources to a candidate: what changed is read, the groups it is in are written anew, everything else is shared with
//! the generation before.
//!
//! The work falls into the shards of the catalogue, which have no zone and no group in common. [`survey`] compares sources with the
//! base by how they look; [`shard`] reads what may have changed and writes a shard's groups, all shards at once but each by itself, so
//! that no more than a few are in memory; [`group`] decides where a zone's data goes, [`layers`] whether all of a group is written or what changed;
//! [`segments`] writes; [`journal`] says what changed; [`directory`] says in which
//! group each zone is. [`build`] runs them in this order and touches nothing that readers see: a build that fails leaves no trace.

pub(crate) mod again;
pub(crate) mod changes;
mod directory;
mod group;
mod journal;
mod layering;
mod layers;
pub(crate) mod merge;
pub(crate) mod record;
mod scope;
mod segments;
mod shard;
mod survey;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dns::change::ChangeSet;
use rayon::prelude::*;
use zone_segment::{GroupId, HashKey, LayerId, Name};

use crate::apex::Apex;
use crate::catalogue::{Catalogue, CatalogueStore, Transferred};
use crate::generation::{Contents, LayerError, LayerFile, NextNumbers, State};
use crate::manifest::catalogue::WriteCatalogueError;
use crate::progress::Progress;
use crate::source::directory::ListError;
use crate::source::zonefile::ReadZone;
pub(crate) use group::is_alone as is_compared;
pub(crate) use layers::verified;
pub(crate) use scope::Scope;
pub(crate) use segments::file_name;
use segments::{Before, Files};
use shard::ShardBuild;

/// What to build.
#[derive(Clone, Debug)]
pub(crate) struct BuildRequest {
    /// The generation to start from.
    pub(crate) base: Option<Arc<State>>,
    /// The number of the candidate.
    pub(crate) generation: u64,
    /// The key of every hash.
    pub(crate) key: HashKey,
    /// Which sources to compare, and which zones expire.
    pub(crate) scope: Scope,
    /// The directory of zone files.
    pub(crate) zones: PathBuf,
    /// Where segments are written.
    pub(crate) segments: PathBuf,
    /// Where the catalogue is written.
    pub(crate) catalogues: Arc<CatalogueStore>,
    /// Layers found damaged: what is in them is read again from its source.
    pub(crate) distrusted: BTreeSet<LayerId>,
    /// Whether a zone has to have a digest that agrees with it (RFC 8976).
    pub(crate) zonemd: bool,
    /// Where layers' numbers are drawn from.
    pub(crate) numbers: Arc<AtomicU64>,
    /// Where to say how far it is.
    pub(crate) progress: Arc<Progress>,
    /// Zones that come from primaries: their files do not count.
    pub(crate) secondaries: Arc<BTreeSet<Apex>>,
    /// Those of them that came as a whole.
    pub(crate) received: Arc<Received>,
}

/// A zone that came as a whole from its primary, and what is known of it from then on.
#[derive(Debug)]
pub(crate) struct ReceivedZone {
    /// It, checked.
    pub(crate) zone: ReadZone,
    /// From when to when it is good.
    pub(crate) transferred: Transferred,
}

/// Zones that came as a whole. A build takes their records away while it writes them, so that they are in memory once.
#[derive(Debug, Default)]
pub(crate) struct Received(Mutex<BTreeMap<Apex, ReceivedZone>>);

impl Received {
    /// These.
    pub(crate) fn new(zones: BTreeMap<Apex, ReceivedZone>) -> Self {
        Received(Mutex::new(zones))
    }

    /// Those of a shard that are left, each with its number of records.
    fn of_shard(&self, shard: u32) -> Vec<(Apex, u64)> {
        let zones = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        zones
            .iter()
            .filter(|(apex, _)| apex.shard() == shard)
            .map(|(apex, zone)| (apex.clone(), zone.zone.records))
            .collect()
    }

    /// Takes a zone out.
    fn take(&self, apex: &Apex) -> Option<ReceivedZone> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(apex)
    }
}

impl BuildRequest {
    /// Whether the base's zone directory is damaged, or was not to be had.
    fn distrusts_directory(&self) -> bool {
        self.base.as_ref().is_some_and(|base| {
            let layers = &base.contents.directory;
            layers.is_empty() || layers.iter().any(|layer| self.distrusted.contains(&layer.id))
        })
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The candidate, when anything that readers see differs from the base.
    pub(crate) candidate: Option<State>,
    /// The zones as they stand, errors included; the candidate's are the same.
    pub(crate) zones: Catalogue,
    /// What happened, for the one who asked.
    pub(crate) report: Report,
    /// What changed in zones, where that is known.
    pub(crate) changes: Vec<ChangeSet>,
}

/// What happened to the zones in scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Zones whose data changed, that came, went, expired, or are answered for again.
    pub(crate) changed: Vec<Name>,
    /// Zones found unchanged.
    pub(crate) unchanged: u64,
    /// Zones whose source can't be taken, and why.
    pub(crate) failed: Vec<(Name, String)>,
    /// Files that name no zone.
    pub(crate) unnamed: Vec<String>,
    /// Why the sources could not be listed, when a repair was made without them.
    pub(crate) unlisted: Option<String>,
    /// What the checks found that keeps nothing from being served, by zone.
    pub(crate) warnings: Vec<(Name, String)>,
}

impl Report {
    /// Adds what happened elsewhere.
    fn add(&mut self, other: Report) {
        let Report { changed, unchanged, failed, unnamed, unlisted, warnings } = other;
        self.changed.extend(changed);
        self.unchanged += unchanged;
        self.failed.extend(failed);
        self.unnamed.extend(unnamed);
        self.unlisted = self.unlisted.take().or(unlisted);
        self.warnings.extend(warnings);
    }

    /// Puts zones in canonical order, since they come in any.
    fn sort(&mut self) {
        self.changed.sort_unstable();
        // One that expired may have gone, or changed, as well.
        self.changed.dedup();
        self.failed.sort();
        self.warnings.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
}

/// What all shards of a build have in common.
struct Job<'a> {
    /// What to build.
    request: &'a BuildRequest,
    /// The generation before.
    before: Option<Before<'a>>,
    /// Its zones.
    zones: &'a Catalogue,
    /// Groups of which a layer is damaged.
    distrusted: BTreeSet<GroupId>,
    /// The files written.
    files: Files<'a>,
    /// The next group's number.
    next_group: AtomicU32,
}

/// Builds a candidate.
///
/// # Errors
///
/// [`BuildError`]; nothing that was there before has changed, and what was written is removed again.
pub(crate) fn build(request: &BuildRequest) -> Result<Outcome, BuildError> {
    config::fault::hit("build-begin");
    let none = Catalogue::default();
    let (base, first) = (request.base.as_deref(), NextNumbers { layer: 1, zone: 1, group: group::PACKED_GROUPS });
    let next = base.map_or(first, |base| base.next);
    let job = Job {
        request,
        before: base.map(Before::new),
        zones: base.map_or(&none, |base| &base.zones),
        distrusted: base.map(|base| distrusted_groups(base, request)).unwrap_or_default(),
        files: Files::new(&request.segments, &request.numbers),
        next_group: AtomicU32::new(next.group),
    };
    let mut next_zone = next.zone;
    let survey::Survey { shards, mut report } = survey::make(&job, &mut next_zone)?;
    let mut shards: Vec<ShardBuild<'_>> = shards.into_iter().map(|found| ShardBuild::new(&job, found)).collect();
    // Big ones use all cores by themselves, one after the other, so that one at a time is in memory.
    shards.iter_mut().try_for_each(|shard| shard.read_big(&job))?;
    let built: Vec<_> = shards.into_par_iter().map(|shard| shard.finish(&job)).collect::<Result<_, _>>()?;
    let mut zones = job.zones.clone();
    let mut contents = base.map_or_else(Contents::default, |base| base.contents.clone());
    let (mut groups_differ, mut moved) = (false, BTreeMap::new());
    let mut changes = Vec::new();
    for shard in built {
        report.add(shard.report);
        if let Some(changed) = shard.zones {
            zones.set(shard.number, changed);
        }
        moved.extend(shard.moved);
        groups_differ |= !shard.groups.is_empty();
        changes.extend(shard.changes);
        for (group, written) in shard.groups {
            let layers = written.stack(contents.groups.get(&group).map_or(&[], Vec::as_slice));
            match layers {
                Some(layers) => contents.groups.insert(group, layers),
                None => contents.groups.remove(&group),
            };
        }
    }
    report.sort();
    let directory_differs = base.is_none() || request.distrusts_directory() || !moved.is_empty();
    if directory_differs {
        let is_trusted = !request.distrusts_directory();
        contents.directory =
            directory::write(&job.files, request.key, &contents.directory, is_trusted, &zones, &moved)?;
    }
    zones.write(&request.catalogues).map_err(BuildError::Catalogue)?;
    let is_candidate = groups_differ || directory_differs;
    let set = if is_candidate {
        // As each reader will do it: what none of them could take is not published.
        let before = base.and_then(|base| base.set.as_deref());
        Some(Arc::new(contents.zone_set(request.generation, before).map_err(BuildError::Set)?))
    } else {
        None
    };
    let next =
        NextNumbers { layer: job.files.publish()?, zone: next_zone, group: job.next_group.load(Ordering::Relaxed) };
    let (generation, key) = (request.generation, request.key);
    let candidate = is_candidate.then(|| State { generation, key, contents, zones: zones.clone(), next, set });
    config::fault::hit("build-end");
    Ok(Outcome { candidate, zones, report, changes })
}

/// Groups with a damaged layer.
fn distrusted_groups(state: &State, request: &BuildRequest) -> BTreeSet<GroupId> {
    let damaged = |layers: &[Arc<LayerFile>]| layers.iter().any(|l| request.distrusted.contains(&l.id));
    let mut groups: BTreeSet<GroupId> =
        state.contents.groups.iter().filter(|(_, layers)| damaged(layers)).map(|(group, _)| *group).collect();
    if !request.distrusted.is_empty() {
        // A group that recovery could not open at all is not in the contents.
        let known = |group: &GroupId| !state.contents.groups.contains_key(group);
        let with_data = state.zones.zones().filter(|(_, zone)| zone.has_data()).map(|(_, zone)| zone.group);
        groups.extend(with_data.filter(known));
    }
    groups
}

/// A build that failed as a whole.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum BuildError {
    /// The sources can't be listed.
    List(ListError),
    /// A segment that zones were to be copied from is damaged; without it in the request's base the build can be made.
    Damaged {
        /// The layers to distrust.
        layers: Vec<LayerId>,
        /// What was found.
        error: String,
    },
    /// The segments of the candidate do not belong together.
    Set(zone_segment::ZoneSetError),
    /// A segment can't be built.
    Segment(zone_segment::BuildError),
    /// The zone directory can't be built.
    Directory(zone_segment::WriteError),
    /// Its file can't be written.
    File(zone_segment::WriteFileError),
    /// A segment just written can't be opened.
    Layer(LayerError),
    /// The catalogue can't be written.
    Catalogue(WriteCatalogueError),
    /// Layers of a group can't be merged.
    Merge {
        /// The group.
        group: GroupId,
        /// Why.
        error: Box<BuildError>,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(error) => error.fmt(f),
            Self::Damaged { error, .. } => write!(f, "copying from the generation before: {error}"),
            Self::Set(error) => write!(f, "putting the candidate together: {error}"),
            Self::Segment(error) => error.fmt(f),
            Self::Directory(error) => write!(f, "building the zone directory: {error}"),
            Self::File(error) => error.fmt(f),
            Self::Layer(error) => error.fmt(f),
            Self::Catalogue(error) => error.fmt(f),
            Self::Merge { group, error } => write!(f, "merging layers of group {group}: {error}"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::List(error) => error.source(),
            Self::Damaged { .. } => None,
            Self::Set(error) => Some(error),
            Self::Segment(error) => error.source(),
            Self::Directory(error) => Some(error),
            Self::File(error) => error.source(),
            Self::Layer(error) => error.source(),
            Self::Catalogue(error) => error.source(),
            Self::Merge { error, .. } => error.source(),
        }
    }
}
