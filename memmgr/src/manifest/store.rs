//! The manifest on disk: taken in at the start, replaced as a whole from then on.
//!
//! One process at a time: the state directory's lock is not taken here. [`Manifest`] is the type to read first.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::body::ManifestBody;
use super::error::{Damage, DamageKind, LoadError, SaveError, SaveStep};
use super::sealed::{decode, encode, read_limited};
use super::state_dir::StateDir;

/// The manifest of a state directory.
#[derive(Debug)]
pub struct Manifest {
    /// Where it lies.
    directory: StateDir,
    /// What lies there was read or written whole by this process, and so is worth keeping as the one before. A damaged one
    /// must not take the place of a sound one.
    is_sound: bool,
    /// Files of the catalogue that the manifest names.
    named: BTreeSet<u64>,
    /// Files of the catalogue that the one before names.
    named_before: BTreeSet<u64>,
    /// The first commit log after the manifest, and after the one before.
    logs: [Option<u64>; 2],
}

/// What a start finds.
#[derive(Debug)]
pub enum Loaded {
    /// Neither the manifest nor the one before is there: a new directory.
    Absent,
    /// The manifest.
    Newest(ManifestBody),
    /// The manifest can't be used and the one before can. Its generation is older than what readers and secondaries may
    /// have, so that the next numbers must leave room for those that were lost.
    Previous {
        /// The one before.
        body: ManifestBody,
        /// What is wrong with the newest; none when it is not there.
        damage: Option<Damage>,
    },
    /// Something is there and nothing can be used: the sources are loaded anew.
    Damaged {
        /// What is wrong, the newest first.
        damage: Vec<Damage>,
    },
}

impl Manifest {
    /// The manifest in a directory. Nothing is read.
    pub fn new(directory: StateDir) -> Self {
        Self { directory, is_sound: false, named: BTreeSet::new(), named_before: BTreeSet::new(), logs: [None; 2] }
    }

    /// Where it lies.
    pub fn directory(&self) -> &StateDir {
        &self.directory
    }

    /// The manifest, or the best that there is.
    ///
    /// # Errors
    ///
    /// A file is there that this process may not read.
    pub fn load(&mut self) -> Result<Loaded, LoadError> {
        let newest = read(&self.directory.manifest())?;
        self.is_sound = matches!(newest, Found::Sound(_));
        let damage = match newest {
            Found::Sound(body) => {
                self.named = catalogue_files(&body);
                self.logs[0] = Some(body.log);
                if let Found::Sound(before) = read(&self.directory.manifest_previous())? {
                    self.named_before = catalogue_files(&before);
                    self.logs[1] = Some(before.log);
                }
                return Ok(Loaded::Newest(body));
            }
            Found::Damaged(damage) => Some(damage),
            Found::Nothing => None,
        };
        Ok(match (read(&self.directory.manifest_previous())?, damage) {
            (Found::Sound(body), damage) => {
                self.named_before = catalogue_files(&body);
                self.logs[1] = Some(body.log);
                Loaded::Previous { body, damage }
            }
            (Found::Nothing, None) => Loaded::Absent,
            (Found::Nothing, Some(damage)) => Loaded::Damaged { damage: vec![damage] },
            (Found::Damaged(older), damage) => Loaded::Damaged { damage: damage.into_iter().chain([older]).collect() },
        })
    }

    /// Replaces the manifest. When this returns, a power cut does not take it back.
    ///
    /// # Errors
    ///
    /// The step that failed. The manifest is then the one before, but after [`SaveStep::SyncDirectory`], when it may be either
    /// after a power cut.
    pub fn save(&mut self, body: &ManifestBody) -> Result<(), SaveError> {
        let octets = encode(body)?;
        let (place, new) = (self.directory.manifest(), self.directory.manifest_new());
        write_synced(&new, &octets)?;
        if self.is_sound {
            self.keep_previous()?;
        }
        fs::rename(&new, &place).map_err(|source| SaveError::file(SaveStep::Rename, &place, source))?;
        // What was damaged is not kept, and the one before it stays the one before.
        let named = std::mem::replace(&mut self.named, catalogue_files(body));
        let log = self.logs[0].replace(body.log);
        if self.is_sound {
            self.named_before = named;
            self.logs[1] = log;
        }
        self.is_sound = true;
        let root = self.directory.root();
        File::open(root)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| SaveError::file(SaveStep::SyncDirectory, root, source))
    }

    /// Whether the manifest, or the one before, names a file of the catalogue.
    pub fn names_catalogue(&self, file: u64) -> bool {
        self.named.contains(&file) || self.named_before.contains(&file)
    }

    /// The lowest commit log that the manifest, or the one before, is followed by: what is older is needed by no start.
    pub fn first_log(&self) -> Option<u64> {
        self.logs.into_iter().flatten().min()
    }

    /// Gives the manifest its second name. A link, not a rename: the first name is never without a file.
    fn keep_previous(&self) -> Result<(), SaveError> {
        let (place, previous) = (self.directory.manifest(), self.directory.manifest_previous());
        let new = self.directory.manifest_previous_new();
        remove_if_there(&new)
            .and_then(|()| fs::hard_link(&place, &new))
            .and_then(|()| fs::rename(&new, &previous))
            // A rename between two links of one file does nothing, the first name included.
            .and_then(|()| remove_if_there(&new))
            .map_err(|source| SaveError::file(SaveStep::KeepPrevious, &previous, source))
    }
}

/// The files that a manifest's catalogue lies in.
fn catalogue_files(body: &ManifestBody) -> BTreeSet<u64> {
    body.catalogue.iter().map(|chunk| chunk.file).collect()
}

/// What lies under a name.
enum Found {
    /// No file.
    Nothing,
    /// A manifest.
    Sound(ManifestBody),
    /// Anything else.
    Damaged(Damage),
}

/// Looks at one file.
fn read(path: &Path) -> Result<Found, LoadError> {
    let why = match File::open(path).and_then(read_limited) {
        Ok(octets) => match decode(&octets) {
            Ok(body) => return Ok(Found::Sound(body)),
            Err(error) => DamageKind::Undecodable(error),
        },
        Err(source) => match source.kind() {
            io::ErrorKind::NotFound => return Ok(Found::Nothing),
            io::ErrorKind::PermissionDenied => return Err(LoadError::Forbidden { path: path.to_owned(), source }),
            // What stands there is no file that a save could have left.
            io::ErrorKind::IsADirectory | io::ErrorKind::InvalidData | io::ErrorKind::FileTooLarge => {
                DamageKind::Unreadable(source)
            }
            _ => return Err(LoadError::Unavailable { path: path.to_owned(), source }),
        },
    };
    Ok(Found::Damaged(Damage { path: path.to_owned(), why }))
}

/// Writes a file for this user alone, since the key of the name hash stands in it, and waits for the disk.
fn write_synced(path: &Path, octets: &[u8]) -> Result<(), SaveError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| SaveError::file(SaveStep::Write, path, source))?;
    file.write_all(octets).map_err(|source| SaveError::file(SaveStep::Write, path, source))?;
    file.sync_all().map_err(|source| SaveError::file(SaveStep::Sync, path, source))
}

/// Unlinks a name that may not be there.
fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
