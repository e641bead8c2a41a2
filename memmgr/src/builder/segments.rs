//! Writing segments: one for each group that changed, with zones read anew and copies of the others.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dns::SortedZone;
use zone_segment::{
    GroupId, LayerId, LookupName, Name, NameRef, SegmentBuilder, Unpublished, Visitor, Zone, ZoneChanges, ZoneId,
    ZoneSet, ZoneSource,
};

use super::layers::{self, Written};
use super::{BuildError, Job};
use crate::apex::Apex;
use crate::generation::{LayerFile, State};

/// A zone of a group that is written.
pub(super) struct Member<'a> {
    /// Its apex.
    pub(super) apex: &'a Apex,
    /// Its number.
    pub(super) id: ZoneId,
    /// Its records, if it was read anew; else it is copied.
    pub(super) fresh: Option<Fresh<'a>>,
    /// What changed of it, if its source was compared with it.
    pub(super) changes: Option<ZoneChanges>,
}

/// The records of a zone that was read anew.
pub(super) enum Fresh<'a> {
    /// Dropped as soon as they are written: a big zone's.
    Own(SortedZone),
    /// Kept, in case another zone of the group can't be written.
    Lent(&'a SortedZone),
}

impl Fresh<'_> {
    /// The records.
    fn zone(&self) -> &SortedZone {
        match self {
            Fresh::Own(zone) => zone,
            Fresh::Lent(zone) => zone,
        }
    }

    /// Octets of its records in memory, about as many as they have in a segment.
    pub(super) fn octets(&self) -> u64 {
        self.zone().columns().octets() as u64
    }
}

impl ZoneSource for Fresh<'_> {
    fn len(&self) -> usize {
        self.zone().len()
    }

    fn name(&self, rank: usize) -> NameRef<'_> {
        self.zone().name(rank)
    }

    fn visit<'a>(&'a self, ranks: Range<usize>, to: &mut Visitor<'_, 'a>) {
        self.zone().visit(ranks, to);
    }
}

/// Writes what is to be written of one group.
pub(super) fn write_group(job: &Job<'_>, group: GroupId, members: Vec<Member<'_>>) -> Result<Written, BuildError> {
    if members.is_empty() {
        return Ok(Written::Gone);
    }
    if let Some(folded) = layers::above(job, group, &members) {
        return layers::write_above(job, group, members, folded);
    }
    let mut builder = SegmentBuilder::new(job.request.key);
    for Member { apex, id, fresh, .. } in members {
        if let Some(zone) = fresh {
            builder.zone(id, apex.name().clone(), zone).map_err(BuildError::Segment)?;
        } else if let Some(before) = &job.before {
            builder.copy_zone(id, &before.zone(group, apex.name())?).map_err(BuildError::Segment)?;
        }
    }
    let write = |directory: &Path, name: &str| builder.write_unpublished(directory, name).map_err(BuildError::Segment);
    job.files.write(write).map(Written::Base)
}

/// The generation before, as unchanged zones are copied from it.
pub(super) struct Before<'a> {
    /// It.
    state: &'a State,
    /// The same, to look zones up in stacks of several layers; none when its directory is damaged.
    set: Option<Arc<ZoneSet>>,
}

impl<'a> Before<'a> {
    /// The generation before.
    pub(super) fn new(state: &'a State) -> Self {
        Before { state, set: state.set.clone() }
    }

    /// The layers of a group, newest first.
    pub(super) fn layers(&self, group: GroupId) -> &'a [Arc<LayerFile>] {
        self.state.contents.groups.get(&group).map_or(&[], Vec::as_slice)
    }

    /// A zone of it, from layers that were verified: damage is not to be copied under a sound hash.
    pub(super) fn zone(&self, group: GroupId, apex: &Name) -> Result<Zone<'_>, BuildError> {
        let layers = self.layers(group);
        layers.iter().try_for_each(layers::verified)?;
        let zone = match layers {
            // One base is all there is of a group: the zone directory, which may be damaged, need not be asked.
            [base] => base
                .segment
                .find_zone(&LookupName::new(base.segment.key(), apex.as_ref()))
                .filter(|zone| zone.apex() == apex.as_ref()),
            _ => self.set.as_ref().and_then(|set| set.zone(apex.as_ref())),
        };
        zone.ok_or_else(|| BuildError::Damaged {
            layers: layers.iter().map(|layer| layer.id).collect(),
            error: format!("zone {apex} is said to lie in group {} and does not", group.0),
        })
    }
}

/// The name of a layer's file.
pub(crate) fn file_name(layer: LayerId) -> String {
    format!("{:016x}.segment", layer.0)
}

/// The files a build writes, from any of its threads; dropped before they are published, they are removed.
pub(super) struct Files<'a> {
    /// Where they are written.
    directory: &'a Path,
    /// The next number.
    next: Arc<AtomicU64>,
    /// Written so far.
    written: Mutex<Vec<Unpublished>>,
}

impl<'a> Files<'a> {
    /// None so far; numbers come from `next`, which others draw from too.
    pub(super) fn new(directory: &'a Path, next: &Arc<AtomicU64>) -> Self {
        Files { directory, next: Arc::clone(next), written: Mutex::default() }
    }

    /// Has a segment written into the directory, under a name, and opens it as readers will.
    pub(super) fn write(
        &self,
        write: impl FnOnce(&Path, &str) -> Result<Unpublished, BuildError>,
    ) -> Result<LayerFile, BuildError> {
        // Relaxed: the number only has to be another one.
        self.write_as(LayerId(self.next.fetch_add(1, Ordering::Relaxed)), write)
    }

    /// The same under a number that was drawn before.
    pub(super) fn write_as(
        &self,
        id: LayerId,
        write: impl FnOnce(&Path, &str) -> Result<Unpublished, BuildError>,
    ) -> Result<LayerFile, BuildError> {
        let name = file_name(id);
        let file = write(self.directory, &name)?;
        config::fault::hit("build-segment-written");
        let layer = LayerFile::open_as(id, file.path(), file.final_path()).map_err(BuildError::Layer)?;
        // Its hashes were computed from what it was just written from.
        layer.mark_sound();
        self.written.lock().unwrap_or_else(PoisonError::into_inner).push(file);
        Ok(layer)
    }

    /// Gives the files their names without waiting for the disk, and notes that in their layers; tells what number comes next.
    pub(super) fn place<'l>(self, layers: impl Iterator<Item = &'l Arc<LayerFile>>) -> Result<u64, BuildError> {
        for layer in layers {
            layer.mark_volatile();
        }
        let files = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        files.into_iter().try_for_each(zone_segment::place).map_err(BuildError::File)?;
        Ok(self.next.load(Ordering::Relaxed))
    }

    /// Makes the files durable, gives them their names, and tells what number comes next.
    pub(super) fn publish(self) -> Result<u64, BuildError> {
        let files = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        let paths: Vec<PathBuf> = files.iter().map(|file| file.final_path().to_owned()).collect();
        match zone_segment::publish(files) {
            Ok(()) => Ok(self.next.load(Ordering::Relaxed)),
            Err(error) => {
                // One that stays is found as an orphan at the next start.
                paths.iter().for_each(|path| drop(std::fs::remove_file(path)));
                Err(BuildError::File(error))
            }
        }
    }
}
