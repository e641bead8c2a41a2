//! The records of a zone on their way from a source to a segment: octets in large pieces, no allocation a record.
//!
//! A source writes [`Part`]s, as many as it has threads to read with; in order they are [`Columns`]. [`SortedZone`] puts those into
//! canonical order and hands out owner after owner, to the checks (`crate::check`) and to the builder of segments. Records that stand
//! alone, in tests and tools, are [`Record`]s.

mod arena;
mod key;
mod kinds;
mod part;
mod sorted;
#[cfg(test)]
mod tests;
mod varint;

pub(crate) use arena::{CHUNK_OCTETS, Room};
pub use kinds::{Kind, KindId};
pub use part::{Group, Part, PartRecord};
pub use sorted::{OwnerRecord, SortedZone};
pub(crate) use sorted::{compare_records, covered};

use std::path::{Path, PathBuf};

use crate::Record;
use zone_segment::Name;

/// The records of a zone in the order of their source.
#[derive(Debug, Default)]
pub struct Columns {
    /// The parts, in the order of the source.
    pub parts: Vec<Part>,
    /// What [`Kind::file`] is an index into; the first is the zone's own. Empty where records came from no file.
    pub files: Vec<PathBuf>,
}

impl Columns {
    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.parts.iter().map(Part::records).sum()
    }

    /// Octets of memory that they take.
    pub fn octets(&self) -> usize {
        self.parts.iter().map(Part::octets).sum()
    }

    /// Each record by itself, in the order of the source: for tests and tools, since each is allocated.
    pub fn to_records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for part in &self.parts {
            let mut line = part.first_line();
            for group in part.groups() {
                let owner: Name = group.name().to_name();
                for PartRecord { kind, rdata, line_difference, .. } in group.records() {
                    line = line.wrapping_add_signed(line_difference);
                    let (rdata, owner) = (rdata.into(), owner.clone());
                    records.push(Record { owner, rtype: kind.rtype, ttl: kind.ttl, rdata, file: kind.file, line });
                }
            }
        }
        records
    }

    /// The path of a file by its index; empty where there is none.
    pub fn path(&self, file: u32) -> &Path {
        usize::try_from(file).ok().and_then(|file| self.files.get(file)).map_or(Path::new(""), PathBuf::as_path)
    }
}

impl FromIterator<Record> for Columns {
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        let mut parts = vec![Part::default()];
        for record in records {
            if parts.last().is_some_and(Part::is_full) {
                parts.push(Part::default());
            }
            if let Some(part) = parts.last_mut() {
                part.owner(record.owner.as_ref());
                let kind =
                    part.kind(Kind { rtype: record.rtype, ttl: record.ttl, awaits_ttl: false, file: record.file });
                part.record(kind, record.line, &record.rdata);
            }
        }
        Self { parts, files: Vec::new() }
    }
}
