//! What changed of zones as a new layer on top of their group's stack.
//!
//! A zone that has its group alone gets a delta of names. Zones of a packed group are small and are written whole, which hides what lies below. Small
//! layers on top are folded into the one that is written, so that many small changes make one small layer; so are further ones where the
//! stack has no room for another layer.

use std::collections::BTreeSet;
use std::sync::Arc;

use dns::change::OwnerChanges;
use zone_segment::{GroupId, HashKey, LAYERS_MAX, Name, SegmentBuilder, ZoneChanges, ZoneId, ZoneSet};

use super::layers::verified;
use super::segments::Files;
use super::{BuildError, group};
use crate::generation::LayerFile;

/// Layers are folded while their nodes, those being written included, are together no more octets than this.
const FOLD_OCTETS: u64 = 8 << 10;

/// Octets of a changed name in a delta, roughly.
const NAME_OCTETS: u64 = 128;

/// A zone that changed.
pub(super) struct ChangedZone {
    /// Its apex.
    pub(super) apex: Name,
    /// Its number.
    pub(super) id: ZoneId,
    /// What owners own from now on.
    pub(super) owners: OwnerChanges,
}

/// Writes a layer with what changed in a group; gives the group's new stack, newest layer first.
pub(super) fn changed_stack(
    files: &Files<'_>,
    key: HashKey,
    set: &ZoneSet,
    group: GroupId,
    stack: &[Arc<LayerFile>],
    zones: &[ChangedZone],
) -> Result<Vec<Arc<LayerFile>>, BuildError> {
    let mut builder = SegmentBuilder::new(key);
    let kept = match zones {
        [zone] if group::is_alone(group) => delta(&mut builder, set, stack, zone)?,
        _ => whole(&mut builder, set, group, stack, zones)?,
    };
    let write = |directory: &std::path::Path, name: &str| {
        // The record of the commit log says what is whole.
        builder.write_in_place(directory, name).map_err(BuildError::Segment)
    };
    let layer = Arc::new(files.write(write)?);
    Ok([layer].into_iter().chain(kept.iter().cloned()).collect())
}

/// A zone of a set.
fn zone_of<'s>(set: &'s ZoneSet, apex: &Name) -> Result<zone_segment::Zone<'s>, BuildError> {
    set.zone(apex.as_ref()).ok_or_else(|| BuildError::Damaged {
        layers: Vec::new(),
        error: format!("zone {apex} is not where it should be"),
    })
}

/// Adds a delta of a zone's names; gives the layers that stay below.
fn delta<'l>(
    builder: &mut SegmentBuilder<'_>,
    set: &ZoneSet,
    stack: &'l [Arc<LayerFile>],
    changed: &ChangedZone,
) -> Result<&'l [Arc<LayerFile>], BuildError> {
    let ChangedZone { apex, id, owners } = changed;
    let zone = zone_of(set, apex)?;
    let refused =
        |source| BuildError::Segment(zone_segment::BuildError::Records { zone: *id, apex: apex.clone(), source });
    let mut changes = ZoneChanges::new(&zone, owners).map_err(refused)?;
    if !changes.fits(&zone) {
        builder.changed_zone(*id, &zone, owners).map_err(BuildError::Segment)?;
        return Ok(&[]);
    }
    let mut octets = changes.name_count() as u64 * NAME_OCTETS;
    let mut kept = stack;
    while let Some((newest, rest)) = kept.split_first() {
        octets += newest.segment.node_octets();
        let is_delta = newest.segment.changed_zones().any(|zone| zone == *id);
        if !is_delta || octets > FOLD_OCTETS && kept.len() < LAYERS_MAX {
            break;
        }
        verified(newest)?;
        changes.fold(&newest.segment, *id);
        kept = rest;
    }
    builder.changes(*id, changes).map_err(BuildError::Segment)?;
    Ok(kept)
}

/// Adds zones whole; gives the layers that stay below.
fn whole<'l>(
    builder: &mut SegmentBuilder<'_>,
    set: &ZoneSet,
    group: GroupId,
    stack: &'l [Arc<LayerFile>],
    zones: &[ChangedZone],
) -> Result<&'l [Arc<LayerFile>], BuildError> {
    // What is copied is written under a new hash.
    stack.iter().try_for_each(verified)?;
    let mut octets = 0;
    let mut written: BTreeSet<ZoneId> = BTreeSet::new();
    for ChangedZone { apex, id, owners } in zones {
        let zone = zone_of(set, apex)?;
        octets += zone.name_count() * NAME_OCTETS;
        builder.changed_zone(*id, &zone, owners).map_err(BuildError::Segment)?;
        written.insert(*id);
    }
    let mut kept = stack;
    while let Some((newest, rest)) = kept.split_first() {
        octets += newest.segment.node_octets();
        let is_room = kept.len() < LAYERS_MAX;
        if is_room && (rest.is_empty() || octets > FOLD_OCTETS) {
            break;
        }
        for zone in newest.segment.zones() {
            // What a newer layer has, or what went, is not to be seen any more.
            let live = set.zone(zone.apex()).filter(|live| live.id() == zone.id() && live.group() == group);
            if let Some(live) = live.filter(|_| written.insert(zone.id())) {
                builder.changed_zone(zone.id(), &live, &OwnerChanges::new()).map_err(BuildError::Segment)?;
            }
        }
        kept = rest;
    }
    Ok(kept)
}
