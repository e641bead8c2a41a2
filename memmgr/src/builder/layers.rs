//! What of a group is written: all of it anew, or what changed in a layer above the ones it has.
//!
//! In a packed group that layer has the zones that changed, whole: the newest row of a zone hides those below, and one that is gone is hidden by
//! the zone directory. In the group of one zone it has what changed of the zone. Small layers are folded into the new one, so that
//! a group has few; when those above its base are no longer small beside it, or most of the base is of no use, a packed group is written
//! anew. The groups of one zone are merged by the service, which need not wait for a source to change.

use std::sync::Arc;

use zone_segment::{GroupId, LAYERS_MAX, SegmentBuilder, Zone, ZoneChanges, ZoneId};

use super::segments::Member;
use super::{BuildError, Job, group};
use crate::generation::LayerFile;

/// What became of a group.
#[derive(Debug)]
pub(super) enum Written {
    /// No zone is left in it.
    Gone,
    /// Its layers have all that is left in it.
    AsBefore,
    /// It has one layer.
    Base(LayerFile),
    /// It has a layer above others.
    Above {
        /// The layer.
        layer: LayerFile,
        /// How many of the newest ones went into it.
        folded: usize,
    },
}

impl Written {
    /// The layers of the group, newest first, after those before; none when it is gone.
    pub(super) fn stack(self, before: &[Arc<LayerFile>]) -> Option<Vec<Arc<LayerFile>>> {
        match self {
            Self::Gone => None,
            Self::AsBefore => Some(before.to_vec()),
            Self::Base(layer) => Some(vec![Arc::new(layer)]),
            Self::Above { layer, folded } => {
                let kept = before.iter().skip(folded).cloned();
                Some(std::iter::once(Arc::new(layer)).chain(kept).collect())
            }
        }
    }
}

/// Layers of up to so many octets together are folded into a new one: what is written again for each change. Layers above a base
/// that have no more are kept, however small the base.
const FOLDED_OCTETS: u64 = 64 << 10;

/// A base is kept while the layers above it are no more than this part of it: they are memory that is used twice.
const BASE_PART: u64 = 10;

/// How many layers go into one above the others; none where the group is to be written anew.
pub(super) fn above(job: &Job<'_>, group: GroupId, members: &[Member<'_>]) -> Option<usize> {
    let layers = job.layers(group);
    let (base, deltas) = layers.split_last()?;
    if job.distrusted.contains(&group) {
        return None;
    }
    let lengths = deltas.iter().map(|layer| layer.length());
    let sums = lengths.clone().scan(0, |sum, length| {
        *sum += length;
        Some(*sum)
    });
    let small = sums.take_while(|sum| *sum <= FOLDED_OCTETS).count();
    // One comes; there has to be room for it.
    let folded = small.max((layers.len() + 1).saturating_sub(LAYERS_MAX));
    if group::is_alone(group) {
        return members.iter().all(|member| member.changes.is_some()).then_some(folded);
    }
    let fresh = members.iter().filter_map(|member| member.fresh.as_ref());
    let (count, octets) = fresh.fold((0, 0), |(count, octets), fresh| (count + 1, octets + fresh.octets()));
    let is_small = lengths.sum::<u64>() + octets <= FOLDED_OCTETS.max(base.length() / BASE_PART);
    let is_of_use = members.len() * 2 >= base.segment.zones().count();
    (is_small && is_of_use && count * 2 < members.len()).then_some(folded)
}

/// Writes what changed in a group above its layers.
pub(super) fn write_above(
    job: &Job<'_>,
    group: GroupId,
    members: Vec<Member<'_>>,
    folded: usize,
) -> Result<Written, BuildError> {
    let layers = job.layers(group);
    let folding = layers.get(..folded).unwrap_or_default();
    folding.iter().try_for_each(verified)?;
    let mut builder = SegmentBuilder::new(job.request.key);
    let mut is_empty = true;
    for Member { apex, id, fresh, changes } in members {
        if let Some(zone) = fresh {
            builder.zone(id, apex.name().clone(), zone).map_err(BuildError::Segment)?;
        } else if let Some(changes) = changes {
            builder.changes(id, fold(changes, id, folding)).map_err(BuildError::Segment)?;
        } else {
            if let Some(zone) = newest(folding, id) {
                builder.copy_zone(id, &zone).map_err(BuildError::Segment)?;
            }
            continue;
        }
        is_empty = false;
    }
    if is_empty {
        // Zones went or moved: the directory hides them.
        return Ok(Written::AsBefore);
    }
    let write = |directory: &std::path::Path, name: &str| {
        builder.write_unpublished(directory, name).map_err(BuildError::Segment)
    };
    Ok(Written::Above { layer: job.files.write(write)?, folded })
}

/// Changes, and what older layers say where they say nothing.
fn fold(mut changes: ZoneChanges, id: ZoneId, folding: &[Arc<LayerFile>]) -> ZoneChanges {
    folding.iter().for_each(|layer| changes.fold(&layer.segment, id));
    changes
}

/// A zone as the newest of some layers has it.
fn newest(layers: &[Arc<LayerFile>], id: ZoneId) -> Option<Zone<'_>> {
    layers.iter().find_map(|layer| layer.segment.zones().find(|zone| zone.id() == id))
}

/// Makes sure that a layer is sound: damage is not to be copied under a sound hash.
///
/// # Errors
///
/// [`BuildError::Damaged`].
pub(crate) fn verified(layer: &Arc<LayerFile>) -> Result<(), BuildError> {
    layer.verify().map_err(|error| BuildError::Damaged {
        layers: vec![layer.id],
        error: format!("segment {}: {error}", layer.path.display()),
    })
}
