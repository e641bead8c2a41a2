//! What becomes of a state directory at a start: the manifest read, its segments mapped, verified where nobody can know
//! what happened to them, and everything it does not name removed. The catalogue of zones is not needed to serve and is read
//! later ([`zones`]).
//!
//! During the same boot, or after a clean stop, the files are as they were written: they are served at once and verified
//! beside. After anything else each one is verified before a reader sees it. What is damaged is left out and named, and the
//! next build makes it anew from its sources.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::SystemTime;

use tokio::task::JoinHandle;
use tracing::{error, info, warn};
use zone_segment::{GroupId, HashKey, LayerId};

use crate::catalogue::{Catalogue, CatalogueStore};
use crate::generation::{Contents, LayerFile, NextNumbers, State};
use crate::manifest::{
    BOOT_ID_PATH, BootIdError, GroupEntry, LayerEntry, LoadError, Loaded, Manifest, ManifestBody, SaveError, StateDir,
    boot_id,
};

pub(crate) mod zones;

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
    /// The first commit log that comes after the manifest.
    log: u64,
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
    let (body, is_newest) = match manifest.load().map_err(RecoverError::Load)? {
        Loaded::Absent => (None, true),
        Loaded::Newest(body) => (Some(body), true),
        Loaded::Previous { body, damage } => {
            let damage = damage.map_or_else(|| "it is not there".to_owned(), |damage| damage.to_string());
            error!(generation = body.generation, damage, "manifest-damaged-previous-taken");
            (Some(after_loss(body)), false)
        }
        Loaded::Damaged { damage } => {
            damage.iter().for_each(|damage| error!(%damage, "manifest-damaged"));
            (None, true)
        }
    };
    let trusted = body.as_ref().is_some_and(|body| is_newest && body.is_trusted(&boot_id));
    let generation_floor = if body.is_none() && is_used(&dir) { seconds_since_1970() } else { 0 };
    remove_orphans(&dir, body.as_ref());
    let next = AtomicU64::new(body.as_ref().map_or(1, |body| body.next_catalogue));
    let catalogues = Arc::new(CatalogueStore { directory: dir.clone(), next });
    let log = body.as_ref().map_or(1, |body| body.log);
    let directory = StateDirectory { manifest: RefCell::new(manifest), catalogues, boot_id, log };
    directory.remove_catalogues(&BTreeSet::new());
    let Some(body) = body else {
        let key = HashKey(draw_key().map_err(|error| RecoverError::Key { error })?);
        let (is_servable, is_unverified, is_closed, distrusted) = (false, false, false, BTreeSet::new());
        let refused = Vec::new();
        let state = None;
        return Ok(Recovered {
            directory,
            key,
            state,
            is_servable,
            is_unverified,
            is_closed,
            distrusted,
            refused,
            generation_floor,
        });
    };
    let (state, refused) = open(&dir, &body);
    let mut distrusted: BTreeSet<LayerId> = refused.keys().copied().collect();
    if !trusted {
        info!(generation = body.generation, "segments-verifying");
        distrusted.extend(verify(&state));
    }
    if distrusted.is_empty()
        && let Err(error) = state.contents.zone_set(state.generation)
    {
        // Each for itself is as the manifest says, and it is not known which of them is wrong.
        error!(generation = body.generation, %error, "segments-contradictory");
        distrusted.extend(state.contents.layers().map(|layer| layer.id));
    }
    let is_servable = distrusted.is_empty();
    if is_servable && !is_newest {
        // Before anyone hears of the number that it was given in place of a damaged one.
        directory.reopen(&state);
    }
    let is_closed = is_servable && is_newest && (body.clean_stop || body.boot_id != directory.boot_id);
    Ok(Recovered {
        directory,
        key: state.key,
        is_servable,
        is_closed,
        is_unverified: trusted,
        distrusted,
        refused: refused.into_values().collect(),
        generation_floor,
        state: Some(state),
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

    /// Writes the manifest that names this generation.
    ///
    /// # Errors
    ///
    /// [`SaveError`] with the step; the manifest is then the one before.
    pub(crate) fn save(&self, state: &State, clean_stop: bool) -> Result<(), SaveError> {
        // A build has done it beside the loop; what is left is what came otherwise.
        state.zones.write(&self.catalogues).map_err(SaveError::Catalogue)?;
        let next_catalogue = self.catalogues.next.load(Ordering::Relaxed);
        let body =
            ManifestBody { boot_id: self.boot_id.clone(), clean_stop, next_catalogue, log: self.log, ..body(state) };
        self.manifest.borrow_mut().save(&body)
    }

    /// Takes back the clean stop: from here on a cut may come at any time.
    pub(crate) fn reopen(&self, state: &State) {
        if let Err(error) = self.save(state, false) {
            warn!(%error, "manifest-not-written");
        }
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

/// A manifest that is not the newest: numbers the lost one may have used are skipped, so that none names other contents.
fn after_loss(mut body: ManifestBody) -> ManifestBody {
    body.generation += LOST_NUMBERS;
    body.next_layer += LOST_NUMBERS;
    body.next_catalogue += LOST_NUMBERS;
    body
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

/// Removes segment files that the manifest does not name: what a build left when it was cut short.
fn remove_orphans(dir: &StateDir, body: Option<&ManifestBody>) {
    let names = match dir.segment_names() {
        Ok(names) => names,
        Err(error) => return warn!(path = %dir.segments().display(), %error, "orphans-not-listed"),
    };
    let orphans = match body {
        Some(body) => StateDir::orphans(&names, body),
        None => names,
    };
    for name in orphans {
        let path = dir.segments().join(name);
        match std::fs::remove_file(&path) {
            Ok(()) => info!(path = %path.display(), "orphan-removed"),
            Err(error) => warn!(path = %path.display(), %error, "orphan-not-removed"),
        }
    }
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
    };
    (state, refused)
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
    let layers = |files: &[Arc<LayerFile>]| files.iter().map(|file| layer_entry(file)).collect::<Vec<_>>();
    ManifestBody {
        generation: state.generation,
        next_layer: state.next.layer,
        next_zone: state.next.zone,
        next_group: state.next.group,
        served_zones,
        served_records,
        directory: layers(&state.contents.directory),
        groups: state
            .contents
            .groups
            .iter()
            .map(|(group, files)| GroupEntry { id: group.0, layers: layers(files) })
            .collect(),
        catalogue: state.zones.chunks(),
        ..ManifestBody::new(state.key.0, String::new())
    }
}

/// A layer as the manifest names it.
fn layer_entry(file: &LayerFile) -> LayerEntry {
    let identity = file.identity();
    let name = file.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    LayerEntry { id: identity.id, file: name, length: file.length(), content_hash: identity.content_hash }
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
        }
    }
}
