//! The octets of a segment in their order: nodes as they are ready, then the tables around them, then hashes over all.
//!
//! The archive is that of [`ZonesRoot`], its tables written by hand where they will lie, since they do not fit into memory twice. The
//! index and the order come before the nodes, and what they take is known from the number of names.

use std::io;
use std::ops::Range;

use rayon::prelude::*;
use rkyv::api::serialize_using;
use rkyv::rancor;
use rkyv::ser::{Positional, Serializer, Writer};
use xxhash_rust::xxh3::xxh3_128;

use crate::hash::HashKey;
use crate::header::{BLOCK_OCTETS, HEADER_LENGTH, Header};
use crate::index::bucket_count;
use crate::kind::Kind;
use crate::node;
use crate::octets::REFERENCE_UNIT;
use crate::seal::builder_field;
use crate::tables::{Bucket, Placed, Row, ZonesRoot};

use super::output::Output;
use super::targets::Link;

/// Where the tables before the nodes lie, and the nodes, as offsets in the archive.
pub(super) struct Layout {
    /// How many names.
    names: usize,
    /// How many buckets the index has.
    pub(super) buckets: usize,
}

impl Layout {
    /// The layout of a segment of so many names.
    pub(super) fn new(names: usize) -> Layout {
        Layout { names, buckets: bucket_count(names) }
    }

    /// Where the table of canonical order begins: behind the index.
    fn order(&self) -> u64 {
        (self.buckets * size_of::<Bucket>()) as u64
    }

    /// Octets of that table.
    fn order_octets(&self) -> usize {
        (2 * self.names).next_multiple_of(LINE_OCTETS)
    }

    /// Where the nodes begin.
    pub(super) fn nodes(&self) -> u64 {
        self.order() + self.order_octets() as u64
    }
}

/// Octets of a cache line.
const LINE_OCTETS: usize = 64;

const _: () = assert!(size_of::<Bucket>() == LINE_OCTETS, "an index begins and ends at a cache line");

/// The tables of a segment, all but the nodes, which are written.
pub(super) struct Rows<'a> {
    /// The index.
    pub(super) buckets: &'a [Bucket],
    /// Octets of the arena of nodes.
    pub(super) node_octets: u64,
    /// The arena of shared RRsets.
    pub(super) shared: &'a [u8],
    /// The tables of canonical order.
    pub(super) order: &'a super::order::Order,
    /// The rows of NSEC3 owners.
    pub(super) nsec3_hashes: &'a [u64],
    /// Their nodes.
    pub(super) nsec3_nodes: &'a [u32],
    /// The zones, by id.
    pub(super) zones: &'a [crate::tables::ZoneRow],
}

/// Writes the tables; gives the length of the archive and its root.
pub(super) fn write_tables(output: &dyn Output, layout: &Layout, rows: &Rows<'_>) -> io::Result<(u64, Vec<u8>)> {
    let buckets = write_rows(output, 0, rows.buckets)?;
    let order = write_rows(output, layout.order(), &rows.order.octets)?;
    let nodes = Placed::new(layout.nodes(), rows.node_octets as usize);
    let mut end = layout.nodes() + rows.node_octets;
    let mut next = |alignment: u64, octets: usize| {
        let start = end.next_multiple_of(alignment);
        end = start + octets as u64;
        start
    };
    let root = ZonesRoot {
        buckets,
        order,
        nodes,
        shared: write_rows(output, next(1, rows.shared.len()), rows.shared)?,
        upper_separators: write_rows(
            output,
            next(8, size_of_val(&rows.order.upper_separators[..])),
            &rows.order.upper_separators,
        )?,
        lower_separators: write_rows(
            output,
            next(8, size_of_val(&rows.order.lower_separators[..])),
            &rows.order.lower_separators,
        )?,
        blocks: write_rows(output, next(4, size_of_val(&rows.order.blocks[..])), &rows.order.blocks)?,
        nsec3_hashes: write_rows(output, next(8, size_of_val(rows.nsec3_hashes)), rows.nsec3_hashes)?,
        nsec3_nodes: write_rows(output, next(4, size_of_val(rows.nsec3_nodes)), rows.nsec3_nodes)?,
        zones: write_rows(output, next(8, size_of_val(rows.zones)), rows.zones)?,
    };
    let start = next(LINE_OCTETS as u64 / 8, Kind::Zones.root_length() as usize);
    let tail = Tail { start, octets: Vec::new() };
    let mut serializer = Serializer::new(tail, (), ());
    serialize_using::<_, rancor::Error>(&root, &mut serializer).map_err(io::Error::other)?;
    let root = serializer.writer.octets;
    output.write_at(&root, HEADER_LENGTH as u64 + start)?;
    Ok((end, root))
}

/// Writes the rows of a table at an offset of the archive.
fn write_rows<T: Row + Sync>(output: &dyn Output, offset: u64, rows: &[T]) -> io::Result<Placed<T>> {
    let chunk_rows = (ROWS_OCTETS / size_of::<T>()).max(1);
    rows.par_chunks(chunk_rows).enumerate().try_for_each(|(number, rows)| {
        let mut octets = Vec::with_capacity(size_of_val(rows));
        rows.iter().for_each(|row| row.push_to(&mut octets));
        let before = number * chunk_rows * size_of::<T>();
        output.write_at(&octets, HEADER_LENGTH as u64 + offset + before as u64)
    })?;
    Ok(Placed::new(offset, rows.len()))
}

/// Octets of rows that are written at once.
const ROWS_OCTETS: usize = 1 << 20;

/// The end of an archive, in memory.
struct Tail {
    /// Where it begins.
    start: u64,
    /// Its octets.
    octets: Vec<u8>,
}

impl Positional for Tail {
    fn pos(&self) -> usize {
        self.start as usize + self.octets.len()
    }
}

impl Writer<rancor::Error> for Tail {
    fn write(&mut self, bytes: &[u8]) -> Result<(), rancor::Error> {
        self.octets.extend_from_slice(bytes);
        Ok(())
    }
}

/// What is still to be changed in the arena of nodes.
pub(super) struct Changes {
    /// Links of two kinds, by offset in the arena, in pieces that follow each other; none of them is empty.
    pub(super) links: [Vec<Vec<Link>>; 2],
    /// Flags, and references of nodes that get them, ascending.
    pub(super) flags: [(u16, Vec<u32>); 2],
}

impl Changes {
    /// Makes the changes in octets that are those from `start` on of the arena; tells whether there were any.
    fn make(&self, octets: &mut [u8], start: i64) -> bool {
        let range = start..start + octets.len() as i64;
        let mut is_changed = false;
        for pieces in &self.links {
            is_changed |= link(pieces, octets, &range);
        }
        for (flag, references) in &self.flags {
            let at = |reference: &u32| (*reference as usize * REFERENCE_UNIT + node::FLAGS_OFFSET) as i64;
            let first = references.partition_point(|reference| at(reference) < range.start);
            for reference in references[first..].iter().take_while(|reference| at(reference) < range.end) {
                // A block ends at a multiple of what records begin at, so both octets of the flags are in it.
                let at = (at(reference) - range.start) as usize;
                for (octet, bits) in octets[at..].iter_mut().zip(flag.to_le_bytes()) {
                    *octet |= bits;
                }
                is_changed = true;
            }
        }
        is_changed
    }
}

/// Writes the links that lie in a range of the arena; tells whether there were any.
fn link(pieces: &[Vec<Link>], octets: &mut [u8], range: &Range<i64>) -> bool {
    let mut is_changed = false;
    let first = pieces.partition_point(|piece| piece.last().is_none_or(|link| (link.0 as i64) + 4 <= range.start));
    for piece in &pieces[first..] {
        if piece.first().is_some_and(|link| link.0 as i64 >= range.end) {
            break;
        }
        let first = piece.partition_point(|link| (link.0 as i64) + 4 <= range.start);
        for (at, node) in piece[first..].iter().take_while(|link| (link.0 as i64) < range.end) {
            // A link may lie across the border of two blocks.
            for (offset, octet) in (*at as i64..).zip(node.to_le_bytes()).filter(|(at, _)| range.contains(at)) {
                octets[(offset - range.start) as usize] = octet;
            }
            is_changed = true;
        }
    }
    is_changed
}

/// The last step: makes the changes, hashes block by block, and writes block table and header.
pub(super) fn seal(
    output: &dyn Output,
    key: HashKey,
    layout: &Layout,
    changes: &Changes,
    (archive_length, root): (u64, Vec<u8>),
) -> io::Result<()> {
    let blocks: Vec<Range<u64>> = (0..archive_length.div_ceil(BLOCK_OCTETS))
        .map(|number| number * BLOCK_OCTETS..((number + 1) * BLOCK_OCTETS).min(archive_length))
        .collect();
    let hash_of_block = |octets: &mut Vec<u8>, block: &Range<u64>| -> io::Result<u128> {
        octets.resize((block.end - block.start) as usize, 0);
        let offset = HEADER_LENGTH as u64 + block.start;
        output.read_at(octets, offset)?;
        if changes.make(octets, block.start as i64 - layout.nodes() as i64) {
            output.write_at(octets, offset)?;
        }
        Ok(xxh3_128(octets))
    };
    let hashes: Vec<u128> = blocks.par_iter().map_init(Vec::new, hash_of_block).collect::<io::Result<_>>()?;
    let table: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
    output.write_at(&table, HEADER_LENGTH as u64 + archive_length)?;
    let header = Header {
        kind: Kind::Zones,
        total_length: HEADER_LENGTH as u64 + archive_length + table.len() as u64,
        archive_length,
        root_length: Kind::Zones.root_length(),
        key,
        content_hash: xxh3_128(&table),
        root_hash: xxh3_128(&root),
        builder: builder_field(),
    };
    output.write_at(&header.encode(), 0)
}
