//! One segment: opened and checked, verified in full on demand, and asked for nodes and zones.
//!
//! Opening costs the number of tables: header and root are checked, nothing else is read. What is under the block hashes
//! only is found by [`Segment::verify`]; until then damage gives a wrong or no record, never a read outside.

use std::os::fd::AsFd;

use xxhash_rust::xxh3::xxh3_128;

use crate::directory::{DirectoryEntry, EntryRef};
use crate::error::{OpenError, VerifyError};
use crate::hash::HashKey;
use crate::header::{BLOCK_HASH_OCTETS, BLOCK_OCTETS, HEADER_LENGTH, Header};
use crate::index;
use crate::kind::Kind;
use crate::map::{CheckedArchive, Mapping, SegmentOctets};
use crate::tables::{ArchivedBucket, ArchivedZonesRoot};

mod breakdown;
mod statistics;

#[cfg(test)]
mod tests;

pub use breakdown::{Breakdown, TypeBreakdown};
pub use statistics::{PartStatistics, Statistics};

/// An opened segment over its octets: a mapped file, or a buffer in tests and tools.
pub struct Segment<B = Mapping> {
    /// What the header says.
    header: Header,
    /// The octets, their root checked.
    archive: CheckedArchive<B>,
}

impl<B: SegmentOctets> Segment<B> {
    /// Checks header and root. Costs the number of tables, whatever their length.
    pub fn open(octets: B) -> Result<Segment<B>, OpenError> {
        let header = Header::decode(octets.as_ref())?;
        let root = header.root_offset() as usize..header.block_table() as usize;
        let found = xxh3_128(octets.as_ref().get(root).unwrap_or_default());
        if found != header.root_hash {
            return Err(OpenError::RootHash { expected: header.root_hash, found });
        }
        let archive = CheckedArchive::check(octets, &header)?;
        Ok(Segment { header, archive })
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        self.header.kind
    }

    /// Octets of the whole file.
    #[expect(clippy::len_without_is_empty, reason = "a segment is never empty: it has a header")]
    pub fn len(&self) -> u64 {
        self.header.total_length
    }

    /// The hash of its contents: equal for equal contents, whoever wrote them and under whatever name.
    pub fn content_hash(&self) -> u128 {
        self.header.content_hash
    }

    /// The key of its name hash.
    pub fn key(&self) -> HashKey {
        self.header.key
    }

    /// Who wrote it.
    pub fn builder(&self) -> String {
        let text = self.header.builder.split(|octet| *octet == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    /// The octets of the whole file.
    pub fn octets(&self) -> &[u8] {
        self.archive.octets()
    }

    /// How many blocks [`verify`](Segment::verify) reads.
    pub fn block_count(&self) -> u64 {
        self.header.block_count()
    }

    /// Reads everything and compares it with the block hashes; names the first block that differs.
    pub fn verify(&self) -> Result<(), VerifyError> {
        self.verify_table()?;
        (0..self.block_count()).try_for_each(|block| self.verify_block(block))
    }

    /// Compares the block table with the header's hash of it: do this before the first block.
    pub fn verify_table(&self) -> Result<(), VerifyError> {
        let found = xxh3_128(self.block_table());
        if found != self.header.content_hash {
            return Err(VerifyError::BlockTable { expected: self.header.content_hash, found });
        }
        Ok(())
    }

    /// Reads one block and compares it with its hash. Blocks are independent, so several threads may share the work.
    pub fn verify_block(&self, block: u64) -> Result<(), VerifyError> {
        let (archive, _) = self.archive_and_table();
        let start = (block.saturating_mul(BLOCK_OCTETS) as usize).min(archive.len());
        let end = start.saturating_add(BLOCK_OCTETS as usize).min(archive.len());
        let found = xxh3_128(&archive[start..end]);
        let entry = block.saturating_mul(BLOCK_HASH_OCTETS) as usize;
        let expected = self
            .block_table()
            .get(entry..)
            .and_then(|rest| rest.first_chunk::<16>())
            .map_or(0, |octets| u128::from_le_bytes(*octets));
        if found != expected {
            return Err(VerifyError::Block { block, offset: (HEADER_LENGTH + start) as u64, expected, found });
        }
        Ok(())
    }

    /// How many names, records and octets it has, by part.
    pub fn statistics(&self) -> Statistics {
        match (self.archive.zones(), self.archive.directory()) {
            (Some(root), _) => statistics::of_zones(root, self.header.total_length),
            (_, Some(root)) => statistics::of_directory(root, self.header.total_length),
            (None, None) => Statistics::default(),
        }
    }

    /// The entries of a directory segment by apex in canonical order, removed zones included; none in other segments.
    pub fn directory_entries(&self) -> impl Iterator<Item = DirectoryEntry> {
        self.entries().map(|entry| entry.to_entry())
    }

    /// As [`directory_entries`](Segment::directory_entries), where they lie.
    pub(crate) fn entries(&self) -> impl Iterator<Item = EntryRef<'_>> {
        self.archive.directory().into_iter().flat_map(|root| {
            root.order.iter().filter_map(|reference| EntryRef::at(&root.entries, reference.to_native()))
        })
    }

    /// The directory entry of exactly this apex; `hash` is that of the folded name.
    pub(crate) fn entry(&self, hash: u64, lowercase_wire: &[u8]) -> Option<EntryRef<'_>> {
        let root = self.archive.directory()?;
        index::find(&root.buckets, hash, |reference| {
            EntryRef::at(&root.entries, reference).filter(|entry| entry.is(lowercase_wire))
        })
    }

    /// Which numbers of labels the apexes of a directory have: bit n for n labels.
    pub(crate) fn label_counts(&self) -> u128 {
        let counts = self.archive.directory().map(|root| root.label_counts.map(|bits| bits.to_native()));
        counts.map_or(0, |[low, high]| u128::from(high) << 64 | u128::from(low))
    }

    /// Where the octets of a segment's nodes go; none of a directory. Reads all of them.
    pub fn breakdown(&self) -> Option<Breakdown> {
        self.archive.zones().map(Breakdown::of)
    }

    /// The root, of a segment of kind `Zones`.
    pub(crate) fn zones_root(&self) -> Option<&ArchivedZonesRoot> {
        self.archive.zones()
    }

    /// The archive and the block table behind it.
    fn archive_and_table(&self) -> (&[u8], &[u8]) {
        let body = self.archive.octets().get(HEADER_LENGTH..).unwrap_or_default();
        body.split_at_checked(self.header.archive_length as usize).unwrap_or_default()
    }

    /// The block table.
    fn block_table(&self) -> &[u8] {
        self.archive_and_table().1
    }
}

/// Maps the file behind a descriptor, shared and read-only, and opens it as a segment.
///
/// The file must be a published segment: one that nobody writes to or truncates any more. Where it is on disk or whether
/// it still has a name does not matter.
pub fn map(file: impl AsFd) -> Result<Segment<Mapping>, OpenError> {
    Segment::open(Mapping::of(file.as_fd())?)
}

impl<B> std::fmt::Debug for Segment<B> {
    /// Says which segment it is, and leaves its octets out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment")
            .field("kind", &self.header.kind)
            .field("octets", &self.header.total_length)
            .field("content_hash", &format_args!("{:032x}", self.header.content_hash))
            .finish_non_exhaustive()
    }
}

/// Octets of the buckets of an index.
fn bucket_octets(buckets: &[ArchivedBucket]) -> u64 {
    size_of_val(buckets) as u64
}
