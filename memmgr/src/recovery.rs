//! What becomes of a state directory at a start: the manifest read, its segments mapped, verified where nobody can know
//! what happened to them, and everything it does not name removed. The catalogue of zones is not needed to serve and is read
//! later ([`zones`]).
//!
//! During the same boot, or after a clean stop, the files are as they were written: they are served at once and verified
//! beside. After anything else each one is verified before a reader sees it. What is damaged is left out and named, and the
//! next build makes it anew from its sources.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::SystemTime;

use tokio::task::JoinHandle;
use tracing::{error, info, warn};
use zone_segment::{GroupId, HashKey, LayerId, Name};

use crate::builder::changes::{self, Ask, ChangesOutcome, ChangesRequest};
use crate::builder::record::{group_entries, layer_entries};
use crate::catalogue::{Catalogue, CatalogueStore};
use crate::commits::{self, CaughtUp, CommitLog, CommitRecord, LogError, LogSync, ReadLogError};
use crate::generation::{Contents, LayerFile, NextNumbers, State};
use crate::manifest::{
    BOOT_ID_PATH, BootIdError, KeptEntry, LayerEntry, LoadError, Loaded, Manifest, ManifestBody, SaveError, StateDir,
    ZoneEntry, boot_id,
};

mod orphans;
pub(crate) mod zones;

use orphans::Cause;

/// After the newest manifest was lost, numbers it may have given out are left free.
const LOST_NUMBERS: u64 = 1024;

/// A state directory in use.
#[derive(Debug)]
pub(crate) struct StateDirectory {
    /// Its manifest.
    manifest: RefCell<Manifest>,
    /// Where catalogues are written.
    catalogues: Arc<CatalogueStore>,
    /// The present boot.
    boot_id: String,
    /// The commit log that is appended to.
    log: RefCell<CommitLog>,
    /// What the next manifest says of generations that are kept.
    kept: RefCell<Vec<KeptEntry>>,
    /// Whether records of the commit log were ever lost.
    serials_lost: bool,
    /// A generation that has a manifest and no record: the next log begins behind it, so that the journal shows the gap.
    gap: Cell<Option<u64>>,
}

/// What a start finds.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The directory.
    pub(crate) directory: StateDirectory,
    /// The key of every hash.
    pub(crate) key: HashKey,
    /// The generation of the manifest, as far as it is whole.
    pub(crate) state: Option<State>,
    /// Whether it is whole.
    pub(crate) is_servable: bool,
    /// Whether its segments are yet to be verified.
    pub(crate) is_unverified: bool,
    /// Whether its manifest is yet to be written anew, before anything else is written: it says that nothing was cut short, or is of
    /// another boot.
    pub(crate) is_closed: bool,
    /// Layers found damaged.
    pub(crate) distrusted: BTreeSet<LayerId>,
    /// The files of those that could not even be opened.
    pub(crate) refused: Vec<PathBuf>,
    /// The layers that the manifest names: a start begins from them until there is another manifest.
    pub(crate) named: BTreeSet<LayerId>,
    /// Generations that were kept, as far as they are whole.
    pub(crate) kept: Vec<(KeptEntry, State)>,
    /// What the catalogue says of zones that changed after the manifest; nothing of those that went.
    pub(crate) patches: Patches,
    /// When the generation was made, in seconds since 1970, where that is known.
    pub(crate) made_unix: Option<u64>,
    /// Where no manifest says which generations there were, though there were some: numbers up to this one may have been theirs, and
    /// readers may still be on them.
    pub(crate) generation_floor: u64,
}

/// Reads a state directory, making it if it is not there.
///
/// # Errors
///
/// [`RecoverError`]: the directory can't be used at all. Damage is no error, but is in [`Recovered`].
pub(crate) fn recover(root: &Path) -> Result<Recovered, RecoverError> {
    let dir = StateDir::new(root);
    dir.create().map_err(|error| RecoverError::Create { path: dir.segments(), error })?;
    let boot_id = boot_id(Path::new(BOOT_ID_PATH)).map_err(RecoverError::BootId)?;
    let mut manifest = Manifest::new(dir.clone());
    let (body, is_newest) = load(&mut manifest)?;
    let trusted = body.as_ref().is_some_and(|body| is_newest && body.is_trusted(&boot_id));
    let generation_floor = if body.is_none() && is_used(&dir) { seconds_since_1970() } else { 0 };
    let named: BTreeSet<LayerId> = body.iter().flat_map(|body| body.layers()).map(|layer| LayerId(layer.id)).collect();
    let (body, log, is_log_lost, has_gap) = match body {
        Some(body) => {
            let (caught_up, log, is_lost, has_gap) = replayed(&dir, body)?;
            (Some(caught_up), log, is_lost, has_gap)
        }
        None => {
            let replayed = commits::replay(&dir, 1).map_err(RecoverError::ReadLog)?;
            let log = CommitLog::create(&dir, replayed.next_log, generation_floor).map_err(RecoverError::Log)?;
            (None, log, false, false)
        }
    };
    let cause = if is_log_lost || !is_newest { Cause::Lost } else { Cause::CutShort };
    orphans::put_away(&dir, body.as_ref(), cause);
    let next = AtomicU64::new(body.as_ref().map_or(1, |body| body.body.next_catalogue));
    let catalogues = Arc::new(CatalogueStore { directory: dir.clone(), next });
    let log = RefCell::new(log);
    let kept = body.as_ref().map(|caught_up| caught_up.body.kept.clone()).unwrap_or_default();
    let kept_states = kept.iter().filter_map(|entry| open_kept(&dir, entry)).collect();
    let kept = RefCell::new(kept);
    let serials_lost = is_log_lost || body.as_ref().is_some_and(|caught_up| caught_up.body.serials_lost);
    let manifest = RefCell::new(manifest);
    let gap = Cell::new(body.as_ref().filter(|_| has_gap).map(|caught_up| caught_up.body.generation));
    let directory = StateDirectory { manifest, catalogues, boot_id, log, kept, serials_lost, gap };
    directory.remove_catalogues(&BTreeSet::new());
    let Some(mut caught_up) = body else {
        let key = HashKey(draw_key().map_err(|error| RecoverError::Key { error })?);
        return Ok(Recovered {
            directory,
            key,
            state: None,
            is_servable: false,
            is_unverified: false,
            is_closed: false,
            distrusted: BTreeSet::new(),
            refused: Vec::new(),
            patches: Patches::new(),
            named: BTreeSet::new(),
            kept: Vec::new(),
            generation_floor,
            made_unix: None,
        });
    };
    let record = caught_up.changes.last().filter(|changes| changes.generation == caught_up.body.generation);
    let made_unix = record.map(|changes| changes.at_unix).or(caught_up.body.made_unix);
    if !is_newest || is_log_lost {
        after_loss(&mut caught_up.body);
    }
    let body = &caught_up.body;
    let (mut state, mut refused) = open(&dir, body);
    // Nobody waited for the files of layers that only a record names: the next manifest has to.
    state.contents.layers().filter(|layer| !named.contains(&layer.id)).for_each(|layer| layer.mark_volatile());
    let mut distrusted: BTreeSet<LayerId> = refused.keys().copied().collect();
    if !trusted {
        info!(generation = body.generation, "segments-verifying");
        distrusted.extend(verify(&state));
    }
    if !distrusted.is_empty() && caught_up.body.generation > caught_up.snapshot {
        rebuild(&dir, &caught_up, &mut state, &mut refused, &mut distrusted);
    }
    match state.contents.zone_set(state.generation, None) {
        Ok(set) => state.set = Some(Arc::new(set)),
        Err(error) if distrusted.is_empty() => {
            // Each for itself is as the manifest says, and it is not known which of them is wrong.
            error!(generation = body.generation, %error, "segments-contradictory");
            distrusted.extend(state.contents.layers().map(|layer| layer.id));
        }
        Err(_) => {}
    }
    let is_servable = distrusted.is_empty();
    if is_servable && (!is_newest || is_log_lost) {
        // Before anyone hears of the number that it was given in place of a damaged one.
        let _ = directory.reopen(&state, made_unix);
    }
    let is_stale = body.clean_stop || body.boot_id != directory.boot_id || is_log_lost || directory.gap.get().is_some();
    let is_closed = is_servable && is_newest && is_stale;
    Ok(Recovered {
        directory,
        key: state.key,
        is_servable,
        is_closed,
        is_unverified: trusted,
        distrusted,
        refused: refused.into_values().collect(),
        patches: caught_up.zones,
        named,
        kept: kept_states,
        generation_floor,
        made_unix,
        state: Some(state),
    })
}

/// The manifest, if there is one that can be used, and whether it is the newest.
fn load(manifest: &mut Manifest) -> Result<(Option<ManifestBody>, bool), RecoverError> {
    Ok(match manifest.load().map_err(RecoverError::Load)? {
        Loaded::Absent => (None, true),
        Loaded::Newest(body) => (Some(body), true),
        Loaded::Previous { body, damage } => {
            let damage = damage.map_or_else(|| "it is not there".to_owned(), |damage| damage.to_string());
            error!(generation = body.generation, damage, "manifest-damaged-previous-taken");
            (Some(body), false)
        }
        Loaded::Damaged { damage } => {
            damage.iter().for_each(|damage| error!(%damage, "manifest-damaged"));
            (None, true)
        }
    })
}

impl StateDirectory {
    /// Where things lie in it.
    pub(crate) fn root(&self) -> StateDir {
        self.manifest.borrow().directory().clone()
    }

    /// Where segments are written.
    pub(crate) fn segments(&self) -> PathBuf {
        self.manifest.borrow().directory().segments()
    }

    /// Writes the manifest that names this generation, made at this time.
    ///
    /// # Errors
    ///
    /// [`SaveError`] with the step; the manifest is then the one before.
    pub(crate) fn save(&self, state: &State, made_unix: Option<u64>, clean_stop: bool) -> Result<(), SaveError> {
        // A build has done it beside the loop; what is left is what came otherwise.
        state.contents.sync().map_err(|(path, source)| SaveError::Segment { path, source })?;
        state.zones.write(&self.catalogues).map_err(SaveError::Catalogue)?;
        let next_catalogue = self.catalogues.next.load(Ordering::Relaxed);
        let next = match self.gap.get() {
            // With records behind it, it is too late to show it.
            Some(gap) if self.log.borrow().generation() < gap => {
                CommitLog::create(&self.root(), self.log.borrow().number() + 1, gap)
            }
            _ => self.log.borrow().rotate(),
        };
        let next = next.map_err(SaveError::Log)?;
        let boot_id = self.boot_id.clone();
        let kept = self.kept.borrow().clone();
        let (log, serials_lost) = (next.number(), self.serials_lost);
        let of_state = body(state);
        let body = ManifestBody { made_unix, boot_id, clean_stop, next_catalogue, log, kept, serials_lost, ..of_state };
        let saved = self.manifest.borrow_mut().save(&body);
        match &saved {
            Err(error) if !error.is_in_place() => {
                if let Err(error) = next.discard() {
                    warn!(%error, "commit-log-not-removed");
                }
            }
            _ => {
                self.log.replace(next);
                self.gap.set(None);
            }
        }
        saved
    }

    /// Whether records of the commit log were ever lost: serials may have been given out that nobody knows of.
    pub(crate) fn lost_serials(&self) -> bool {
        self.serials_lost
    }

    /// What the next manifest is to say of generations that are kept.
    pub(crate) fn set_kept(&self, kept: Vec<KeptEntry>) {
        self.kept.replace(kept);
    }

    /// Appends a record to the commit log. It is on the disk once what is given back has been waited for.
    ///
    /// # Errors
    ///
    /// [`LogError`] with the step; the log is then as it was.
    pub(crate) fn append(&self, record: &CommitRecord) -> Result<LogSync, LogError> {
        let mut log = self.log.borrow_mut();
        log.append(record)?;
        Ok(log.sync())
    }

    /// Notes that a generation has a manifest and no record.
    pub(crate) fn note_gap(&self, generation: u64) {
        self.gap.set(Some(generation));
    }

    /// Octets of the commit log since the manifest.
    pub(crate) fn log_octets(&self) -> u64 {
        self.log.borrow().octets()
    }

    /// The lowest commit log that a start needs.
    pub(crate) fn first_log(&self) -> u64 {
        self.manifest.borrow().first_log().unwrap_or(0)
    }

    /// Removes segment files that none of these layers has; nobody may be writing one meanwhile.
    pub(crate) fn remove_segments_but(&self, used: &BTreeSet<PathBuf>) {
        let segments = self.segments();
        let names = self.manifest.borrow().directory().segment_names().unwrap_or_default();
        for path in names.into_iter().map(|name| segments.join(name)).filter(|path| !used.contains(path)) {
            match std::fs::remove_file(&path) {
                Ok(()) => info!(path = %path.display(), "orphan-removed"),
                Err(error) => warn!(path = %path.display(), %error, "orphan-not-removed"),
            }
        }
    }

    /// Takes back the clean stop: from here on a cut may come at any time. Tells whether that was written.
    pub(crate) fn reopen(&self, state: &State, made_unix: Option<u64>) -> bool {
        let saved = self.save(state, made_unix, false);
        if let Err(error) = &saved {
            warn!(%error, "manifest-not-written");
        }
        saved.is_ok()
    }

    /// Where catalogues are written.
    pub(crate) fn catalogues(&self) -> Arc<CatalogueStore> {
        Arc::clone(&self.catalogues)
    }

    /// Removes the files of the catalogue that no manifest names, nor anything that is to be in one. Nobody may be writing one
    /// meanwhile.
    pub(crate) fn remove_catalogues(&self, used: &BTreeSet<u64>) {
        let manifest = self.manifest.borrow();
        let names = match manifest.directory().catalogue_names() {
            Ok(names) => names,
            Err(error) => {
                return warn!(path = %manifest.directory().catalogue().display(), %error, "orphans-not-listed");
            }
        };
        for name in names {
            let number = name.to_str().and_then(|name| u64::from_str_radix(name, 16).ok());
            if number.is_none_or(|number| !manifest.names_catalogue(number) && !used.contains(&number)) {
                let path = manifest.directory().catalogue().join(name);
                if let Err(error) = std::fs::remove_file(&path) {
                    warn!(path = %path.display(), %error, "orphan-not-removed");
                }
            }
        }
    }
}

/// What the catalogue says of zones, by their apexes; nothing of those that went.
pub(crate) type Patches = BTreeMap<Name, Option<ZoneEntry>>;

/// A manifest with the records of the logs on top, the log to go on with, whether anything of the logs was lost, and whether the newest
/// generation has no record.
fn replayed(dir: &StateDir, body: ManifestBody) -> Result<(CaughtUp, CommitLog, bool, bool), RecoverError> {
    let first = body.log;
    let mut replayed = commits::replay(dir, first).map_err(RecoverError::ReadLog)?;
    let (next_log, torn) = (replayed.next_log, replayed.torn.take());
    let has_record = replayed.after_generation.is_none_or(|after| after >= body.generation)
        || replayed.records.iter().any(|(place, _)| place.generation == body.generation);
    let caught_up = commits::catch_up(body, replayed);
    if let Some(refused) = &caught_up.refused {
        error!(generation = refused.place.generation, why = %refused.why, lost = refused.records_lost, "commit-refused");
    }
    let is_lost = match &torn {
        Some(torn) if torn.is_tail() => {
            info!(%torn, "commit-log-cut");
            false
        }
        Some(torn) => {
            error!(%torn, "commit-log-damaged");
            true
        }
        None => false,
    };
    let is_lost = is_lost || caught_up.refused.is_some();
    let generation = caught_up.body.generation;
    let log = match is_lost {
        // What comes next does not follow what is there.
        true => CommitLog::create(dir, next_log, generation),
        false => CommitLog::open(dir, (next_log - 1).max(first)),
    };
    // With records behind it, it is too late to show the gap.
    let has_gap = !has_record && caught_up.body.generation == caught_up.snapshot;
    Ok((caught_up, log.map_err(RecoverError::Log)?, is_lost, has_gap))
}

/// Makes stacks anew that lost layers, from older ones that are whole and the changes since.
fn rebuild(
    dir: &StateDir,
    caught_up: &CaughtUp,
    state: &mut State,
    refused: &mut BTreeMap<LayerId, PathBuf>,
    distrusted: &mut BTreeSet<LayerId>,
) {
    let is_whole = |entry: &LayerEntry| {
        let layer = open_layer(dir, entry, &mut BTreeMap::new());
        layer.is_some_and(|layer| layer.verify().is_ok())
    };
    let mut older = state.clone();
    let (mut since, mut made): (BTreeMap<GroupId, u64>, BTreeSet<LayerId>) = Default::default();
    for group in &caught_up.body.groups {
        let is_damaged = |layer: &LayerEntry| distrusted.contains(&LayerId(layer.id));
        if !group.layers.iter().any(is_damaged) {
            continue;
        }
        // One that has no stack to begin from is built from its sources.
        let Some(found) = caught_up.rebuild(group.id, is_whole) else { continue };
        made.extend(group.layers.iter().map(|layer| LayerId(layer.id)));
        let layers = found.layers.iter().filter_map(|entry| open_layer(dir, entry, &mut BTreeMap::new()));
        older.contents.groups.insert(GroupId(group.id), layers.collect());
        since.insert(GroupId(group.id), found.generation);
    }
    let Ok(set) = older.contents.zone_set(older.generation, None) else { return };
    let set = Arc::new(set);
    older.set = Some(Arc::clone(&set));
    let group_of = |apex: &Name| set.zone(apex.as_ref()).map(|zone| zone.group());
    let asks = caught_up.changes_after(caught_up.snapshot).filter(|(generation, change)| {
        group_of(&change.apex).and_then(|group| since.get(&group)).is_some_and(|since| generation > since)
    });
    let asks: Vec<Vec<Ask>> = asks.map(|(_, change)| vec![Ask::Again(change.clone())]).collect();
    let oldest = since.values().copied().min().unwrap_or(caught_up.snapshot);
    let is_rewritten = |apex: &&Name| group_of(apex).is_some_and(|group| since.contains_key(&group));
    if caught_up.rewritten_after(oldest).iter().any(is_rewritten) {
        // No change says what they are: their sources do.
        return;
    }
    older.zones = zones::read(dir, &older, &caught_up.zones);
    let numbers = Arc::new(AtomicU64::new(older.next.layer));
    let (generation, key, segments) = (older.generation, older.key, dir.segments());
    let base = Arc::new(older);
    let request = ChangesRequest {
        base,
        generation,
        key,
        segments,
        numbers,
        merged: Vec::new(),
        leaps: None,
        asks,
        now: seconds_since_1970(),
    };
    match changes::build(&request) {
        Ok(ChangesOutcome { candidate, .. }) => {
            let rebuilt = candidate.unwrap_or_else(|| State::clone(&request.base));
            info!(generation, layers = made.len(), "layers-made-anew");
            *state = rebuilt;
            refused.retain(|layer, _| !made.contains(layer));
            distrusted.retain(|layer| !made.contains(layer));
        }
        Err(error) => error!(%error, "layers-not-made-anew"),
    }
}

/// A manifest that is not the newest, or records that were lost: numbers that those may have used are skipped, so that none names other contents.
fn after_loss(body: &mut ManifestBody) {
    body.generation += LOST_NUMBERS;
    body.next_layer += LOST_NUMBERS;
    body.next_catalogue += LOST_NUMBERS;
}

/// Whether segments were ever written to a directory.
fn is_used(dir: &StateDir) -> bool {
    dir.segment_names().is_ok_and(|names| !names.is_empty())
}

/// The time, as a number no generation counted from 1 comes near.
fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A new key for the hash of names.
fn draw_key() -> io::Result<[u8; 16]> {
    use std::io::Read;
    let mut key = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
    Ok(key)
}

/// Maps what a manifest names; tells which layers can't be had, and their files.
fn open(dir: &StateDir, body: &ManifestBody) -> (State, BTreeMap<LayerId, PathBuf>) {
    let mut refused = BTreeMap::new();
    let mut stack = |entries: &[LayerEntry]| -> Vec<Arc<LayerFile>> {
        entries.iter().filter_map(|entry| open_layer(dir, entry, &mut refused)).collect()
    };
    let directory = stack(&body.directory);
    let mut groups = BTreeMap::new();
    for group in &body.groups {
        let layers = stack(&group.layers);
        // A stack with a hole would answer with names that are long gone.
        if layers.len() == group.layers.len() {
            groups.insert(GroupId(group.id), layers);
        }
    }
    let directory = if directory.len() == body.directory.len() { directory } else { Vec::new() };
    let state = State {
        generation: body.generation,
        key: HashKey(body.hash_key),
        contents: Contents { directory, groups },
        zones: Catalogue::unread(&body.catalogue, (body.served_zones, body.served_records)),
        next: NextNumbers { layer: body.next_layer, zone: body.next_zone, group: body.next_group },
        set: None,
    };
    (state, refused)
}

/// Maps a generation that is kept; none where it is not whole. What an operator goes back to is verified then.
fn open_kept(dir: &StateDir, entry: &KeptEntry) -> Option<(KeptEntry, State)> {
    let stack = |layers: &[LayerEntry]| -> Option<Vec<Arc<LayerFile>>> {
        layers.iter().map(|layer| open_layer(dir, layer, &mut BTreeMap::new())).collect()
    };
    let directory = stack(&entry.directory)?;
    let groups = entry.groups.iter().map(|group| Some((GroupId(group.id), stack(&group.layers)?)));
    let contents = Contents { directory, groups: groups.collect::<Option<_>>()? };
    let set = contents.zone_set(entry.generation, None).ok()?;
    let state = State {
        generation: entry.generation,
        key: set.key(),
        contents,
        zones: Catalogue::default(),
        next: NextNumbers { layer: 0, zone: 0, group: 0 },
        set: Some(Arc::new(set)),
    };
    Some((entry.clone(), state))
}

/// Maps one layer and compares it with what the manifest says.
fn open_layer(dir: &StateDir, entry: &LayerEntry, refused: &mut BTreeMap<LayerId, PathBuf>) -> Option<Arc<LayerFile>> {
    let path = dir.segments().join(&entry.file);
    let why = match LayerFile::open(LayerId(entry.id), &path) {
        Ok(layer) if layer.length() != entry.length => {
            format!("expected {} octets, found {}", entry.length, layer.length())
        }
        Ok(layer) if layer.segment.content_hash() != entry.content_hash => {
            format!("expected content {:032x}, found {:032x}", entry.content_hash, layer.segment.content_hash())
        }
        Ok(layer) => return Some(Arc::new(layer)),
        Err(error) => error.to_string(),
    };
    error!(layer = entry.id, path = %path.display(), error = why, "segment-refused");
    refused.insert(LayerId(entry.id), path);
    None
}

/// The manifest of a generation, as far as the generation itself says it.
fn body(state: &State) -> ManifestBody {
    let (served_zones, served_records) = state.zones.served();
    ManifestBody {
        generation: state.generation,
        next_layer: state.next.layer,
        next_zone: state.next.zone,
        next_group: state.next.group,
        served_zones,
        served_records,
        directory: layer_entries(&state.contents.directory),
        groups: group_entries(&state.contents),
        catalogue: state.zones.chunks(),
        ..ManifestBody::new(state.key.0, String::new())
    }
}

/// Verifies every segment of a generation on all cores; tells which are damaged.
fn verify(state: &State) -> Vec<LayerId> {
    find_damage(state, LayerFile::verify)
}

/// Judges every segment of a generation on all cores; tells which are damaged.
fn find_damage<E: fmt::Display>(state: &State, judge: impl Fn(&LayerFile) -> Result<(), E> + Sync) -> Vec<LayerId> {
    let layers: Vec<&Arc<LayerFile>> = state.contents.layers().collect();
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get()).min(layers.len().max(1));
    let work = || {
        let mut damaged = Vec::new();
        while let Some(layer) = layers.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = judge(layer) {
                error!(layer = layer.id.0, path = %layer.path.display(), %error, "segment-damaged");
                damaged.push(layer.id);
            }
        }
        damaged
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

/// Verifies beside the service.
pub(crate) fn verify_in_background(state: &Arc<State>) -> JoinHandle<Vec<LayerId>> {
    let state = Arc::clone(state);
    tokio::task::spawn_blocking(move || {
        config::fault::hit("verify-begin");
        verify(&state)
    })
}

/// Examines beside the service what a reader could not map.
pub(crate) fn examine_in_background(state: &Arc<State>) -> JoinHandle<Vec<LayerId>> {
    let state = Arc::clone(state);
    tokio::task::spawn_blocking(move || find_damage(&state, LayerFile::examine))
}

/// What a verification found, when it ends; never when none runs.
pub(crate) async fn verified(verification: &mut Option<JoinHandle<Vec<LayerId>>>) -> Vec<LayerId> {
    match verification {
        Some(task) => found(task).await,
        None => std::future::pending().await,
    }
}

/// The layers found damaged, when the thread that looks at them ends.
pub(crate) async fn found(task: &mut JoinHandle<Vec<LayerId>>) -> Vec<LayerId> {
    task.await.unwrap_or_else(|error| {
        error!(%error, "verification-ended");
        Vec::new()
    })
}

/// A state directory that can't be used.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum RecoverError {
    /// It can't be made.
    Create {
        /// Its path.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// The boot is not known.
    BootId(BootIdError),
    /// The manifest is there and can't be read.
    Load(LoadError),
    /// A commit log is there and can't be read.
    ReadLog(ReadLogError),
    /// No commit log can be gone on with.
    Log(LogError),
    /// No key can be drawn.
    Key {
        /// What the kernel said.
        error: io::Error,
    },
}

impl fmt::Display for RecoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { path, .. } => write!(f, "making {}", path.display()),
            Self::BootId(error) => error.fmt(f),
            Self::Load(error) => error.fmt(f),
            Self::ReadLog(error) => error.fmt(f),
            Self::Log(error) => error.fmt(f),
            Self::Key { .. } => write!(f, "drawing a hash key from /dev/urandom"),
        }
    }
}

impl std::error::Error for RecoverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Create { error, .. } | Self::Key { error } => Some(error),
            Self::BootId(error) => error.source(),
            Self::Load(error) => error.source(),
            Self::ReadLog(error) => error.source(),
            Self::Log(error) => error.source(),
        }
    }
}
