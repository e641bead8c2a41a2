//! The catalogue of zones at a start: read beside the service, once its readers have what they need.
//!
//! A chunk that can't be used is made from the zone directory: which zones there are and where their data lies stands there, and
//! how their sources looked is found out by reading them again.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tracing::{error, warn};
use zone_segment::{DirectoryEntry, LookupName, Name};

use super::Patches;
use crate::apex::{Apex, shard_of};
use crate::catalogue::{Catalogue, Condition, Shard, ZoneInfo, Zones, zone_info};
use crate::generation::State;
use crate::manifest::catalogue;
use crate::manifest::{ChunkEntry, StateDir};

/// Reads the catalogue of a generation beside the service; `patches` is what changed after the manifest.
pub(crate) fn read_in_background(directory: StateDir, state: &Arc<State>, patches: Patches) -> JoinHandle<Catalogue> {
    let state = Arc::clone(state);
    tokio::task::spawn_blocking(move || {
        config::fault::hit("catalogue-read");
        read(&directory, &state, &patches)
    })
}

/// The catalogue that was read, when that ends; never when nothing is read.
pub(crate) async fn ended(reading: &mut Option<JoinHandle<Catalogue>>) -> Catalogue {
    match reading {
        Some(task) => task.await.unwrap_or_else(|error| {
            // Zones unknown are found in the sources.
            error!(%error, "catalogue-not-read");
            Catalogue::default()
        }),
        None => std::future::pending().await,
    }
}

/// Reads the catalogue of a generation.
pub(super) fn read(directory: &StateDir, state: &State, patches: &Patches) -> Catalogue {
    let mut catalogue =
        state.zones.read(|number, chunk| match chunk.map(|chunk| (chunk, shard(directory, chunk, state))) {
            Some((chunk, Some(zones))) => Shard::of_chunk(zones, chunk.clone()),
            Some((_, None)) => Shard::new(of_directory(state, number)),
            None => Shard::default(),
        });
    for (apex, patch) in patches {
        let apex = Apex::new(apex.clone());
        let mut zones = catalogue.shard(apex.shard()).zones.clone();
        match patch {
            Some(entry) => drop(zones.insert(apex.clone(), zone_info(entry.clone()).1)),
            None => drop(zones.remove(&apex)),
        }
        catalogue.set(apex.shard(), Shard::new(zones));
    }
    catalogue
}

/// The zones of a chunk, if it is whole.
fn shard(directory: &StateDir, chunk: &ChunkEntry, state: &State) -> Option<Zones> {
    let entries = match catalogue::read(directory, chunk) {
        Ok(entries) => entries,
        Err(error) => {
            warn!(%error, "catalogue-damaged");
            return None;
        }
    };
    let zones: Zones = entries.into_iter().map(zone_info).collect();
    if let Some((apex, _)) = zones.iter().find(|(_, zone)| zone.id.0 >= state.next.zone) {
        warn!(shard = chunk.shard, zone = %apex, "catalogue-contradictory");
        return None;
    }
    Some(zones)
}

/// The zones of a shard as the zone directory and the groups have them.
fn of_directory(state: &State, number: u32) -> Zones {
    let mut zones = Zones::new();
    let mut seen = std::collections::BTreeSet::new();
    for layer in &state.contents.directory {
        for entry in layer.segment.directory_entries().filter(|entry| shard_of(entry.apex.as_ref()) == number) {
            if seen.insert(entry.apex.clone()) && entry.state != zone_segment::ZoneState::Removed {
                let zone = of_entry(state, &entry);
                zones.insert(Apex::new(entry.apex), Arc::new(zone));
            }
        }
    }
    zones
}

/// What can be known of a zone without the catalogue.
fn of_entry(state: &State, entry: &DirectoryEntry) -> ZoneInfo {
    let data = data_of(state, entry, &entry.apex);
    let (source, stamps, error) = (std::path::Path::new("").into(), Vec::new(), None);
    let (serial, records) = data.unwrap_or_default();
    let condition = match entry.state {
        zone_segment::ZoneState::Expired => Condition::Expired,
        _ if data.is_some() => Condition::Serving,
        _ => Condition::Broken,
    };
    ZoneInfo {
        id: entry.zone,
        group: entry.group,
        condition,
        serial,
        records,
        source,
        // It may have been: what is served is not taken back by a file that is behind it.
        is_edited: data.is_some(),
        transferred: None,
        stamps,
        error,
        tried: Vec::new(),
    }
}

/// The serial of a zone and its number of records, from its group.
fn data_of(state: &State, entry: &DirectoryEntry, apex: &Name) -> Option<(Option<u32>, u64)> {
    let base = || {
        let base = state.contents.groups.get(&entry.group)?.last()?;
        base.segment.find_zone(&LookupName::new(base.segment.key(), apex.as_ref()))
    };
    let zone = state.set.as_deref().and_then(|set| set.zone(apex.as_ref())).or_else(base)?;
    (zone.apex() == apex.as_ref()).then(|| (zone.serial(), zone.record_count()))
}
