//! The header page: what a file must say of itself before anything else in it is believed.
//!
//! Offsets are a chain of constants, each the end of the field before; `docs/segment-format.md` has the same table and a
//! test compares the two. All numbers are little endian. The last field hashes everything before it, so that a changed
//! octet of the page is always found.

use xxhash_rust::xxh3::xxh3_128;

use crate::error::OpenError;
use crate::hash::HashKey;
use crate::kind::Kind;
use crate::tables::layout_hash;

/// Length of the header: one page, so that the archive behind it begins at one.
pub(crate) const HEADER_LENGTH: usize = 4096;

/// What a segment begins with.
pub(crate) const MAGIC: [u8; 8] = *b"TRINESEG";

/// Version of the format; raised with every change of what octets mean.
pub const FORMAT_VERSION: u32 = 4;

/// Reads as this in little endian only.
pub(crate) const BYTE_ORDER_MARK: u32 = 0x0102_0304;

/// Octets under one hash of the block table: damage is named this exactly, and 16 in a million octets pay for it.
pub const BLOCK_OCTETS: u64 = 1 << 20;

/// Octets of a hash in the block table.
pub(crate) const BLOCK_HASH_OCTETS: u64 = 16;

/// One field of the header: its place and length.
pub(crate) struct Field {
    /// Offset in the page.
    pub(crate) offset: usize,
    /// Length in octets.
    pub(crate) length: usize,
}

impl Field {
    /// A field of `length` octets right behind this one.
    const fn then(&self, length: usize) -> Field {
        Field { offset: self.end(), length }
    }

    /// Where it ends.
    pub(crate) const fn end(&self) -> usize {
        self.offset + self.length
    }
}

/// The magic.
pub(crate) const MAGIC_FIELD: Field = Field { offset: 0, length: 8 };
/// The format version.
pub(crate) const FORMAT_VERSION_FIELD: Field = MAGIC_FIELD.then(4);
/// The byte-order mark.
pub(crate) const BYTE_ORDER_FIELD: Field = FORMAT_VERSION_FIELD.then(4);
/// The layout hash.
pub(crate) const LAYOUT_HASH_FIELD: Field = BYTE_ORDER_FIELD.then(8);
/// The kind.
pub(crate) const KIND_FIELD: Field = LAYOUT_HASH_FIELD.then(4);
/// Zeros, so that what follows is aligned.
pub(crate) const RESERVED_FIELD: Field = KIND_FIELD.then(4);
/// Length of the whole file.
pub(crate) const TOTAL_LENGTH_FIELD: Field = RESERVED_FIELD.then(8);
/// Where the archive begins.
pub(crate) const ARCHIVE_OFFSET_FIELD: Field = TOTAL_LENGTH_FIELD.then(8);
/// Length of the archive.
pub(crate) const ARCHIVE_LENGTH_FIELD: Field = ARCHIVE_OFFSET_FIELD.then(8);
/// Where the archive's root begins, in the file.
pub(crate) const ROOT_OFFSET_FIELD: Field = ARCHIVE_LENGTH_FIELD.then(8);
/// Length of the root.
pub(crate) const ROOT_LENGTH_FIELD: Field = ROOT_OFFSET_FIELD.then(8);
/// The key of the name hash.
pub(crate) const HASH_KEY_FIELD: Field = ROOT_LENGTH_FIELD.then(16);
/// Octets a block.
pub(crate) const BLOCK_OCTETS_FIELD: Field = HASH_KEY_FIELD.then(8);
/// How many blocks the archive has.
pub(crate) const BLOCK_COUNT_FIELD: Field = BLOCK_OCTETS_FIELD.then(8);
/// Where the block table begins.
pub(crate) const BLOCK_TABLE_FIELD: Field = BLOCK_COUNT_FIELD.then(8);
/// Hash over the block table, and through it over the archive.
pub(crate) const CONTENT_HASH_FIELD: Field = BLOCK_TABLE_FIELD.then(16);
/// Hash over the root: the place and length of every table.
pub(crate) const ROOT_HASH_FIELD: Field = CONTENT_HASH_FIELD.then(16);
/// Who wrote it, in ASCII, filled up with zeros.
pub(crate) const BUILDER_FIELD: Field = ROOT_HASH_FIELD.then(32);
/// Zeros up to the last field.
pub(crate) const FILL_FIELD: Field = BUILDER_FIELD.then(HEADER_LENGTH - 16 - BUILDER_FIELD.end());
/// Hash over everything before it.
pub(crate) const HEADER_HASH_FIELD: Field = FILL_FIELD.then(16);

const _: () = assert!(HEADER_HASH_FIELD.end() == HEADER_LENGTH, "the fields fill the page");

#[cfg(test)]
mod tests;

/// The header's contents, without what is the same in every segment of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// What the archive's root is.
    pub(crate) kind: Kind,
    /// Length of the file.
    pub(crate) total_length: u64,
    /// Length of the archive, which begins behind the header page.
    pub(crate) archive_length: u64,
    /// Length of the root, which ends the archive.
    pub(crate) root_length: u64,
    /// The key of the name hash.
    pub(crate) key: HashKey,
    /// Hash over the block table.
    pub(crate) content_hash: u128,
    /// Hash over the root.
    pub(crate) root_hash: u128,
    /// Who wrote it.
    pub(crate) builder: [u8; 32],
}

impl Header {
    /// How many blocks the archive has.
    pub(crate) fn block_count(&self) -> u64 {
        self.archive_length.div_ceil(BLOCK_OCTETS)
    }

    /// Where the block table begins.
    pub(crate) fn block_table(&self) -> u64 {
        HEADER_LENGTH as u64 + self.archive_length
    }

    /// Where the root begins, in the file.
    pub(crate) fn root_offset(&self) -> u64 {
        self.block_table() - self.root_length
    }

    /// The page that says all this.
    pub(crate) fn encode(&self) -> [u8; HEADER_LENGTH] {
        let mut page = [0; HEADER_LENGTH];
        put(&mut page, &MAGIC_FIELD, &MAGIC);
        put(&mut page, &FORMAT_VERSION_FIELD, &FORMAT_VERSION.to_le_bytes());
        put(&mut page, &BYTE_ORDER_FIELD, &BYTE_ORDER_MARK.to_le_bytes());
        put(&mut page, &LAYOUT_HASH_FIELD, &layout_hash().to_le_bytes());
        put(&mut page, &KIND_FIELD, &self.kind.number().to_le_bytes());
        put(&mut page, &TOTAL_LENGTH_FIELD, &self.total_length.to_le_bytes());
        put(&mut page, &ARCHIVE_OFFSET_FIELD, &(HEADER_LENGTH as u64).to_le_bytes());
        put(&mut page, &ARCHIVE_LENGTH_FIELD, &self.archive_length.to_le_bytes());
        put(&mut page, &ROOT_OFFSET_FIELD, &self.root_offset().to_le_bytes());
        put(&mut page, &ROOT_LENGTH_FIELD, &self.root_length.to_le_bytes());
        put(&mut page, &HASH_KEY_FIELD, &self.key.0);
        put(&mut page, &BLOCK_OCTETS_FIELD, &BLOCK_OCTETS.to_le_bytes());
        put(&mut page, &BLOCK_COUNT_FIELD, &self.block_count().to_le_bytes());
        put(&mut page, &BLOCK_TABLE_FIELD, &self.block_table().to_le_bytes());
        put(&mut page, &CONTENT_HASH_FIELD, &self.content_hash.to_le_bytes());
        put(&mut page, &ROOT_HASH_FIELD, &self.root_hash.to_le_bytes());
        put(&mut page, &BUILDER_FIELD, &self.builder);
        let hash = xxh3_128(&page[..HEADER_HASH_FIELD.offset]);
        put(&mut page, &HEADER_HASH_FIELD, &hash.to_le_bytes());
        page
    }

    /// Reads and checks the header of a file: its own fields, not yet the root's hash.
    ///
    /// The first fields are compared before the hash, so that a file of another version is called that and not damaged.
    pub(crate) fn decode(file: &[u8]) -> Result<Header, OpenError> {
        let Some(page) = file.first_chunk::<HEADER_LENGTH>() else {
            return Err(OpenError::TooShort { expected_min: HEADER_LENGTH as u64, found: file.len() as u64 });
        };
        let magic = array::<8>(page, &MAGIC_FIELD);
        if magic != MAGIC {
            return Err(OpenError::Magic { expected: MAGIC, found: magic });
        }
        let version = number_u32(page, &FORMAT_VERSION_FIELD);
        if version != FORMAT_VERSION {
            return Err(OpenError::FormatVersion { expected: FORMAT_VERSION, found: version });
        }
        let byte_order = number_u32(page, &BYTE_ORDER_FIELD);
        if byte_order != BYTE_ORDER_MARK {
            return Err(OpenError::ByteOrder { expected: BYTE_ORDER_MARK, found: byte_order });
        }
        let hash = u128::from_le_bytes(array(page, &HEADER_HASH_FIELD));
        let expected = xxh3_128(&page[..HEADER_HASH_FIELD.offset]);
        if hash != expected {
            return Err(OpenError::HeaderHash { expected, found: hash });
        }
        let layout = number_u64(page, &LAYOUT_HASH_FIELD);
        if layout != layout_hash() {
            return Err(OpenError::LayoutHash { expected: layout_hash(), found: layout });
        }
        Header::decode_extents(page, file.len() as u64)
    }

    /// Reads what is left once the page is known to be whole and of this layout: lengths must agree with each other and
    /// with the file's.
    fn decode_extents(page: &[u8; HEADER_LENGTH], file_length: u64) -> Result<Header, OpenError> {
        let kind_number = number_u32(page, &KIND_FIELD);
        let kind = Kind::from_number(kind_number).ok_or(OpenError::Kind { found: kind_number })?;
        let total_length = number_u64(page, &TOTAL_LENGTH_FIELD);
        if total_length != file_length {
            return Err(OpenError::TotalLength { expected: total_length, found: file_length });
        }
        let header = Header {
            kind,
            total_length,
            archive_length: number_u64(page, &ARCHIVE_LENGTH_FIELD),
            root_length: number_u64(page, &ROOT_LENGTH_FIELD),
            key: HashKey(array(page, &HASH_KEY_FIELD)),
            content_hash: u128::from_le_bytes(array(page, &CONTENT_HASH_FIELD)),
            root_hash: u128::from_le_bytes(array(page, &ROOT_HASH_FIELD)),
            builder: array(page, &BUILDER_FIELD),
        };
        extent("longest archive", true, total_length.saturating_sub(HEADER_LENGTH as u64), header.archive_length)?;
        extent("root length", false, kind.root_length(), header.root_length)?;
        extent("longest root", true, header.archive_length, header.root_length)?;
        let fixed = [
            ("archive offset", HEADER_LENGTH as u64, &ARCHIVE_OFFSET_FIELD),
            ("root offset", header.root_offset(), &ROOT_OFFSET_FIELD),
            ("block length", BLOCK_OCTETS, &BLOCK_OCTETS_FIELD),
            ("block count", header.block_count(), &BLOCK_COUNT_FIELD),
            ("block table offset", header.block_table(), &BLOCK_TABLE_FIELD),
        ];
        for (what, expected, field) in fixed {
            extent(what, false, expected, number_u64(page, field))?;
        }
        let end = header.block_table() + header.block_count() * BLOCK_HASH_OCTETS;
        extent("end of the block table", false, total_length, end)?;
        Ok(header)
    }
}

/// Compares one length or offset with what it must be (or may be at most).
fn extent(what: &'static str, is_limit: bool, expected: u64, found: u64) -> Result<(), OpenError> {
    let is_good = if is_limit { found <= expected } else { found == expected };
    if is_good { Ok(()) } else { Err(OpenError::Extent { what, expected, found }) }
}

/// Writes a field.
fn put(page: &mut [u8; HEADER_LENGTH], field: &Field, octets: &[u8]) {
    page[field.offset..field.end()].copy_from_slice(octets);
}

/// Reads a field of `N` octets.
fn array<const N: usize>(page: &[u8; HEADER_LENGTH], field: &Field) -> [u8; N] {
    debug_assert_eq!(field.length, N, "the field at {} has another length", field.offset);
    let mut octets = [0; N];
    octets.copy_from_slice(&page[field.offset..field.offset + N]);
    octets
}

/// Reads a 32-bit field.
fn number_u32(page: &[u8; HEADER_LENGTH], field: &Field) -> u32 {
    u32::from_le_bytes(array(page, field))
}

/// Reads a 64-bit field.
fn number_u64(page: &[u8; HEADER_LENGTH], field: &Field) -> u64 {
    u64::from_le_bytes(array(page, field))
}
