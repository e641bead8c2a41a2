//! Layers of a stack merged: which ([`choose`]), and how ([`merge`]). Beside everything else, at the lowest priority, and never in the way of a
//! publication: what comes meanwhile lies above, and the merged layer takes the place of its inputs under it.
//!
//! Sizes grow by tiers: a layer has at least [`TIER_FACTOR`] times the octets of the one above it, so that there are few layers, and a change is
//! written again once or a few times a tier. When all deltas together are a tenth of the base, all become a new base: with the old base, the
//! deltas and the new base there are at most 2.2 times the octets of the zone for that moment.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use zone_segment::{GroupId, HashKey, LAYERS_MAX, LayerId, SegmentBuilder, ZoneChanges, ZoneId, ZoneSet};

use super::changes::Merged;
use super::segments::Files;
use super::{BuildError, group};
use crate::generation::LayerFile;

/// How many times as many octets a layer has as the one above it.
const TIER_FACTOR: u64 = 4;

/// Deltas become a base when they have more than this part of its octets together.
const BASE_PART: u64 = 10;

/// With fewer octets than this no base is written anew for their sake.
const DELTAS_MIN: u64 = 64 << 10;

/// The newest layer is left to grow up to this size, by what is folded into it.
const GROWING_MAX: u64 = 8 << 10;

/// With so many layers, two of them are merged whatever their sizes are.
const LAYERS_MANY: usize = LAYERS_MAX - 2;

/// Which layers of a stack are to be merged: a range of depths, from the newest layer, at depth 0, on; none where all is well.
///
/// The newest is always among them: numbers of layers tell which is newer, and what comes of a merge has a higher one than all that are there.
pub(crate) fn choose(stack: &[Arc<LayerFile>]) -> Option<std::ops::Range<usize>> {
    let octets: Vec<u64> = stack.iter().map(|layer| layer.segment.node_octets()).collect();
    choose_of(&octets)
}

/// The same by the octets of each layer.
fn choose_of(octets: &[u64]) -> Option<std::ops::Range<usize>> {
    let (base, deltas) = octets.split_last()?;
    let sum: u64 = deltas.iter().sum();
    if sum > DELTAS_MIN.max(base / BASE_PART) {
        return Some(0..octets.len());
    }
    let is_growing = deltas.first().is_some_and(|newest| *newest < GROWING_MAX);
    let first = usize::from(is_growing);
    for start in first..deltas.len() {
        let (mut end, mut merged) = (start + 1, deltas[start]);
        while end < deltas.len() && merged.saturating_mul(TIER_FACTOR) > deltas[end] {
            merged += deltas[end];
            end += 1;
        }
        if end - start > 1 {
            return Some(0..end);
        }
    }
    (octets.len() >= LAYERS_MANY && deltas.len() >= 2)
        .then_some(0..first + 2)
        .filter(|depths| depths.end <= deltas.len())
}

/// What to merge.
#[derive(Debug)]
pub(crate) struct MergeRequest {
    /// The group.
    pub(crate) group: GroupId,
    /// The layers, newest first.
    pub(crate) layers: Vec<Arc<LayerFile>>,
    /// Whether the last of them is the group's base.
    pub(crate) has_base: bool,
    /// The generation that they are of.
    pub(crate) set: Arc<ZoneSet>,
    /// The number of what comes of it, above those of all layers that are there and below those of all that come later.
    pub(crate) id: LayerId,
    /// The key of every hash.
    pub(crate) key: HashKey,
    /// Where it is written.
    pub(crate) segments: std::path::PathBuf,
}

/// Merges layers.
///
/// # Errors
///
/// [`BuildError`]; nothing that was there before has changed.
pub(crate) fn merge(request: &MergeRequest) -> Result<Merged, BuildError> {
    config::fault::hit("merge-begin");
    pool().install(|| {
        for layer in &request.layers {
            // It is copied under a new hash.
            layer.verify().map_err(|error| BuildError::Damaged {
                layers: vec![layer.id],
                error: format!("segment {}: {error}", layer.path.display()),
            })?;
        }
        let mut builder = SegmentBuilder::new(request.key);
        if group::is_alone(request.group) && !request.has_base {
            merge_changes(&mut builder, &request.layers)?;
        } else {
            copy_zones(&mut builder, request)?;
        }
        let numbers = Arc::default();
        let files = Files::new(&request.segments, &numbers);
        let write =
            |directory: &Path, name: &str| builder.write_unpublished(directory, name).map_err(BuildError::Segment);
        let layer = Arc::new(files.write_as(request.id, write)?);
        if request.has_base {
            files.publish()?;
        } else {
            // From the log it can be made again.
            files.place([&layer].into_iter())?;
        }
        config::fault::hit("merge-end");
        let inputs = request.layers.iter().map(|layer| layer.id).collect();
        Ok(Merged { group: request.group, inputs, is_base: request.has_base, layer })
    })
}

/// Adds the changes of several deltas as those of one.
fn merge_changes(builder: &mut SegmentBuilder<'_>, layers: &[Arc<LayerFile>]) -> Result<(), BuildError> {
    let zones: BTreeSet<ZoneId> = layers.iter().flat_map(|layer| layer.segment.changed_zones()).collect();
    for zone in zones {
        let mut changes: Option<ZoneChanges> = None;
        for layer in layers {
            match &mut changes {
                Some(changes) => changes.fold(&layer.segment, zone),
                None => changes = ZoneChanges::of_segment(&layer.segment, zone),
            }
        }
        changes.into_iter().try_for_each(|changes| builder.changes(zone, changes)).map_err(BuildError::Segment)?;
    }
    Ok(())
}

/// Adds the zones that the layers have something of, whole, as they stand.
fn copy_zones<'r>(builder: &mut SegmentBuilder<'r>, request: &'r MergeRequest) -> Result<(), BuildError> {
    let mut written: BTreeSet<ZoneId> = BTreeSet::new();
    for layer in &request.layers {
        for zone in layer.segment.zones() {
            let live = request.set.zone(zone.apex());
            // What went, or lies elsewhere by now, is not to be seen any more.
            let live = live.filter(|live| live.id() == zone.id() && live.group() == request.group);
            if let Some(live) = live.filter(|_| written.insert(zone.id())) {
                builder.copy_zone(zone.id(), &live).map_err(BuildError::Segment)?;
            }
        }
    }
    Ok(())
}

/// The thread that merges, at the lowest priority.
fn pool() -> &'static rayon::ThreadPool {
    static POOL: OnceLock<rayon::ThreadPool> = OnceLock::new();
    POOL.get_or_init(|| {
        let lower = |_| {
            // Of this thread alone: on Linux each has its own.
            if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
                tracing::warn!(%error, "merge-priority-not-lowered");
            }
        };
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "merge".to_owned()).start_handler(lower);
        pool.build().unwrap_or_else(|error| {
            tracing::error!(%error, "merge-thread-not-started");
            std::process::abort()
        })
    })
}

/// The least that a thread can have.
const LOWEST_PRIORITY: i32 = 19;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tiers_are_left_alone() {
        let kib = |sizes: &[u64]| sizes.iter().map(|size| size << 10).collect::<Vec<_>>();
        assert_eq!(choose_of(&kib(&[10_000])), None);
        assert_eq!(choose_of(&kib(&[7, 10_000])), None);
        assert_eq!(choose_of(&kib(&[7, 8, 40, 200, 10_000])), None);
        assert_eq!(choose_of(&kib(&[7, 8, 8, 200, 10_000])), Some(0..3));
        assert_eq!(choose_of(&kib(&[8, 8, 8, 90, 10_000])), Some(0..4));
        assert_eq!(choose_of(&kib(&[7, 500, 600, 10_000])), Some(0..4));
        assert_eq!(choose_of(&kib(&[7, 50, 90])), None);
        assert_eq!(choose_of(&kib(&[7, 60, 90])), Some(0..3));
    }

    proptest! {
        /// However changes come, there are few layers, and what is written for them is bounded.
        #[test]
        fn stacks_stay_low(sizes in prop::collection::vec(100u64..20_000, 1..2000), base in 1_000_000u64..100_000_000) {
            let (mut stack, mut written, mut handed_in) = (vec![base], 0u64, 0u64);
            for size in sizes {
                handed_in += size;
                let mut new = size;
                while stack.len() > 1 && (new + stack[0] <= GROWING_MAX || stack.len() >= LAYERS_MAX) {
                    new += stack.remove(0);
                }
                stack.insert(0, new);
                written += new;
                while let Some(depths) = choose_of(&stack) {
                    let merged: u64 = stack[depths.clone()].iter().sum();
                    // A new base is of the zone's size, not of the sum.
                    let merged = if depths.end == stack.len() { base } else { merged };
                    written += merged;
                    stack.splice(depths, [merged]);
                    prop_assert!(stack.iter().sum::<u64>() <= base + base / BASE_PART + DELTAS_MIN + (20 << 10));
                }
                prop_assert!(stack.len() <= LAYERS_MAX, "{stack:?}");
            }
            prop_assert!(written <= handed_in * 80 + base * 2, "{written} for {handed_in}");
        }
    }
}
