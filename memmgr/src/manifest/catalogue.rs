//! The catalogue: what is known of each zone beyond what is served of it, namely where it came from, how its files looked, and what was
//! wrong with them.
//!
//! Zones are spread over [`SHARDS`] by the hash of their apex. A shard is written as a *chunk*: its zones in postcard, under a length
//! and a hash that stand in the manifest. A publication writes the chunks of the shards that it changed one behind the other into a
//! file of its own, so that what one zone costs here is its shard, and 100,000 zones take one file and one sync:
//!
//! ```text
//! catalogue/0000000000000001    chunks of shards 0, 1, 2 … 63
//! catalogue/0000000000000002    the chunk of shard 17, in which a zone changed
//! ```
//!
//! A file is synced before the manifest that names its chunks, never written again, and removed when neither the manifest nor the one
//! before names it. A chunk that is not as it was written costs time and nothing else: which zones there are stands in the zone
//! directory's segment too, and their sources are read again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{error, fmt};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;
use zone_segment::Name;

use super::body::ChunkEntry;
use super::octets;
use super::state_dir::StateDir;
use crate::apex::shard_of;

/// How many shards there are; also the groups that small zones are packed into, so that a shard's zones lie together.
pub const SHARDS: u32 = 64;

/// The most octets of a chunk: about five million zones. A longer one is not read into memory.
const CHUNK_BYTES_MAX: u64 = 1 << 30;

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneEntry {
    /// The apex.
    #[serde(with = "octets::name")]
    pub apex: Name,
    /// The zone's number.
    pub zone: u32,
    /// The group in whose layers its data lies. A zone that never had data may name a group without layers.
    pub group: u32,
    /// How it is answered.
    pub state: ZoneState,
    /// The serial in its SOA, when it has data.
    pub serial: Option<u32>,
    /// The records in it.
    pub records: u64,
    /// The file it comes from; no file's name where it comes from primaries.
    #[serde(with = "octets::path")]
    pub source: Arc<Path>,
    /// The files that its data was read from, the main one first: while they are as they were, nothing is parsed.
    pub stamps: Vec<SourceStamp>,
    /// Why its source could not be loaded the last time.
    pub error: Option<String>,
}

/// How a zone is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ZoneState {
    /// From its data.
    Serving,
    /// SERVFAIL: no data was ever loaded.
    Broken,
    /// SERVFAIL: an operator had it expire.
    Expired,
    /// It comes from primaries. Behind the others, so that what was written before there was any is read as it was meant.
    Secondary {
        /// How it stands.
        state: SecondaryState,
        /// When its data was last known to be good, in seconds since 1970; none where it never came from a primary.
        refreshed_at: Option<u64>,
        /// When it expires, the same way.
        expires_at: Option<u64>,
    },
    /// As [`Serving`](Self::Serving) or [`Expired`](Self::Expired): the data was changed since its file was read, in another way than by that.
    Edited {
        /// Whether an operator had it expire.
        is_expired: bool,
    },
}

/// How a zone stands that comes from primaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SecondaryState {
    /// Answered from its data.
    Serving,
    /// SERVFAIL: it has no data yet.
    Empty,
    /// SERVFAIL: its data is too old.
    Expired,
}

/// A source file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStamp {
    /// Where it lies.
    #[serde(with = "octets::path")]
    pub path: Arc<Path>,
    /// The device number.
    pub dev: u64,
    /// The inode number.
    pub ino: u64,
    /// The length in octets.
    pub size: u64,
    /// The modification time in nanoseconds since the epoch. Enough for 292 years to either side.
    pub mtime_ns: i64,
    /// The time of the last change of the inode, the same way.
    pub ctime_ns: i64,
    /// The xxh3-128 of what was read.
    pub content_hash: u128,
    /// Whether it was read so soon after it was written that a further change need not show in its times.
    pub is_racy: bool,
}

/// Writes chunks into the file of this number, durably, and tells where they lie.
///
/// # Errors
///
/// [`WriteCatalogueError`] with the file; nothing names it.
pub fn write(
    directory: &StateDir,
    file: u64,
    shards: &[(u32, Vec<ZoneEntry>)],
) -> Result<Vec<ChunkEntry>, WriteCatalogueError> {
    use rayon::prelude::*;
    let path = directory.catalogue_file(file);
    let chunks: Vec<_> = shards.par_iter().map(|(_, zones)| postcard::to_allocvec(zones)).collect();
    let (mut octets, mut entries) = (Vec::new(), Vec::new());
    for ((shard, _), chunk) in shards.iter().zip(chunks) {
        let chunk = chunk.map_err(|source| WriteCatalogueError {
            path: path.clone(),
            source: io::Error::new(io::ErrorKind::InvalidData, source),
        })?;
        let (offset, length) = (octets.len() as u64, chunk.len() as u64);
        entries.push(ChunkEntry { shard: *shard, file, offset, length, hash: xxh3_128(&chunk) });
        octets.extend_from_slice(&chunk);
    }
    match write_synced(&path, &octets).and_then(|()| File::open(directory.catalogue())?.sync_all()) {
        Ok(()) => Ok(entries),
        Err(source) => {
            // Nothing names it; the next start would remove it too.
            let _ = fs::remove_file(&path);
            Err(WriteCatalogueError { path, source })
        }
    }
}

/// Reads the zones of a chunk.
///
/// # Errors
///
/// [`ChunkError`]: any octet is other than it was written.
pub fn read(directory: &StateDir, chunk: &ChunkEntry) -> Result<Vec<ZoneEntry>, ChunkError> {
    let path = directory.catalogue_file(chunk.file);
    let failed = |why| ChunkError { path: path.clone(), shard: chunk.shard, why };
    let octets = read_octets(&path, chunk).map_err(|error| failed(ChunkFault::Unreadable(error)))?;
    let got = xxh3_128(&octets);
    if got != chunk.hash {
        return Err(failed(ChunkFault::Hash { expected: chunk.hash, got }));
    }
    let zones: Vec<ZoneEntry> =
        postcard::from_bytes(&octets).map_err(|error| failed(ChunkFault::Undecodable(error)))?;
    match zones.iter().find(|zone| shard_of(zone.apex.as_ref()) != chunk.shard) {
        Some(stray) => Err(failed(ChunkFault::Stray(stray.apex.clone()))),
        None => Ok(zones),
    }
}

/// The octets of a chunk.
fn read_octets(path: &Path, chunk: &ChunkEntry) -> io::Result<Vec<u8>> {
    if chunk.length > CHUNK_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut octets = vec![0; usize::try_from(chunk.length).map_err(io::Error::other)?];
    File::open(path)?.read_exact_at(&mut octets, chunk.offset)?;
    Ok(octets)
}

/// Writes a file for this user alone and waits for the disk.
fn write_synced(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(octets)?;
    file.sync_all()
}

/// Chunks that could not be written.
#[derive(Debug)]
pub struct WriteCatalogueError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl fmt::Display for WriteCatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "writing the catalogue of zones {}", self.path.display())
    }
}

impl error::Error for WriteCatalogueError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}

/// A chunk that can't be used.
#[derive(Debug)]
pub struct ChunkError {
    /// Its file.
    pub path: PathBuf,
    /// Its shard.
    pub shard: u32,
    /// What is wrong.
    pub why: ChunkFault,
}

/// What is wrong with a chunk.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChunkFault {
    /// The file system could not give its octets.
    Unreadable(io::Error),
    /// It is not what was written.
    Hash {
        /// What the manifest says.
        expected: u128,
        /// What is there.
        got: u128,
    },
    /// It is what was written, but not of this shape.
    Undecodable(postcard::Error),
    /// A zone of another shard is in it.
    Stray(Name),
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: shard {}: ", self.path.display(), self.shard)?;
        match &self.why {
            ChunkFault::Unreadable(error) => error.fmt(f),
            ChunkFault::Hash { expected, got } => write!(f, "expected the hash {expected:032x}, got {got:032x}"),
            ChunkFault::Undecodable(error) => error.fmt(f),
            ChunkFault::Stray(apex) => write!(f, "zone {apex} is of another shard"),
        }
    }
}

impl error::Error for ChunkError {}
