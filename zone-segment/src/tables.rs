//! The rows and roots of the archive: flat tables of integers. Every bit pattern of a row is a valid row, which is what
//! makes opening a segment cost the number of its tables and not of its records.
//!
//! No `bool`, enum or reference may stand in a row. A change of any row here needs a new [`LAYOUT`] line and a new
//! [`FORMAT_VERSION`](crate::FORMAT_VERSION).

use std::mem::size_of;

use rkyv::{Archive, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// Entries of a bucket: as many 16-bit tags and 32-bit references as fit into a cache line beside the overflow count.
pub(crate) const BUCKET_ENTRIES: usize = 10;

/// A reference to no node.
pub(crate) const NO_NODE: u32 = u32::MAX;

/// No position in the canonical order.
pub(crate) const NO_POSITION: u32 = u32::MAX;

/// Octets of a separator of the canonical order.
pub(crate) const SEPARATOR_OCTETS: usize = 16;

/// One cache line of the hash index; see [`index`](crate::index).
#[derive(Archive, Serialize, Clone)]
#[rkyv(attr(repr(align(64))))]
pub(crate) struct Bucket {
    /// Low bits of each entry's hash; 0 in an empty entry.
    pub(crate) tags: [u16; BUCKET_ENTRIES],
    /// Node references: an offset in the arena, in units of eight octets.
    pub(crate) nodes: [u32; BUCKET_ENTRIES],
    /// How many buckets further on an entry that belongs here may stand.
    pub(crate) overflow: u32,
}

/// One zone of a segment.
#[derive(Archive, Serialize, Clone)]
pub(crate) struct ZoneRow {
    /// The zone's id; rows are sorted by it.
    pub(crate) zone: u32,
    /// Reference of the apex's node.
    pub(crate) apex: u32,
    /// First of the zone's positions in the canonical order.
    pub(crate) order_start: u32,
    /// How many names the zone has, empty non-terminals included.
    pub(crate) order_count: u32,
    /// First of the zone's separators; there is one for each sixteenth name after the first.
    pub(crate) separator_start: u32,
    /// Serial of the SOA record; 0 without one.
    pub(crate) serial: u32,
    /// How many records the zone has, signatures included.
    pub(crate) records: u64,
}

/// Root of a segment of kind `Zones`.
#[derive(Archive, Serialize)]
pub(crate) struct ZonesRoot {
    /// The hash index. First, so that its cache lines and those of the arena behind it are whole.
    pub(crate) buckets: Vec<Bucket>,
    /// The node records, each at a multiple of eight octets; see [`node`](crate::node).
    pub(crate) nodes: Vec<u8>,
    /// Node references in canonical order, one range a zone; see [`order`](crate::order).
    pub(crate) order: Vec<u32>,
    /// For each position, that of the last owner of an authoritative NSEC RRset at or before it.
    pub(crate) predecessors: Vec<u32>,
    /// Sort keys of each sixteenth name, zone by zone.
    pub(crate) separators: Vec<[u8; SEPARATOR_OCTETS]>,
    /// The zones, by id.
    pub(crate) zones: Vec<ZoneRow>,
}

/// Root of a segment of kind `Directory`.
#[derive(Archive, Serialize)]
pub(crate) struct DirectoryRoot {
    /// The hash index over the apex names.
    pub(crate) buckets: Vec<Bucket>,
    /// The directory records, each at a multiple of eight octets; see [`directory`](crate::directory).
    pub(crate) entries: Vec<u8>,
    /// References of the records, by apex in canonical order.
    pub(crate) order: Vec<u32>,
}

/// What the rows and records hold, field by field. Not parsed by anyone: a changed text is a changed layout.
const LAYOUT: &str = "\
bucket: tags [u16; 10], nodes [u32; 10], overflow u32, align 64; bucket = hash * count >> 64, tag = low 16 bits or 1
zone: zone u32, apex u32, order_start u32, order_count u32, separator_start u32, serial u32, records u64
zones-root: buckets, nodes [u8], order [u32], predecessors [u32], separators [[u8; 16]], zones
directory-root: buckets, entries [u8], order [u32]
node: length u32, zone u32, flags u16, name_length u8, labels u8, rrsets u16, zero u16, position u32, link u32, \
link_hash u64, name, pad 4, rrsets { rtype u16, signatures u16, count u32, ttl u32, offset u32 }, \
rdata { length u16, octets }, signature_ttl u32, signatures { length u16, octets }, pad 8
node-flags: apex 1, cut 2, occluded 4, dname 8, wildcard 16, wildcard-child 32, empty 64
entry: length u32, group u32, zone u32, state u8, name_length u8, labels u8, zero u8, floor u64, name, pad 8
separator: labels below the apex from the right, folded, 0 as 1 1, 1 as 1 2, each ended by 0, cut at 16
hash: polynomial over 2^61-1 of the folded labels from the root, words of 7 octets, mixed
";

/// A hash over [`LAYOUT`] and the sizes that the compiler gave the rows: equal layouts only read each other's segments.
pub(crate) fn layout_hash() -> u64 {
    let mut hash = Xxh3::new();
    hash.update(LAYOUT.as_bytes());
    for size in [
        size_of::<ArchivedBucket>(),
        size_of::<ArchivedZoneRow>(),
        size_of::<ArchivedZonesRoot>(),
        size_of::<ArchivedDirectoryRoot>(),
    ] {
        hash.update(&(size as u64).to_le_bytes());
    }
    hash.digest()
}

const _: () = assert!(size_of::<ArchivedBucket>() == 64, "a bucket is one cache line");
const _: () = assert!(align_of::<ArchivedBucket>() == 64, "a bucket begins at a cache line");
const _: () = assert!(size_of::<ArchivedZoneRow>() == 32, "no padding in a row");
