//! The catalogue in memory: what is known of each zone, in shards that are shared between generations.
//!
//! A change of a zone makes its shard anew and shares the other ones, so that what a generation costs here is what changed in it.
//! [`Catalogue`] is the type to read first. How it lies on disk is in [`crate::manifest::catalogue`]; which shards do already is noted
//! in them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use zone_segment::{GroupId, Name, ZoneId};

use crate::apex::Apex;
use crate::manifest::catalogue::{self, SecondaryState, WriteCatalogueError};
use crate::manifest::{ChunkEntry, SHARDS, SourceStamp, StateDir, ZoneEntry, ZoneState};

/// How a zone stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Served as its source has it.
    Serving,
    /// Served from older data.
    Stale,
    /// Not served: no data of it was ever good.
    Broken,
    /// Not served: its data is too old, until its source has other or is taken again.
    Expired,
}

/// What is known of a zone that comes from primaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transferred {
    /// When its data was last known to be good, in seconds since 1970; none where it never came from a primary.
    pub(crate) refreshed_at: Option<u64>,
    /// When it expires, the same way, unless it is known to be good once more.
    pub(crate) expires_at: Option<u64>,
}

/// In the place of a file, for zones that come from primaries.
pub(crate) const TRANSFER_SOURCE: &str = "transfer";

/// What is known of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZoneInfo {
    /// Its number, the same in every layer.
    pub(crate) id: ZoneId,
    /// The group its data is in.
    pub(crate) group: GroupId,
    /// How it stands.
    pub(crate) condition: Condition,
    /// The SOA's serial, when there is data.
    pub(crate) serial: Option<u32>,
    /// The number of resource records.
    pub(crate) records: u64,
    /// The file it comes from; [`TRANSFER_SOURCE`] where it comes from primaries.
    pub(crate) source: Arc<Path>,
    /// What is known of its primaries, where it comes from such.
    pub(crate) transferred: Option<Transferred>,
    /// Whether it was changed since its file was read, in another way than by that.
    pub(crate) is_edited: bool,
    /// The files that the data served was read from, as they were; empty makes sure they are read again.
    pub(crate) stamps: Vec<SourceStamp>,
    /// What is wrong with its source.
    pub(crate) error: Option<String>,
    /// The files that were read or looked for when its source was found wrong, its own first. Not written: the first build after a
    /// start reads what is wrong again.
    pub(crate) tried: Vec<Arc<Path>>,
}

impl ZoneInfo {
    /// Whether there is data of it in its group.
    pub(crate) fn has_data(&self) -> bool {
        self.condition != Condition::Broken
    }

    /// What stands of it in the zone directory.
    pub(crate) fn place(&self) -> (GroupId, ZoneId, zone_segment::ZoneState) {
        let state = match self.condition {
            Condition::Serving | Condition::Stale => zone_segment::ZoneState::Serving,
            Condition::Broken => zone_segment::ZoneState::Broken,
            Condition::Expired => zone_segment::ZoneState::Expired,
        };
        (self.group, self.id, state)
    }

    /// Whether it is answered for.
    fn is_served(&self) -> bool {
        matches!(self.condition, Condition::Serving | Condition::Stale)
    }
}

/// The zones of a shard.
pub(crate) type Zones = BTreeMap<Apex, Arc<ZoneInfo>>;

/// A part of the catalogue: the zones whose apexes hash to the same number.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    /// The zones.
    pub(crate) zones: Zones,
    /// How many zones are answered for, and their records.
    served: (u64, u64),
    /// Where it lies on disk, once it does.
    chunk: OnceLock<ChunkEntry>,
}

impl Shard {
    /// A shard that lies nowhere yet.
    pub(crate) fn new(zones: Zones) -> Self {
        let served = zones.values().filter(|zone| zone.is_served());
        let served = served.fold((0, 0), |(zones, records), zone| (zones + 1, records + zone.records));
        Shard { zones, served, chunk: OnceLock::new() }
    }

    /// A shard that was read from a chunk.
    pub(crate) fn of_chunk(zones: Zones, chunk: ChunkEntry) -> Self {
        Shard { chunk: OnceLock::from(chunk), ..Shard::new(zones) }
    }
}

/// What is known of every zone.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue {
    /// The shards, by their numbers.
    shards: Vec<Arc<Shard>>,
    /// What is answered for, by the manifest's word, while the zones themselves are not read.
    unread: Option<(u64, u64)>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Catalogue { shards: (0..SHARDS).map(|_| Arc::default()).collect(), unread: None }
    }
}

impl Catalogue {
    /// One of which it is known where it lies, and that `served` zones and records are answered for.
    pub(crate) fn unread(chunks: &[ChunkEntry], served: (u64, u64)) -> Self {
        let mut catalogue = Catalogue { unread: Some(served), ..Catalogue::default() };
        for chunk in chunks {
            catalogue.set(chunk.shard, Shard::of_chunk(Zones::new(), chunk.clone()));
        }
        catalogue
    }

    /// The same with its zones, each shard by `read`.
    pub(crate) fn read(&self, read: impl Fn(u32, Option<&ChunkEntry>) -> Shard + Sync) -> Self {
        let shards = (0..SHARDS).into_par_iter().zip(&self.shards);
        Catalogue {
            shards: shards.map(|(number, shard)| Arc::new(read(number, shard.chunk.get()))).collect(),
            unread: None,
        }
    }

    /// Whether its zones are yet to be read.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// A zone.
    pub(crate) fn get(&self, apex: &Apex) -> Option<&Arc<ZoneInfo>> {
        self.shard(apex.shard()).zones.get(apex)
    }

    /// A zone that is to expire.
    ///
    /// # Errors
    ///
    /// Why it can't, for people: it is not served.
    pub(crate) fn to_expire(&self, apex: &Apex) -> Result<&Arc<ZoneInfo>, String> {
        match self.get(apex) {
            Some(zone) if zone.has_data() => Ok(zone),
            Some(_) => Err(format!("zone {apex} is broken: it has no data that could expire")),
            None => Err(format!("zone {apex} is not served here")),
        }
    }

    /// A shard.
    pub(crate) fn shard(&self, number: u32) -> &Shard {
        static NONE: OnceLock<Shard> = OnceLock::new();
        self.shards.get(number as usize).map_or_else(|| NONE.get_or_init(Shard::default), Arc::as_ref)
    }

    /// Puts a shard in the place of another.
    pub(crate) fn set(&mut self, number: u32, shard: Shard) {
        if let Some(place) = self.shards.get_mut(number as usize) {
            *place = Arc::new(shard);
        }
    }

    /// Every zone, shard by shard.
    pub(crate) fn zones(&self) -> impl Iterator<Item = (&Apex, &ZoneInfo)> {
        self.shards.iter().flat_map(|shard| &shard.zones).map(|(apex, zone)| (apex, zone.as_ref()))
    }

    /// Every zone in canonical order.
    pub(crate) fn sorted(&self) -> Vec<(&Name, &ZoneInfo)> {
        let mut zones: Vec<_> = self.zones().map(|(apex, zone)| (apex.name(), zone)).collect();
        zones.par_sort_unstable_by_key(|(apex, _)| *apex);
        zones
    }

    /// How many zones there are.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.zones.len()).sum()
    }

    /// Whether all shards are shared with another: nothing changed from one to the other.
    pub(crate) fn is_same(&self, other: &Catalogue) -> bool {
        self.shards.iter().zip(&other.shards).all(|(a, b)| Arc::ptr_eq(a, b))
    }

    /// Zones that are answered for, and the records in them.
    pub(crate) fn served(&self) -> (u64, u64) {
        self.unread.unwrap_or_else(|| {
            let each = self.shards.iter().map(|shard| shard.served);
            each.fold((0, 0), |sum, shard| (sum.0 + shard.0, sum.1 + shard.1))
        })
    }

    /// Where it lies, once all of it is written. Shards without zones lie nowhere.
    pub(crate) fn chunks(&self) -> Vec<ChunkEntry> {
        self.shards.iter().filter_map(|shard| shard.chunk.get().cloned()).collect()
    }

    /// Writes the shards that lie nowhere yet, all into one file.
    ///
    /// # Errors
    ///
    /// [`WriteCatalogueError`]; they then still lie nowhere.
    pub(crate) fn write(&self, store: &CatalogueStore) -> Result<(), WriteCatalogueError> {
        let is_missing = |shard: &Shard| !shard.zones.is_empty() && shard.chunk.get().is_none();
        let missing: Vec<(u32, &Arc<Shard>)> = (0..).zip(&self.shards).filter(|(_, shard)| is_missing(shard)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        // Relaxed: the number only has to be another one.
        let file = store.next.fetch_add(1, Ordering::Relaxed);
        let entries: Vec<_> =
            missing.par_iter().map(|(number, shard)| (*number, shard.zones.iter().map(entry).collect())).collect();
        let chunks = catalogue::write(&store.directory, file, &entries)?;
        for ((_, shard), chunk) in missing.iter().zip(chunks) {
            // Written by two at once, it lies in two places and either will do.
            let _ = shard.chunk.set(chunk);
        }
        Ok(())
    }
}

/// Where catalogues are written.
#[derive(Debug)]
pub(crate) struct CatalogueStore {
    /// The state directory.
    pub(crate) directory: StateDir,
    /// The next file's number.
    pub(crate) next: AtomicU64,
}

/// A zone as it is written.
pub(crate) fn entry((apex, zone): (&Apex, &Arc<ZoneInfo>)) -> ZoneEntry {
    ZoneEntry {
        apex: apex.name().clone(),
        zone: zone.id.0,
        group: zone.group.0,
        state: state_of(zone),
        serial: zone.serial,
        records: zone.records,
        source: Arc::clone(&zone.source),
        stamps: zone.stamps.clone(),
        error: zone.error.clone(),
    }
}

/// How a zone is answered, as it is written.
fn state_of(zone: &ZoneInfo) -> ZoneState {
    let Some(Transferred { refreshed_at, expires_at }) = zone.transferred else {
        return match zone.condition {
            Condition::Serving | Condition::Stale | Condition::Expired if zone.is_edited => {
                ZoneState::Edited { is_expired: zone.condition == Condition::Expired }
            }
            Condition::Serving | Condition::Stale => ZoneState::Serving,
            Condition::Broken => ZoneState::Broken,
            Condition::Expired => ZoneState::Expired,
        };
    };
    let state = match zone.condition {
        Condition::Serving | Condition::Stale => SecondaryState::Serving,
        Condition::Broken => SecondaryState::Empty,
        Condition::Expired => SecondaryState::Expired,
    };
    ZoneState::Secondary { state, refreshed_at, expires_at }
}

/// A zone as it was written.
pub(crate) fn zone_info(entry: ZoneEntry) -> (Apex, Arc<ZoneInfo>) {
    let served = if entry.error.is_some() { Condition::Stale } else { Condition::Serving };
    let is_edited = matches!(entry.state, ZoneState::Edited { .. });
    let (condition, transferred) = match entry.state {
        ZoneState::Serving | ZoneState::Edited { is_expired: false } => (served, None),
        ZoneState::Broken => (Condition::Broken, None),
        ZoneState::Expired | ZoneState::Edited { is_expired: true } => (Condition::Expired, None),
        ZoneState::Secondary { state, refreshed_at, expires_at } => {
            let condition = match state {
                SecondaryState::Serving => served,
                SecondaryState::Empty => Condition::Broken,
                SecondaryState::Expired => Condition::Expired,
            };
            (condition, Some(Transferred { refreshed_at, expires_at }))
        }
    };
    let zone = ZoneInfo {
        id: ZoneId(entry.zone),
        group: GroupId(entry.group),
        condition,
        serial: entry.serial,
        records: entry.records,
        source: entry.source,
        transferred,
        is_edited,
        stamps: entry.stamps,
        error: entry.error,
        tried: Vec::new(),
    };
    (Apex::new(entry.apex), Arc::new(zone))
}
