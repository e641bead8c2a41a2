//! What can be wrong with a manifest, and what can fail when it is read or written.
//!
//! One type an operation: [`DecodeError`], [`LoadError`], [`SaveError`].

use std::path::{Path, PathBuf};
use std::{error, fmt, io};

use super::catalogue::WriteCatalogueError;
use crate::commits::LogError;

/// Why octets are not a manifest.
#[derive(Debug)]
#[non_exhaustive]
pub enum DecodeError {
    /// More than a manifest can have.
    TooLong {
        /// The octets there.
        got: u64,
        /// The limit.
        expected_max: u64,
    },
    /// The first line does not begin with the magic word.
    NotManifest,
    /// A manifest of another format.
    Version {
        /// The version this code reads and writes.
        expected: u32,
        /// What stands there.
        got: String,
    },
    /// The body is cut short, or something follows it.
    Length {
        /// What the first line says.
        expected: String,
        /// The octets there.
        got: u64,
    },
    /// The body is not what was written.
    Checksum {
        /// What the first line says.
        expected: String,
        /// The checksum of what is there.
        got: String,
    },
    /// The body is what was written, but not of this shape.
    Body(serde_json::Error),
    /// The body is of this shape, but contradicts itself.
    Contradiction(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { got, expected_max } => write!(f, "{got} octets, expected {expected_max} at the most"),
            Self::NotManifest => f.write_str("the first line is not that of a manifest"),
            Self::Version { expected, got } => write!(f, "expected format version {expected}, got {got:?}"),
            Self::Length { expected, got } => write!(f, "expected a body of {expected} octets, got {got}"),
            Self::Checksum { expected, got } => write!(f, "expected the checksum {expected}, got {got}"),
            Self::Body(_) => f.write_str("the body could not be read"),
            Self::Contradiction(what) => write!(f, "the body contradicts itself: {what}"),
        }
    }
}

impl error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Body(cause) => Some(cause),
            _ => None,
        }
    }
}

/// A manifest that is there and can't be used.
#[derive(Debug)]
pub struct Damage {
    /// Its file.
    pub path: PathBuf,
    /// What is wrong.
    pub why: DamageKind,
}

/// What is wrong with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum DamageKind {
    /// The file system could not give its octets.
    Unreadable(io::Error),
    /// The octets are not a manifest.
    Undecodable(DecodeError),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.why {
            DamageKind::Unreadable(_) => f.write_str("damaged manifest: it could not be read"),
            DamageKind::Undecodable(why) => write!(f, "damaged manifest: {why}"),
        }
    }
}

impl error::Error for Damage {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.why {
            DamageKind::Unreadable(cause) => Some(cause),
            DamageKind::Undecodable(cause) => cause.source(),
        }
    }
}

/// Why a manifest could not be looked at.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// This process may not read it: another user's state directory, most likely. It is not taken for damage, since a new
    /// start would throw away what is sound.
    Forbidden {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system could not read it now: descriptors or memory are short, the disk does not answer. It may be sound, and is not taken
    /// for damage either.
    Unavailable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden { path, .. } => {
                let path = path.display();
                write!(
                    f,
                    "reading the manifest {path}: not allowed to this user; give it the state directory, or choose another"
                )
            }
            Self::Unavailable { path, .. } => write!(f, "reading the manifest {}", path.display()),
        }
    }
}

impl error::Error for LoadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Forbidden { source, .. } | Self::Unavailable { source, .. } => Some(source),
        }
    }
}

/// Why a manifest could not be written. The one before stands, unless the last step failed: then either may be found at the
/// next start.
#[derive(Debug)]
#[non_exhaustive]
pub enum SaveError {
    /// The body contradicts itself, and would be refused at the next start.
    Contradiction(String),
    /// It would be larger than a manifest may be.
    TooLong {
        /// The octets of the body.
        got: u64,
        /// The limit.
        expected_max: u64,
    },
    /// The body could not be turned into JSON.
    Encode(serde_json::Error),
    /// The catalogue of zones that it would name could not be written.
    Catalogue(WriteCatalogueError),
    /// A segment that it would name could not be synced.
    Segment {
        /// Its file, or its directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The commit log that is to follow it could not be made.
    Log(LogError),
    /// The file system refused.
    File {
        /// What was being done.
        step: SaveStep,
        /// The file it was done to.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The steps of writing a manifest, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveStep {
    /// Writing under the temporary name.
    Write,
    /// Syncing what was written.
    Sync,
    /// Keeping the one before under its other name.
    KeepPrevious,
    /// Putting the next in its place.
    Rename,
    /// Syncing the directory.
    SyncDirectory,
}

impl fmt::Display for SaveStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write => "writing",
            Self::Sync => "syncing",
            Self::KeepPrevious => "keeping the one before as",
            Self::Rename => "renaming to",
            Self::SyncDirectory => "syncing the directory",
        })
    }
}

impl SaveError {
    /// Whether the manifest has its name already, and only the directory could not be synced.
    pub fn is_in_place(&self) -> bool {
        matches!(self, Self::File { step: SaveStep::SyncDirectory, .. })
    }

    /// The error of a step.
    pub(super) fn file(step: SaveStep, path: &Path, source: io::Error) -> Self {
        Self::File { step, path: path.to_owned(), source }
    }
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contradiction(what) => write!(f, "saving the manifest: it contradicts itself: {what}"),
            Self::TooLong { got, expected_max } => {
                write!(f, "saving the manifest: {got} octets, expected {expected_max} at the most")
            }
            Self::Encode(_) => f.write_str("saving the manifest: turning it into JSON"),
            Self::Catalogue(error) => write!(f, "saving the manifest: {error}"),
            Self::Segment { path, .. } => write!(f, "saving the manifest: syncing {}", path.display()),
            Self::Log(error) => write!(f, "saving the manifest: {error}"),
            Self::File { step, path, .. } => write!(f, "saving the manifest: {step} {}", path.display()),
        }
    }
}

impl error::Error for SaveError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Encode(cause) => Some(cause),
            Self::Catalogue(error) => error.source(),
            Self::File { source, .. } | Self::Segment { source, .. } => Some(source),
            Self::Log(error) => error.source(),
            Self::Contradiction(_) | Self::TooLong { .. } => None,
        }
    }
}
