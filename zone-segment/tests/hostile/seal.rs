//! Makes the hashes of a damaged segment right again, so that what it says is believed: the header as
//! `docs/segment-format.md` has it.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_128;
use zone_segment::{BLOCK_OCTETS, SegmentBuffer};

/// Length of the header.
pub(crate) const HEADER_OCTETS: usize = 4096;
/// Offset of the total length.
pub(crate) const TOTAL_LENGTH: usize = 32;
/// Offset of the archive's length.
pub(crate) const ARCHIVE_LENGTH: usize = 48;
/// Offset of the root's offset.
pub(crate) const ROOT_OFFSET: usize = 56;
/// Offset of the root's length.
pub(crate) const ROOT_LENGTH: usize = 64;
/// Offset of the number of blocks.
pub(crate) const BLOCK_COUNT: usize = 96;
/// Offset of the block table's offset.
pub(crate) const BLOCK_TABLE: usize = 104;
/// Offset of the hash over the block table.
const CONTENT_HASH: usize = 112;
/// Offset of the hash over the root.
const ROOT_HASH: usize = 128;
/// Offset of the hash over the header.
const HEADER_HASH: usize = 4080;

/// A number of the header.
pub(crate) fn number(octets: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(octets[offset..offset + 8].try_into().expect("eight octets"))
}

/// Writes a number of the header.
pub(crate) fn set_number(octets: &mut SegmentBuffer, offset: usize, number: u64) {
    octets[offset..offset + 8].copy_from_slice(&number.to_le_bytes());
}

/// Where the root lies in a file, cut to what there is: the header may lie.
pub(crate) fn root(octets: &[u8]) -> Range<usize> {
    let start = (number(octets, ROOT_OFFSET) as usize).clamp(HEADER_OCTETS, octets.len());
    start..start.saturating_add(number(octets, ROOT_LENGTH) as usize).min(octets.len())
}

/// Where the archive lies without its root: what only the block hashes cover.
pub(crate) fn body(octets: &[u8]) -> Range<usize> {
    HEADER_OCTETS..root(octets).start
}

/// Makes the hash over the header right.
pub(crate) fn header(octets: &mut SegmentBuffer) {
    let hash = xxh3_128(&octets[..HEADER_HASH]);
    octets[HEADER_HASH..HEADER_OCTETS].copy_from_slice(&hash.to_le_bytes());
}

/// Makes the hashes over root and header right: the segment opens, if its root does not contradict itself.
pub(crate) fn root_and_header(octets: &mut SegmentBuffer) {
    let hash = xxh3_128(&octets[root(octets)]);
    octets[ROOT_HASH..ROOT_HASH + 16].copy_from_slice(&hash.to_le_bytes());
    header(octets);
}

/// Makes every hash right: a full check finds nothing.
pub(crate) fn everything(octets: &mut SegmentBuffer) {
    let table = number(octets, BLOCK_TABLE) as usize;
    let hashes: Vec<u8> = octets[HEADER_OCTETS..table]
        .chunks(BLOCK_OCTETS as usize)
        .flat_map(|block| xxh3_128(block).to_le_bytes())
        .collect();
    octets[table..].copy_from_slice(&hashes);
    octets[CONTENT_HASH..CONTENT_HASH + 16].copy_from_slice(&xxh3_128(&hashes).to_le_bytes());
    root_and_header(octets);
}

/// A buffer of these octets.
pub(crate) fn buffer(octets: &[u8]) -> SegmentBuffer {
    let mut buffer = SegmentBuffer::new();
    buffer.extend_from_slice(octets);
    buffer
}
