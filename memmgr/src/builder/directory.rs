//! The zone directory of a candidate: a base with every zone, and above it one delta with the zones that came, went or moved since.
//!
//! The delta is written anew with each change and holds all that differ from the base, up to [`DELTA_MAX`] of them; with more the base
//! is written anew. So a zone that is added to 100,000 costs an entry among few, and a query looks into two tables at the most.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use zone_segment::{DirectoryEntry, DirectoryWriter, HashKey, LayerId, Name, ZoneState};

use super::BuildError;
use super::segments::Files;
use super::shard::Moved;
use crate::catalogue::{Catalogue, ZoneInfo};
use crate::generation::LayerFile;

/// The most zones of a delta, so that writing one stays a matter of milliseconds.
const DELTA_MAX: usize = 1024;

/// A directory is worth a delta when it has this many times as many zones.
const BASE_FACTOR: usize = 8;

/// Writes what differs; gives all layers of the directory, newest first. What `layers` say counts only where it is trusted.
pub(super) fn write(
    files: &Files<'_>,
    key: HashKey,
    layers: &[Arc<LayerFile>],
    is_trusted: bool,
    zones: &Catalogue,
    moved: &Moved,
) -> Result<Vec<Arc<LayerFile>>, BuildError> {
    let delta = match layers {
        [.., base] if is_trusted => delta(&layers[..layers.len() - 1], moved)
            .filter(|delta| delta.len() * BASE_FACTOR <= zones.len())
            .map(|delta| (delta, base)),
        _ => None,
    };
    let mut writer = DirectoryWriter::new(key);
    let lower = match delta {
        Some((delta, base)) => {
            delta.into_values().for_each(|entry| writer.entry(entry));
            vec![Arc::clone(base)]
        }
        None => {
            zones.zones().for_each(|(apex, zone)| writer.entry(entry(apex.name(), zone)));
            Vec::new()
        }
    };
    let octets = writer.finish().map_err(BuildError::Directory)?;
    let write = |directory: &Path, name: &str| {
        zone_segment::write_unpublished(directory, name, &octets).map_err(BuildError::File)
    };
    let layer = Arc::new(files.write(write)?);
    Ok([layer].into_iter().chain(lower).collect())
}

/// Every entry that differs from the base, by the deltas before and by what moved; none when they are too many.
fn delta(deltas: &[Arc<LayerFile>], moved: &Moved) -> Option<BTreeMap<Name, DirectoryEntry>> {
    let mut entries = BTreeMap::new();
    if moved.len() > DELTA_MAX {
        return None;
    }
    for layer in deltas.iter().rev() {
        // It is copied under a new hash.
        layer.verify().ok()?;
        entries.extend(layer.segment.directory_entries().map(|entry| (entry.apex.clone(), entry)));
    }
    for (apex, zone) in moved {
        let apex = apex.name();
        entries.insert(apex.clone(), zone.as_ref().map_or_else(|| removed(apex), |zone| entry(apex, zone)));
    }
    (entries.len() <= DELTA_MAX).then_some(entries)
}

/// A zone's entry.
fn entry(apex: &Name, zone: &ZoneInfo) -> DirectoryEntry {
    let (group, zone, state) = zone.place();
    // With one base a group nothing lies below it that would have to be hidden.
    DirectoryEntry { apex: apex.clone(), group, zone, state, floor: LayerId(0) }
}

/// The entry that hides the one of a zone that went.
fn removed(apex: &Name) -> DirectoryEntry {
    let (group, zone) = (zone_segment::GroupId(0), zone_segment::ZoneId(0));
    DirectoryEntry { apex: apex.clone(), group, zone, state: ZoneState::Removed, floor: LayerId(0) }
}
