//! Zone files (RFC 1035, section 5): [`read`] turns one and all it includes into columns, and says what is wrong with it.
//!
//! ```
//! use dns::text::zonefile::{self, Options};
//! # let directory = tempfile::tempdir()?;
//! # let path = &directory.path().join("example.zone");
//! # std::fs::write(path, "@ 3600 SOA ns.example. admin.example. 1 7200 3600 604800 300\n@ 3600 NS ns.example.\n")?;
//! let zone = zonefile::read(path, &"example.".parse()?, &Options::default());
//! assert!(zone.errors.is_empty());
//! assert_eq!(zone.columns.records(), 2);
//! assert_eq!(zone.columns.files.len(), zone.sources.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A `scanner` turns the entries of a regular form, nearly all of a large zone, straight into records; `reader` obeys directives and reads
//! any other entry by its tokens (`token.rs`, `rdata.rs`), with the same result for all that both can read. What they share from entry
//! to entry is in `carried`. `source` reads and stamps files, large ones in `parts` on all cores. What is accepted, and the choices where other servers differ, are in `docs/zone-file-format.md`.

mod carried;
mod cursor;
mod digits;
mod generate;
mod parts;
mod reader;
mod scanner;
mod source;

use super::error::ZoneFileError;
use super::limits::GENERATED_OCTETS_MAX;
use crate::Record;
use crate::columns::{Columns, Part};
use reader::Reader;
use scanner::Scanner;
use source::Text;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use zone_segment::Name;

pub use source::{Source, Stamp};

/// What a zone file holds, and what is wrong with it.
#[derive(Debug, Default)]
pub struct ZoneFile {
    /// The records in the order of the file, and in `columns.files` the file and each that it includes, once each. Files that could
    /// not be read are there too: the zone depends on them.
    pub columns: Columns,
    /// How each of `columns.files` was read, in the same order.
    pub sources: Vec<Source>,
    /// What is wrong, in the order of the file; with any of these the records are not the whole zone.
    pub errors: Vec<ZoneFileError>,
    /// What the zone can be served with all the same.
    pub warnings: Vec<ZoneFileError>,
}

impl ZoneFile {
    /// Whether a file changed while it was read: then nothing here counts, and it is to be read again.
    pub fn is_changed(&self) -> bool {
        self.sources.iter().any(|source| source.is_changed)
    }

    /// Each record by itself: for tests and tools, since each is allocated.
    pub fn to_records(&self) -> Vec<Record> {
        self.columns.to_records()
    }
}

/// How to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// How many threads may scan parts of a large file; 0 for as many as the machine runs at once. A small file is read by the calling
    /// thread alone, whatever stands here.
    pub threads: usize,
    /// Where to tell how far reading is.
    pub progress: Option<&'a Progress>,
    /// Reads every entry by its tokens, as only irregular ones are otherwise: what the scanner is compared with.
    pub is_plain: bool,
    /// Octets of text that are a part; 0 for as many as are best, which is right but in tests.
    pub part_octets: usize,
    /// Octets of records that `$GENERATE` may make; 0 for as many as documented, which is right but in tests.
    pub generated_octets_max: u64,
}

impl Options<'_> {
    /// How many threads to read a large file with. Asked for such a file alone, since the answer takes as long as a small one.
    fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    /// Octets of records that `$GENERATE` may make.
    fn generated_octets_max(&self) -> u64 {
        if self.generated_octets_max == 0 { GENERATED_OCTETS_MAX } else { self.generated_octets_max }
    }

    /// Octets of a block of text.
    fn block_octets(&self) -> usize {
        if self.part_octets == 0 { parts::BLOCK_OCTETS } else { self.part_octets }
    }
}

/// How far reading is, over all files that are read with it; each number only grows.
#[derive(Debug, Default)]
pub struct Progress {
    /// Octets of text read; a file that is read again counts again.
    pub octets: AtomicU64,
    /// Records found.
    pub records: AtomicU64,
}

/// Who takes the parts of a file as they are read; see [`Buffers::read_into`].
pub trait TakeParts: Sync {
    /// Takes a part, from any thread; in the order of their numbers they are the file. Whether more are wanted: if not, what is said of the file as a
    /// whole does not count.
    fn take(&self, number: u64, part: Part) -> bool;

    /// The file is read again from its beginning: no part that was taken counts, and numbers begin again. No part is on its way.
    fn start_over(&self);
}

/// Parts that are kept.
#[derive(Debug, Default)]
struct Collected {
    /// They, with their numbers.
    parts: Mutex<Vec<(u64, Part)>>,
}

impl Collected {
    /// The parts in order.
    fn into_parts(self) -> Vec<Part> {
        let mut parts = self.parts.into_inner().unwrap_or_else(PoisonError::into_inner);
        parts.sort_unstable_by_key(|(number, _)| *number);
        parts.into_iter().map(|(_, part)| part).collect()
    }
}

impl TakeParts for Collected {
    fn take(&self, number: u64, part: Part) -> bool {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push((number, part));
        true
    }

    fn start_over(&self) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Memory that is kept from one file to the next: who reads many has one a thread, and calls [`Buffers::read`].
#[derive(Debug, Default)]
pub struct Buffers {
    /// The texts of files, one for each level of inclusion.
    texts: Vec<Text>,
    /// Scanners, one for each level of inclusion.
    scanners: Vec<Box<Scanner>>,
    /// An empty part, for its memory.
    part: Part,
}

impl Buffers {
    /// As the function [`read`].
    pub fn read(&mut self, path: &Path, origin: &Name, options: &Options<'_>) -> ZoneFile {
        Reader::new(self, path, options).read(origin)
    }

    /// As the function [`read`], with each part handed on as soon as it is read and none in the columns: so that a file of any length takes the
    /// memory of a few parts. Only a large file is read so that they come from several threads.
    pub fn read_into(&mut self, path: &Path, origin: &Name, options: &Options<'_>, to: &dyn TakeParts) -> ZoneFile {
        Reader::new(self, path, options).into(to).read(origin)
    }

    /// As the function [`read_octets`].
    pub fn read_octets(&mut self, path: &Path, source: &[u8], origin: &Name, options: &Options<'_>) -> ZoneFile {
        Reader::new(self, path, options).read_octets(source, origin)
    }
}

/// Reads a zone file and what it includes. `origin` completes relative names until the first `$ORIGIN`.
pub fn read(path: &Path, origin: &Name, options: &Options<'_>) -> ZoneFile {
    Buffers::default().read(path, origin, options)
}

/// Reads the octets of a zone file that is in memory; `path` is its name in messages, and where files that it includes are
/// looked for.
pub fn read_octets(path: &Path, source: &[u8], origin: &Name) -> ZoneFile {
    Buffers::default().read_octets(path, source, origin, &Options::default())
}
