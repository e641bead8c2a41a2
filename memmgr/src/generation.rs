//! A generation's contents: its layers as open files, and what is known of its zones.
//!
//! [`Contents`] is what readers are given, [`Catalogue`] what is known of the zones beside; [`State`] is both, immutable once made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bus::protocol::reader::{GroupLayers, LayerIdentity, ToReader};
use zone_segment::{GroupId, HashKey, Layer, LayerId, Segment, Stack, VerifyError, ZoneSet, ZoneSetError};

use crate::catalogue::Catalogue;

/// A published segment: its file, open for reading alone, and its mapping.
#[derive(Debug)]
pub(crate) struct LayerFile {
    /// Its number.
    pub(crate) id: LayerId,
    /// Its file.
    pub(crate) path: PathBuf,
    /// The descriptor that readers are given.
    file: File,
    /// Its mapping here, from which unchanged zones are copied.
    pub(crate) segment: Arc<Segment>,
    /// Whether all of it was compared with its hashes, or written by this process.
    is_sound: AtomicBool,
    /// Whether a power cut leaves it as it is.
    is_durable: AtomicBool,
}

impl LayerFile {
    /// Opens and maps a segment file.
    ///
    /// # Errors
    ///
    /// [`LayerError`] when it can't be opened or is refused.
    pub(crate) fn open(id: LayerId, path: &Path) -> Result<Self, LayerError> {
        LayerFile::open_as(id, path, path)
    }

    /// The same for a file that lies at `opened` and will lie at `path`.
    ///
    /// # Errors
    ///
    /// [`LayerError`] when it can't be opened or is refused.
    pub(crate) fn open_as(id: LayerId, opened: &Path, path: &Path) -> Result<Self, LayerError> {
        let file = File::open(opened).map_err(|error| LayerError::Open { path: path.to_owned(), error })?;
        let segment = zone_segment::map(&file).map_err(|error| LayerError::Refused { path: path.to_owned(), error })?;
        let is_sound = AtomicBool::new(false);
        let is_durable = AtomicBool::new(true);
        Ok(LayerFile { id, path: path.to_owned(), file, segment: Arc::new(segment), is_sound, is_durable })
    }

    /// Notes that nobody waited for the disk.
    pub(crate) fn mark_volatile(&self) {
        self.is_durable.store(false, Ordering::Relaxed);
    }

    /// Waits for the disk, if nobody has; tells whether there was anything to wait for.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    fn sync(&self) -> std::io::Result<bool> {
        // Relaxed: says nothing of other memory, and at worst the work is done twice.
        if self.is_durable.load(Ordering::Relaxed) {
            return Ok(false);
        }
        self.file.sync_all()?;
        self.is_durable.store(true, Ordering::Relaxed);
        Ok(true)
    }

    /// Reads all of it and compares it with its hashes, the first time.
    ///
    /// # Errors
    ///
    /// What differs, in which block.
    pub(crate) fn verify(&self) -> Result<(), VerifyError> {
        // Relaxed: says nothing of other memory, and at worst the work is done twice.
        if !self.is_sound.load(Ordering::Relaxed) {
            self.segment.verify()?;
            self.mark_sound();
        }
        Ok(())
    }

    /// Maps the file anew, as a reader does, and reads all of it, whatever is known of it.
    ///
    /// # Errors
    ///
    /// What a reader would find, or would be answered wrong from.
    pub(crate) fn examine(&self) -> Result<(), ExamineError> {
        let segment = zone_segment::map(&self.file).map_err(ExamineError::Refused)?;
        let (expected, found) = (self.segment.content_hash(), segment.content_hash());
        if expected != found {
            return Err(ExamineError::Content { expected, found });
        }
        segment.verify().map_err(ExamineError::Damaged)
    }

    /// Notes that it is known to be sound.
    pub(crate) fn mark_sound(&self) {
        self.is_sound.store(true, Ordering::Relaxed);
    }

    /// How readers know it.
    pub(crate) fn identity(&self) -> LayerIdentity {
        LayerIdentity { id: self.id.0, content_hash: self.segment.content_hash() }
    }

    /// Its length in octets.
    pub(crate) fn length(&self) -> u64 {
        self.segment.len()
    }

    /// The descriptor that readers are given.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// As a part of a stack.
    fn layer(&self) -> Layer {
        Layer { id: self.id, segment: Arc::clone(&self.segment) }
    }
}

/// The layers of a generation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    /// The zone directory's, newest first.
    pub(crate) directory: Vec<Arc<LayerFile>>,
    /// Each group's, newest first.
    pub(crate) groups: BTreeMap<GroupId, Vec<Arc<LayerFile>>>,
}

impl Contents {
    /// Every layer, the directory's first.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Arc<LayerFile>> {
        self.directory.iter().chain(self.groups.values().flatten())
    }

    /// How readers know the layers.
    pub(crate) fn identities(&self) -> BTreeSet<(u64, u128)> {
        self.layers().map(|layer| layer.identity()).map(|identity| (identity.id, identity.content_hash)).collect()
    }

    /// The message that commits a reader to these.
    pub(crate) fn switch(&self, generation: u64) -> ToReader {
        let ids = |layers: &[Arc<LayerFile>]| layers.iter().map(|layer| layer.id.0).collect();
        ToReader::Switch {
            generation,
            directory: ids(&self.directory),
            groups: self
                .groups
                .iter()
                .map(|(group, layers)| GroupLayers { group: group.0, layers: ids(layers) })
                .collect(),
        }
    }

    /// The same, to look things up in; made from the one before where there is one.
    ///
    /// # Errors
    ///
    /// [`ZoneSetError`] when the layers do not belong together.
    pub(crate) fn zone_set(&self, generation: u64, before: Option<&ZoneSet>) -> Result<ZoneSet, ZoneSetError> {
        let layers = |files: &[Arc<LayerFile>]| files.iter().map(|file| file.layer()).collect::<Vec<Layer>>();
        let groups = self.groups.iter().map(|(group, files)| (*group, Stack::new(layers(files)))).collect();
        ZoneSet::after(before, generation, layers(&self.directory), groups)
    }

    /// Waits until a power cut leaves every layer as it is. Nearly all of them were waited for when they were written.
    ///
    /// # Errors
    ///
    /// What the kernel said, of which file.
    pub(crate) fn sync(&self) -> Result<(), (PathBuf, std::io::Error)> {
        let mut directories = BTreeSet::new();
        for layer in self.layers() {
            if layer.sync().map_err(|error| (layer.path.clone(), error))? {
                directories.extend(layer.path.parent().map(Path::to_owned));
            }
        }
        directories.into_iter().try_for_each(|path| {
            let synced = File::open(&path).and_then(|directory| directory.sync_all());
            synced.map_err(|error| (path, error))
        })
    }
}

/// Numbers not used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextNumbers {
    /// Of a layer.
    pub(crate) layer: u64,
    /// Of a zone.
    pub(crate) zone: u32,
    /// Of a group.
    pub(crate) group: u32,
}

/// A whole generation as memmgr has it.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// Its number.
    pub(crate) generation: u64,
    /// The key of every hash in it.
    pub(crate) key: HashKey,
    /// Its layers.
    pub(crate) contents: Contents,
    /// Its zones.
    pub(crate) zones: Catalogue,
    /// What comes next.
    pub(crate) next: NextNumbers,
    /// To look things up in, where all of it is whole.
    pub(crate) set: Option<Arc<ZoneSet>>,
}

impl State {
    /// The octets of its layers.
    pub(crate) fn bytes(&self) -> u64 {
        self.contents.layers().map(|layer| layer.length()).sum()
    }
}

/// A layer in use that is not as it was published.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum ExamineError {
    /// It can't be mapped any more.
    Refused(zone_segment::OpenError),
    /// It is another.
    Content {
        /// The content hash it was published with.
        expected: u128,
        /// The one it has.
        found: u128,
    },
    /// A block of it was changed.
    Damaged(VerifyError),
}

impl std::fmt::Display for ExamineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Content { expected, found } => write!(f, "expected content {expected:032x}, found {found:032x}"),
            Self::Damaged(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ExamineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(error) => error.source(),
            Self::Content { .. } => None,
            Self::Damaged(error) => error.source(),
        }
    }
}

/// A segment file that can't be used.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum LayerError {
    /// It can't be opened.
    Open {
        /// Its path.
        path: PathBuf,
        /// What the kernel said.
        error: std::io::Error,
    },
    /// It is no segment of ours, or damaged.
    Refused {
        /// Its path.
        path: PathBuf,
        /// What was expected and found.
        error: zone_segment::OpenError,
    },
}

impl std::fmt::Display for LayerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open { path, error } => write!(f, "opening segment {}: {error}", path.display()),
            Self::Refused { path, error } => write!(f, "mapping segment {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for LayerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { error, .. } => Some(error),
            Self::Refused { error, .. } => Some(error),
        }
    }
}
