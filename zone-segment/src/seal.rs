//! The last step of a writer: a root becomes an archive, behind it its block hashes, before it the header.

use rkyv::Serialize;
use rkyv::api::high::{HighSerializer, to_bytes_in};
use rkyv::rancor;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;
use xxhash_rust::xxh3::xxh3_128;

use crate::error::WriteError;
use crate::hash::HashKey;
use crate::header::{BLOCK_OCTETS, HEADER_LENGTH, Header};
use crate::kind::Kind;
use crate::map::SegmentBuffer;

/// Who writes: stands in every header.
const BUILDER: &str = concat!("trine ", env!("CARGO_PKG_VERSION"));

const _: () = assert!(BUILDER.len() <= 32, "the builder's name has 32 octets in the header");

/// The same as the header wants it.
pub(crate) fn builder_field() -> [u8; 32] {
    let mut builder = [0; 32];
    builder[..BUILDER.len()].copy_from_slice(BUILDER.as_bytes());
    builder
}

/// Makes the whole file of a root.
pub(crate) fn seal(
    kind: Kind,
    key: HashKey,
    root: &impl for<'a> Serialize<HighSerializer<SegmentBuffer, ArenaHandle<'a>, rancor::Error>>,
) -> Result<SegmentBuffer, WriteError> {
    let mut file: SegmentBuffer = AlignedVec::new();
    file.resize(HEADER_LENGTH, 0);
    let mut file = to_bytes_in::<_, rancor::Error>(root, file).map_err(|source| WriteError::Archive { source })?;
    let archive_length = file.len() - HEADER_LENGTH;
    let root_start = file.len() - kind.root_length() as usize;
    let root_hash = xxh3_128(&file[root_start..]);
    let mut table = Vec::new();
    for block in file[HEADER_LENGTH..].chunks(BLOCK_OCTETS as usize) {
        table.extend_from_slice(&xxh3_128(block).to_le_bytes());
    }
    file.extend_from_slice(&table);
    let header = Header {
        kind,
        total_length: file.len() as u64,
        archive_length: archive_length as u64,
        root_length: kind.root_length(),
        key,
        content_hash: xxh3_128(&table),
        root_hash,
        builder: builder_field(),
    };
    file[..HEADER_LENGTH].copy_from_slice(&header.encode());
    Ok(file)
}
